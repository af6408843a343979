"""Keys of entries: what a running gateway lists, and the one that the beginning of a key means.

A key is what the header `x-isartor-cache-key` says; its beginning is enough if `isartor cache list` would show it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from isartor.cli.failures import CommandError

if TYPE_CHECKING:
    from isartor.cli.http import Gateway

SHORT: Final = 12
"""As many digits of a key are shown, and are enough to name it."""
MOST: Final = 1000
"""As many entries a gateway lists at most."""
_WHOLE: Final = 64
_DIGITS: Final = frozenset("0123456789abcdef")


def entries(gateway: Gateway, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """What the gateway lists, and whether that is only what one of several workers has."""
    reply = gateway.read(f"/api/v1/cache/entries?limit={limit}")
    found = reply.get("entries")
    listed = [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    return listed, bool(reply.get("partial"))


def whole(gateway: Gateway, key: str) -> str:
    """The key that `key` is, or is the beginning of. Raises `CommandError` if there is none, or more than one."""
    wanted = key.strip().lower()
    if not set(wanted) <= _DIGITS or not SHORT <= len(wanted) <= _WHOLE:
        message = f"{key!r} is no key: give at least its first {SHORT} hexadecimal digits"
        raise CommandError(message)
    if len(wanted) == _WHOLE:
        return wanted
    listed, _ = entries(gateway, MOST)
    known = [str(entry.get("key", "")) for entry in listed]
    found = [one for one in known if one.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        message = f"{len(found)} keys begin with {wanted}; give more digits"
    else:
        message = f"none of the listed keys begins with {wanted}; give all {_WHOLE} digits of one that is not listed"
    raise CommandError(message)


def tell(what: str, count: object, pending: object) -> None:
    """Say how many replies are gone, and who has not answered."""
    sys.stdout.write(f"{what}: {count} {'reply' if count == 1 else 'replies'}.\n")
    if pending:
        sys.stdout.write(f"Worker processes that have not answered yet and will follow: {pending}.\n")
