"""Rules for the keys of the gateway and of the providers: each once, each with a name of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.config import forms
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from isartor.config.secret import Secret
    from isartor.config.upstream import FallbackProvider, GatewayKey, ProviderKey

_SINGLE: Final = frozenset({"copilot"})
"""Providers that take one key: it is a user's token, and what it stands for is fetched with it."""


def check(settings: Mapping[str, Any], where: Callable[[str], str]) -> None:
    """Raise `ConfigError` for the first rule that is broken; no message shows a key."""
    _gateway(settings["gateway_keys"], settings["gateway_api_key"], where("gateway_keys"))
    _pool(settings["provider_keys"], where("provider_keys"), "provider_keys")
    _single(settings["llm_provider"], settings["provider_keys"], where("provider_keys"), "external_llm_api_key")
    for place, entry in enumerate(settings["fallback_providers"]):
        _provider(entry, f"{where('fallback_providers')}[{place}]", f"fallback_providers[{place}]")


def _gateway(entries: Sequence[GatewayKey], single: Secret | None, where: str) -> None:
    _distinct(entries, where, "gateway_keys")
    for place, entry in enumerate(entries):
        param = f"gateway_keys[{place}]"
        if single is not None and entry.key == single:
            message = f"{where}[{place}].key is gateway_api_key too; a key must be given once"
            raise ConfigError(message, param=f"{param}.key")
        _form(forms.label, entry.label, f"{where}[{place}].label", f"{param}.label")
        for pattern in entry.allowed_models:
            _form(forms.model_pattern, pattern, f"{where}[{place}].allowed_models", f"{param}.allowed_models")


def _provider(entry: FallbackProvider, where: str, param: str) -> None:
    _form(forms.provider, entry.provider, f"{where}.provider", f"{param}.provider")
    if entry.model is not None:
        _form(forms.model, entry.model, f"{where}.model", f"{param}.model")
    if entry.url is not None:
        _form(forms.provider_url(f"{param}.api_key"), entry.url, f"{where}.url", f"{param}.url")
    _pool(entry.provider_keys, f"{where}.provider_keys", f"{param}.provider_keys")
    _single(entry.provider, entry.provider_keys, f"{where}.provider_keys", f"{param}.api_key")


def _pool(entries: Sequence[ProviderKey], where: str, param: str) -> None:
    _distinct(entries, where, param)
    for place, entry in enumerate(entries):
        if entry.label is not None:
            _form(forms.label, entry.label, f"{where}[{place}].label", f"{param}[{place}].label")


def _distinct(entries: Sequence[ProviderKey | GatewayKey], where: str, param: str) -> None:
    for place, entry in enumerate(entries):
        for before, other in enumerate(entries[:place]):
            if entry.label is not None and entry.label == other.label:
                message = f"{where}[{place}].label is that of {param}[{before}] too; a label must be unique"
                raise ConfigError(message, param=f"{param}[{place}].label")
            if entry.key == other.key:
                message = f"{where}[{place}].key is that of {param}[{before}] too; a key must be given once"
                raise ConfigError(message, param=f"{param}[{place}].key")


def _single(provider: str, entries: Sequence[ProviderKey], where: str, instead: str) -> None:
    if provider in _SINGLE and entries:
        message = f"{where} cannot be used with {provider}, which takes one key: {instead}"
        raise ConfigError(message, param=where.rpartition(": ")[2])


def _form(rule: Callable[[object], str | None], value: object, where: str, param: str) -> None:
    problem = rule(value)
    if problem is not None:
        message = f"{where} {problem}"
        raise ConfigError(message, param=param)
