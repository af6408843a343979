"""How long a provider asks to be left alone, read from the headers of an error reply."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# As OpenAI and those after it write it: `1s`, `6m0s`, `20ms`, `1h2m3.5s`.
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
# A number as large as these is a time and not a span: seconds since 1970, or milliseconds.
_EPOCH: Final = 1e9
_EPOCH_MS: Final = 1e11


def retry_after(headers: Iterable[tuple[str, str]], now: float) -> float | None:
    """Seconds to wait, `None` if nothing tells. `now`: seconds since 1970.

    `retry-after-ms` is finer than `retry-after` (seconds or a date, RFC 9110 10.2.3), which is plainer than the reset
    of whichever limit has nothing left.
    """
    told = dict(headers)
    millis = _number(told.get("retry-after-ms", ""))
    if millis is not None:
        return millis / 1000
    if "retry-after" in told:
        wait = _span(told["retry-after"], now)
        if wait is not None:
            return wait
    waits = [_span(told[reset], now) for reset, left in _limits(told) if _number(left) == 0]
    return max((wait for wait in waits if wait is not None), default=None)


def _limits(told: dict[str, str]) -> Iterable[tuple[str, str]]:
    """Each limit's header of its reset, and what is left: `x-ratelimit-reset-tokens`, `...-ratelimit-tokens-reset`."""
    for name in told:
        if "ratelimit" in name and "reset" in name:
            left = told.get(name.replace("reset", "remaining"))
            if left is not None:
                yield name, left


def _span(text: str, now: float) -> float | None:
    text = text.strip()
    number = _number(text)
    if number is not None:
        if number >= _EPOCH_MS:
            number = number / 1000 - now
        elif number >= _EPOCH:
            number -= now
        return max(number, 0.0)
    parts = _SPAN.findall(text)
    if parts and "".join(amount + unit for amount, unit in parts) == text:
        return sum(float(amount) * _UNITS[unit] for amount, unit in parts)
    return _until(text, now)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return max(number, 0.0) if math.isfinite(number) else None


def _until(text: str, now: float) -> float | None:
    """Seconds until a date of RFC 3339 or RFC 9110."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        try:
            date = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(date.timestamp() - now, 0.0)
