"""A conversation in no client's format: how each SDK is told of it, and what a provider of each format understood.

A turn is a role and its parts. A part is a string, or a tuple: `("image", base64)`, `("call", id, name, arguments)`,
`("result", id, name, text)`. What is read here is read without the gateway's own code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.stub.record import Call

Part = Any
Turn = tuple[str, list[Part]]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WIRES = ("custom", "responses-only", "anthropic", "gemini")
"""A provider for each format, as `gateway_of` knows them."""
OPERATIONS = {"custom": "chat", "responses-only": "responses", "anthropic": "messages", "gemini": "generate"}
CLIENTS = ("chat", "responses", "messages", "generate")
THINKERS = {
    "custom": "gpt-5.1",
    "responses-only": "gpt-5.1",
    "anthropic": "claude-opus-4-5",
    "gemini": "gemini-2.5-pro",
}
"""For each provider a model that thinks."""


@dataclass(slots=True)
class Seen:
    """What a provider was asked."""

    model: str = ""
    system: str = ""
    turns: list[Turn] = field(default_factory=list)
    tools: list[tuple[str, Any]] = field(default_factory=list)
    stream: bool = False
    max_tokens: int | None = None
    stop: list[str] | None = None
    temperature: float | None = None
    choice: Any = None
    schema: Any = None

    def said(self, *system: str) -> None:
        """Take down what the system says."""
        self.system = "\n".join([*filter(None, [self.system]), *system])

    def add(self, role: str, parts: list[Part]) -> None:
        """Take down a turn; one that goes on where the last one of its role ended is the same turn."""
        if self.turns and self.turns[-1][0] == role:
            self.turns[-1][1].extend(parts)
        elif parts:
            self.turns.append((role, parts))


def told(client: str, system: str, turns: list[Turn]) -> dict[str, Any]:
    """Return the arguments with which an SDK says this."""
    return {"chat": _chat, "responses": _responses, "messages": _messages, "generate": _generate}[client](system, turns)


def seen(call: Call) -> Seen:
    """Read what a provider got."""
    body = call.json
    reader = {"chat": _of_chat, "responses": _of_responses, "messages": _of_messages}.get(call.endpoint, _of_generate)
    found = reader(body)
    if reader is _of_generate:
        found.model = call.path.rpartition("/")[2].partition(":")[0]
        found.stream = call.endpoint == "stream_generate"
    else:
        found.model, found.stream = body["model"], bool(body.get("stream"))
    return found


# -- as the clients say it


def _chat(system: str, turns: list[Turn]) -> dict[str, Any]:
    messages: list[Any] = [{"role": "system", "content": system}] if system else []
    for role, parts in turns:
        results = [part for part in parts if part[0] == "result"]
        messages += [{"role": "tool", "tool_call_id": part[1], "content": part[3]} for part in results]
        content: list[Any] = [{"type": "text", "text": part} for part in parts if isinstance(part, str)]
        content += [
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{part[1]}"}}
            for part in parts
            if part[0] == "image"
        ]
        calls = [
            {"id": part[1], "type": "function", "function": {"name": part[2], "arguments": json.dumps(part[3])}}
            for part in parts
            if part[0] == "call"
        ]
        plain = content[0]["text"] if len(content) == 1 and content[0]["type"] == "text" else content or None
        if content or calls:
            messages.append({"role": role, "content": plain, **({"tool_calls": calls} if calls else {})})
    return {"messages": messages}


def _responses(system: str, turns: list[Turn]) -> dict[str, Any]:
    items: list[Any] = []
    for role, parts in turns:
        kind = "output_text" if role == "assistant" else "input_text"
        for part in parts:
            if isinstance(part, str):
                items.append({"role": role, "content": [{"type": kind, "text": part}]})
            elif part[0] == "image":
                url = f"data:image/png;base64,{part[1]}"
                items.append({"role": role, "content": [{"type": "input_image", "detail": "auto", "image_url": url}]})
            elif part[0] == "call":
                one = {"call_id": part[1], "name": part[2], "arguments": json.dumps(part[3])}
                items.append({"type": "function_call", **one})
            else:
                items.append({"type": "function_call_output", "call_id": part[1], "output": part[3]})
    return {"input": items, **({"instructions": system} if system else {})}


def _messages(system: str, turns: list[Turn]) -> dict[str, Any]:
    messages = []
    for role, parts in turns:
        content: list[Any] = []
        for part in parts:
            if isinstance(part, str):
                content.append({"type": "text", "text": part})
            elif part[0] == "image":
                source = {"type": "base64", "media_type": "image/png", "data": part[1]}
                content.append({"type": "image", "source": source})
            elif part[0] == "call":
                content.append({"type": "tool_use", "id": part[1], "name": part[2], "input": part[3]})
            else:
                content.append({"type": "tool_result", "tool_use_id": part[1], "content": part[3]})
        messages.append({"role": role, "content": content})
    return {"messages": messages, **({"system": system} if system else {"system": []})}


def _generate(system: str, turns: list[Turn]) -> dict[str, Any]:
    contents = []
    for role, parts in turns:
        found: list[Any] = []
        for part in parts:
            if isinstance(part, str):
                found.append({"text": part})
            elif part[0] == "image":
                found.append({"inline_data": {"mime_type": "image/png", "data": part[1]}})
            elif part[0] == "call":
                found.append({"function_call": {"id": part[1], "name": part[2], "args": part[3]}})
            else:
                one = {"id": part[1], "name": part[2], "response": {"output": part[3]}}
                found.append({"function_response": one})
        contents.append({"role": "model" if role == "assistant" else "user", "parts": found})
    return {"contents": contents, "system_instruction": system or None}


# -- as the providers read it


def _content(content: Any) -> list[Part]:
    """Read the parts of OpenAI's two formats."""
    if isinstance(content, str):
        return [content] if content else []
    found: list[Part] = []
    for part in content or []:
        if "text" in part:
            found.append(part["text"])
        elif part["type"] in {"image_url", "input_image"}:
            url = part["image_url"] if isinstance(part["image_url"], str) else part["image_url"]["url"]
            found.append(("image", url.removeprefix("data:image/png;base64,")))
        else:
            found.append((part["type"], part))
    return found


