"""What can be set about providers, their keys, usage and limits: the tables that a user may write more than once.

The same rules as in `schema`: attribute names are keys, `description` is the text of the reference.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isartor.config.secret import Secret  # noqa: TC001 # msgspec reads the annotations at run time

KeyRotation = Literal["round_robin", "priority"]
QuotaAction = Literal["warn", "block", "fallback"]


class ProviderKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of a provider's keys."""

    key: Annotated[Secret, Meta(description="The key; `key_file` names a file that holds it instead.")]
    priority: Annotated[
        int, Meta(ge=1, description="Order of use if `key_rotation_strategy` is `priority`: lowest first.")
    ] = 1
    label: Annotated[str | None, Meta(description="Name under which reports show the key.")] = None


class FallbackProvider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider that is asked when those before it fail."""

    provider: Annotated[str, Meta(min_length=1, description="Its id, as in `llm_provider`.")]
    model: Annotated[str | None, Meta(description="Model that it is asked for. None: its usual one.")] = None
    api_key: Annotated[Secret | None, Meta(description="Its key; `api_key_file` names a file that holds it.")] = None
    provider_keys: Annotated[tuple[ProviderKey, ...], Meta(description="Several keys, in place of `api_key`.")] = ()
    key_rotation_strategy: Annotated[KeyRotation, Meta(description="How its keys take turns.")] = "round_robin"
    key_cooldown_secs: Annotated[
        float, Meta(gt=0, le=86400, description="Seconds that one of its keys rests after 429 or a used-up quota.")
    ] = 60
    url: Annotated[str | None, Meta(description="Its address. None: its own.")] = None
    azure_deployment_id: Annotated[str | None, Meta(description="Deployment, if it is `azure`.")] = None
    azure_api_version: Annotated[str, Meta(min_length=1, description="API version, if it is `azure`.")] = (
        "2024-08-01-preview"
    )


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much may be used in a day, a week (from Monday) and a month, all in UTC."""

    daily_token_limit: Annotated[int | None, Meta(gt=0, description="Tokens a day.")] = None
    weekly_token_limit: Annotated[int | None, Meta(gt=0, description="Tokens a week.")] = None
    monthly_token_limit: Annotated[int | None, Meta(gt=0, description="Tokens a month.")] = None
    daily_cost_limit_usd: Annotated[float | None, Meta(gt=0, description="US dollars a day.")] = None
    weekly_cost_limit_usd: Annotated[float | None, Meta(gt=0, description="US dollars a week.")] = None
    monthly_cost_limit_usd: Annotated[float | None, Meta(gt=0, description="US dollars a month.")] = None
    action_on_limit: Annotated[
        QuotaAction,
        Meta(description="What happens at the limit: `warn` in the log, `block` with 429, or `fallback` to the next."),
    ] = "warn"
    warning_threshold_ratio: Annotated[
        float, Meta(ge=0, lt=1, description="Share of a limit from which a warning is shown.")
    ] = 0.8


class GatewayKey(Quota, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more key that clients may send. Its label is its tenant; the limits are its budget."""

    key: Annotated[Secret, Meta(description="The key; `key_file` names a file that holds it instead.")]
    label: Annotated[str, Meta(min_length=1, max_length=64, description="Name of the tenant, unique.")]
    allowed_models: Annotated[
        tuple[str, ...],
        Meta(description="Models that it may ask for, `*` at the end for all that begin so. Empty: all."),
    ] = ()
    requests_per_minute: Annotated[int | None, Meta(gt=0, description="Requests a minute. None: `rate_limit`'s.")] = (
        None
    )
    tokens_per_minute: Annotated[int | None, Meta(gt=0, description="Tokens a minute. None: `rate_limit`'s.")] = None
    action_on_limit: Annotated[QuotaAction, Meta(description="As for a provider; `fallback` means `block` here.")] = (
        "block"
    )

    def allows(self, model: str) -> bool:
        """Whether it may ask for a model, named as after aliases."""
        return not self.allowed_models or any(
            model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern
            for pattern in self.allowed_models
        )


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a provider, or one model as `provider/model`, costs. Wins over the table that comes with Isartor."""

    input_cost_per_million_usd: Annotated[float, Meta(ge=0, description="US dollars for a million input tokens.")] = 0
    output_cost_per_million_usd: Annotated[
        float, Meta(ge=0, description="US dollars for a million output tokens, reasoning included.")
    ] = 0
    cached_input_cost_per_million_usd: Annotated[
        float | None, Meta(ge=0, description="US dollars for a million cached input tokens. None: as input.")
    ] = None


class Retry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often and when a provider is asked again."""

    max_attempts: Annotated[
        int, Meta(ge=1, le=20, description="Times that one provider is asked, the first included.")
    ] = 5
    base_delay_ms: Annotated[
        int, Meta(ge=1, le=600_000, description="Wait before the second try; doubles each time.")
    ] = 1000
    max_delay_ms: Annotated[int, Meta(ge=1, le=600_000, description="Longest wait between two tries.")] = 8000
    jitter_ratio: Annotated[
        float, Meta(ge=0, le=1, description="Share by which a wait is made longer or shorter at random.")
    ] = 0.25
    max_retry_after_secs: Annotated[
        float,
        Meta(
            ge=0,
            le=86400,
            description="Most seconds of a `retry-after` that are waited; at a longer one the next provider is asked.",
        ),
    ] = 20


class Breaker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a provider that fails again and again is left alone."""

    failure_threshold: Annotated[
        int, Meta(ge=0, le=10_000, description="Failed requests in a row after which a provider rests; 0: never.")
    ] = 5
    open_secs: Annotated[
        float, Meta(gt=0, le=86400, description="Seconds that it rests; then one request tries it.")
    ] = 30


class Concurrency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many requests a worker handles at once: more while replies begin in time, fewer when they do not."""

    min: Annotated[int, Meta(ge=1, le=100_000, description="Fewest requests at once.")] = 4
    max: Annotated[int, Meta(ge=1, le=100_000, description="Most requests at once; also where it starts.")] = 400
    target_p95_ms: Annotated[
        int,
        Meta(ge=1, le=3_600_000, description="Time to the first byte of a reply that 95 of 100 requests should meet."),
    ] = 30_000
    queue_length: Annotated[int, Meta(ge=0, le=1_000_000, description="Requests that may wait for their turn.")] = 1024
    queue_timeout_ms: Annotated[
        int, Meta(ge=0, le=600_000, description="Longest wait for a turn; after it the client gets 503.")
    ] = 5000


class RateLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much each tenant may send in a minute, unless its key says otherwise."""

    requests_per_minute: Annotated[int | None, Meta(gt=0, description="Requests a minute of each tenant.")] = None
    tokens_per_minute: Annotated[int | None, Meta(gt=0, description="Tokens a minute of each tenant.")] = None
