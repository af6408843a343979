"""`Cloud`: who shares a call, what answers when there is none, and what stands in for a failure."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from isartor.errors import IsartorError, NotImplementedFormatError, RequestError, UpstreamError, UpstreamTimeoutError
from isartor.stack.exchange import Streamed
from isartor.stack.flights import GoneError
from tests.native.reading import chat, completion, encoded, events
from tests.stack.fakes import JSON, SSE, FakeClient, FakeProvider, FakeResponse, Stack, everything, header, run, settled

USAGE = chat(stream=True, stream_options={"include_usage": True})
PROMPT = {"prompt": "hi"}
GEMINI = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP", "index": 0}]
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


async def asked(stack: Stack, *bodies: Any, **how: Any) -> list[asyncio.Task[Any]]:
    """Send requests, one after the other, and wait until each waits for the provider."""
    tasks = []
    for body in bodies:
        tasks.append(asyncio.ensure_future(stack.ask(body, **how)))
        await settled()
    return tasks


# -- one flight


def test_identical_requests_share_one_call() -> None:
    """However many ask for the same at once, the provider is asked once, and each gets the whole reply."""

    async def test() -> None:
        response = FakeResponse(200, JSON, ends=False)
        stack = Stack(FakeProvider(response))
        tasks = await asked(stack, *[chat()] * 5)
        response.feed(completion())
        response.end()
        answers = await asyncio.gather(*tasks)
        assert [answer.body for answer in answers] == [completion()] * 5
        assert ["collapsed" in header(answer, "cache-status") for answer in answers] == [False] + [True] * 4
        assert len({header(answer, "x-request-id") for answer in answers}) == 5
        assert len(stack.provider.calls) == 1

    run(test)


def test_followers_of_a_stream_get_it_as_it_arrives() -> None:
    """A second client gets what has come at once, and the rest piece by piece, from the same call."""

    async def test() -> None:
        body = events()
        response = FakeResponse(200, SSE, [body[:100]], ends=False)
        stack = Stack(FakeProvider(response))
        first = await stack.ask(USAGE)
        second = await stack.ask(USAGE)
        assert isinstance(first, Streamed)
        assert isinstance(second, Streamed)
        for answer in (first, second):
            assert await answer.pieces.next() == body[:100]
        response.feed(body[100:])
        response.end()
        assert await everything(first) == await everything(second) == body[100:]
        assert len(stack.provider.calls) == 1

    run(test)


@pytest.mark.parametrize(
    ("one", "other", "headers"),
    [
        (chat("a"), chat("b"), []),
        (chat(), {**chat(), "model": "n"}, []),
        (chat(), chat(), [("cache-control", "no-store")]),
        (chat(), chat(), [("cache-control", "no-cache")]),
    ],
    ids=["prompt", "model", "no-store", "no-cache"],
)
def test_who_may_not_share_does_not(one: Any, other: Any, headers: list[tuple[str, str]]) -> None:
    """Other requests, and those that want no shared reply, make calls of their own."""

    async def test() -> None:
        replies = [FakeResponse(200, JSON, ends=False) for _ in range(2)]
        stack = Stack(FakeProvider(*replies))
        tasks = [*await asked(stack, one), *await asked(stack, other, headers=headers)]
        assert len(stack.provider.calls) == 2
        for number, reply in enumerate(replies):
            reply.feed(completion(str(number)))
            reply.end()
        bodies = [json.loads((await task).body)["choices"][0]["message"]["content"] for task in tasks]
        assert bodies == ["0", "1"]

    run(test)


def test_with_the_cache_off_nothing_is_shared() -> None:
    """Sharing a call is sharing a reply; with `cache_mode = off` each request makes its own."""

    async def test() -> None:
        stack = Stack(FakeProvider(*[FakeResponse(200, JSON, [completion()]) for _ in range(2)]), keeps=False)
        await asyncio.gather(stack.ask(chat()), stack.ask(chat()))
        assert len(stack.provider.calls) == 2

    run(test)


@pytest.mark.parametrize(("first", "second"), [(chat(), USAGE), (USAGE, chat())], ids=["stream waits", "json waits"])
def test_the_other_form_waits_for_the_reply_and_gets_it_in_its_own(first: Any, second: Any) -> None:
    """JSON and stream of one request cost one call, whichever came first."""

    async def test() -> None:
        streams = bool(first.get("stream"))
        response = FakeResponse(200, SSE if streams else JSON, ends=False)
        stack = Stack(FakeProvider(response))
        tasks = await asked(stack, first, second)
        response.feed(events() if streams else completion())
        response.end()
        one, other = await tasks[0], asyncio.ensure_future(tasks[1])
        body = await everything(one)
        waited = await other
        assert header(waited, "x-isartor-layer") == "l1a"
        assert header(waited, "content-type").startswith("application/json" if streams else "text/event-stream")
        assert (b"[DONE]" if streams else b"hello") in body
        assert (b"hello" if streams else b"[DONE]") in waited.body
        assert len(stack.provider.calls) == 1

    run(test)


def test_the_other_form_asks_for_itself_when_there_is_nothing_to_share() -> None:
    """When the call it waited for fails or is not kept, a request makes its own."""

    async def test() -> None:
        filtered = completion().replace(b'"stop"', b'"content_filter"')
        for first in (FakeResponse(500, JSON, ends=False), FakeResponse(200, JSON, ends=False)):
            second = FakeResponse(200, SSE, [events()])
            stack = Stack(FakeProvider(first, second))
            tasks = await asked(stack, chat(), USAGE)
            assert len(stack.provider.calls) == 1
            first.feed(filtered)
            first.end()
            await tasks[0]
            assert await everything(await tasks[1]) == events()
            assert len(stack.provider.calls) == 2

    run(test)


def test_the_leader_may_leave() -> None:
    """When the client that asked first goes, the others still get the reply, and it is kept."""

    async def test() -> None:
        response = FakeResponse(200, SSE, [events()[:50]], ends=False)
        stack = Stack(FakeProvider(response))
        exchange = stack.exchange(USAGE)
        leader = await stack.send(exchange)
        follower = await stack.ask(USAGE)
        assert isinstance(exchange.client, FakeClient)
        await exchange.client.go()
        assert response.closed == 0
        response.feed(events()[50:])
        response.end()
        assert await everything(follower) == events()
        assert stack.entries == 1
        assert isinstance(leader, Streamed)
        leader.pieces.close()

    run(test)


def test_when_all_have_left_the_next_one_starts_anew() -> None:
    """A call that was cancelled is not joined by who comes after."""

    async def test() -> None:
        stack = Stack(FakeProvider(FakeResponse(200, JSON, ends=False), FakeResponse(200, JSON, [completion()])))
        exchange = stack.exchange(chat())
        waiting = asyncio.ensure_future(stack.send(exchange))
        await settled()
        assert isinstance(exchange.client, FakeClient)
        await exchange.client.go()
        with pytest.raises(GoneError):
            await waiting
        assert (await everything(await stack.ask(chat()))) == completion()
        assert len(stack.provider.calls) == 2

    run(test)


def test_an_error_of_the_shared_call_reaches_everyone_and_nobody_later() -> None:
    """All who waited hear of the failure; the next request tries again."""

    async def test() -> None:
        response = FakeResponse(200, JSON, ends=False)
        stack = Stack(FakeProvider(response, FakeResponse(200, JSON, [completion()])))
        tasks = await asked(stack, *[chat()] * 3)
        response.feed(UpstreamTimeoutError("slow"))
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [UpstreamTimeoutError] * 3
        assert (await stack.ask(chat())).status == 200  # type: ignore[union-attr]  # a whole reply

    run(test)


def test_nothing_is_left_behind() -> None:
    """After any number of calls, good and bad, no flight is remembered."""

    async def test() -> None:
        replies: list[FakeResponse | Exception] = []
        for number in range(30):
            kinds: tuple[FakeResponse | Exception, ...] = (
                FakeResponse(200, JSON, [completion()]),
                FakeResponse(500, JSON, [b"{}"]),
                UpstreamError("no"),
            )
            replies.append(kinds[number % 3])
        stack = Stack(FakeProvider(*replies))
        for number in range(30):
            try:
                await stack.ask(chat(f"q{number}"))
            except UpstreamError:
                pass
        await settled()
        assert stack.cloud.__dict__["_flights"] == {}
        assert stack.cloud.__dict__["_by_key"] == {}

    run(test)


# -- only-if-cached, stale-if-error


def test_only_if_cached_never_asks_the_provider() -> None:
    """Without a stored reply, `only-if-cached` is a 504; with one it is a hit."""

    async def test() -> None:
        stack = Stack(FakeProvider(FakeResponse(200, JSON, [completion()])))
        only = [("cache-control", "only-if-cached")]
        with pytest.raises(IsartorError) as caught:
            await stack.ask(chat(), only)
        assert (caught.value.status, caught.value.code) == (504, "only_if_cached")
        assert stack.provider.calls == []
        await stack.ask(chat())
        assert header(await stack.ask(chat(), only), "x-isartor-layer") == "l1a"

    run(test)


@pytest.mark.parametrize(
    "failing",
    [UpstreamError("down"), UpstreamTimeoutError("slow"), *(FakeResponse(status, JSON, [b'{"error":{}}']) for status in (429, 500, 502, 503, 504, 529))],
    ids=["cut", "timeout", "429", "500", "502", "503", "504", "529"],
)  # fmt: skip
def test_a_stored_reply_stands_in_for_a_failing_provider(failing: Any) -> None:
    """While `stale_if_error_secs` lasts, a reply that is too old for this client answers instead of the failure, marked."""

    async def test() -> None:
        stack = Stack(FakeProvider(failing), stale_secs=60)
        exchange = stack.exchange(chat())
        request = stack.store.read(exchange.head, exchange.body)
        # Misses on purpose: what is stored only after the look stands for a reply past its time.
        from tests.native.reading import complete

        exchange.request = request
        assert stack.store.store(exchange.head, request, complete()) is None
        answer = await stack.cloud.answer(exchange)
        assert answer is not None
        assert await everything(answer) == completion()
        assert "detail=stale-if-error" in header(answer, "cache-status")
        assert header(answer, "x-isartor-deflected") == "true"

    run(test)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_nothing_stands_in_for_a_refusal(status: int) -> None:
    """A provider that refuses has not failed: its refusal is the answer."""

    async def test() -> None:
        from tests.native.reading import complete

        stack = Stack(FakeProvider(FakeResponse(status, JSON, [b'{"error":{}}'])), stale_secs=60)
        exchange = stack.exchange(chat())
        exchange.request = stack.store.read(exchange.head, exchange.body)
        stack.store.store(exchange.head, exchange.request, complete())
        answer = await stack.cloud.answer(exchange)
        assert answer is not None
        assert answer.status == status  # type: ignore[union-attr]  # a whole reply

    run(test)


def test_a_refusal_counts_no_hit() -> None:
    """A refusal in the place of which nothing stands is told, and no hit is counted for it."""

    async def test() -> None:
        from isartor._native import Stats
        from tests.native.reading import complete

        stats = Stats()
        stack = Stack(FakeProvider(UpstreamError("no", status=404)), stale_secs=60, stats=stats)
        exchange = stack.exchange(chat())
        exchange.request = stack.store.read(exchange.head, exchange.body)
        assert stack.store.store(exchange.head, exchange.request, complete()) is None
        with pytest.raises(UpstreamError, match="no"):
            await stack.cloud.answer(exchange)
        assert stats.totals()["total_prompts"] == 0

    run(test)


def test_without_a_stored_reply_the_failure_is_told() -> None:
    """`stale-if-error` makes nothing up."""

    async def test() -> None:
        stack = Stack(FakeProvider(UpstreamError("down")), stale_secs=60)
        with pytest.raises(UpstreamError, match="down"):
            await stack.ask(chat())

    run(test)


# -- formats


def test_what_cannot_be_translated_is_a_501_that_says_so() -> None:
    """The message names the provider, the operation, what there is and what to do."""

    async def test() -> None:
        stack = Stack(FakeProvider(endpoints=["messages", "count_tokens"]))
        with pytest.raises(NotImplementedFormatError) as caught:
            await stack.ask({"model": "m", "input": "hi"}, endpoint="embeddings")
        assert caught.value.status == 501
        for word in ("'fake'", "'embeddings'", "count_tokens, messages", "Use a provider"):
            assert word in caught.value.message
        assert stack.provider.calls == []
        assert stack.cloud.__dict__["_flights"] == {}

    run(test)


def test_what_can_be_translated_is_kept_in_the_clients_form() -> None:
    """A reply of another format is translated once: what is stored is what the client got."""

    async def test() -> None:
        stack = Stack(FakeProvider(FakeResponse(200, JSON, [completion()]), endpoints=["chat"]))
        body = {**chat(), "max_tokens": 5}
        fresh = await stack.ask(body, endpoint="messages")
        again = await stack.ask(body, endpoint="messages")
        assert [header(answer, "x-isartor-layer") for answer in (fresh, again)] == ["l3", "l1a"]
        one, other = [json.loads(await everything(answer)) for answer in (fresh, again)]
        assert one["content"] == other["content"] == [{"type": "text", "text": "hello"}]

    run(test)


def test_a_stream_of_another_format_is_kept_in_the_clients_form() -> None:
    """A translated stream reaches its end in the client's own words, and is stored by them."""

    async def test() -> None:
        stack = Stack(FakeProvider(FakeResponse(200, SSE, [events()]), endpoints=["chat"]))
        body = {**chat(), "max_tokens": 5}
        fresh = await everything(await stack.ask({**body, "stream": True}, endpoint="messages"))
        assert b"event: message_stop" in fresh
        again = json.loads(await everything(await stack.ask(body, endpoint="messages")))
        assert again["content"] == [{"type": "text", "text": "hello"}]
        assert len(stack.provider.calls) == 1

    run(test)


