"""Requests and tokens a minute, for each tenant.

Each limit is a bucket that holds one minute's worth and fills steadily: who has been quiet may send a minute's worth at
once, and from then on as fast as it fills. One number says how full it is, the moment at which it will be full again
(GCRA, the generic cell rate algorithm), so that nothing has to run by the clock.

Every request takes one of the requests, wherever its reply comes from. Tokens are taken for a call to a provider: the
estimate before it, corrected when its reply tells what it really took. A bucket may owe something afterwards; then it
takes longer to fill.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Literal

from isartor.errors import RateLimitError
from isartor.stack.limits.cells import Memory, Shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from isartor.config.upstream import GatewayKey, RateLimit
    from isartor.ports import Tally
    from isartor.stack.limits.cells import Cells

Unit = Literal["requests", "tokens"]

OUTPUT_TOKENS: Final = 256
"""As many output tokens are reserved for a call, as by quotas."""

_PERIOD: Final = 60.0
_CELLS: Final = 2  # of a tenant: requests, tokens
# Sums of fractions of seconds since the machine began are a little off.
_EPSILON: Final = 1e-6


class Bucket:
    """One limit of one tenant."""

    __slots__ = ("_cells", "_clock", "_each", "_place", "most", "unit")

    def __init__(self, unit: Unit, most: int, cells: Cells, place: int, clock: Callable[[], float]) -> None:
        """`most`: in a minute. `place`: where in `cells` its number is. `clock`: the same for all who share them."""
        self.unit: Unit = unit
        self.most = most
        self._cells = cells
        self._place = place
        self._clock = clock
        self._each = _PERIOD / most

    def __repr__(self) -> str:
        """What is left of what."""
        return f"<Bucket {self.remaining()} of {self.most} {self.unit}>"

    def take(self, amount: int) -> float:
        """Takes that much; 0 if it was there, else the seconds until it will be, and nothing is taken.

        What is more than a minute's worth counts as that, or it could never be had.
        """
        now = self._clock()
        cost = min(amount, self.most) * self._each
        waits = 0.0

        def step(full: float) -> float:
            nonlocal waits
            full = max(full, now)
            waits = full + cost - now - _PERIOD
            return full + cost if waits <= _EPSILON else full

        self._cells.change(self._place, step)
        return waits if waits > _EPSILON else 0.0

    def add(self, amount: int) -> None:
        """Takes more, whether or not it is there; puts back what is negative."""
        now = self._clock()
        self._cells.change(self._place, lambda full: max(full, now) + amount * self._each)

    def taken_of(self, amount: int) -> int:
        """What `take` counts an amount as."""
        return min(amount, self.most)

    def reset(self) -> float:
        """Seconds until it is full."""
        return max(self._cells.look(self._place) - self._clock(), 0.0)

    def remaining(self) -> int:
        """What is in it."""
        return max(int((_PERIOD - self.reset()) / self._each + _EPSILON), 0)


class Reserved:
    """Tokens that were taken for one call."""

    __slots__ = ("_bucket", "_taken")

    def __init__(self, bucket: Bucket, taken: int) -> None:
        """`taken`: by estimate."""
        self._bucket: Bucket | None = bucket
        self._taken = taken

    def settle(self, tally: Tally | None) -> None:
        """Puts what was really used in its place; `None`: nothing. Once; more calls do nothing."""
        bucket, self._bucket = self._bucket, None
        if bucket is not None:
            # A provider may tell anything, but nothing that makes a limit larger.
            spent = 0 if tally is None else max(tally.input, 0) + max(tally.output, 0)
            bucket.add(spent - self._taken)


class Allowance:
    """What one tenant may send in a minute."""

    __slots__ = ("_label", "requests", "tokens")

    def __init__(self, label: str, requests: Bucket | None, tokens: Bucket | None) -> None:
        """`label`: of the gateway key; empty if it has none."""
        self._label = label
        self.requests = requests
        self.tokens = tokens

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """Those that there are."""
        return tuple(bucket for bucket in (self.requests, self.tokens) if bucket is not None)

    def admit(self) -> None:
        """One more request. Raises `RateLimitError`."""
        if self.requests is not None:
            waits = self.requests.take(1)
            if waits:
                raise self._refusal(self.requests, waits)

    def reserve(self, tokens: int) -> Reserved | None:
        """Takes the tokens of a call with so many input tokens. Raises `RateLimitError`."""
        if self.tokens is None:
            return None
        amount = self.tokens.taken_of(tokens + OUTPUT_TOKENS)
        waits = self.tokens.take(amount)
        if waits:
            raise self._refusal(self.tokens, waits)
        return Reserved(self.tokens, amount)

    def _refusal(self, bucket: Bucket, waits: float) -> RateLimitError:
        setting = f"{bucket.unit}_per_minute"
        who = f"The gateway key {self._label!r} may" if self._label else "You may"
        where = setting if self._label else f"rate_limit.{setting}"
        return RateLimitError(
            f"{who} send {bucket.most:,} {bucket.unit} a minute through this gateway ({where}), and this is more.",
            retry_after=waits,
            retryable=True,
        )


class Rates:
    """The allowances of all tenants."""

    def __init__(
        self,
        default: RateLimit,
        keys: Iterable[GatewayKey] = (),
        *,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`default`: of who has no limit of its own. `folder`: what several workers share, `None` for a single one."""
        labels = {"": (default.requests_per_minute, default.tokens_per_minute)}
        for key in keys:
            labels[key.label] = (
                key.requests_per_minute or default.requests_per_minute,
                key.tokens_per_minute or default.tokens_per_minute,
            )
        self._clock = clock
        self._allowances: dict[str, Allowance] = {}
        limited = {label: both for label, both in labels.items() if any(both)}
        if not limited:
            return
        # The order of the configuration, which is the same for all workers.
        count = _CELLS * len(limited)
        cells: Cells = Memory(count) if folder is None else Shared(count, folder)
        for number, (label, (requests, tokens)) in enumerate(limited.items()):
            place = _CELLS * number
            self._allowances[label] = Allowance(
                label,
                self._bucket("requests", requests, cells, place),
                self._bucket("tokens", tokens, cells, place + 1),
            )

    def of(self, label: str) -> Allowance | None:
        """A tenant's; `None` if nothing limits it."""
        return self._allowances.get(label)

    def _bucket(self, unit: Unit, most: int | None, cells: Cells, place: int) -> Bucket | None:
        return None if most is None else Bucket(unit, most, cells, place, self._clock)
