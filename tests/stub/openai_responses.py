"""The Responses API."""

from __future__ import annotations

from tests.stub.openai_chat import CREATED, content_text, fragments
from tests.stub.plan import Json, Plan
from tests.stub.reply import Reply, named_event


def prepare(body: Json, plan: Plan) -> None:
    """Take from the request what the plan needs: tools and the schema of a structured answer."""
    for tool in body.get("tools") or []:
        if tool.get("type") in {"function", "custom"}:
            plan.tools.append((tool["name"], tool.get("parameters") or {}, tool["type"]))
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        plan.schema = form.get("schema", {})


def last_user_text(body: Json) -> str:
    """Return the text of the last item if the user wrote it; a tool's output is not the user's."""
    given = body.get("input")
    if isinstance(given, str):
        return given
    items = [item for item in given or [] if item.get("role") not in {"system", "developer"}]
    return content_text(items[-1].get("content")) if items and items[-1].get("role") == "user" else ""


def responses(body: Json, plan: Plan) -> Reply:
    """Answer `POST /v1/responses`."""
    finish = plan.options.get("finish") or "completed"
    status = {"content_filter": "incomplete", "max_output_tokens": "incomplete"}.get(finish, finish)
    reason = {"reason": finish} if finish in {"content_filter", "max_output_tokens"} else None
    output, middle = _output(body, plan)
    base: Json = {
        "id": f"resp_{plan.tag}",
        "object": "response",
        "created_at": CREATED,
        "status": "in_progress",
        "background": bool(body.get("background")),
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body.get("model", "stub-model"),
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {"effort": None, "summary": None, **(body.get("reasoning") or {})},
        "service_tier": "default",
        "store": body.get("store", True),
        "temperature": 1.0,
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }
    if body.get("conversation"):
        given = body["conversation"]
        base["conversation"] = {"id": given if isinstance(given, str) else given.get("id", "conv_stub")}
    failure = {"code": "server_error", "message": f"stub failed {plan.tag}"} if status == "failed" else None
    whole = {
        **base,
        "status": status,
        "incomplete_details": reason,
        "error": failure,
        "output": output,
        "usage": {
            "input_tokens": 10,
            "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
            "output_tokens": 21,
            "output_tokens_details": {"reasoning_tokens": 6 if plan.flag("think") else 0},
            "total_tokens": 31,
        },
    }
    values = [
        {"type": "response.created", "response": base},
        {"type": "response.in_progress", "response": base},
        *middle,
        {"type": f"response.{status}", "response": whole},
    ]
    events = [named_event({**value, "sequence_number": at}) for at, value in enumerate(values)]
    return Reply(whole, events, error_event(plan))


def _output(body: Json, plan: Plan) -> tuple[list[Json], list[Json]]:
    """Return the output items and the events that build them."""
    items: list[Json] = []
    events: list[Json] = []

    def add(opening: Json, deltas: list[Json], item: Json) -> None:
        at = {"output_index": len(items)}
        events.append({"type": "response.output_item.added", **at, "item": opening})
        events.extend({**delta, **at, "item_id": item["id"]} for delta in deltas)
        events.append({"type": "response.output_item.done", **at, "item": item})
        items.append(item)

    if plan.flag("think"):
        _reasoning(body, plan, add)
    for kind, item in _foreign(plan):
        add(
            {**item, "status": "in_progress"},
            [{"type": f"response.{kind}.in_progress"}, {"type": f"response.{kind}.completed"}],
            item,
        )
    calls = plan.calls()
    for at, (name, text, kind) in enumerate(calls):
        _call(at, name, text, kind, plan, add)
    if not calls:
        _message(plan, add)
    return items, events


