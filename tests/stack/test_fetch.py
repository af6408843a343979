"""`Fetch`: what reaches the client of a provider's reply, and what is kept of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from isartor.errors import IsartorError, UpstreamError
from isartor.stack.exchange import Streamed, Whole
from tests.native.reading import chat, completion, events
from tests.stack.fakes import JSON, SSE, FakeClient, FakeProvider, FakeResponse, Stack, everything, header, run, settled

STREAM = chat(stream=True)
USAGE = chat(stream=True, stream_options={"include_usage": True})


def failure(stack: Stack, body: Any, **how: Any) -> IsartorError:
    """Ask, and return the error that is raised."""
    caught: list[IsartorError] = []

    async def test() -> None:
        with pytest.raises(IsartorError) as raised:
            await stack.ask(body, **how)
        caught.append(raised.value)

    run(test)
    return caught[0]


def test_a_json_reply_goes_on_byte_for_byte_and_is_kept() -> None:
    """The client gets the provider's own bytes and headers; the next one gets them from the store."""

    async def test() -> None:
        response = FakeResponse(200, [*JSON, ("x-ratelimit-remaining", "7")], [completion()])
        stack = Stack(FakeProvider(response))
        answer = await stack.ask(chat())
        assert isinstance(answer, Whole)
        assert (answer.status, answer.body) == (200, completion())
        assert header(answer, "x-ratelimit-remaining") == "7"
        assert header(answer, "x-isartor-layer") == "l3"
        assert header(answer, "x-isartor-deflected") == "false"
        assert header(answer, "x-isartor-provider") == "fake"
        assert header(answer, "cache-status") == "isartor; fwd=uri-miss; stored"
        assert header(answer, "x-request-id").startswith("req_")
        assert len(header(answer, "x-isartor-cache-key")) == 64
        again = await stack.ask(chat())
        assert again.body == completion()
        assert header(again, "x-isartor-layer") == "l1a"
        assert len(stack.provider.calls) == response.closed == 1

    run(test)


def test_a_stream_arrives_as_it_comes() -> None:
    """Each piece is there as soon as the provider sent it, unchanged."""

    async def test() -> None:
        body = events()
        response = FakeResponse(200, SSE, ends=False)
        stack = Stack(FakeProvider(response))
        answer = await stack.ask(USAGE)
        assert isinstance(answer, Streamed)
        for at in range(0, len(body), 50):
            response.feed(body[at : at + 50])
            assert await answer.pieces.next() == body[at : at + 50]
        response.end()
        assert await answer.pieces.next() is None
        answer.pieces.close()
        await settled()
        assert response.closed == 1
        assert stack.entries == 1

    run(test)


def test_a_client_that_is_gone_when_its_stream_begins_ends_the_call() -> None:
    """The provider's connection is closed although nothing was read from the stream."""

    async def test() -> None:
        response = FakeResponse(200, SSE, ends=False)
        answer = await Stack(FakeProvider(response)).ask(USAGE)
        assert isinstance(answer, Streamed)
        answer.pieces.close()
        await settled()
        assert response.closed == 1

    run(test)


@pytest.mark.parametrize("size", [1, 3, 7, 1000, 100_000])
def test_a_stream_is_kept_before_its_client_sees_the_end(size: int) -> None:
    """Whoever has seen the terminal event finds the reply in the store, although the body has not ended yet."""

    async def test() -> None:
        body = events()
        response = FakeResponse(200, SSE, [body[at : at + size] for at in range(0, len(body), size)], ends=False)
        stack = Stack(FakeProvider(response))
        answer = await stack.ask(USAGE)
        assert isinstance(answer, Streamed)
        seen = b""
        while not seen.endswith(b"[DONE]\n\n"):
            seen += await answer.pieces.next() or b""
        assert stack.entries == 1
        again = await stack.ask(USAGE)
        assert header(again, "x-isartor-layer") == "l1a"
        assert again.body.endswith(b"data: [DONE]\n\n")  # type: ignore[union-attr]  # a hit
        answer.pieces.close()

    run(test)


