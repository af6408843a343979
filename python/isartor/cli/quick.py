"""`isartor up` without the command-line library: see `main`.

Only what is beyond doubt is taken; anything else, a misspelt option too, is left to `app`, which says the same about
every command. A test holds the two to each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PORT: Final = 65535
MAX_WORKERS: Final = 256

_SWITCHES: Final = {
    "--demo": "demo",
    "--demo-if-keyless": "demo_if_keyless",
    "--detach": "detach",
    "--offline": "offline",
}
_ROOT_SWITCHES: Final = {"--detach": "detach", "--offline": "offline"}
_NUMBERS: Final = {"--port": ("port", MAX_PORT), "--workers": ("workers", MAX_WORKERS)}


class UpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What `isartor up` was asked; `None` leaves a setting to file and environment."""

    demo: bool = False
    demo_if_keyless: bool = False
    detach: bool = False
    offline: bool = False
    host: str | None = None
    port: int | None = None
    workers: int | None = None

    def overrides(self) -> dict[str, object]:
        """The settings that these options are, by key."""
        given: dict[str, object] = {"host": self.host, "port": self.port, "workers": self.workers}
        chosen = {key: value for key, value in given.items() if value is not None}
        if self.offline:
            chosen["offline_mode"] = True
        if self.demo:
            chosen["demo"] = True
        return chosen

    def arguments(self) -> list[str]:
        """The command line that gives these options again."""
        words = ["up"]
        words += [switch for switch, name in _SWITCHES.items() if getattr(self, name)]
        for name in ("host", "port", "workers"):
            value = getattr(self, name)
            if value is not None:
                words.append(f"--{name}={value}")
        return words


def quick_up(arguments: Sequence[str]) -> UpOptions | None:
    """The options, if `arguments` are plainly those of `isartor up` or of `isartor` alone."""
    given: dict[str, Any] = {}
    words = list(arguments)
    while words and words[0] in _ROOT_SWITCHES:
        given[_ROOT_SWITCHES[words.pop(0)]] = True
    if words and words.pop(0) != "up":
        return None
    while words:
        word = words.pop(0)
        if word in _SWITCHES:
            given[_SWITCHES[word]] = True
            continue
        option, equals, value = word.partition("=")
        if not equals:
            value = words.pop(0) if words else ""
        if not value or value.startswith("-"):
            return None
        if option == "--host":
            given["host"] = value
        elif option in _NUMBERS:
            name, most = _NUMBERS[option]
            if not (value.isascii() and value.isdigit() and 1 <= int(value) <= most):
                return None
            given[name] = int(value)
        else:
            return None
    return UpOptions(**given)