def _of_chat(body: Any) -> Seen:
    got = Seen()
    names: dict[str, str] = {}
    for message in body["messages"]:
        role, content = message["role"], _content(message.get("content"))
        if role in {"system", "developer"}:
            got.said(*content)
        elif role == "tool":
            name = names[message["tool_call_id"]]
            got.add("user", [("result", message["tool_call_id"], name, "".join(content))])
        else:
            for call in message.get("tool_calls") or []:
                function = call["function"]
                names[call["id"]] = function["name"]
                content.append(("call", call["id"], function["name"], json.loads(function["arguments"])))
            got.add(role, content)
    functions = [tool[tool["type"]] for tool in body.get("tools") or []]
    got.tools = [(function["name"], function.get("parameters")) for function in functions]
    got.max_tokens = body.get("max_completion_tokens", body.get("max_tokens"))
    given = body.get("stop")
    got.stop = [given] if isinstance(given, str) else given
    got.temperature = body.get("temperature")
    choice = body.get("tool_choice")
    got.choice = choice["function"]["name"] if isinstance(choice, dict) else choice
    form = body.get("response_format") or {}
    got.schema = form.get("json_schema", {}).get("schema")
    return got


def _of_responses(body: Any) -> Seen:
    got = Seen(system=body.get("instructions") or "")
    names: dict[str, str] = {}
    given = body["input"]
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        kind = item.get("type", "message")
        if kind == "function_call":
            names[item["call_id"]] = item["name"]
            got.add("assistant", [("call", item["call_id"], item["name"], json.loads(item["arguments"]))])
        elif kind == "function_call_output":
            text = "".join(_content(item["output"]))
            got.add("user", [("result", item["call_id"], names[item["call_id"]], text)])
        elif kind == "message" and item["role"] in {"system", "developer"}:
            got.said(*_content(item["content"]))
        elif kind == "message":
            got.add(item["role"], _content(item["content"]))
    got.tools = [(tool["name"], tool.get("parameters")) for tool in body.get("tools") or []]
    got.max_tokens, got.temperature = body.get("max_output_tokens"), body.get("temperature")
    choice = body.get("tool_choice")
    got.choice = choice["name"] if isinstance(choice, dict) else choice
    got.schema = ((body.get("text") or {}).get("format") or {}).get("schema")
    return got


def _of_messages(body: Any) -> Seen:
    got = Seen()
    names: dict[str, str] = {}
    system = body.get("system") or []
    got.said(*([system] if isinstance(system, str) else [block["text"] for block in system]))
    for message in body["messages"]:
        content = message["content"]
        blocks: list[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        parts: list[Part] = []
        for block in blocks:
            if block["type"] == "text":
                parts.append(block["text"])
            elif block["type"] == "image":
                parts.append(("image", block["source"]["data"]))
            elif block["type"] == "tool_use":
                names[block["id"]] = block["name"]
                parts.append(("call", block["id"], block["name"], block["input"]))
            elif block["type"] == "tool_result":
                inner = block.get("content") or ""
                text = inner if isinstance(inner, str) else "".join(part["text"] for part in inner)
                parts.append(("result", block["tool_use_id"], names[block["tool_use_id"]], text))
        if message["role"] == "system":
            got.said(*parts)
        else:
            got.add(message["role"], parts)
    got.tools = [(tool["name"], tool["input_schema"]) for tool in body.get("tools") or []]
    got.max_tokens, got.stop = body["max_tokens"], body.get("stop_sequences")
    got.temperature = body.get("temperature")
    choice = body.get("tool_choice") or {}
    got.choice = choice.get("name") or {"any": "required"}.get(choice.get("type", ""), choice.get("type"))
    got.schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    return got


def _of_generate(body: Any) -> Seen:
    got = Seen()
    got.said(*(part["text"] for part in (body.get("systemInstruction") or {}).get("parts") or []))
    for content in body["contents"]:
        parts: list[Part] = []
        for part in content["parts"]:
            if part.get("text") and not part.get("thought"):
                parts.append(part["text"])
            elif "inlineData" in part:
                parts.append(("image", part["inlineData"]["data"]))
            elif "functionCall" in part:
                call = part["functionCall"]
                parts.append(("call", call.get("id"), call["name"], call.get("args") or {}))
            elif "functionResponse" in part:
                given = part["functionResponse"]
                parts.append(("result", given.get("id"), given["name"], next(iter(given["response"].values()))))
        got.add("assistant" if content.get("role") == "model" else "user", parts)
    for tool in body.get("tools") or []:
        for one in tool.get("functionDeclarations") or []:
            got.tools.append((one["name"], one.get("parametersJsonSchema") or one.get("parameters")))
    config = body.get("generationConfig") or {}
    got.max_tokens, got.stop = config.get("maxOutputTokens"), config.get("stopSequences")
    got.temperature = config.get("temperature")
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    names = calling.get("allowedFunctionNames")
    got.choice = names[0] if names else {"ANY": "required"}.get(calling.get("mode", ""), calling.get("mode"))
    got.schema = config.get("responseJsonSchema") or config.get("responseSchema")
    return got