def test_a_word_that_looks_like_the_end_is_not_the_end() -> None:
    """A reply that speaks of `[DONE]` goes on after it."""

    async def test() -> None:
        body = events("say [DONE] and message_stop, then more")
        stack = Stack(FakeProvider(FakeResponse(200, SSE, [body[at : at + 40] for at in range(0, len(body), 40)])))
        assert await everything(await stack.ask(USAGE)) == body
        hit = await stack.ask(chat())
        assert json.loads(await everything(hit))["choices"][0]["message"]["content"].endswith("then more")

    run(test)


def test_what_happens_after_the_end_is_nobodys_concern() -> None:
    """A connection that breaks after the terminal event has broken nothing."""

    async def test() -> None:
        stack = Stack(FakeProvider(FakeResponse(200, SSE, [events(), UpstreamError("reset")])))
        assert await everything(await stack.ask(USAGE)) == events()
        assert stack.entries == 1

    run(test)


def test_json_for_a_stream_becomes_a_stream() -> None:
    """A client that asked for a stream never gets JSON, whatever the provider sent."""

    async def test() -> None:
        stack = Stack(FakeProvider(FakeResponse(200, JSON, [completion()])))
        answer = await stack.ask(STREAM)
        assert header(answer, "content-type").startswith("text/event-stream")
        body = await everything(answer)
        assert body.endswith(b"data: [DONE]\n\n")
        assert b'"hello"' in body
        assert stack.entries == 1

    run(test)


def test_a_stream_for_json_becomes_json() -> None:
    """A client that asked for JSON gets one object, also of a provider that always streams."""

    async def test() -> None:
        stack = Stack(FakeProvider(FakeResponse(200, SSE, [events()])))
        answer = await stack.ask(chat())
        assert header(answer, "content-type") == "application/json"
        assert [name for name, _ in answer.headers].count("content-type") == 1
        assert json.loads(await everything(answer))["choices"][0]["message"]["content"] == "hello"
        assert stack.entries == 1

    run(test)


DEEP = b'{"a":' * 3000 + b"1" + b"}" * 3000
NO_JSON = (b"", b"<html>502</html>", b"{", b"\xff\xfe", completion()[:-1], DEEP)
ODD_JSON = (b"[]", b"{}", b'{"choices":[]}', b'{"never":"heard of"}')


@pytest.mark.parametrize(
    ("body", "garbage"), [(chat(), one) for one in NO_JSON] + [(STREAM, one) for one in NO_JSON + ODD_JSON]
)
def test_garbage_is_an_upstream_error(body: Any, garbage: bytes) -> None:
    """A 200 that is no JSON, or cannot be given as the stream asked for, is a 502, and is not kept."""
    response = FakeResponse(200, JSON, [garbage])
    stack = Stack(FakeProvider(response))
    error = failure(stack, body)
    assert (error.status, error.code, error.fault) == (502, "upstream_invalid_reply", "upstream")
    assert (stack.entries, response.closed) == (0, 1)


@pytest.mark.parametrize("body", ODD_JSON)
def test_json_of_a_shape_that_is_not_known_is_the_providers_answer(body: bytes) -> None:
    """Who asked for JSON gets the JSON that came; it is not kept."""

    async def test() -> None:
        stack = Stack(FakeProvider(FakeResponse(200, JSON, [body])))
        answer = await stack.ask(chat())
        assert await everything(answer) == body
        assert header(answer, "cache-status").endswith("detail=malformed")
        assert stack.entries == 0

    run(test)


def test_garbage_as_a_stream_ends_in_an_error_event() -> None:
    """What has been handed on stays handed on; then the client hears that it was not all."""

    async def test() -> None:
        for pieces in ([b"<html>"], [b"data: {}\n\n"], [events()[:-30]], [b"data: x"], []):
            response = FakeResponse(200, SSE, pieces)
            stack = Stack(FakeProvider(response))
            body = await everything(await stack.ask(STREAM))
            assert body.startswith(b"".join(pieces))
            assert b'"error"' in body[len(b"".join(pieces)) :]
            assert (stack.entries, response.closed) == (0, 1)

    run(test)


