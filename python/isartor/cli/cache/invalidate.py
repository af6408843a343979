"""`isartor cache invalidate`: remove a stored reply, or all of them."""

from __future__ import annotations

from isartor.cli.cache import keys
from isartor.cli.failures import DONE, CommandError
from isartor.cli.http import local_or


def run(key: str | None, *, url: str | None, gateway_key: str | None) -> int:
    """Remove the reply under `key`, or, if it is `None`, everything that is stored for this gateway key."""
    with local_or(url, gateway_key) as gateway:
        body = {"all": True} if key is None else {"key": keys.whole(gateway, key)}
        done = gateway.send("/api/v1/cache/invalidate", body)
    removed, pending = done.get("invalidated", 0), done.get("pending_workers", 0)
    if key is not None and not removed and not pending:
        message = "no reply of yours is stored under this key"
        raise CommandError(message)
    keys.tell("Removed", removed, pending)
    return DONE
