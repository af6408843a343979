"""Anthropic's messages as a format."""
