"""Anthropic messages and token counting."""

from __future__ import annotations

import json

from tests.stub.openai_chat import fragments
from tests.stub.plan import Json, Plan
from tests.stub.reply import Reply, named_event


def prepare(body: Json, plan: Plan) -> None:
    """Take from the request what the plan needs: tools and the schema of a structured answer."""
    for tool in body.get("tools") or []:
        if "input_schema" in tool:
            plan.tools.append((tool["name"], tool["input_schema"], "tool_use"))
    form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    if form.get("type") == "json_schema":
        plan.schema = form.get("schema", {})


def last_user_text(body: Json) -> str:
    """Return the text of the last turn if the user wrote it; a tool result is not the user's."""
    turns = [turn for turn in body.get("messages") or [] if turn.get("role") != "system"]
    if not turns or turns[-1].get("role") != "user":
        return ""
    content = turns[-1].get("content")
    if isinstance(content, str):
        return content
    parts = [part for part in content or [] if isinstance(part, dict)]
    if any(part.get("type") == "tool_result" for part in parts):
        return ""
    return "\n".join(str(part.get("text", "")) for part in parts)


def count_tokens(_body: Json, plan: Plan) -> Reply:
    """Answer `POST /v1/messages/count_tokens`; the number differs from call to call."""
    return Reply({"input_tokens": 1000 + plan.number}, None, b"")


def messages(body: Json, plan: Plan) -> Reply:
    """Answer `POST /v1/messages`."""
    blocks = _blocks(plan)
    calls = any(block["type"] == "tool_use" for block in blocks)
    stop = plan.options.get("finish") or ("tool_use" if calls else "end_turn")
    used: Json = {
        "input_tokens": 12,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 4,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
        "service_tier": "standard",
    }
    container = {"id": "container_stub", "expires_at": "2026-11-21T00:00:00Z"} if plan.flag("code_execution") else None
    base: Json = {
        "id": f"msg_{plan.tag}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "stub-model"),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": used,
    }
    final: Json = {
        "input_tokens": 12,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 4,
        "output_tokens": 25,
    }
    if plan.flag("web_search"):
        final["server_tool_use"] = {"web_search_requests": 1, "web_fetch_requests": 0}
    events = [named_event({"type": "message_start", "message": base})]
    for index, block in enumerate(blocks):
        events += _block_events(index, block, plan)
        if index == 0:
            events.insert(2, named_event({"type": "ping"}))
    delta: Json = {"stop_reason": stop, "stop_sequence": None}
    whole = {**base, "content": blocks, "stop_reason": stop, "usage": {**used, **final}}
    if container:
        delta["container"] = whole["container"] = container
    events.append(named_event({"type": "message_delta", "delta": delta, "usage": final}))
    events.append(named_event({"type": "message_stop"}))
    return Reply(whole, events, error_event(plan))


def _blocks(plan: Plan) -> list[Json]:
    blocks: list[Json] = []
    if plan.flag("think"):
        signature = f"sig+{plan.tag}/aGVsbG8=="
        blocks.append({"type": "thinking", "thinking": "".join(plan.thoughts), "signature": signature})
    if plan.flag("redacted"):
        blocks.append({"type": "redacted_thinking", "data": f"redacted+{plan.tag}/AAAA=="})
    if plan.flag("web_search"):
        found = {
            "type": "web_search_result",
            "url": "https://example.org/looked-up",
            "title": "Example",
            "encrypted_content": "c3R1Yg==",
            "page_age": None,
        }
        name = {"id": "srvtoolu_stub", "name": "web_search", "input": {"query": "stub"}}
        blocks.append({"type": "server_tool_use", **name})
        blocks.append({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_stub", "content": [found]})
    if plan.flag("code_execution"):
        blocks.append(
            {
                "type": "server_tool_use",
                "id": "srvtoolu_code",
                "name": "bash_code_execution",
                "input": {"command": "date"},
            }
        )
        result = {
            "type": "bash_code_execution_result",
            "stdout": "today",
            "stderr": "",
            "return_code": 0,
            "content": [],
        }
        kind = "bash_code_execution_tool_result"
        blocks.append({"type": kind, "tool_use_id": "srvtoolu_code", "content": result})
    if plan.flag("mcp"):
        use = {
            "type": "mcp_tool_use",
            "id": "mcptoolu_stub",
            "name": "ask",
            "server_name": "stub",
            "input": {},
        }
        text = [{"type": "text", "text": "from elsewhere", "citations": None}]
        blocks.append(use)
        blocks.append({"type": "mcp_tool_result", "tool_use_id": "mcptoolu_stub", "is_error": False, "content": text})
    calls = plan.calls()
    blocks.append({"type": "text", "text": plan.text, "citations": None})
    for at, (name, text, _) in enumerate(calls):
        block = {"type": "tool_use", "id": f"toolu_{plan.tag}_{at}", "name": name, "input": json.loads(text)}
        blocks.append(block)
    return blocks


def _block_events(index: int, block: Json, plan: Plan) -> list[bytes]:
    from tests.stub.plan import dumps

    kind = block["type"]
    deltas: list[Json] = []
    start = dict(block)
    if kind == "text":
        start["text"] = ""
        deltas = [{"type": "text_delta", "text": piece} for piece in plan.pieces]
    elif kind == "thinking":
        start.update(thinking="", signature="")
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in plan.thoughts]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    elif kind in {"tool_use", "server_tool_use", "mcp_tool_use"}:
        start["input"] = {}
        parts = ["", *fragments(dumps(block["input"]))]
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
    return [
        named_event({"type": "content_block_start", "index": index, "content_block": start}),
        *(named_event({"type": "content_block_delta", "index": index, "delta": delta}) for delta in deltas),
        named_event({"type": "content_block_stop", "index": index}),
    ]


def error_event(plan: Plan) -> bytes:
    """Return the event with which a message stream reports an error."""
    return named_event({"type": "error", "error": {"type": "overloaded_error", "message": f"stub error {plan.tag}"}})


def error(status: int, plan: Plan) -> Json:
    """Return an error body in Anthropic's shape."""
    kinds = {
        400: "invalid_request_error",
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        529: "overloaded_error",
    }
    detail = {"type": kinds.get(status, "api_error"), "message": f"stub error {status} {plan.tag}"}
    return {"type": "error", "error": detail, "request_id": f"req_{plan.tag}"}
