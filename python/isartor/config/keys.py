"""The table of all keys: which exist, how else each may be spelled, and which is meant by one that does not exist."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec

from isartor.config import later
from isartor.config.schema import CLI_ONLY, Config, EmbeddingSidecar, SemanticCache, Server
from isartor.config.secret import Secret
from isartor.config.upstream import Breaker, Concurrency, RateLimit, Retry

HOST_PORT: Final = "host_port"
"""One key for two: `host:port`."""
SECTIONS: Final[dict[str, type[msgspec.Struct]]] = {
    "semantic_cache": SemanticCache,
    "embedding_sidecar": EmbeddingSidecar,
    "rate_limit": RateLimit,
    "concurrency": Concurrency,
    "retry": Retry,
    "breaker": Breaker,
}
"""Sections whose keys stand in them and nowhere else; a key's path begins with its section's name."""
FILE_SUFFIX: Final = "_file"
"""A secret's key with this at its end names a file that holds the secret."""
FALLBACK_KEYS: Final = {"openai": "openai_api_key", "anthropic": "anthropic_api_key"}
"""Provider and the key that stands in for `external_llm_api_key` when it is the one in use."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key. `path` is its canonical spelling; `type` is `None` for a key that this version does not act on."""

    path: str
    type: Any
    default: Any = None
    meaning: str = ""

    @property
    def active(self) -> bool:
        """Whether the key does something in this version."""
        return self.type is not None

    @property
    def secret(self) -> bool:
        """Whether its value must never be shown."""
        return bool(self.base is Secret)

    @property
    def base(self) -> Any:
        """Its type without its limits and without `None`."""
        bare = self.type.__origin__ if hasattr(self.type, "__metadata__") else self.type
        if get_origin(bare) not in {Union, UnionType}:
            return bare
        return next(member for member in get_args(bare) if member is not type(None))

    @property
    def limited(self) -> Any:
        """Its type with its limits and without `None`, which no limit can be laid on."""
        limits = getattr(self.type, "__metadata__", ())
        return Annotated[self.base, *limits] if limits else self.base

    @property
    def optional(self) -> bool:
        """Whether it may be unset, for which an empty string stands in the file."""
        bare = self.type.__origin__ if hasattr(self.type, "__metadata__") else self.type
        return type(None) in get_args(bare)

    @property
    def struct(self) -> type[msgspec.Struct] | None:
        """What each of its tables holds, if its value is several tables of known keys."""
        last = next((kind for kind in reversed(get_args(self.base)) if kind is not Ellipsis), None)
        return last if isinstance(last, type) and issubclass(last, msgspec.Struct) else None

    @property
    def array(self) -> bool:
        """Whether its value is an array."""
        return get_origin(self.base) is tuple

    @property
    def table(self) -> bool:
        """Whether its value is a table whose keys the user names."""
        return get_origin(self.base) is dict or self.path in later.TABLES

    @property
    def environment(self) -> str:
        """The environment variable that sets it."""
        return "ISARTOR__" + self.path.replace(".", "__").upper()


@cache
def active() -> dict[str, Key]:
    """Every key with an effect, by its path, in the order of the schema."""
    found: dict[str, Key] = {}
    for struct in (Server, Config):
        for field in msgspec.structs.fields(struct):
            if field.name in SECTIONS:
                for inner in msgspec.structs.fields(SECTIONS[field.name]):
                    _add(found, f"{field.name}.{inner.name}", inner)
            elif field.name not in CLI_ONLY and field.name not in {"server", "inactive", "warnings"}:
                _add(found, field.name, field)
    for provider, path in FALLBACK_KEYS.items():
        meaning = f"Key of `{provider}`, first or fallback, if it has no other."
        found[path] = Key(path=path, type=Secret | None, meaning=meaning)
    return found


def _add(found: dict[str, Key], path: str, field: msgspec.structs.FieldInfo) -> None:
    found[path] = field_key(path, field)


def field_key(path: str, field: msgspec.structs.FieldInfo) -> Key:
    """The key that a field of a struct describes; one that must be given has no default."""
    default = field.default
    if default is msgspec.NODEFAULT:
        default = None if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return Key(path=path, type=field.type, default=default, meaning=field.type.__metadata__[0].description)


@cache
def all_keys() -> dict[str, Key]:
    """Every key that may be set, by its path; those without an effect have no type."""
    return {path: Key(path=path, type=None) for path in later.KEYS} | active()


@cache
def spellings() -> dict[str, str]:
    """Every accepted spelling and the canonical path that it means."""
    found = {path: path for path in all_keys()} | later.SPELLINGS
    found |= {f"server.{field}": field for field in Server.__struct_fields__}
    found |= {f"fallback.{path}": path for path in FALLBACK_KEYS.values()}
    return found | {HOST_PORT: HOST_PORT}


@cache
def file_spellings() -> dict[str, str]:
    """Every accepted spelling of a key that names a secret's file, and the path of the secret."""
    keys = all_keys()
    return {
        spelling + FILE_SUFFIX: path for spelling, path in spellings().items() if path in keys and keys[path].secret
    }


def value_of(config: Config, path: str) -> Any:
    """What `config` has for the key at `path`."""
    section, _, name = path.rpartition(".")
    if path in Server.__struct_fields__:
        section = "server"
    return getattr(getattr(config, section) if section else config, name)


def is_section(path: str) -> bool:
    """Whether `path` is a table that holds known keys."""
    prefix = path + "."
    return any(spelling.startswith(prefix) for spelling in (*spellings(), *file_spellings()))


def nearest(path: str) -> str | None:
    """The known key that `path` was probably meant to be."""
    import difflib

    known = [*spellings(), *file_spellings()]
    # Active keys first: of two equally near ones the useful one is named.
    known.sort(key=lambda spelling: spelling not in active())
    found = difflib.get_close_matches(path, known, n=1, cutoff=0.6)
    if found:
        return found[0]
    # A key in the wrong section: its last part alone is what the user remembers.
    leaf = path.rpartition(".")[2]
    same = [spelling for spelling in known if spelling.rpartition(".")[2] == leaf]
    if same:
        return same[0]
    found = difflib.get_close_matches(leaf, known, n=1, cutoff=0.6)
    return found[0] if found else None
