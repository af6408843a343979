"""Isartor: a prompt firewall between AI tools and LLM providers."""

from isartor._native import __version__

__all__ = ["__version__"]
