"""Which provider and key a session had last: its next request goes there too, where its prompt is cached.

An agent asks several models within a session. Each has a prompt cache of its own, and a place of its own here.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from isartor.ports import Call
    from isartor.providers.keys import Key
    from isartor.providers.link import Link

_SESSIONS: Final = 4096
# No provider keeps a prompt longer unless it is paid for; after it the session is free to go where it is served best.
_IDLE_SECS: Final = 3600.0


class Pin(msgspec.Struct):
    """Where a session is served."""

    link: Link
    key: Key | None
    used: float


class Affinity:
    """The sessions that were heard of last."""

    def __init__(self, size: int = _SESSIONS, idle_secs: float = _IDLE_SECS) -> None:
        """`size`: sessions that are remembered."""
        self._size = size
        self._idle_secs = idle_secs
        self._pins: OrderedDict[tuple[str, str, str], Pin] = OrderedDict()

    def get(self, call: Call, now: float) -> Pin | None:
        """Where the session is served; `None` if it is new, or was silent for long."""
        pin = self._pins.get((call.session, call.model, call.tenant))
        return pin if pin is not None and now - pin.used < self._idle_secs else None

    def put(self, call: Call, pin: Pin) -> None:
        """The session was served there."""
        pins = self._pins
        place = (call.session, call.model, call.tenant)
        pins[place] = pin
        pins.move_to_end(place)
        if len(pins) > self._size:
            pins.popitem(last=False)

    def __len__(self) -> int:
        """Sessions that are remembered."""
        return len(self._pins)
