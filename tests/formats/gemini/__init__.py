"""Gemini's format."""
