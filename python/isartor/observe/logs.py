"""Log lines: one line of `key=value` pairs each, to stderr, without secrets.

    time=2026-11-20T14:20:19.123Z level=info logger=isartor.server message="listening" port=8080

Fields come from `extra=`: `log.info("listening", extra={"port": 8080})`. An exception becomes one line too: its type,
its text and where it was raised; its trace is added only at level `debug` or with `ISARTOR_DEBUG=1`.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
import traceback
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    class Revealable(Protocol):
        """A secret that shows itself only when asked."""

        def reveal(self) -> str:
            """Return the secret itself."""


MASK: Final = "***"

_ORDINARY: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PLAIN: Final = re.compile(r"[\w.:/+@-]+", re.ASCII)
# What looks like a credential although nobody told us: keys of the large providers, authorization headers, query keys.
_LOOKS_SECRET: Final = (
    (re.compile(r"(?i)\b(bearer|basic|token)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"\b(?:sk|gsk|xai|nvapi|ghp|gho|ghu|github_pat)[-_][A-Za-z0-9_-]{8,}"), MASK),
    (re.compile(r"\bAIza[A-Za-z0-9_-]{20,}"), MASK),
    (re.compile(r"(?i)([?&](?:api[-_]?key|key|access_token|token)=)[^&\s\"']+"), rf"\1{MASK}"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@\"']+@"), rf"\1{MASK}@"),
)
_SHORTEST_SECRET: Final = 4
_known: set[str] = set()


def setup(level: str = "info", *, secrets: Iterable[Revealable | None] = ()) -> None:
    """Send everything that is logged in this process to stderr, from `level` up.

    `secrets` never appear in a line, wherever they come from; those of earlier calls stay known.
    """
    _known.update(text for secret in secrets if secret is not None and len(text := secret.reveal()) >= _SHORTEST_SECRET)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # A broken stderr (a closed terminal) must not bring a trace on top of it.
    logging.raiseExceptions = debugging()


def debugging() -> bool:
    """Whether `ISARTOR_DEBUG` asks for traces."""
    return os.environ.get("ISARTOR_DEBUG", "") not in {"", "0", "false"}


def redact(text: str) -> str:
    """`text` without the known secrets and without what looks like one."""
    for secret in _known:
        text = text.replace(secret, MASK)
    for pattern, replacement in _LOOKS_SECRET:
        text = pattern.sub(replacement, text)
    return text


class LineFormatter(logging.Formatter):
    """Writes a record as one line of `key=value` pairs; a value that is more than a word is a JSON string."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        fields: dict[str, object] = {
            "time": _timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: value for name, value in vars(record).items() if name not in _ORDINARY}
        if record.exc_info is not None and record.exc_info[1] is not None:
            fields |= _fields_of(record.exc_info[1], record.name)
        return " ".join(f"{name}={_value(value)}" for name, value in fields.items())


def _fields_of(error: BaseException, logger: str) -> dict[str, object]:
    fields: dict[str, object] = {"error": f"{type(error).__name__}: {error}"}
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        last = frames[-1]
        fields["raised_in"] = f"{os.path.basename(last.filename)}:{last.lineno}:{last.name}"  # noqa: PTH119 # a name, no path
    if debugging() or logging.getLogger(logger).isEnabledFor(logging.DEBUG):
        fields["trace"] = "".join(traceback.format_exception(error))
    return fields


def _value(value: object) -> str:
    # Redacted before quoting: quoting would hide a secret with a quote in it from the comparison.
    text = redact(str(value))
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _timestamp(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds * 1000) % 1000:03d}Z"
