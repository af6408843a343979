"""One line of `usage.jsonl`: what one request used, or would have used.

The lines are written by the native side, in this order of members; this is what they mean.
"""

from __future__ import annotations

from typing import Final

import msgspec

FILE_NAME: Final = "usage.jsonl"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A request that is over."""

    timestamp: str
    """When it was over, RFC 3339 in UTC, to the millisecond."""
    provider: str
    """Who answered it, or whose stored answer it got."""
    model: str
    """That was asked."""
    prompt_tokens: int
    """Read by the provider, `cached_tokens` and `cache_write_tokens` included. A deflected request has saved them."""
    completion_tokens: int
    """Written by the provider, `reasoning_tokens` included."""
    total_tokens: int
    cached_tokens: int = 0
    """Read from the provider's prompt cache."""
    cache_write_tokens: int = 0
    """Written to it."""
    reasoning_tokens: int = 0
    estimated: bool = False
    """The tokens are an estimate, because the provider told none."""
    estimated_cost_usd: float
    """Nothing for a deflected request."""
    estimated_saved_cost_usd: float = 0
    """What a deflected request would have cost: the stored reply did, by its own tokens."""
    final_layer: str
    """The layer that answered."""
    deflected: bool
    """No provider was asked for it. With layer `l3`: it got the reply to the same request of another client."""
    tenant: str = ""
    """Label of the gateway key."""
    tool: str = ""
    status: int = 200
    """HTTP status of the reply; of a reply that broke off, 502."""
    latency_ms: float = 0
    requests: int = 1
    """Only there if it is not 1: so many requests like this one, tokens and dollars of all together."""
