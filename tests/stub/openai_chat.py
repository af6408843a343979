"""Chat completions, the older completions, and embeddings."""

from __future__ import annotations

import base64
import struct

from tests.stub.plan import Json, Plan, dumps
from tests.stub.reply import Reply, data_event

CREATED = 1_795_180_000


def prepare(body: Json, plan: Plan) -> None:
    """Take from the request what the plan needs: tools and the schema of a structured answer."""
    for tool in body.get("tools") or []:
        if tool.get("type") == "function":
            plan.tools.append((tool["function"]["name"], tool["function"].get("parameters"), "function"))
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        plan.schema = form.get("json_schema", {}).get("schema", {})


def last_user_text(body: Json) -> str:
    """Return the text of the last turn if it is the user's."""
    prompt = body.get("prompt", body.get("input"))
    if "messages" not in body:
        return prompt if isinstance(prompt, str) else dumps(prompt)
    turns = [turn for turn in body["messages"] if turn.get("role") not in {"system", "developer"}]
    return content_text(turns[-1].get("content")) if turns and turns[-1].get("role") == "user" else ""


def content_text(content: Json) -> str:
    """Return the text of a content field, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content or [] if isinstance(part, dict))


def usage(plan: Plan) -> Json:
    """Return token usage with every detail the API gives."""
    reasoning = 7 if plan.flag("think") else 0
    return {
        "prompt_tokens": 11,
        "completion_tokens": 20 + reasoning,
        "total_tokens": 31 + reasoning,
        "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def chat(body: Json, plan: Plan) -> Reply:
    """Answer `POST /v1/chat/completions`."""
    base = {"id": f"chatcmpl-{plan.tag}", "created": CREATED, "model": body.get("model", "stub-model")}
    tail = {"service_tier": "default", "system_fingerprint": "fp_stub"}
    calls = [
        {"id": f"call_{plan.tag}_{at}", "type": "function", "function": {"name": name, "arguments": text}}
        for at, (name, text, _) in enumerate(plan.calls())
    ]
    finish = plan.options.get("finish") or ("tool_calls" if calls else "stop")
    count = int(body.get("n") or plan.integer("n", 1))
    choices = []
    for index in range(count):
        message: Json = {
            "role": "assistant",
            "content": None if calls else _text(plan, index),
            "refusal": None,
        }
        if plan.flag("think"):
            message["reasoning_content"] = "".join(plan.thoughts)
        if calls:
            message["tool_calls"] = calls
        message["annotations"] = _annotations(plan)
        choices.append({"index": index, "message": message, "logprobs": None, "finish_reason": finish})
    whole = {**base, "object": "chat.completion", "choices": choices, "usage": usage(plan), **tail}
    if plan.flag("mcp") or plan.flag("code_execution"):
        whole["citations"] = ["https://example.org/looked-up"]

    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    shared = {**base, "object": "chat.completion.chunk", **tail}

    def event(deltas: list[Json]) -> bytes:
        chunk = {**shared, "choices": deltas}
        if wants_usage:
            chunk["usage"] = None
        return data_event(chunk)

    def delta(index: int, fields: Json, finish_reason: str | None = None) -> Json:
        return {"index": index, "delta": fields, "logprobs": None, "finish_reason": finish_reason}

    events = [
        event([delta(i, {"role": "assistant", "content": None if calls else "", "refusal": None})])
        for i in range(count)
    ]
    if plan.flag("think"):
        events += [event([delta(i, {"reasoning_content": part})]) for part in plan.thoughts for i in range(count)]
    for index in range(count):
        for at, call in enumerate(calls):
            function = call["function"]
            start = {**call, "index": at, "function": {"name": function["name"], "arguments": ""}}
            events.append(event([delta(index, {"tool_calls": [start]})]))
            events += [
                event([delta(index, {"tool_calls": [{"index": at, "function": {"arguments": part}}]})])
                for part in fragments(function["arguments"])
            ]
    if not calls:
        pieces = plan.pieces
        events += [
            event([delta(i, {"content": piece if n or not i else _first(plan, i)})])
            for n, piece in enumerate(pieces)
            for i in range(count)
        ]
        if _annotations(plan):
            events.append(event([delta(0, {"annotations": _annotations(plan)})]))
    events += [event([delta(i, {}, finish)]) for i in range(count)]
    if wants_usage:
        events.append(data_event({**shared, "choices": [], "usage": usage(plan)}))
    if "citations" in whole:
        events.insert(1, data_event({**shared, "choices": [], "citations": whole["citations"]}))
    events.append(b"data: [DONE]\n\n")
    return Reply(whole, events, error_event(plan))


def completions(body: Json, plan: Plan) -> Reply:
    """Answer `POST /v1/completions`."""
    base = {
        "id": f"cmpl-{plan.tag}",
        "object": "text_completion",
        "created": CREATED,
        "model": body.get("model", "stub-model"),
        "system_fingerprint": "fp_stub",
    }
    finish = plan.options.get("finish") or "stop"

    def choice(text: str, finish_reason: str | None) -> Json:
        return [{"text": text, "index": 0, "logprobs": None, "finish_reason": finish_reason}]

    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    filler = {"usage": None} if wants_usage else {}
    events = [data_event({**base, "choices": choice(piece, None), **filler}) for piece in plan.pieces]
    events.append(data_event({**base, "choices": choice("", finish), **filler}))
    if wants_usage:
        events.append(data_event({**base, "choices": [], "usage": usage(plan)}))
    events.append(b"data: [DONE]\n\n")
    whole = {**base, "choices": choice(plan.text, finish), "usage": usage(plan)}
    return Reply(whole, events, error_event(plan))


def embeddings(body: Json, plan: Plan) -> Reply:
    """Answer `POST /v1/embeddings`; the vectors differ from call to call."""
    given = body.get("input")
    single = isinstance(given, str) or (isinstance(given, list) and bool(given) and isinstance(given[0], int))
    count = 1 if single or given is None else len(given)
    data = []
    for index in range(count):
        vector = [float(plan.number), float(index), 0.25, -0.5, 0.125, 1.0, 0.0, 2.0]
        packed = base64.b64encode(struct.pack("<8f", *vector)).decode()
        shown = packed if body.get("encoding_format") == "base64" else vector
        data.append({"object": "embedding", "index": index, "embedding": shown})
    model = body.get("model", "stub-embedding")
    return Reply(
        {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": 2, "total_tokens": 2}},
        None,
        b"",
    )


def fragments(text: str) -> list[str]:
    """Cut tool arguments into uneven pieces, as providers stream them."""
    return [text[at : at + 7] for at in range(0, len(text), 7)]


def error_event(plan: Plan) -> bytes:
    """Return the event with which a chat stream reports an error."""
    message = f"stub error event {plan.tag}"
    return data_event({"error": {"message": message, "type": "server_error", "param": None, "code": "stub_error"}})


def error(status: int, plan: Plan) -> Json:
    """Return an error body in OpenAI's shape."""
    kind = {401: "authentication_error", 404: "invalid_request_error", 429: "rate_limit_error"}.get(status)
    kind = kind or ("server_error" if status >= 500 else "invalid_request_error")
    message = f"stub error {status} {plan.tag}"
    return {"error": {"message": message, "type": kind, "param": None, "code": f"stub_{status}"}}


def _annotations(plan: Plan) -> list[Json]:
    if not (plan.flag("web_search") or plan.flag("annotations")):
        return []
    citation = {"start_index": 0, "end_index": 4, "title": "Example", "url": "https://example.org/looked-up"}
    return [{"type": "url_citation", "url_citation": citation}]


def _first(plan: Plan, index: int) -> str:
    return f"choice {index}: {plan.pieces[0]}"


def _text(plan: Plan, index: int) -> str:
    return plan.text if not index else _first(plan, index) + "".join(plan.pieces[1:])
