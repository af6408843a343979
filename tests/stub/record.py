"""What the stub remembers of each request, and how it went."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["open", "done", "cut", "cancelled"]
"""`cut`: the stub broke off on purpose. `cancelled`: the peer went away before the end."""


@dataclass(slots=True)
class Call:
    """One request that reached the stub."""

    number: int
    tag: str
    method: str
    target: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    endpoint: str = ""
    options: dict[str, str] = field(default_factory=dict)
    state: State = "open"
    events: int = 0

    def header(self, name: str) -> str | None:
        """Return the first value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for the control path."""
        shown = {name: getattr(self, name) for name in self.__slots__ if name != "body"}
        return {**shown, "body": self.body.decode("utf-8", "replace")}


class Record:
    """All calls so far, for the server's loop to write and any thread to read and wait on."""

    def __init__(self) -> None:
        """Start empty."""
        self.calls: list[Call] = []
        self.connections = 0
        self.dropped = 0
        self.open_connections = 0
        self._changed = threading.Condition()

    def change(self, act: Callable[[], None]) -> None:
        """Run `act` under the lock and wake who waits."""
        with self._changed:
            act()
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget the calls and the count of dropped ones."""
        with self._changed:
            self.calls.clear()
            self.dropped = 0

    def matching(self, text: str | bytes = b"") -> list[Call]:
        """Return the calls whose target or body holds the text."""
        needle = text.encode() if isinstance(text, str) else text
        with self._changed:
            return [call for call in self.calls if needle in call.body or needle in call.target.encode()]

    def wait(self, true: Callable[[], bool], what: str, timeout: float = 20) -> None:
        """Wait until `true()`; fail with `what` when it takes too long."""
        with self._changed:
            if not self._changed.wait_for(true, timeout):
                msg = f"the stub waited {timeout} s in vain: {what}"
                raise TimeoutError(msg)
