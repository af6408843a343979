"""The format of chat completions, in both directions."""
