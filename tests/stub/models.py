"""The lists of models, in three shapes."""

from __future__ import annotations

from tests.stub.plan import Json

NAMES = ("stub-model", "gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-flash")


def models(path: str, *, anthropic: bool) -> Json | None:
    """Answer `GET …/models` and `…/models/{id}`; None when there is no such model."""
    gemini = path.startswith("/v1beta/")
    name = path.partition("/models")[2].strip("/")
    if name and name not in NAMES:
        return None
    entries = [_entry(one, gemini=gemini, anthropic=anthropic) for one in NAMES if not name or one == name]
    if name:
        return entries[0]
    if gemini:
        return {"models": entries}
    if anthropic:
        return {"data": entries, "has_more": False, "first_id": NAMES[0], "last_id": NAMES[-1]}
    return {"object": "list", "data": entries}


def _entry(name: str, *, gemini: bool, anthropic: bool) -> Json:
    if gemini:
        methods = ["generateContent", "countTokens"]
        return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods}
    if anthropic:
        return {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
    return {"id": name, "object": "model", "created": 1_795_000_000, "owned_by": "stub"}
