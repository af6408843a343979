"""From a request to the reply in both forms, or to an error in the surface's shape."""

from __future__ import annotations

import json
import re

from tests.stub import anthropic, gemini, openai_chat, openai_responses
from tests.stub.plan import Json, Plan, directives
from tests.stub.reply import Reply

_GEMINI = re.compile(r"/(?:v1|v1beta)/models/([^:]+):(generateContent|streamGenerateContent|countTokens)$")
_PATHS = {
    "chat/completions": "chat",
    "completions": "completions",
    "embeddings": "embeddings",
    "responses": "responses",
    "messages/count_tokens": "count_tokens",
    "messages": "messages",
}
_FORMATS = {
    "chat": openai_chat,
    "completions": openai_chat,
    "embeddings": openai_chat,
    "responses": openai_responses,
    "messages": anthropic,
    "count_tokens": anthropic,
    "generate": gemini,
    "stream_generate": gemini,
    "gemini_count": gemini,
}
_GEMINI_NAMES = {
    "generateContent": "generate",
    "streamGenerateContent": "stream_generate",
    "countTokens": "gemini_count",
}


def endpoint_of(path: str) -> str:
    """Return the endpoint's name, or an empty string when the path has none."""
    found = _GEMINI.search(path)
    if found:
        return _GEMINI_NAMES[found[2]]
    return next((name for tail, name in _PATHS.items() if path.endswith("/" + tail)), "")


def plan_for(endpoint: str, body: Json, tag: str, number: int, extra: dict[str, str]) -> Plan:
    """Return what to answer: the request's own directives, and those of the control calls."""
    plan = Plan(tag, number)
    module = _FORMATS[endpoint]
    try:
        plan.options.update(directives(module.last_user_text(body)))
        module.prepare(body, plan)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        plan.options["status"] = "400"  # what the stub cannot read a provider would refuse
    plan.options.update(extra)
    return plan


def reply_for(endpoint: str, path: str, query: str, body: Json, plan: Plan) -> Reply | None:
    """Build the reply; None when the body is none that a provider would take."""
    try:
        return _build(endpoint, path, query, body, plan)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        return None


def _build(endpoint: str, path: str, query: str, body: Json, plan: Plan) -> Reply:
    if endpoint == "chat":
        return openai_chat.chat(body, plan)
    if endpoint == "completions":
        return openai_chat.completions(body, plan)
    if endpoint == "embeddings":
        return openai_chat.embeddings(body, plan)
    if endpoint == "responses":
        return openai_responses.responses(body, plan)
    if endpoint == "messages":
        return anthropic.messages(body, plan)
    if endpoint == "count_tokens":
        return anthropic.count_tokens(body, plan)
    if endpoint == "gemini_count":
        return gemini.count_tokens(body, plan)
    found = _GEMINI.search(path)
    return gemini.generate(body, plan, found[1] if found else "stub-model", sse="alt=sse" in query)


def wants_stream(endpoint: str, body: Json, plan: Plan) -> bool:
    """Tell whether the reply is to be streamed."""
    if plan.flag("json"):
        return False
    return plan.flag("stream") or endpoint == "stream_generate" or bool(body.get("stream"))


def error_body(endpoint: str, status: int, plan: Plan) -> Json:
    """Return an error of that status in the endpoint's shape."""
    if _FORMATS[endpoint] is anthropic:
        return anthropic.error(status, plan)
    if _FORMATS[endpoint] is gemini:
        return gemini.error(status, plan)
    return openai_chat.error(status, plan)


def refusal(endpoint: str, path: str, headers: dict[str, str], raw: bytes) -> tuple[int, Json]:
    """Return the status with which a real provider would refuse this request, 0 when it would not, and the body."""
    key = headers.get("x-api-key") or headers.get("x-goog-api-key") or headers.get("authorization", "")
    if "wrong" in key:
        return 401, {}
    try:
        body = json.loads(raw)
    except ValueError:
        return 400, {}
    if not isinstance(body, dict):
        return 400, {}
    model = body.get("model", path)
    if "no-such-model" in str(model):
        return 404, body
    return 0, body
