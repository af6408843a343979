"""From defaults, file, environment and command line to one checked `Config`.

Order, later wins: defaults, `isartor.toml`, `ISARTOR__...` variables, command-line options. The winner is decided
for each key, whatever the spelling: `ISARTOR__PORT` overrides the port of `host_port = "..."` in the file and leaves
its host. Tables that the user names (`model_aliases`, `quota`) are merged name by name, and inside a name key by key;
an array of tables is replaced as a whole. Inside one source, the same key given twice with different values is an
error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from isartor.config import checks, keys, later, notes, sources, tables
from isartor.config.schema import CLI_ONLY, Config, Server
from isartor.config.secret_file import SecretFile
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from isartor.config.secret import Secret
    from isartor.config.sources import Setting


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration and where it comes from. `origins`: place of each key that is not at its default."""

    config: Config
    origins: dict[str, str]
    file: Path | None = None


def load(
    *,
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    home: Path | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Config:
    """Return the checked configuration; see `load_with_origins`."""
    return load_with_origins(path=path, environ=environ, cwd=cwd, home=home, overrides=overrides).config


def load_with_origins(  # noqa: PLR0913 # where to look, by name
    *,
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    home: Path | None = None,
    overrides: Mapping[str, object] | None = None,
    content: str | None = None,
) -> Loaded:
    """Return the checked configuration and the place of each setting.

    `path`: the file to read instead of looking for one; it must exist, unless `content` stands in for its text.
    `overrides`: canonical keys and values from the command line, `demo` among them. Raises `ConfigError` for the first
    thing that is wrong; its message names the place, the key, the rule and the value given, and never a secret.
    """
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd
    home = _home() if home is None else home
    overrides = overrides or {}
    options = {name: value for name, value in overrides.items() if name not in CLI_ONLY}

    file = sources.find_file(cwd, home) if path is None else path
    winners: dict[str, Setting] = {}
    in_order = (
        [] if file is None else sources.from_file(file, home, content),
        sources.from_environment(environ, cwd, home),
        sources.from_command_line(options),
    )
    for settings in in_order:
        _merge(winners, _of_one_source(settings))

    resolved: dict[str, Any] = {path: key.default for path, key in keys.active().items()}
    resolved |= {path: _value(winner) for path, winner in winners.items()}
    inactive = [winner.path for winner in winners.values() if _is_inactive(winner)]
    _fallback_keys(resolved, winners, inactive)
    for smaller, larger in checks.AT_MOST.items():
        # A smaller cache must not need a second setting to be valid: the limit of an entry follows.
        if smaller not in winners:
            resolved[smaller] = min(resolved[smaller], resolved[larger])
    checks.check(resolved, lambda key: winners[key].where if key in winners else key)

    warnings = [*sources.misspelt_variables(environ), *notes.notes(resolved)]
    top = {name: resolved[name] for name in Config.__struct_fields__ if name in resolved}
    for section, struct in keys.SECTIONS.items():
        top[section] = struct(**{name: resolved[f"{section}.{name}"] for name in struct.__struct_fields__})
    config = Config(
        server=Server(**{name: resolved[name] for name in Server.__struct_fields__}),
        **top,
        demo=bool(overrides.get("demo", False)),
        inactive=tuple(sorted(inactive)),
        warnings=tuple(warnings),
    )
    return Loaded(config=config, origins={key: winner.origin for key, winner in winners.items()}, file=file)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # A container's user may have none: nothing is found below this.
        return Path(os.devnull)


def _of_one_source(settings: Iterable[Setting]) -> dict[str, Setting]:
    """One setting per key; an error if the source contradicts itself."""
    found: dict[str, Setting] = {}
    for setting in settings:
        before = found.get(setting.path)
        if before is None:
            found[setting.path] = setting
        elif keys.all_keys()[setting.path].table:
            found[setting.path] = _joined(before, setting, strict=True)
        elif before.value != setting.value or type(before.value) is not type(setting.value):
            raise _contradiction(before, setting)
    return found


def _merge(winners: dict[str, Setting], settings: dict[str, Setting]) -> None:
    for path, setting in settings.items():
        before = winners.get(path)
        if before is not None and keys.all_keys()[path].table:
            winners[path] = _joined(before, setting, strict=False)
        else:
            winners[path] = setting


def _joined(before: Setting, after: Setting, *, strict: bool) -> Setting:
    if not isinstance(before.value, dict) or not isinstance(after.value, dict):
        return after
    joined = before.value | after.value
    for name in before.value.keys() & after.value.keys():
        old, new = before.value[name], after.value[name]
        both = isinstance(old, dict) and isinstance(new, dict)
        if strict and (any(old[inner] != new[inner] for inner in old.keys() & new.keys()) if both else old != new):
            raise _contradiction(before, after)
        if both:
            # A table of its own, as one provider's quota: joined key by key.
            joined[name] = old | new
    return msgspec.structs.replace(after, value=joined)


def _contradiction(before: Setting, after: Setting) -> ConfigError:
    message = f"{before.where} and {after.where} both set {before.path}, differently; give only one"
    return ConfigError(message, param=before.path)


def _value(setting: Setting) -> object:
    """The setting's value; secrets are read from their files only now, when nothing overrides them any more."""
    key = keys.all_keys()[setting.path]
    if isinstance(setting.value, SecretFile):
        return setting.value.read(setting.where, setting.path)
    if key.active and key.struct is not None:
        return tables.build(key, setting.value, setting.where)
    return setting.value


def _is_inactive(setting: Setting) -> bool:
    if keys.all_keys()[setting.path].active:
        return False
    anyway = later.IN_EFFECT_ANYWAY
    if setting.path not in anyway:
        return True
    value = setting.value
    if isinstance(value, str) and not isinstance(anyway[setting.path], str):
        # From the environment: nothing else has read the text, since the key has no type here.
        try:
            value = msgspec.json.decode(value.lower())
        except ValueError:
            return True
    return bool(value != anyway[setting.path])


def _fallback_keys(resolved: dict[str, Any], winners: dict[str, Setting], inactive: list[str]) -> None:
    """Let `fallback.<provider>_api_key` stand in for the key of its provider wherever that has none of its own."""
    for provider, path in keys.FALLBACK_KEYS.items():
        secret: Secret | None = resolved.pop(path)
        if secret is None:
            continue
        used = False
        if resolved["llm_provider"] == provider and not (resolved["external_llm_api_key"] or resolved["provider_keys"]):
            resolved["external_llm_api_key"] = secret
            winners["external_llm_api_key"] = winners[path]
            used = True
        others = []
        for entry in resolved["fallback_providers"]:
            lacks = entry.provider == provider and entry.api_key is None and not entry.provider_keys
            others.append(msgspec.structs.replace(entry, api_key=secret) if lacks else entry)
            used = used or lacks
        resolved["fallback_providers"] = tuple(others)
        if not used:
            inactive.append(path)
