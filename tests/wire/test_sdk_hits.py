"""Every official SDK, in every form: a miss from the provider, then the same from the exact cache."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.stub import Stub
from tests.wire import sdk
from tests.wire.gateway import Gateway
from tests.wire.sdk import ASKERS, ENDPOINTS, Asker

GatewayOf = Callable[[str], Gateway]
Fresh = Callable[..., str]
PLAIN = ("hello", "THINK hello", "[[chunks=50]] hello")
WITH_TOOLS = ("USE_TOOL", "USE_TOOLS THINK")
TOOL_ENDPOINTS = tuple(name for name in ENDPOINTS if name != "completions")


@pytest.mark.parametrize("ask", ASKERS, ids=lambda asker: asker.name)
@pytest.mark.parametrize("words", PLAIN)
def test_miss_then_hit(ask: Asker, words: str, gateway_of: GatewayOf, stub: Stub, fresh: Fresh) -> None:
    """The second answer is from L1a, has the first one's content, and did not reach the provider."""
    prompt, base = fresh(words), gateway_of(ask.provider).url
    miss, hit = ask(base, prompt), ask(base, prompt)
    assert (miss.layer, hit.layer) == ("l3", "l1a")
    assert hit.content == miss.content
    assert "stub answer" in hit.text
    assert len(stub.calls(prompt)) == 1


@pytest.mark.parametrize("ask", [a for a in ASKERS if a.endpoint in TOOL_ENDPOINTS], ids=lambda asker: asker.name)
@pytest.mark.parametrize("words", WITH_TOOLS)
def test_tool_calls_hit(ask: Asker, words: str, gateway_of: GatewayOf, stub: Stub, fresh: Fresh) -> None:
    """Tool calls, one or two at once, come back from the cache with ids, names, arguments and signatures."""
    prompt, base = fresh(words), gateway_of(ask.provider).url
    miss, hit = ask(base, prompt, tools=True), ask(base, prompt, tools=True)
    assert (miss.layer, hit.layer) == ("l3", "l1a")
    assert hit.content == miss.content
    assert len(hit.calls) == (2 if "USE_TOOLS" in words else 1)
    assert len(stub.calls(prompt)) == 1


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (name, words)
        for name in ENDPOINTS
        for words in (*PLAIN, *WITH_TOOLS)
        if words in PLAIN or name in TOOL_ENDPOINTS
    ],
)
@pytest.mark.parametrize("stream_first", [False, True], ids=["json-then-stream", "stream-then-json"])
def test_one_entry_serves_both_forms(
    endpoint: str, words: str, stream_first: bool, gateway_of: GatewayOf, stub: Stub, fresh: Fresh
) -> None:
    """An entry that came as JSON is replayed as a stream, and the other way round, with the same content."""
    prompt, base = fresh(words), gateway_of(sdk.asker(endpoint, stream=False).provider).url
    tools = words in WITH_TOOLS
    miss = sdk.asker(endpoint, stream=stream_first)(base, prompt, tools=tools)
    hit = sdk.asker(endpoint, stream=not stream_first)(base, prompt, tools=tools)
    assert (miss.layer, hit.layer) == ("l3", "l1a")
    assert hit.content == miss.content
    assert len(stub.calls(prompt)) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_redacted_thinking_survives(stream: bool, gateway_of: GatewayOf, fresh: Fresh) -> None:
    """Thinking, its signature and a redacted block come back unchanged, in the other form too."""
    prompt, base = fresh("THINK [[redacted]]"), gateway_of("anthropic").url
    miss = sdk.asker("messages", stream=stream)(base, prompt)
    hit = sdk.asker("messages", stream=not stream)(base, prompt)
    assert (miss.layer, hit.layer) == ("l3", "l1a")
    assert miss.signature
    assert miss.redacted
    assert hit.content == miss.content


@pytest.mark.parametrize("stream", [False, True])
def test_several_choices_survive(stream: bool, gateway_of: GatewayOf, fresh: Fresh) -> None:
    """Each of several choices comes back under its own index, whatever the form of the entry."""
    import httpx

    from tests.wire.ask import events, post

    prompt, base = fresh("several"), gateway_of("openai").url
    with httpx.Client(timeout=30, trust_env=False) as client:
        replies = [post(client, base, "chat", prompt, stream=form, n=3) for form in (stream, not stream)]
    texts = []
    for reply in replies:
        found = {0: "", 1: "", 2: ""}
        if reply.headers["content-type"].startswith("text/event-stream"):
            for _, value in events(reply.content):
                for choice in value["choices"] if value != "[DONE]" else []:
                    found[choice["index"]] += choice["delta"].get("content") or ""
        else:
            found = {choice["index"]: choice["message"]["content"] for choice in reply.json()["choices"]}
        texts.append(found)
    assert replies[1].headers["x-isartor-layer"] == "l1a"
    assert texts[0] == texts[1]
    assert len(set(texts[0].values())) == 3


@pytest.mark.parametrize("endpoint", ["chat", "completions"])
def test_a_client_without_usage_gets_none(endpoint: str, gateway_of: GatewayOf, fresh: Fresh) -> None:
    """The usage chunk is in a chat stream only if the client asked for it, whoever made the entry."""
    import httpx

    from tests.wire.ask import PROVIDER_OF, events, post

    prompt, base = fresh(), gateway_of(PROVIDER_OF[endpoint]).url
    with httpx.Client(timeout=30, trust_env=False) as client:
        first = post(client, base, endpoint, prompt, stream=True)
        without = post(client, base, endpoint, prompt, stream=True, stream_options=None)
        again = post(client, base, endpoint, prompt, stream=True)
    usages = [
        [value["usage"] for _, value in events(reply.content) if value != "[DONE]" and value.get("usage")]
        for reply in (first, without, again)
    ]
    assert [reply.headers["x-isartor-layer"] for reply in (first, without, again)] == ["l3", "l1a", "l1a"]
    assert [len(found) for found in usages] == [1, 0, 1]
