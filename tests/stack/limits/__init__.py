"""How much comes in."""
