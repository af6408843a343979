"""One provider of the chain: what it is asked for, its keys, its breaker, its figures."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from isartor.providers.breaker import Breaker
from isartor.providers.keys import Pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isartor.ports import Call, Provider, ProviderStatus
    from isartor.providers.keys import Key


class Link:
    """A provider in its place in the chain."""

    def __init__(  # noqa: PLR0913 - all but one by name
        self,
        provider: Provider,
        *,
        model: str | None = None,
        pool: Pool | None = None,
        breaker: Breaker | None = None,
        setting: str = "external_llm_api_key",
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """`model`: asked for in place of the request's; `None` for the primary, which gets what the client asks for.

        `pool` is empty for a provider that needs no key or has its own. `setting`: where a user sets the key, for
        messages. `about`: more members for the report (`config_url`, `azure_deployment_id`, ...).
        """
        self.provider = provider
        self.name = provider.name
        self.model = model
        self.pool = Pool() if pool is None else pool
        self.breaker = Breaker() if breaker is None else breaker
        self.setting = setting
        self.about = dict(about or {})
        self.requests_total = 0
        self.errors_total = 0
        self.last_success: float | None = None
        self.last_error: float | None = None
        self.last_error_message: str | None = None

    def address(self, call: Call) -> Call:
        """`call` as this provider is to be asked, but for the key."""
        if self.model is None or self.model == call.model:
            return call
        return replace(call, model=self.model, body=with_model(call.body, self.model))

    def usable(self, call: Call, now: float) -> bool:
        """Whether it would be worth asking: it is not known to rest, to lack a key or not to speak this."""
        return (
            call.endpoint in self.provider.endpoints
            and self.breaker.ready(now)
            and not self.pool.resting(now)
            and self.status()["state"] != "no_api_key"
        )

    def seen(self, now: float, error: str | None = None) -> None:
        """A reply or a ping at `now` (seconds since 1970) was good, or an `error`."""
        if error is None:
            self.last_success = now
        else:
            self.last_error = now
            self.last_error_message = error

    def status(self) -> ProviderStatus:
        """See `isartor.ports.Provider`; a key in the pool is a key."""
        status = self.provider.status()
        if status["state"] == "no_api_key" and self.pool.keys:
            status["state"] = "active"
        return status

    def report(self, now: float, wall: float, *, active: bool) -> dict[str, Any]:
        """A row of `GET /debug/providers`. `now` on the chain's clock, `wall` in seconds since 1970."""
        status = self.status()
        row: dict[str, Any] = {
            "name": self.name,
            "active": active,
            "status": self._health(),
            "model": self.model or status["model"],
            "endpoint": status["endpoint"],
            "api_key_configured": bool(self.pool.keys) or status["state"] == "active",
            "endpoint_configured": bool(status["endpoint"]),
            "requests_total": self.requests_total,
            "errors_total": self.errors_total,
            "breaker": self.breaker.state(now),
            "key_rotation_strategy": self.pool.rotation,
            "key_cooldown_secs": self.pool.cooldown_secs,
            "keys": [_key_row(key, now, wall) for key in self.pool.keys],
        }
        told = {
            "last_success": _date(self.last_success),
            "last_error": _date(self.last_error),
            "last_error_message": self.last_error_message,
            **self.about,
        }
        row.update((name, value) for name, value in told.items() if value is not None)
        return row

    def _health(self) -> str:
        if self.last_success is None and self.last_error is None:
            return "unknown"
        return "failing" if (self.last_error or 0) > (self.last_success or 0) else "healthy"

    def __repr__(self) -> str:
        """Provider, keys and breaker."""
        return f"Link({self.name!r}, {self.pool!r}, {self.breaker!r})"


def with_model(body: bytes, model: str) -> bytes:
    """`body` with another `model`, all else byte for byte; as it is if it names none (Gemini has it in the path)."""
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    if "model" not in members:
        return body
    members["model"] = msgspec.Raw(msgspec.json.encode(model))
    return msgspec.json.encode(members)


def _key_row(key: Key, now: float, wall: float) -> dict[str, Any]:
    rests = max(key.rests_until - now, 0.0)
    status = "cooling_down" if rests else "available"
    if key.dead:
        status = "refused"
    row: dict[str, Any] = {
        "masked_key": key.masked,
        "label": key.label,
        "priority": key.priority,
        "status": status,
        "requests_total": key.requests_total,
        "rate_limit_total": key.limited_total,
        "last_used": _date(key.last_used),
        "cooldown_until": _date(wall + rests) if rests else None,
    }
    return {name: value for name, value in row.items() if value is not None}


def _date(wall: float | None) -> str | None:
    """RFC 3339, as every time in the gateway's reports."""
    if wall is None:
        return None
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
