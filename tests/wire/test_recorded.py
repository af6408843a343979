"""Recorded clients get what they need, and their second run of a prompt is a hit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import PROVIDER_OF, ended, is_error, layer, said
from tests.wire.gateway import Gateway
from tests.wire.recorded import PAIRS, Recorded, load, names

GatewayOf = Callable[[str], Gateway]
OTHER_STATUS = {"codex-6": 426}


def gateway_for(request: Recorded, gateway_of: GatewayOf) -> Gateway:
    """Return the gateway whose provider speaks what the client speaks."""
    if request.endpoint:
        return gateway_of(request.endpoint)
    return gateway_of(
        {"claude": "anthropic", "sdk-anthropic": "anthropic", "sdk-genai": "gemini"}.get(
            request.name.rpartition("-")[0], "openai"
        )
    )


@pytest.mark.parametrize("name", names())
def test_every_recorded_request_is_answered(name: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client) -> None:
    """Each gets the status it needs; a stream is a stream with its terminal event; the provider got the same bytes."""
    request = load(name)
    before = len(stub.calls())
    reply = request.send(http, gateway_for(request, gateway_of).url)
    assert reply.status_code == OTHER_STATUS.get(name, 200), reply.text[:500]
    if request.method == "HEAD":
        assert reply.content == b""
        return
    if name in OTHER_STATUS:
        assert is_error(request.endpoint, reply.json())
        return
    if not request.endpoint:
        return
    if request.stream:
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert ended(request.endpoint, reply.content)
    else:
        assert reply.headers["content-type"].startswith("application/json")
    if layer(reply) == "l3":
        call = stub.calls()[before]
        assert call.body == request.raw
        assert call.target.removeprefix("/v1beta") == request.path.removeprefix("/v1beta").removeprefix("/v1") or (
            call.target == request.path
        )


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda name: str(name))
def test_the_second_run_hits(first: str, second: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client) -> None:
    """Two runs of one prompt mean the same: the second is answered from L1a with the first one's answer."""
    one, two = load(first), load(second)
    url = gateway_for(one, gateway_of).url
    fresh = one.send(http, url)
    before = len(stub.calls())
    hit = two.send(http, url)
    assert layer(hit) == "l1a"
    assert hit.headers["x-isartor-cache-key"] == fresh.headers["x-isartor-cache-key"]
    assert said(one.endpoint, hit) == said(one.endpoint, fresh)
    assert len(stub.calls()) == before


def last_user_text(body: Any) -> tuple[Any, Any]:
    """Return the holder and key of the last text that the user wrote."""
    turns = body.get("messages") or body.get("contents") or body.get("input")
    turn = [one for one in turns if one.get("role") == "user"][-1]
    field = "parts" if "parts" in turn else "content"
    if isinstance(turn[field], str):
        return turn, field
    return [part for part in turn[field] if "text" in part][-1], "text"


def _ask_other(body: Any) -> None:
    holder, key = last_user_text(body)
    holder[key] += " twice"


def _drop_tool(body: Any) -> None:
    body["tools"] = body["tools"][1:]


def _reorder_tools(body: Any) -> None:
    body["tools"].reverse()


def _other_limit(body: Any) -> None:
    body["max_tokens"] = 7


def _unknown_parameter(body: Any) -> None:
    body["a_parameter_of_next_year"] = 1


def _other_turn(body: Any) -> None:
    turns = body.get("messages") or body.get("contents") or body.get("input")
    turns.insert(0, turns[-1])


def _other_model(body: Any) -> None:
    body["model"] = "another-model"


CHANGES = (
    _ask_other,
    _drop_tool,
    _reorder_tools,
    _other_limit,
    _unknown_parameter,
    _other_turn,
    _other_model,
)


@pytest.mark.parametrize("name", [first for first, _ in PAIRS])
def test_another_meaning_misses(name: str, gateway_of: GatewayOf, http: httpx.Client) -> None:
    """What differs in prompt, tools, their order, limits, turns, model or an unknown parameter is another question."""
    request = load(name)
    url = gateway_for(request, gateway_of).url
    keys = {request.send(http, url).headers["x-isartor-cache-key"]}
    for change in CHANGES:
        if change in {_drop_tool, _reorder_tools} and len(request.body.get("tools") or []) < 2:
            continue
        if change is _other_model and request.endpoint == "generate":
            continue
        reply = request.send(http, url, change)
        assert reply.status_code == 200, (change.__name__, reply.text[:300])
        key = reply.headers["x-isartor-cache-key"]
        assert key not in keys, change.__name__
        keys.add(key)


def test_a_later_time_stamp_misses(gateway_of: GatewayOf, http: httpx.Client) -> None:
    """A time stamp in a prompt is rounded to the TTL, not dropped: ten minutes later it is another question."""
    request = load("copilot-1")
    url = gateway_for(request, gateway_of).url

    def at(stamp: str) -> str:
        def change(body: Any) -> None:
            holder, key = last_user_text(body)
            holder[key] = holder[key].replace("13:08:26.109", stamp)

        return request.send(http, url, change).headers["x-isartor-cache-key"]

    assert at("13:08:26.109") == at("13:08:59.000")
    assert at("13:08:26.109") != at("13:18:26.109")


def test_a_time_in_the_middle_of_a_sentence_counts(gateway_of: GatewayOf, http: httpx.Client) -> None:
    """A time that a person wrote is not a client's stamp and is never rounded."""
    request = load("opencode-2")
    url = gateway_for(request, gateway_of).url

    def asking(text: str) -> str:
        def change(body: Any) -> None:
            holder, key = last_user_text(body)
            holder[key] = text

        return request.send(http, url, change).headers["x-isartor-cache-key"]

    assert asking("what happened at 2026-11-20T13:08:26Z?") != asking("what happened at 2026-11-20T13:08:27Z?")


@pytest.mark.parametrize(
    ("first", "second"), [("opencode-2", "opencode-4"), ("claude-2", "claude-4"), ("codex-1", "codex-2")]
)
def test_agent_sessions_as_scope(
    first: str, second: str, make_gateway: Callable[..., Gateway], http: httpx.Client
) -> None:
    """With `scope_agent_sessions` the ids that agents make up per process keep their entries apart."""
    one, two = load(first), load(second)
    gateway = make_gateway(PROVIDER_OF[one.endpoint], scope_agent_sessions="true")
    assert [layer(request.send(http, gateway.url)) for request in (one, two, one, two)] == [
        "l3",
        "l3",
        "l1a",
        "l1a",
    ]
