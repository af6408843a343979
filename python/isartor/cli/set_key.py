"""`isartor set-key`: the provider, its key and its model, written into `isartor.toml` or into a file of variables."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 # msgspec reads the annotations at run time
from typing import TYPE_CHECKING, Final

import msgspec

from isartor.cli.edit import Draft, in_use
from isartor.cli.failures import DONE, CommandError, say
from isartor.config import values
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from isartor.config import Loaded

STRATEGIES: Final = {
    "round_robin": "round_robin",
    "round-robin": "round_robin",
    "roundrobin": "round_robin",
    "priority": "priority",
}
"""Spellings of `key_rotation_strategy`."""
_KEYLESS: Final = frozenset({"ollama"})
_SINGLE: Final = ("external_llm_api_key", "external_llm_api_key_file")


class KeyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says."""

    provider: str
    key: str | None = None
    model: str | None = None
    url: str | None = None
    config_path: Path | None = None
    dry_run: bool = False
    env_file: bool = False
    add: bool = False
    label: str | None = None
    priority: int = 1
    strategy: str | None = None
    cooldown_secs: float | None = None


def run(options: KeyOptions) -> int:
    """Write what `options` say, or show what would be written."""
    from isartor.cli import env_file

    draft = Draft(in_use() if options.config_path is None else options.config_path)
    provider = options.provider.strip().lower()
    _known(provider, has_url=options.url is not None or _keeps_url(draft, provider))
    key = _key(options, provider)
    if options.env_file:
        return env_file.write(draft, options, provider, key)
    notes = _change(draft, options, provider, key)
    loaded = draft.checked()
    if options.dry_run:
        sys.stdout.write(draft.diff())
    else:
        draft.save()
        added = " has one more key" if options.add else " is the provider"
        sys.stdout.write(f"{draft.path}: {provider}{added}. A gateway that runs needs a restart.\n")
    for note in (*notes, *_overridden(draft, loaded), *shortcomings(loaded)):
        say(note)
    return DONE


def shortcomings(loaded: Loaded) -> list[str]:
    """Why a gateway with this configuration would not start, although it loads."""
    from isartor.providers import registry
    from isartor.providers.base import Settings

    config = loaded.config
    settings = Settings(
        provider=config.llm_provider,
        url=config.external_llm_url,
        model=config.external_llm_model,
        api_key=config.external_llm_api_key,
        azure_deployment_id=config.azure_deployment_id,
        azure_api_version=config.azure_api_version,
    )
    try:
        registry.build(settings)
    except ConfigError as error:
        return [f"not ready yet: {error.message}"]
    return []


def _known(provider: str, *, has_url: bool) -> None:
    """Raise `CommandError` for a provider that nobody knows and that has no address either."""
    from isartor.providers import registry

    if provider == "demo":
        message = "the demo provider takes no key: isartor up --demo"
        raise CommandError(message)
    if provider not in registry.known() and not has_url:
        message = f"{registry.unknown(provider).message} (--url)"
        raise CommandError(message)


def _keeps_url(draft: Draft, provider: str) -> bool:
    return _before(draft) == provider and bool(draft.get("external_llm_url"))


def _before(draft: Draft) -> str:
    """The provider that the file's keys, address and model belong to."""
    return str(draft.get("llm_provider") or "openai").strip().lower()


def _key(options: KeyOptions, provider: str) -> str:
    """The key: from the command line, else asked for without showing it, else from standard input."""
    key = options.key
    if key is None and provider in _KEYLESS and not options.add:
        return ""
    if key is None and sys.stdin.isatty():
        from getpass import getpass

        try:
            key = getpass(f"Key for {provider} (is not shown): ").strip()
        except EOFError:
            key = ""
    elif key is None:
        key = sys.stdin.readline().strip()
    if not key:
        message = f"no key: give --key, or the key on standard input (isartor set-key -p {provider} < file)"
        raise CommandError(message)
    try:
        values.secret(key, "the key", "external_llm_api_key")
    except ConfigError as error:
        raise CommandError(error.message) from None
    return key


def _change(draft: Draft, options: KeyOptions, provider: str, key: str) -> list[str]:
    """Make the changes; returns what the user should know."""
    before = _before(draft)
    notes = [] if before == provider else _leave(draft, options, before, provider)
    settings = {
        "llm_provider": provider,
        "external_llm_url": options.url and options.url.strip(),
        "external_llm_model": options.model and options.model.strip(),
        "key_rotation_strategy": options.strategy and STRATEGIES[options.strategy],
        "key_cooldown_secs": options.cooldown_secs,
    }
    for name, value in settings.items():
        if value is not None:
            draft.put(name, value)
    if options.add:
        _add(draft, options, key)
    elif key:
        draft.remove("external_llm_api_key_file")
        draft.put("external_llm_api_key", key)
        if count := len(draft.get("provider_keys") or ()):
            notes.append(f"the key is used together with the {count} of provider_keys, before them")
    return notes


def _leave(draft: Draft, options: KeyOptions, before: str, provider: str) -> list[str]:
    """Remove what belongs to the provider that was there `before`: its key must not go to the new one's address."""
    if draft.get("provider_keys"):
        message = f"{draft.path} has provider_keys, which belong to {before}; remove them before {provider} is set"
        raise CommandError(message)
    gone = {"external_llm_url": options.url, "external_llm_model": options.model, **dict.fromkeys(_SINGLE)}
    found = [name for name, given in gone.items() if given is None and draft.get(name)]
    # A key that is replaced keeps its place in the file.
    for name in found:
        if name != "external_llm_api_key" or options.add or provider in _KEYLESS:
            draft.remove(name)
    return [f"{name} belonged to {before} and is gone" for name in found]


def _add(draft: Draft, options: KeyOptions, key: str) -> None:
    """Add a key to the pool. The single key moves there first: all keys stand in one place."""
    for name in _SINGLE:
        single = draft.get(name)
        known = any(single in entry.values() for entry in draft.get("provider_keys") or ())
        moved = {name.replace("external_llm_api_key", "key"): single, "priority": 1} if single and not known else {}
        draft.move(name, "provider_keys", moved)
    entry: dict[str, str | int] = {"key": key, "priority": options.priority}
    if options.label is not None:
        entry["label"] = options.label.strip()
    draft.append("provider_keys", entry)


def _overridden(draft: Draft, loaded: Loaded) -> list[str]:
    """Variables that win over what the file says now."""
    ours = ("llm_provider", "external_llm_url", "external_llm_model", "external_llm_api_key", "provider_keys")
    return [
        f"{loaded.origins[name]} is set in the environment and overrides {name} in the file"
        for name in ours
        if name in loaded.origins and loaded.origins[name] != str(draft.path) and draft.get(name)
    ]
