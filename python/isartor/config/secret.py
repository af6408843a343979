"""A secret that does not show itself by accident."""

from __future__ import annotations

from typing import Final, final

_MASK: Final = "***"


@final
class Secret:
    """A credential: `***` wherever it is printed, the text itself only from `reveal`.

    No encoder of this project knows how to write it, so a structure that holds one cannot be sent out by mistake. It
    can be pickled, because that is how a configuration reaches a worker process on platforms that do not fork.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Wrap `text`, which must not be empty: "no secret" is `None`."""
        if not text:
            message = "a secret must not be empty"
            raise ValueError(message)
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself, for the one place that sends or compares it."""
        return self._text

    def __eq__(self, other: object) -> bool:
        """Compare with another secret in time that depends on the lengths alone."""
        if not isinstance(other, Secret):
            return NotImplemented
        # Imported here: `hmac` loads OpenSSL, which a start without any key does not need.
        from hmac import compare_digest

        return compare_digest(self._text.encode(), other._text.encode())

    __hash__ = None  # type: ignore[assignment] # a hash table would compare by hash, which is not constant in time

    def __repr__(self) -> str:
        """Return the mask."""
        return _MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Return the mask, padded as `spec` says."""
        return format(_MASK, spec)
