"""The recorded clients: what each file in `tests/data/clients` sends, in the bytes in which it was sent."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

FOLDER = Path(__file__).parents[1] / "data" / "clients"
_FRAMING = {"host", "content-length", "connection", "transfer-encoding", "keep-alive"}
PAIRS = (
    ("claude-2", "claude-4"),
    ("codex-1", "codex-2"),
    ("codex-7", "codex-9"),
    ("gemini-1", "gemini-3"),
    ("gemini-2", "gemini-4"),
    ("opencode-1", "opencode-3"),
    ("opencode-2", "opencode-4"),
    ("opencode-12", "opencode-14"),
    ("copilot-1", "copilot-2"),
    ("copilot-3", "copilot-4"),
    ("copilot-5", "copilot-6"),
)


@dataclass(slots=True, frozen=True)
class Recorded:
    """One recorded request."""

    name: str
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: Any
    raw: bytes

    @property
    def endpoint(self) -> str:
        """The endpoint's name as in `ask`, or an empty string."""
        where = self.path.partition("?")[0]
        tails = {
            "/chat/completions": "chat",
            "/responses": "responses",
            "/messages": "messages",
            "/count_tokens": "count_tokens",
            "/embeddings": "embeddings",
            ":generateContent": "generate",
            ":streamGenerateContent": "generate",
            ":countTokens": "gemini_count",
        }
        return next((name for tail, name in tails.items() if where.endswith(tail)), "")

    @property
    def stream(self) -> bool:
        """Whether it asks for a stream."""
        return ":streamGenerateContent" in self.path or (
            isinstance(self.body, dict) and self.body.get("stream") is True
        )

    def send(self, client: httpx.Client, url: str, change: Callable[[Any], None] | None = None) -> httpx.Response:
        """Send it as it was, or with its body changed."""
        raw = self.raw
        if change is not None:
            changed = copy.deepcopy(self.body)
            change(changed)
            raw = _dump(changed, self.raw)
        return client.request(self.method, url + self.path, headers=self.headers, content=raw)


def _dump(body: Any, like: bytes) -> bytes:
    spaced = like[:40].find(b'": ') > 0
    return json.dumps(body, ensure_ascii=False, separators=(", ", ": ") if spaced else (",", ":")).encode()


@functools.cache
def load(name: str) -> Recorded:
    """Read one file."""
    given = json.loads((FOLDER / f"{name}.json").read_text())
    headers = [(key, value) for key, value in given["headers"] if key.lower() not in _FRAMING]
    body, raw = given["body"], b""
    if body is not None:
        compact = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        spaced = json.dumps(body, ensure_ascii=False).encode()
        raw = spaced if len(spaced) == given["body_bytes"] else compact
    return Recorded(name, given["method"], given["path"], headers, body, raw)


def names() -> list[str]:
    """Return all recorded requests but those of MCP, which no surface of this version answers."""
    found = [path.stem for path in FOLDER.glob("*.json")]
    found = [name for name in found if not json.loads((FOLDER / f"{name}.json").read_text())["path"].startswith("/mcp")]
    return sorted(found, key=lambda name: (name.rpartition("-")[0], int(name.rpartition("-")[2])))