def test_a_stream_cut_anywhere_ends_in_an_error_event_and_is_not_kept() -> None:
    """Cut between any two events or inside one, the client gets all that came and one whole error event."""

    async def test() -> None:
        body = events()
        end = body.index(b"[DONE]")
        for at in range(0, end, 7):
            stack = Stack(FakeProvider(FakeResponse(200, SSE, [body[:at], UpstreamError("cut", code="upstream_cut")])))
            got = await everything(await stack.ask(STREAM))
            assert got.startswith(body[:at])
            assert got.endswith(b"\n\n")
            last = got.rstrip().rpartition(b"\n\n")[2]
            assert json.loads(last.removeprefix(b"data: "))["error"]["message"] == "cut", (at, last)
            assert stack.entries == 0

    run(test)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({"choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "content_filter"}]},
         "content-filtered"),
        ({"choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "odd"}]}, "finish-reason"),
    ],
)  # fmt: skip
def test_what_is_not_kept_says_why(reply: dict[str, Any], reason: str) -> None:
    """A reply that may not be kept goes to its client all the same, with the reason in `cache-status`."""

    async def test() -> None:
        body = completion(**reply)
        stack = Stack(FakeProvider(FakeResponse(200, JSON, [body]), FakeResponse(200, JSON, [body])))
        for _ in range(2):
            answer = await stack.ask(chat())
            assert await everything(answer) == body
            assert header(answer, "cache-status") == f"isartor; fwd=uri-miss; detail={reason}"
        assert stack.entries == 0

    run(test)


def test_an_error_in_a_200_goes_on_and_is_not_kept() -> None:
    """An error object of status 200 is the provider's own answer; a client that waits for a stream gets a 502."""

    async def test() -> None:
        body = b'{"error":{"message":"overloaded"}}'
        stack = Stack(FakeProvider(FakeResponse(200, JSON, [body])))
        answer = await stack.ask(chat())
        assert await everything(answer) == body
        assert header(answer, "cache-status").endswith("detail=error-inside")

    run(test)
    stack = Stack(FakeProvider(FakeResponse(200, JSON, [b'{"error":{"message":"overloaded"}}'])))
    assert failure(stack, STREAM).status == 502
    assert stack.entries == 0


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503, 529])
def test_the_providers_own_error_goes_on(status: int) -> None:
    """An error in the surface's shape keeps its status, its words and its headers, stream or not."""

    async def test() -> None:
        body = b'{"error":{"message":"no","type":"t"}}'
        for wanted in (chat(), STREAM):
            stack = Stack(FakeProvider(FakeResponse(status, [*JSON, ("retry-after", "9")], [body])))
            answer = await stack.ask(wanted)
            assert isinstance(answer, Whole)
            assert (answer.status, answer.body, header(answer, "retry-after")) == (status, body, "9")
            assert stack.entries == 0

    run(test)


@pytest.mark.parametrize(
    ("status", "expected"), [(400, 400), (404, 404), (429, 429), (500, 502), (503, 502), (301, 301)]
)
def test_an_error_that_is_no_json_is_told_in_our_words(status: int, expected: int) -> None:
    """A proxy's HTML page becomes an error of the surface that quotes it; a server error becomes a 502."""
    response = FakeResponse(status, [("content-type", "text/html"), ("retry-after", "9")], [b"<h1>no</h1>"])
    error = failure(Stack(FakeProvider(response)), chat())
    assert (error.status, error.code, error.retry_after) == (expected, "upstream_refused", 9.0)
    assert "<h1>no</h1>" in error.message
    assert response.closed == 1


def test_a_reply_over_the_limit_goes_on_piece_by_piece_and_is_not_kept() -> None:
    """What is too large to keep is not held either: it goes on as it comes, whole."""

    async def test() -> None:
        for wanted, headers, body in ((chat(), JSON, completion("x" * 5000)), (USAGE, SSE, events("x" * 50))):
            pieces = [body[at : at + 500] for at in range(0, len(body), 500)]
            stack = Stack(FakeProvider(FakeResponse(200, headers, pieces)), limit=1000)
            answer = await stack.ask(wanted)
            assert isinstance(answer, Streamed)
            assert await everything(answer) == body
            assert stack.entries == 0

    run(test)


