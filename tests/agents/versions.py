"""The one table of pinned agents; `tests/data/clients` was recorded with them, so both change together."""

from __future__ import annotations

CLAUDE_CODE = "2.1.329"
CODEX = "0.169.0"
GEMINI_CLI = "0.61.0"
OPENCODE = "1.18.33"
