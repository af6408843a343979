"""The client-facing formats."""