def test_a_stream_of_another_format_in_which_nothing_comes_has_not_begun() -> None:
    """It is an error like any other before the first byte, so that another provider can be asked."""

    async def test() -> None:
        response = FakeResponse(200, SSE, [b"<html>"])
        stack = Stack(FakeProvider(response, endpoints=["chat"]))
        with pytest.raises(UpstreamError) as caught:
            await stack.ask({**chat(), "max_tokens": 5, "stream": True}, endpoint="messages")
        assert (caught.value.status, caught.value.retryable) == (502, True)
        assert response.closed

    run(test)


def test_a_field_that_cannot_be_said_is_refused_before_anything_is_sent() -> None:
    """The error names the client's own field."""

    async def test() -> None:
        stack = Stack(FakeProvider(endpoints=["messages"]))
        with pytest.raises(RequestError) as caught:
            await stack.ask({**chat(), "n": 2})
        assert (caught.value.status, caught.value.param) == (400, "n")
        assert stack.provider.calls == []

    run(test)


def test_the_call_carries_what_the_client_sent() -> None:
    """Endpoint, model, form, body, headers and query reach the provider as they came."""

    async def test() -> None:
        stack = Stack(FakeProvider(FakeResponse(200, JSON, [completion()])), aliases={"fast": "slow"})
        body = b'{ "model" : "fast", "messages" : [ {"role":"user","content":"hi"} ] }'
        await stack.ask(body, [("openai-beta", "x"), ("x-request-id", "abc")], query="a=b")
        call = stack.provider.calls[0]
        assert call.body == body.replace(b"fast", b"slow")
        assert (call.endpoint, call.model, call.stream, call.query, call.request_id) == (
            "chat",
            "slow",
            False,
            "a=b",
            "abc",
        )
        assert ("openai-beta", "x") in call.headers

    run(test)


