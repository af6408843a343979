"""What requests use and save: written down, priced, limited, summed up."""

from isartor.usage.tracker import Usage

__all__ = ["Usage"]
