"""What is allowed and yet worth a line at the start: settings that do not do what they seem to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.config import checks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WINDOWS: Final = ("daily_", "weekly_", "monthly_")


def notes(settings: Mapping[str, Any]) -> Iterator[str]:
    """A line for each such thing in the resolved `settings`."""
    if settings["cache_mode"] != "exact" and settings["semantic_cache.policy"] == "threshold":
        yield (
            'semantic_cache.policy = "threshold": similarity alone decides, so "enable" gets the answer of "disable"; '
            'the default, "verified", does not'
        )
    keyed = settings["gateway_api_key"] is not None or settings["gateway_keys"]
    if not checks.is_loopback(settings["host"]) and not keyed:
        yield "no gateway key is set: whoever reaches this address can use it (allow_unauthenticated = true)"
    if settings["hedge_after_ms"] and not settings["fallback_providers"]:
        yield "hedge_after_ms has no effect without fallback_providers: there is no other provider to ask"
    yield from _quotas(settings)
    yield from _prices(settings)


def _chain(settings: Mapping[str, Any]) -> list[str]:
    return [settings["llm_provider"], *(entry.provider for entry in settings["fallback_providers"])]


def _prices(settings: Mapping[str, Any]) -> Iterator[str]:
    chain = _chain(settings)
    for name in sorted(settings["usage_pricing"]):
        if name.partition("/")[0] not in chain:
            yield f"usage_pricing.{name} has no effect: the providers in use are {', '.join(dict.fromkeys(chain))}"


def _quotas(settings: Mapping[str, Any]) -> Iterator[str]:
    chain = _chain(settings)
    for name, quota in sorted(settings["quota"].items()):
        if name not in chain:
            yield f"quota.{name} has no effect: the providers in use are {', '.join(dict.fromkeys(chain))}"
        elif not any(getattr(quota, field) for field in quota.__struct_fields__ if field.startswith(_WINDOWS)):
            yield f"quota.{name} sets no limit"
        elif quota.action_on_limit == "fallback" and name == chain[-1]:
            yield f'quota.{name}.action_on_limit = "fallback" is "block" here: no provider comes after {name}'
