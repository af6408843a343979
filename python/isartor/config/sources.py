"""Where settings come from: the file, the environment, the command line. Each gives a flat list of settings.

A source may spell a key in any accepted way. A key that is unknown in it is an error that names the nearest known one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.config import keys, tables, values
from isartor.config.secret_file import SecretFile
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE_NAME: Final = "isartor.toml"
PREFIX: Final = "ISARTOR__"

NOT_CONFIGURATION: Final = frozenset({"ISARTOR__FIRST_RUN_COMPLETE"})
"""Variables with the prefix that are no keys: users have them set, and other parts read them."""
_SINGLE_UNDERSCORE: Final = {
    "ISARTOR_EXTERNAL_LLM_API_KEY_FILE": "external_llm_api_key_file",
    "ISARTOR_FALLBACK_PROVIDERS": "fallback_providers",
    "ISARTOR_HF_CACHE_DIR": "hf_cache_dir",
    "ISARTOR_PROVIDER_KEYS": "provider_keys",
}
"""Variables that are read although they lack the second underscore."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One key with a value of its type. `where`: how a message names the place; `origin`: how `config show` does."""

    path: str
    value: Any
    where: str
    origin: str


def find_file(cwd: Path, home: Path) -> Path | None:
    """The configuration file in use: the working directory's, else the one in `~/.isartor`."""
    for candidate in (cwd / FILE_NAME, home / ".isartor" / FILE_NAME):
        # A dangling link or a directory of that name is an error to tell, not to skip; a folder that may not be
        # searched is none of ours.
        if os.path.lexists(candidate):
            return candidate
    return None


def from_file(path: Path, home: Path, content: str | None = None) -> list[Setting]:
    """The settings of a TOML file, or of `content` as if it stood there. Raises `ConfigError` if it cannot be read."""
    import tomllib

    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8") if content is None else content)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise ConfigError(message) from None
    except UnicodeDecodeError:
        message = f"{path} is not UTF-8"
        raise ConfigError(message) from None
    except tomllib.TOMLDecodeError as error:
        message = f"{path} is not valid TOML: {error}"
        raise ConfigError(message) from None
    except RecursionError:
        message = f"{path} is nested too deeply"
        raise ConfigError(message) from None
    reader = _Reader(origin=str(path), base=path.parent, home=home, text=False)
    for name, value in tree.items():
        reader.walk(name, value, f"{path}: ")
    return reader.settings


def from_environment(environ: Mapping[str, str], cwd: Path, home: Path) -> list[Setting]:
    """The settings of the environment. A variable that is empty counts as not set."""
    found = []
    for name, value in sorted(environ.items()):
        key = _key_of(name)
        if key is None or not value.strip():
            continue
        reader = _Reader(origin=name, base=cwd, home=home, text=True)
        reader.variable(key, value, name)
        found += reader.settings
    return found


def from_command_line(overrides: Mapping[str, object]) -> list[Setting]:
    """The settings that options of a command give, by canonical key."""
    active = keys.active()
    found = []
    for path, value in overrides.items():
        where = "--" + path.replace("_", "-")
        typed = values.convert(active[path], value, where, text=False)
        found.append(Setting(path=path, value=typed, where=where, origin="command line"))
    return found


def misspelt_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """A line for each variable that is a key but for the second underscore, and therefore not read."""
    known = keys.spellings() | keys.file_spellings()
    for name in sorted(environ):
        upper = name.upper()
        if upper.startswith("ISARTOR_") and not upper.startswith(PREFIX) and upper not in _SINGLE_UNDERSCORE:
            key = upper.removeprefix("ISARTOR_").lower().replace("__", ".")
            if key in known:
                right = PREFIX + upper.removeprefix("ISARTOR_")
                yield f"{name} is not read; the variable is {right}, with two underscores"


def _key_of(name: str) -> str | None:
    upper = name.upper()
    if upper in _SINGLE_UNDERSCORE:
        return _SINGLE_UNDERSCORE[upper]
    if not upper.startswith(PREFIX) or upper in NOT_CONFIGURATION:
        return None
    return upper[len(PREFIX) :].lower().replace("__", ".")


class _Reader:
    """Collects the settings of one source. `base`: what relative paths start from; `text`: values are still text."""

    def __init__(self, *, origin: str, base: Path, home: Path, text: bool) -> None:
        self._origin = origin
        self._base = base
        self._home = home
        self._text = text
        self.settings: list[Setting] = []

    def walk(self, spelling: str, value: object, prefix: str) -> None:
        """Take a key and its value, or a section with all that is in it; `prefix` begins the place in messages."""
        where = prefix + spelling
        if self._take(spelling, value, where):
            return
        if not keys.is_section(spelling):
            raise self._unknown(spelling, where)
        if not isinstance(value, dict):
            message = f"{where} must be a table, got {type(value).__name__}"
            raise ConfigError(message, param=spelling)
        for name, inner in value.items():
            self.walk(f"{spelling}.{name}", inner, prefix)

    def variable(self, key: str, value: str, name: str) -> None:
        """Take one environment variable, whose nesting is in its name."""
        where = name if name.upper() == PREFIX + key.upper() else f"{name} ({key})"
        if self._take(key, value, where):
            return
        for path, entry in keys.all_keys().items():
            # Of a table whose keys the user names, one entry.
            if entry.table and key.startswith(path + "."):
                self._add(path, self._entry(entry, key[len(path) + 1 :], value, where), where)
                return
        if keys.is_section(key) and value.lstrip().startswith("{"):
            try:
                tree = msgspec.json.decode(value)
            except (ValueError, RecursionError):
                message = f"{where} must be a JSON object"
                raise ConfigError(message, param=key) from None
            self._text = False
            self.walk(key, tree, f"{name}: ")
            return
        raise self._unknown(key, where)

    def _take(self, spelling: str, value: object, where: str) -> bool:
        if (secret := keys.file_spellings().get(spelling)) is not None:
            self._add(secret, SecretFile(self._resolve(value, where, secret)), where)
            return True
        path = keys.spellings().get(spelling)
        if path is None:
            return False
        if path == keys.HOST_PORT:
            host, port = values.host_port(value, where)
            self._add("host", host, where)
            self._add("port", port, where)
            return True
        key = keys.all_keys()[path]
        if key.active and key.struct is not None:
            value = tables.read(key, value, where, self._resolve, text=self._text)
        elif key.active:
            value = values.convert(key, value, where, text=self._text)
        self._add(path, value, where)
        return True

    def _entry(self, key: keys.Key, rest: str, value: str, where: str) -> object:
        """What a variable gives that sets one entry of a table."""
        if not key.active:
            return {rest: value}
        if key.struct is not None:
            return tables.read_variable(key, rest, value, where, self._resolve)
        return values.convert(key, {rest: value}, where, text=False)

    def _add(self, path: str, value: object, where: str) -> None:
        self.settings.append(Setting(path=path, value=value, where=where, origin=self._origin))

    def _resolve(self, value: object, where: str, path: str) -> Path:
        if not isinstance(value, str) or not value.strip():
            message = f"{where} must be the path of a file"
            raise ConfigError(message, param=path)
        given = Path(value.strip())
        if given.parts[:1] == ("~",):
            given = self._home.joinpath(*given.parts[1:])
        return self._base / given

    def _unknown(self, spelling: str, where: str) -> ConfigError:
        near = keys.nearest(spelling)
        if near is not None and self._text:
            near = PREFIX + near.upper().replace(".", "__")
        hint = f"; did you mean {near}?" if near else ""
        return ConfigError(f"{where} is not a known setting{hint}", param=spelling)