def test_json_over_the_limit_cannot_become_a_stream() -> None:
    """A reply of the wrong form that is too large to turn is a clear error, not the wrong form."""
    pieces = [completion("x" * 5000)]
    error = failure(Stack(FakeProvider(FakeResponse(200, JSON, pieces)), limit=1000), STREAM)
    assert (error.status, error.code) == (502, "upstream_too_large")


def test_a_broken_connection_before_the_reply_is_its_error() -> None:
    """A JSON body that breaks off is an error before anything was sent."""
    response = FakeResponse(200, JSON, [completion()[:20], UpstreamError("cut", code="upstream_cut")])
    error = failure(Stack(FakeProvider(response)), chat())
    assert (error.status, error.code) == (502, "upstream_cut")
    assert response.closed == 1


def test_the_upstream_call_ends_when_its_client_goes() -> None:
    """A client that leaves in mid-stream leaves no call behind, and nothing of it is kept."""

    async def test() -> None:
        response = FakeResponse(200, SSE, [events()[:100]], ends=False)
        stack = Stack(FakeProvider(response))
        exchange = stack.exchange(STREAM)
        answer = await stack.send(exchange)
        assert isinstance(answer, Streamed)
        assert await answer.pieces.next() == events()[:100]
        assert isinstance(exchange.client, FakeClient)
        await exchange.client.go()
        assert response.closed == 1
        assert stack.entries == 0
        answer.pieces.close()

    run(test)


def test_no_store_and_a_disabled_cache_keep_nothing() -> None:
    """Nothing is kept of a request that forbids it, or with the cache off."""

    async def test() -> None:
        for headers, keeps in (([("cache-control", "no-store")], True), ([], False)):
            for wanted, kind, body in ((chat(), JSON, completion()), (USAGE, SSE, events())):
                stack = Stack(FakeProvider(FakeResponse(200, kind, [body])), keeps=keeps)
                answer = await stack.ask(wanted, headers)
                assert await everything(answer) == body
                assert "stored" not in header(answer, "cache-status")
                assert stack.entries == 0

    run(test)


def test_the_reply_is_read_no_faster_than_it_is_taken() -> None:
    """A client that takes nothing stops the reading of a long stream."""

    async def test() -> None:
        response = FakeResponse(200, SSE, [b": " + b"x" * 65_000 + b"\n\n"] * 100, ends=False)
        stack = Stack(FakeProvider(response), limit=100_000_000)
        answer = await stack.ask(STREAM)
        assert isinstance(answer, Streamed)
        await settled()
        assert response.reads < 10
        reads = response.reads
        await answer.pieces.next()
        await settled()
        assert response.reads > reads
        answer.pieces.close()
        await settled()
        assert response.closed == 1

    run(test)


def test_gemini_as_a_json_array() -> None:
    """Without `alt=sse` a Gemini stream is an array; a cut one ends with the error as its last element."""
    part = b'{"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":"STOP","index":0}]}'
    body = {"contents": [{"parts": [{"text": "hi"}]}]}

    async def test() -> None:
        stack = Stack(FakeProvider(FakeResponse(200, JSON, [b"[" + part, b"]"])))
        answer = await stack.ask(body, endpoint="stream_generate")
        assert await everything(answer) == b"[" + part + b"]"
        assert stack.entries == 1
        hit = await stack.ask(body, endpoint="stream_generate", query="alt=sse")
        assert header(hit, "x-isartor-layer") == "l1a"
        assert header(hit, "content-type").startswith("text/event-stream")
        for pieces in ([b"[" + part], []):
            broken = Stack(FakeProvider(FakeResponse(200, JSON, [*pieces, UpstreamError("cut")])))
            got = json.loads(await everything(await broken.ask(body, endpoint="stream_generate")))
            assert got[-1]["error"]["message"] == "cut"
            assert len(got) == len(pieces) + 1

    run(test)


def test_an_unexpected_fault_reaches_the_client_as_an_error() -> None:
    """A bug in a provider's adapter is a 500 of ours, told in the surface's shape."""

    async def test() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        stack = Stack(FakeProvider(ZeroDivisionError("bug")))
        with pytest.raises(IsartorError) as caught:
            await stack.ask(chat())
        assert caught.value.status == 500
        assert "bug" not in caught.value.message

    run(test)