def _reasoning(body: Json, plan: Plan, add: Json) -> None:
    opening: Json = {"id": f"rs_{plan.tag}", "type": "reasoning", "summary": []}
    item = {**opening, "summary": [{"type": "summary_text", "text": "".join(plan.thoughts)}]}
    if "reasoning.encrypted_content" in (body.get("include") or []):
        opening["encrypted_content"] = "gAAAA-open"
        item["encrypted_content"] = f"gAAAA-{plan.tag}-encrypted=="
    part = {"summary_index": 0}
    text = "".join(plan.thoughts)
    prefix = "response.reasoning_summary"
    add(
        opening,
        [
            {"type": f"{prefix}_part.added", **part, "part": {"type": "summary_text", "text": ""}},
            *({"type": f"{prefix}_text.delta", **part, "delta": piece} for piece in plan.thoughts),
            {"type": f"{prefix}_text.done", **part, "text": text},
            {"type": f"{prefix}_part.done", **part, "part": {"type": "summary_text", "text": text}},
        ],
        item,
    )


def _call(at: int, name: str, text: str, kind: str, plan: Plan, add: Json) -> None:
    ids = {"id": f"fc_{plan.tag}_{at}", "call_id": f"call_{plan.tag}_{at}", "name": name}
    if kind == "custom":
        field, event, item = (
            "input",
            "custom_tool_call_input",
            {**ids, "type": "custom_tool_call", "input": text},
        )
    else:
        field, event = "arguments", "function_call_arguments"
        item = {**ids, "type": "function_call", "arguments": text}
    deltas = [{"type": f"response.{event}.delta", "delta": part} for part in fragments(text)]
    add(
        {**item, field: "", "status": "in_progress"},
        [*deltas, {"type": f"response.{event}.done", field: text, "name": name}],
        {**item, "status": "completed"},
    )


def _message(plan: Plan, add: Json) -> None:
    annotations: list[Json] = []
    if plan.flag("annotations") or plan.flag("web_search"):
        citation = {"type": "url_citation", "url": "https://example.org/looked-up", "title": "Example"}
        annotations = [{**citation, "start_index": 0, "end_index": 4}]
    opening = {
        "id": f"msg_{plan.tag}",
        "type": "message",
        "status": "in_progress",
        "role": "assistant",
        "content": [],
    }
    part = {"type": "output_text", "annotations": annotations, "logprobs": [], "text": plan.text}
    at = {"content_index": 0}
    add(
        opening,
        [
            {"type": "response.content_part.added", **at, "part": {**part, "annotations": [], "text": ""}},
            *({"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []} for piece in plan.pieces),
            {"type": "response.output_text.done", **at, "text": plan.text, "logprobs": []},
            {"type": "response.content_part.done", **at, "part": part},
        ],
        {**opening, "status": "completed", "content": [part]},
    )


def _foreign(plan: Plan) -> list[tuple[str, Json]]:
    """Return items of things that the provider did or looked up itself."""
    found: list[tuple[str, Json]] = []
    if plan.flag("web_search"):
        action = {"type": "search", "query": "stub"}
        found.append(
            (
                "web_search_call",
                {"id": f"ws_{plan.tag}", "type": "web_search_call", "status": "completed", "action": action},
            )
        )
    if plan.flag("code_execution"):
        found.append(
            (
                "code_interpreter_call",
                {
                    "id": f"ci_{plan.tag}",
                    "type": "code_interpreter_call",
                    "status": "completed",
                    "code": "print(1)",
                    "container_id": "cntr_stub",
                    "outputs": [],
                },
            )
        )
    if plan.flag("mcp"):
        found.append(
            (
                "mcp_call",
                {
                    "id": f"mcp_{plan.tag}",
                    "type": "mcp_call",
                    "status": "completed",
                    "server_label": "stub",
                    "name": "ask",
                    "arguments": "{}",
                    "output": "from elsewhere",
                    "error": None,
                    "approval_request_id": None,
                },
            )
        )
    return found


def error_event(plan: Plan) -> bytes:
    """Return the event with which a Responses stream reports an error."""
    return named_event(
        {
            "type": "error",
            "code": "server_error",
            "message": f"stub error event {plan.tag}",
            "param": None,
            "sequence_number": 99,
        }
    )