def test_a_gemini_stream_is_called_as_one() -> None:
    """`:streamGenerateContent` is another operation towards the provider, and the same request in the cache."""

    async def test() -> None:
        body = {"contents": [{"parts": [{"text": "hi"}]}]}
        stack = Stack(FakeProvider(FakeResponse(200, JSON, [json.dumps(GEMINI).encode()])))
        await stack.ask(body, endpoint="generate")
        hit = await stack.ask(body, endpoint="stream_generate", query="alt=sse")
        assert header(hit, "x-isartor-layer") == "l1a"
        assert hit.body.startswith(b"data: ")  # type: ignore[union-attr]  # a hit
        fresh = Stack(FakeProvider(FakeResponse(200, SSE, [b"data: " + json.dumps(GEMINI).encode() + b"\n\n"])))
        await everything(await fresh.ask(body, endpoint="stream_generate", query="alt=sse"))
        assert [(call.endpoint, call.model) for call in (*stack.provider.calls, *fresh.provider.calls)] == [
            ("generate", "m"),
            ("stream_generate", "m"),
        ]

    run(test)


@pytest.mark.parametrize(
    ("endpoint", "reply", "model"),
    [("chat", completion(), "m"), ("messages", encoded(MESSAGE), "m"), ("generate", encoded(GEMINI), "fake-model")],
    ids=["chat", "messages", "generate"],
)
def test_a_native_prompt_travels_in_the_providers_format(endpoint: str, reply: bytes, model: str) -> None:
    """`{prompt}` goes out as a request of the provider's own; its text comes back as layer 3, and as layer 1 next time."""

    async def test() -> None:
        stack = Stack(FakeProvider(FakeResponse(200, JSON, [reply]), endpoints=[endpoint]))
        fresh = json.loads(await everything(await stack.ask(PROMPT, endpoint="native")))
        assert (fresh["layer"], fresh["message"], fresh["model"]) == (3, "hello", model)
        call = stack.provider.calls[0]
        assert (call.endpoint, call.model, call.stream, call.query) == (endpoint, "fake-model", False, "")
        assert b'"hi"' in call.body
        again = await stack.ask(PROMPT, endpoint="native")
        assert header(again, "x-isartor-layer") == "l1a"
        cached = json.loads(await everything(again))
        assert (cached["layer"], cached["message"], cached["model"]) == (1, "hello", model)

    run(test)


