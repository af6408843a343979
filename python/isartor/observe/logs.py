"""logs."""


def setup(level: str) -> None:
    """s."""
