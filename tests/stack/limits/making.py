"""Allowances by a clock that stands until a test moves it."""

from __future__ import annotations

from pathlib import Path

from isartor.config.secret import Secret
from isartor.config.upstream import GatewayKey, RateLimit
from isartor.stack.limits import Allowance, Rates


class Clock:
    """Seconds since the machine began."""

    def __init__(self, now: float = 1_234_567.89) -> None:
        """`now`: the first moment."""
        self.now = now

    def __call__(self) -> float:
        """Return the moment."""
        return self.now


def key(label: str = "team-a", *, models: tuple[str, ...] = (), **limits: int) -> GatewayKey:
    """Return a gateway key."""
    return GatewayKey(key=Secret(f"key of {label}"), label=label, allowed_models=models, **limits)  # type: ignore[arg-type]


def rates(*keys: GatewayKey, clock: Clock, folder: Path | None = None, **default: int) -> Rates:
    """Return the rates of these keys."""
    return Rates(RateLimit(**default), keys, folder=folder, clock=clock)


def allowance(clock: Clock, *, requests: int | None = None, tokens: int | None = None, label: str = "") -> Allowance:
    """Return what one tenant may send."""
    default = RateLimit(requests_per_minute=requests, tokens_per_minute=tokens)
    found = Rates(default, [key(label)] if label else [], clock=clock).of(label)
    assert found is not None
    return found