def test_a_native_prompt_whose_reply_is_filtered_is_answered_and_not_kept() -> None:
    """What the provider's own format says about a reply holds for the native one too."""

    async def test() -> None:
        filtered = completion().replace(b'"stop"', b'"content_filter"')
        stack = Stack(FakeProvider(FakeResponse(200, JSON, [filtered]), endpoints=["chat"]))
        answer = await stack.ask(PROMPT, endpoint="native")
        assert json.loads(await everything(answer))["message"] == "hello"
        assert header(answer, "cache-status").endswith("detail=content-filtered")
        assert stack.entries == 0

    run(test)


@pytest.mark.parametrize(
    "garbage", [b"", b"{", b"\xff", b'{"choices":"\xff"}', b'{"a":' * 3000 + b"1" + b"}" * 3000, b"[]"]
)
def test_a_native_prompt_whose_reply_is_garbage_is_a_502(garbage: bytes) -> None:
    """Nothing is made up of what is no reply."""

    async def test() -> None:
        stack = Stack(FakeProvider(FakeResponse(200, JSON, [garbage]), endpoints=["chat"]))
        with pytest.raises(UpstreamError) as caught:
            await stack.ask(PROMPT, endpoint="native")
        assert caught.value.status == 502

    run(test)


def test_a_native_prompt_fails_in_native_words() -> None:
    """The provider's error is not passed off as one of the native surface."""

    async def test() -> None:
        stack = Stack(
            FakeProvider(
                FakeResponse(429, [*JSON, ("retry-after", "3")], [b'{"error":{"message":"slow"}}']), endpoints=["chat"]
            )
        )
        answer = await stack.ask(PROMPT, endpoint="native")
        assert (answer.status, header(answer, "retry-after")) == (429, "3")  # type: ignore[union-attr]  # a whole reply
        told = json.loads(await everything(answer))
        assert isinstance(told["error"], str)
        assert "slow" in told["message"]
        assert "{" not in told["message"]

    run(test)
