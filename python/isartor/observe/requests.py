"""The request log: what clients sent and what they got, for whoever looks for a fault. Off unless it is asked for.

One JSON line per request in `requests.log`, secrets removed, bodies cut. A request costs its worker no more than an
entry in a list: a thread does the rest. What waits there is bounded in number and bytes; what finds no room is counted
and told, and so is a disk that fails.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.observe import redaction
from isartor.observe.rotating import Rotating

if TYPE_CHECKING:
    from isartor.config import Config
    from isartor.ports import Headers

log = logging.getLogger("isartor.observe")

FILE_NAME: Final = "requests.log"
BODY_BYTES: Final = 16 * 1024
"""As much is shown of a body."""
READ_BYTES: Final = 256 * 1024
"""A request of up to this size is read as JSON. Of a larger one only the beginning is, as text."""

# Behind the end of what is shown, so that a secret that lies across it is recognised.
_MARGIN: Final = 4 * 1024
KEPT_BYTES: Final = BODY_BYTES + _MARGIN
"""As much of a stream is kept."""
_WAITING: Final = 4096
_WAITING_BYTES: Final = 16 * 1024 * 1024
_BATCH: Final = 256
_PAUSE_SECS: Final = 0.25
_CLOSE_SECS: Final = 5.0
# Characters that steer a terminal, which JSON lets through: the log is read with `isartor logs`.
_STEERS: Final = re.compile("[\x7f-\x9f\u2028\u2029]")


class Record(msgspec.Struct, kw_only=True, gc=False):
    """One request and its reply, as they came."""

    began: float
    """Seconds since 1970."""
    method: str
    path: str
    query: str
    endpoint_family: str
    client: str
    tool: str
    tenant: str
    request_headers: Headers
    request_body: bytes
    request_bytes: int
    """Size of the whole body, of which `request_body` may be the beginning."""
    response_status: int
    response_headers: Headers
    response_body: bytes
    response_bytes: int
    note: str | None
    latency_ms: float

    @property
    def size(self) -> int:
        """What it takes while it waits, roughly."""
        return len(self.request_body) + len(self.response_body)


class RequestLog:
    """The log, from one worker's side."""

    def __init__(self, file: Rotating) -> None:
        """Touches no file before the first request."""
        self._file = file
        self._waiting: deque[Record] = deque()
        # Each of these numbers belongs to one thread: the first two to the worker's, the others to the log's.
        self._added = 0
        self._refused = 0
        self._taken = 0
        self._failed = 0
        self._wake = threading.Event()
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None
        self.fault = ""
        """Why requests are not written; empty if they are."""

    @classmethod
    def of(cls, config: Config) -> RequestLog | None:
        """The log that is configured; `None` if there is to be none."""
        folder = folder_of(config)
        if not config.enable_request_logs or folder is None:
            return None
        return cls(Rotating(folder / FILE_NAME))

    @property
    def path(self) -> Path:
        """Where the latest lines are."""
        return self._file.path

    @property
    def lost(self) -> int:
        """Requests that are not in the log."""
        return self._refused + self._failed

    def __repr__(self) -> str:
        """File and fault."""
        return f"<RequestLog {self.path}: {self.fault or 'well'}>"

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._run, name="isartor-requests", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits and ends the thread."""
        self._ends.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECS)

    def add(self, record: Record) -> None:
        """Takes a request down; never waits."""
        if len(self._waiting) >= _WAITING or self._added - self._taken > _WAITING_BYTES:
            self._refused += 1
            return
        self._added += record.size
        self._waiting.append(record)
        self._wake.set()

    def flush(self) -> None:
        """Writes what waits. Only one thread at a time may call it."""
        while self._waiting:
            records = [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH))]
            lines = [written for record in records if (written := _tried(record)) is not None]
            self._failed += len(records) - len(lines)
            try:
                self._file.append(b"".join(lines))
                self.fault = ""
            except OSError as error:
                self._failed += len(lines)
                self._tell(f"{self.path.name} cannot be written: {error.strerror or error}")
            self._taken += sum(record.size for record in records)

    def faults(self) -> list[str]:
        """What is wrong, for `/health`; empty if nothing is."""
        found = [self.fault] if self.fault else []
        return [*found, f"{self.lost} requests are missing in {self.path.name}"] if self.lost else found

    def _tell(self, fault: str) -> None:
        if fault != self.fault:
            log.warning("%s", fault)
        self.fault = fault

    def _run(self) -> None:
        while not self._ends.is_set():
            self._wake.wait()
            self._wake.clear()
            self.flush()
            # What comes meanwhile is written together.
            self._ends.wait(_PAUSE_SECS)
        self.flush()
        self._file.close()


def folder_of(config: Config) -> Path | None:
    """The folder of the log; `None` for a user without a home."""
    try:
        return Path(config.request_log_path).expanduser()
    except RuntimeError:
        return None


def _tried(record: Record) -> bytes | None:
    try:
        return line(record)
    except Exception:
        log.exception("a request could not be written to the request log")
        return None


def line(record: Record) -> bytes:
    """The record as it is written."""
    request, request_cut = _shown(record.request_body, record.request_bytes)
    response, response_cut = _shown(record.response_body, record.response_bytes)
    sent = {name: value for name, value in record.response_headers if name.startswith("x-isartor-")}
    began = datetime.fromtimestamp(record.began, UTC).isoformat(timespec="milliseconds")
    fields: dict[str, Any] = {
        "timestamp": began.replace("+00:00", "Z"),
        "method": record.method,
        "path": redaction.target(record.path, record.query),
        "endpoint_family": record.endpoint_family,
        "client": record.client,
        "tool": record.tool,
        "tenant": record.tenant or None,
        "provider": sent.get("x-isartor-provider"),
        "model": _model(record),
        "request_id": next((value for name, value in record.response_headers if name == "x-request-id"), None),
        "request_headers": redaction.headers(record.request_headers),
        "request_body": request,
        "request_body_truncated": request_cut,
        "response_status": record.response_status,
        "response_headers": redaction.headers(record.response_headers),
        "response_body": response,
        "response_body_truncated": response_cut,
        "response_body_note": record.note,
        "latency_ms": round(record.latency_ms, 3),
        "final_layer": sent.get("x-isartor-layer"),
    }
    text = msgspec.json.encode({name: value for name, value in fields.items() if value is not None}).decode()
    return _STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"


class _Named(msgspec.Struct):
    model: str | None = None


def _model(record: Record) -> str | None:
    """The model that was asked for: in the path as Gemini has it, else in the body."""
    _, models, rest = record.path.partition("/models/")
    if models and ":" in rest:
        return rest.rpartition(":")[0]
    try:
        return msgspec.json.decode(record.request_body, type=_Named).model
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _shown(body: bytes, size: int) -> tuple[str, bool]:
    """As much of a body as is shown, and whether there was more."""
    whole = len(body) == size and size <= READ_BYTES
    text = redaction.body(body if whole else body[:KEPT_BYTES], whole=whole)
    content = text.encode()
    if len(content) <= BODY_BYTES and whole:
        return text, False
    return content[:BODY_BYTES].decode(errors="ignore"), True
