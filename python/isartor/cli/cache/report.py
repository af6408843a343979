"""`isartor cache report`: a reply was a wrong answer, and is not to be given again."""

from __future__ import annotations

from isartor.cli.cache import keys
from isartor.cli.failures import DONE
from isartor.cli.http import local_or


def run(key: str, *, url: str | None, gateway_key: str | None) -> int:
    """Have it quarantined under every wording that led to it; the semantic cache learns from it."""
    with local_or(url, gateway_key) as gateway:
        done = gateway.send("/api/v1/cache/report", {"key": keys.whole(gateway, key)})
    keys.tell("Quarantined", done.get("quarantined", 0), done.get("pending", 0))
    return DONE
