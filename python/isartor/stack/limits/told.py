"""How clients are told of their limits: in the headers of their own API, or in its error body.

A provider's headers of the same names reach the client as well, and it can follow only one of the two: whichever leaves
it less. Where the gateway has no limit of that kind, the provider's stay as they are.

Sources: https://platform.openai.com/docs/guides/rate-limits, https://docs.claude.com/en/api/rate-limits,
https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/03/ (native; of two limits, the one that is nearer
to its end). Gemini has no such headers: https://cloud.google.com/apis/design/errors#error_details.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from isartor.ports import Headers
    from isartor.stack.limits.rates import Allowance, Bucket

_TYPE: Final = "type.googleapis.com/google.rpc."


class Names(NamedTuple):
    """The three headers that tell of one limit."""

    limit: str
    remaining: str
    reset: str


def headers(surface: str, allowance: Allowance, given: Headers, *, clock: Callable[[], float] = time.time) -> Headers:
    """The headers `given` to a reply, with those of the limits. `clock`: seconds since 1970."""
    dialect = _DIALECTS.get(surface)
    if dialect is None:
        return given
    naming, moment = dialect
    buckets = allowance.buckets
    if surface == "native":
        buckets = (min(buckets, key=lambda bucket: bucket.remaining() / bucket.most),)
    for bucket in buckets:
        names = naming(bucket)
        remaining = bucket.remaining()
        theirs = _number(names.remaining, given)
        if theirs is not None and theirs < remaining:
            continue
        given = [line for line in given if line[0] not in names]
        told = (str(bucket.most), str(remaining), moment(bucket.reset(), clock))
        given.extend(zip(names, told, strict=True))
    return given


def google(body: bytes, message: str, code: str, retry_after: float | None) -> bytes:
    """A Google error with what its clients look for: when to come back, and, if it is a limit, of whom."""
    said: dict[str, Any] = msgspec.json.decode(body)
    details = said["error"].setdefault("details", [])
    if code in _QUOTAS:
        violation = {"subject": "isartor", "quotaId": _QUOTAS[code], "description": message}
        details.append({"@type": _TYPE + "QuotaFailure", "violations": [violation]})
    if retry_after is not None:
        details.append({"@type": _TYPE + "RetryInfo", "retryDelay": f"{retry_after:.3f}".rstrip("0").rstrip(".") + "s"})
    return msgspec.json.encode(said)


def _number(name: str, given: Headers) -> float | None:
    for known, value in given:
        if known == name:
            try:
                return float(value)
            except ValueError:
                return None
    return None


def _openai(bucket: Bucket) -> Names:
    start = "x-ratelimit"
    return Names(f"{start}-limit-{bucket.unit}", f"{start}-remaining-{bucket.unit}", f"{start}-reset-{bucket.unit}")


def _anthropic(bucket: Bucket) -> Names:
    start = f"anthropic-ratelimit-{bucket.unit}"
    return Names(f"{start}-limit", f"{start}-remaining", f"{start}-reset")


def _draft(bucket: Bucket) -> Names:
    del bucket
    return Names("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


def _duration(secs: float, clock: Callable[[], float]) -> str:
    """As OpenAI writes it: `250ms`, `8.64s`, `1m0s`."""
    del clock
    millis = round(secs * 1000)
    if millis < 1000:  # of a second
        return f"{millis}ms"
    minutes, rest = divmod(millis, 60_000)
    seconds = f"{rest / 1000:g}s"
    return f"{minutes}m{seconds}" if minutes else seconds


def _moment(secs: float, clock: Callable[[], float]) -> str:
    """RFC 3339, rounded up to a second."""
    when = datetime.fromtimestamp(-int(-(clock() + secs) // 1), UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _whole(secs: float, clock: Callable[[], float]) -> str:
    del clock
    return str(-int(-secs // 1))


_QUOTAS: Final = {"rate_limited": "GatewayKeyPerMinute", "quota_exceeded": "GatewayQuota"}
_DIALECTS: Final[dict[str, tuple[Callable[[Bucket], Names], Callable[[float, Callable[[], float]], str]]]] = {
    "openai_chat": (_openai, _duration),
    "openai_responses": (_openai, _duration),
    "anthropic": (_anthropic, _moment),
    "native": (_draft, _whole),
}
