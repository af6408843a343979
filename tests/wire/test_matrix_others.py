"""Recorded agents, the native surface and the counting of tokens, with providers of every format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.stub import Stub
from tests.wire import sdk
from tests.wire.ask import body, ended, is_error, layer, path, said
from tests.wire.gateway import Gateway
from tests.wire.recorded import load, names
from tests.wire.sdk import Ask
from tests.wire.talk import CLIENTS, OPERATIONS, WIRES, seen

GatewayOf = Callable[[str], Gateway]
Fresh = Callable[..., str]

_RECORDED = [name for name in names() if load(name).endpoint in CLIENTS and load(name).method == "POST"]
_FOREIGN = [(name, wire) for name in _RECORDED for wire in WIRES if load(name).endpoint != OPERATIONS[wire]]


@pytest.mark.parametrize(("name", "wire"), _FOREIGN)
def test_recorded_requests(name: str, wire: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client) -> None:
    """What real agents send reaches a provider of any format, all its turns and tools, and the answer comes back."""
    request = load(name)
    before = len(stub.calls())
    reply = request.send(http, gateway_of(wire).url)
    assert reply.status_code == 200, reply.text
    # Some of them are asked for a call instead.
    shells = ('"bash"', '"exec_command"', '"run_shell_command"')
    assert "stub answer" in said(request.endpoint, reply) or any(name in reply.text.lower() for name in shells)
    if request.stream:
        assert ended(request.endpoint, reply.content)
    if layer(reply) == "l3":
        got = seen(stub.calls()[before])
        assert got.turns[-1][0] == "user"
        assert len(got.tools) == len(tools(request.body))


def tools(body: Any) -> list[Any]:
    """Return the functions that a recorded client offers: those of groups, too, but no web search."""
    found: list[Any] = []
    for tool in body.get("tools") or []:
        found += tool.get("functionDeclarations") or tool.get("tools") or [tool]
    return [tool for tool in found if tool.get("type") != "web_search"]


@pytest.mark.parametrize("wire", WIRES)
def test_native(wire: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """A native prompt reaches every provider, with the model that it names, and is answered from the cache next time."""
    prompt, url = fresh(), gateway_of(wire).url + "/api/chat"
    miss, hit = (http.post(url, json={"prompt": prompt, "model": "gpt-4o"}) for _ in "ab")
    assert [layer(reply) for reply in (miss, hit)] == ["l3", "l1a"]
    assert [reply.json()["layer"] for reply in (miss, hit)] == [3, 1]
    (call,) = stub.calls(prompt)
    assert (seen(call).model, seen(call).turns) == ("gpt-4o", [("user", [prompt])])
    assert miss.json()["message"] == hit.json()["message"]
    assert call.tag in miss.json()["message"]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("status", [400, 429, 503])
def test_native_errors(wire: str, status: int, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """A provider's error comes in the native shape, in words."""
    reply = http.post(gateway_of(wire).url + "/api/chat", json={"prompt": fresh(f"[[status={status}]]")})
    assert reply.status_code == status
    assert is_error("native", reply.json())
    assert f"stub error {status}" in reply.json()["message"]
    assert "{" not in reply.json()["message"]


@pytest.mark.parametrize("wire", ["custom", "responses-only", "anthropic"])
def test_geminis_array(wire: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """A Gemini client that asks for no events gets a stream that is one array of JSON, broken off if the provider is."""
    prompt, broken = fresh(), fresh("[[cut=6]]")
    url = gateway_of(wire).url + path("generate", stream=True, sse=False)
    reply = http.post(url, json=body("generate", prompt))
    assert reply.headers["content-type"].startswith("application/json")
    values = reply.json()
    text = "".join(part.get("text", "") for value in values for part in value["candidates"][0]["content"]["parts"])
    assert text.startswith(f"stub answer {stub.calls(prompt)[0].tag}")
    assert len(values) > 3
    assert values[-1]["candidates"][0]["finishReason"] == "STOP"
    failed = http.post(url, json=body("generate", broken)).json()
    assert is_error("generate", failed[-1], 502)


@pytest.mark.parametrize("wire", ["custom", "responses-only", "gemini"])
def test_anthropic_counts_tokens(wire: str, gateway_of: GatewayOf, stub: Stub, fresh: Fresh) -> None:
    """Where the provider cannot count, the gateway does, and says that it is an estimate, each time."""
    seen_headers: dict[str, str] = {}
    prompt = fresh()
    with sdk.anthropic_sync(Ask(gateway_of(wire).url, prompt), seen_headers) as client:
        for _ in "ab":
            turns = [{"role": "user", "content": prompt}]
            count = client.messages.count_tokens(model="claude-opus-5-5", messages=turns).input_tokens  # type: ignore[arg-type]
            assert 10 < count < 100
            assert seen_headers["x-isartor-estimated"] == "tokens"
    assert stub.calls(prompt) == []


@pytest.mark.parametrize("wire", ["custom", "responses-only", "anthropic"])
def test_gemini_counts_tokens(wire: str, gateway_of: GatewayOf, stub: Stub, fresh: Fresh) -> None:
    """So it does for Gemini's clients."""
    prompt = fresh()
    with sdk.genai_client(Ask(gateway_of(wire).url, prompt)) as client:
        reply = client.models.count_tokens(model="gemini-2.5-flash", contents=prompt)
    assert reply.total_tokens is not None
    assert 10 < reply.total_tokens < 100
    assert stub.calls(prompt) == []
