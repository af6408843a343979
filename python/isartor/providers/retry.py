"""What to do when a provider did not answer well. Synchronous and pure: it decides, the chain does.

An outcome is known by status and structured code, never by the words of a message:

=========  ==================================================  ========================================================
kind       what                                                then
=========  ==================================================  ========================================================
FINAL      400, 404, 422 and the rest: the client's own fault  the client hears it
DEAD       401, 403: the key is not accepted                   next key; if none is left, 502; never the next provider
LIMITED    429                                                 next key, else wait, else next provider
SPENT      a used-up quota or balance                          as LIMITED, but no wait if there is a provider left
FAILED     5xx, 529, time-outs, broken connections             again after a wait, then next provider
BROKEN     TLS, redirects, 501: the same again would be so     next provider
UNABLE     no key, offline, operation not spoken               next provider; nothing was sent
=========  ==================================================  ========================================================
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

import msgspec

from isartor.errors import NoProviderError, NotImplementedFormatError, UpstreamError
from isartor.providers.waits import retry_after

if TYPE_CHECKING:
    from collections.abc import Callable

    from isartor.config.upstream import Retry
    from isartor.errors import IsartorError
    from isartor.ports import Response


class Kind(enum.Enum):
    """What came of a call that did not succeed."""

    FINAL = "final"
    DEAD = "dead"
    LIMITED = "limited"
    SPENT = "spent"
    FAILED = "failed"
    BROKEN = "broken"
    UNABLE = "unable"


class Outcome(msgspec.Struct, frozen=True):
    """A call that did not succeed."""

    kind: Kind
    after: float | None = None
    """Seconds that the provider asks for before the next try."""
    again: bool = True
    """`False`: the provider says that the same request will not do better (`x-should-retry: false`)."""


class Again(msgspec.Struct, frozen=True):
    """Ask the same provider once more after `after` seconds."""

    after: float


class NextKey(msgspec.Struct, frozen=True):
    """Ask the same provider at once with another key."""


class NextProvider(msgspec.Struct, frozen=True):
    """Leave this provider for the next."""


class GiveUp(msgspec.Struct, frozen=True):
    """The client hears of it."""


Decision = Again | NextKey | NextProvider | GiveUp
_NEXT_KEY: Final = NextKey()
_NEXT_PROVIDER: Final = NextProvider()
_GIVE_UP: Final = GiveUp()

# Codes that say more than the status does. In lower case; OpenAI, Anthropic, Google, Moonshot, DeepSeek, OpenRouter.
_CODES: Final = {
    **dict.fromkeys(
        (
            "insufficient_quota",
            "billing_hard_limit_reached",
            "billing_not_active",
            "billing_error",
            "exceeded_current_quota_error",
            "insufficient_balance",
            "insufficient_credits",
            "quota_exceeded",
        ),
        Kind.SPENT,
    ),
    **dict.fromkeys(
        (
            "rate_limit_error",
            "rate_limit_exceeded",
            "rate_limit_reached_error",
            "resource_exhausted",
            "too_many_requests",
        ),
        Kind.LIMITED,
    ),
    # Google refuses an unknown key with 400.
    **dict.fromkeys(
        ("api_key_expired", "api_key_invalid", "authentication_error", "invalid_api_key", "unauthenticated"), Kind.DEAD
    ),
    **dict.fromkeys(("engine_overloaded_error", "overloaded_error", "server_overloaded"), Kind.FAILED),
}
_STATUSES: Final = {
    401: Kind.DEAD,
    402: Kind.SPENT,
    403: Kind.DEAD,
    408: Kind.FAILED,
    429: Kind.LIMITED,
    501: Kind.BROKEN,
}
_SERVER_ERROR: Final = 500
# Groq calls a request that is larger than a minute's tokens rate limited: it will be too large in a minute, too.
_TOO_LARGE: Final = 413


def classify(status: int, code: str | None) -> Kind:
    """What an error reply amounts to."""
    kind = _CODES.get(code.lower()) if code and status != _TOO_LARGE else None
    if kind is None:
        kind = _STATUSES.get(status)
    if kind is None:
        kind = Kind.FAILED if status >= _SERVER_ERROR else Kind.FINAL
    return kind


def of_reply(response: Response, now: float) -> Outcome:
    """Outcome of an error reply. `now`: seconds since 1970."""
    kind = classify(response.status, response.code)
    if kind is Kind.FINAL:
        return Outcome(kind)
    again = not any(name == "x-should-retry" and value.strip().lower() == "false" for name, value in response.headers)
    return Outcome(kind, retry_after(response.headers, now), again)


def of_error(error: IsartorError) -> Outcome:
    """Outcome of a call that raised."""
    if isinstance(error, (NoProviderError, NotImplementedFormatError)):
        return Outcome(Kind.UNABLE)
    if not isinstance(error, UpstreamError):
        return Outcome(Kind.FINAL)
    # An error inside a stream, before anything of it was handed on, has the status and the code of the provider.
    kind = classify(error.status, error.code)
    if kind is Kind.FAILED and not error.retryable:
        kind = Kind.BROKEN
    return Outcome(kind, error.retry_after)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request stands when a call did not succeed."""

    tries: int = 1
    """How often this provider has been asked; to go through the keys without a wait counts as one."""
    spare: bool = False
    """Another key could be used at once."""
    wait: float | None = None
    """Seconds until one of several living keys has rested; `None` for a lone key, or if all are dead."""
    guessed: bool = False
    """`wait` is the configured cooldown; the provider told nothing."""
    more: bool = False
    """Another provider could be asked."""
    resting: bool = False
    """The provider has failed too often: it is not asked again and again."""


def decide(outcome: Outcome, at: Place, retry: Retry, roll: Callable[[], float]) -> Decision:  # noqa: PLR0911 - a table
    """What to do next. `roll` gives a number from 0 to 1."""
    kind = outcome.kind
    onward = _NEXT_PROVIDER if at.more else _GIVE_UP
    if kind is Kind.FINAL:
        return _GIVE_UP
    if kind in {Kind.BROKEN, Kind.UNABLE}:
        return onward
    after = outcome.after
    if kind is not Kind.FAILED:
        if at.spare:
            return _NEXT_KEY
        if at.wait is not None:
            # A guess keeps nobody waiting; without another provider the pool is tried as a lone key is.
            after = None if at.guessed and not at.more else at.wait
        elif kind is Kind.DEAD:
            return _GIVE_UP
    if at.tries >= retry.max_attempts or at.resting or not outcome.again:
        return onward
    if after is None:
        # No quota fills itself up within seconds.
        return onward if kind is Kind.SPENT and at.more else Again(backoff(at.tries, retry, roll()))
    if after > retry.max_retry_after_secs:
        return onward
    # Those who were told the same time do not all come back at once; never before it.
    return Again(after + retry.base_delay_ms / 1000 * retry.jitter_ratio * roll())


def backoff(tries: int, retry: Retry, roll: float) -> float:
    """Seconds before try number `tries` + 1: doubling, bounded, longer or shorter by the jitter."""
    millis = min(retry.base_delay_ms * 2.0 ** (tries - 1), retry.max_delay_ms)
    return millis / 1000 * (1 + retry.jitter_ratio * (2 * roll - 1))
