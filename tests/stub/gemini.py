"""Gemini generateContent, streamGenerateContent and countTokens."""

from __future__ import annotations

import base64
import json

from tests.stub.plan import Json, Plan, dumps
from tests.stub.reply import Reply


def prepare(body: Json, plan: Plan) -> None:
    """Take from the request what the plan needs: tools and the schema of a structured answer."""
    for tool in body.get("tools") or []:
        for function in tool.get("functionDeclarations") or tool.get("function_declarations") or []:
            names = ("parametersJsonSchema", "parameters_json_schema", "parameters")
            schema = next((function[name] for name in names if function.get(name)), {})
            plan.tools.append((function["name"], schema, "function"))
    config = body.get("generationConfig") or {}
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    if schema:
        plan.schema = schema


def last_user_text(body: Json) -> str:
    """Return the text of the last turn if the user wrote it; a function response is not the user's."""
    turns = body.get("contents") or []
    turns = turns if isinstance(turns, list) else [turns]
    if not turns or turns[-1].get("role", "user") != "user":
        return ""
    parts = turns[-1].get("parts") or []
    parts = parts if isinstance(parts, list) else [parts]
    if any("functionResponse" in part for part in parts):
        return ""
    return "\n".join(str(part.get("text", "")) for part in parts)


def count_tokens(_body: Json, plan: Plan) -> Reply:
    """Answer `:countTokens`; the number differs from call to call."""
    total = 2000 + plan.number
    return Reply({"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]}, None, b"")


def generate(_body: Json, plan: Plan, model: str, *, sse: bool) -> Reply:
    """Answer `:generateContent` and `:streamGenerateContent`."""
    used: Json = {
        "promptTokenCount": 9,
        "candidatesTokenCount": 18,
        "totalTokenCount": 27 + (5 if plan.flag("think") else 0),
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}],
    }
    if plan.flag("think"):
        used["thoughtsTokenCount"] = 5
    frame = {"usageMetadata": used, "modelVersion": model, "responseId": f"resp-{plan.tag}"}
    pieces = _pieces(plan)
    finish = plan.options.get("finish") or "STOP"
    last: Json = {"finishReason": finish, "index": 0}
    if plan.flag("web_search"):
        last["groundingMetadata"] = {
            "webSearchQueries": ["stub"],
            "groundingChunks": [{"web": {"uri": "https://example.org/looked-up", "title": "Example"}}],
        }
    whole = {"candidates": [{"content": {"parts": _joined(pieces), "role": "model"}, **last}], **frame}
    values = []
    for at, part in enumerate(pieces):
        candidate: Json = {"content": {"parts": [part], "role": "model"}, "index": 0}
        values.append({"candidates": [{**candidate, **(last if at + 1 == len(pieces) else {})}], **frame})
    failure = error(500, plan)
    if sse:
        events = [f"data: {dumps(value)}\r\n\r\n".encode() for value in values]
        return Reply(whole, events, f"data: {dumps(failure)}\r\n\r\n".encode(), "text/event-stream")
    events = [(("[" if not at else ",\r\n") + dumps(value)).encode() for at, value in enumerate(values)]
    events.append(b"]")
    return Reply(whole, events, (",\r\n" + dumps(failure) + "]").encode(), "application/json; charset=UTF-8")


def _pieces(plan: Plan) -> list[Json]:
    signature = base64.b64encode(f"thought-{plan.tag}".encode()).decode()
    parts: list[Json] = []
    if plan.flag("think"):
        parts += [{"text": piece, "thought": True} for piece in plan.thoughts]
    if plan.flag("code_execution"):
        parts.append({"executableCode": {"language": "PYTHON", "code": "print(1)"}})
        parts.append({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}})
    calls = plan.calls()
    if not calls:
        parts += [{"text": piece} for piece in plan.pieces]
        if plan.flag("think"):
            parts.append({"text": "", "thoughtSignature": signature})
    for at, (name, text, _) in enumerate(calls):
        part: Json = {"functionCall": {"id": f"fc_{plan.tag}_{at}", "name": name, "args": json.loads(text)}}
        if at == 0:
            part["thoughtSignature"] = signature
        parts.append(part)
    return parts


def _joined(pieces: list[Json]) -> list[Json]:
    joined: list[Json] = []
    for part in pieces:
        plain = "text" in part and "thoughtSignature" not in part
        if plain and joined and "text" in joined[-1] and joined[-1].get("thought") == part.get("thought"):
            joined[-1]["text"] += part["text"]
        else:
            joined.append(dict(part))
    return joined


def error(status: int, plan: Plan) -> Json:
    """Return an error body in Gemini's shape."""
    kinds = {
        400: "INVALID_ARGUMENT",
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        429: "RESOURCE_EXHAUSTED",
        503: "UNAVAILABLE",
        504: "DEADLINE_EXCEEDED",
    }
    message = f"stub error {status} {plan.tag}"
    return {"error": {"code": status, "message": message, "status": kinds.get(status, "INTERNAL")}}
