"""Changes `isartor.toml` and leaves the rest of it as the user wrote it: comments, order, spelling.

Nothing is written that the gateway would refuse to load, and nothing halfway: the new text goes into a file beside the
old one, which then takes its place.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from isartor.cli.failures import CommandError
from isartor.config import load_with_origins
from isartor.config.sources import FILE_NAME, find_file
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isartor.config import Loaded

_OWNER_ONLY: Final = 0o600
_LITERAL: Final = r'"{3}.*?"{3}|"(?:[^"\\]|\\.)*"' + r"|'[^']*'"
# What stands after the name of a secret, wherever in a line: in a comment and in an inline table too.
_SECRET: Final = re.compile(rf"""((?:^|[^\w-])["']?(?:\w*_)?key["']?\s*=\s*)({_LITERAL})""")
# A shorter one would be found inside of words that are none.
_LONG: Final = 6
_SECRET_NAME: Final = re.compile(r"(?:\w*_)?key")


def in_use() -> Path:
    """The file that a gateway started here reads; `isartor.toml` in this directory if there is none."""
    try:
        home = Path.home()
    except RuntimeError:
        home = Path(os.devnull)
    return find_file(Path.cwd(), home) or Path.cwd() / FILE_NAME


class Draft:
    """A changed copy of the file, in memory until `save`."""

    def __init__(self, path: Path) -> None:
        """Read `path`; a file that does not exist is empty. Raises `CommandError` if it is no TOML."""
        self.path = path
        # A link stays one: what it leads to is written.
        self._target = path.resolve()
        try:
            self._found: bytes | None = self._target.read_bytes()
        except FileNotFoundError:
            self._found = None
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}"
            raise CommandError(message) from None
        try:
            text = (self._found or b"").decode()
            self._crlf = "\r\n" in text
            self._before = text.replace("\r\n", "\n")
            self._tree = tomlkit.parse(self._before)
        except UnicodeDecodeError:
            message = f"{path} is not UTF-8"
            raise CommandError(message) from None
        except TOMLKitError as error:
            message = f"{path} is not valid TOML: {error}"
            raise CommandError(message) from None

    def get(self, name: str) -> Any:
        """The plain value of a top-level key, `None` if it has none."""
        value: Any = self._tree.get(name)
        return value.unwrap() if hasattr(value, "unwrap") else value

    def put(self, name: str, value: str | float) -> None:
        """Set a top-level key, in its place if it is there or stands there as a comment."""
        if name not in self._tree:
            self._tree = tomlkit.parse(_with_line(tomlkit.dumps(self._tree), name))
        self._tree[name] = value

    def remove(self, name: str) -> bool:
        """Remove a top-level key; whether it was there."""
        return self._tree.pop(name, None) is not None

    def move(self, name: str, pool: str, entry: dict[str, str | int]) -> None:
        """Remove a top-level key whose value is the first in `entry`, which is added to the array of tables `pool`.

        The comment behind it goes along. It stays, as a line of its own, if `entry` is empty or `pool` an array
        in brackets, where it would need a line to itself.
        """
        if name not in self._tree:
            return
        item: Any = self._tree.item(name)
        trivia = item.trivia
        tables = self._tree.get(pool)
        goes = bool(entry) and (not tables or isinstance(tables, tomlkit.items.AoT))
        place = next(at for at, (key, _) in enumerate(self._tree.body) if key is not None and key.key == name)
        self.remove(name)
        if trivia.comment and not goes:
            alone = tomlkit.items.Trivia(indent=trivia.indent, comment=trivia.comment, trail=trivia.trail)
            self._tree.body[place] = None, tomlkit.items.Comment(alone)
        if entry:
            self.append(pool, entry)
        if goes:
            table: Any = self._tree[pool]
            moved = table[-1].value.item(next(iter(entry))).trivia
            moved.comment_ws, moved.comment = trivia.comment_ws, trivia.comment

    def put_in(self, table: str, name: str, value: str) -> None:
        """Set one key of a table, which is made if it does not exist."""
        if table not in self._tree:
            self._new(table, tomlkit.table())
        inside = self._tree[table]
        if not isinstance(inside, dict):
            message = f"{self.path}: {table} must be a table"
            raise CommandError(message)
        inside[name] = value

    def append(self, name: str, entry: dict[str, str | int]) -> None:
        """Add a table to an array of tables."""
        if not self._tree.get(name):
            self._tree.pop(name, None)
            self._new(name, tomlkit.aot())
        tables: Any = self._tree[name]
        if not isinstance(tables, list):
            message = f"{self.path}: {name} must be an array of tables"
            raise CommandError(message)
        table = tomlkit.table() if isinstance(tables, tomlkit.items.AoT) else tomlkit.inline_table()
        table.update(entry)
        tables.append(table)

    def _new(self, name: str, table: tomlkit.items.Item) -> None:
        """Add a table at the end, with an empty line before it."""
        text = tomlkit.dumps(self._tree)
        if text and not text.endswith("\n\n"):
            self._tree.add(tomlkit.ws("\n" if text.endswith("\n") else "\n\n"))
        self._tree[name] = table

    @property
    def text(self) -> str:
        """The whole file as it will be."""
        text = tomlkit.dumps(self._tree)
        return text.replace("\n", "\r\n") if self._crlf else text

    def checked(self) -> Loaded:
        """Load what is drafted, together with the environment. Raises `CommandError` if a gateway would not."""
        try:
            return load_with_origins(path=self.path, content=self.text)
        except ConfigError as error:
            message = f"nothing is written: {error.message}"
            raise CommandError(message) from None

    def diff(self) -> str:
        """What changes, line by line, without showing a key."""
        import difflib

        after = tomlkit.dumps(self._tree)
        name = str(self.path)
        lines = difflib.unified_diff(self._before.splitlines(), after.splitlines(), name, name, n=2, lineterm="")
        known = sorted({*_keys_of(tomlkit.parse(self._before)), *_keys_of(self._tree)}, key=len, reverse=True)
        return "".join(f"{masked(line, known)}\n" for line in lines)

    def save(self) -> None:
        """Put the draft in the file's place. Raises `CommandError` if the file has changed since it was read."""
        try:
            now: bytes | None = self._target.read_bytes()
        except FileNotFoundError:
            now = None
        if now != self._found:
            message = f"{self.path} has been changed by somebody else meanwhile; nothing is written"
            raise CommandError(message)
        try:
            status = None if self._found is None else self._target.stat()
            mode = _OWNER_ONLY if status is None or _holds_key(self._tree) else status.st_mode & 0o777
            replace(self._target, self.text, mode=mode, owner=status)
        except OSError as error:
            message = f"{self.path} cannot be written: {error.strerror}"
            raise CommandError(message) from None


def replace(path: Path, text: str, *, mode: int, owner: os.stat_result | None = None) -> None:
    """Write `path` at once or not at all, through a file beside it. Raises `OSError`."""
    # Not a name that another run could have taken, and never one that is there: it could be a link to elsewhere.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if owner is not None and (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fchmod(file.fileno(), mode)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def masked(line: str, known: list[str]) -> str:
    """`line` with only the ends of the keys in it: of those in `known`, and of what stands after a key's name."""
    from isartor.observe.logs import redact
    from isartor.providers.keys import mask

    for secret in (secret for secret in known if len(secret) >= _LONG):
        line = line.replace(secret, mask(secret))
    line = _SECRET.sub(lambda found: found[1] + _hidden(found[2]), line)
    return redact(line)


def _hidden(literal: str) -> str:
    """A string of TOML with only the ends of what is in it."""
    from isartor.providers.keys import mask

    secret = literal.strip("\"'")
    done = not secret or "…" in secret or set(secret) == {"*"}
    return literal if done else f'"{mask(secret)}"'


def _with_line(text: str, name: str) -> str:
    """`text` with a line for the top-level key `name`: in place of the scaffold's comment, else before all tables."""
    lines = text.splitlines(keepends=True)
    end = _first_table(lines)
    line = f'{name} = ""\n'
    for place in range(end):
        if re.match(rf"#\s?{re.escape(name)}\s*=", lines[place]):
            lines[place] = line
            return "".join(lines)
    if end == len(lines):
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        return "".join([*lines, line])
    place = end
    # Comments right above a table's head are about the table.
    while place and lines[place - 1].startswith("#"):
        place -= 1
    if place == 0:
        return "".join([*lines[:end], line, "\n", *lines[end:]])
    above = place
    while above and not lines[above - 1].strip():
        above -= 1
    if above and not lines[above - 1].startswith("#"):
        # Right below the last setting.
        return "".join([*lines[:above], line, *(lines[above:] if above < place else ["\n", *lines[above:]])])
    return "".join([*lines[:place], line, "\n", *lines[place:]])


def _first_table(lines: list[str]) -> int:
    """The number of the line in which the first table begins; of lines, if there is none."""
    for place, line in enumerate(lines):
        if line.lstrip().startswith("["):
            # It may also stand in an array or a text of several lines: then what is before it is not complete.
            with contextlib.suppress(tomllib.TOMLDecodeError):
                tomllib.loads("".join(lines[:place]))
                return place
    return len(lines)


def _keys_of(tree: Any) -> Iterator[str]:
    """Every secret that stands in `tree`."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if isinstance(value, str) and value and _SECRET_NAME.fullmatch(name):
                yield str(value)
            else:
                yield from _keys_of(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _keys_of(item)


def _holds_key(tree: Any) -> bool:
    return next(_keys_of(tree), None) is not None
