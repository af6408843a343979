"""`Gatekeeper`: who may come in, and how much they may bring."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from isartor.errors import AuthError, ForbiddenError, IsartorError, RequestError, TooLargeError
from isartor.stack.exchange import Exchange
from isartor.stack.gate import Gatekeeper
from tests.native import reading
from tests.stack.fakes import FakeClient, route_of, run, settled

Headers = list[tuple[str, str]]


def keeper(limit: int = 100, timeout: float = 2) -> Gatekeeper:
    """Make a gatekeeper with small limits."""
    return Gatekeeper(max_body_bytes=limit, body_timeout_secs=timeout)


def exchange(client: FakeClient, headers: Headers | None = None, **gate: Any) -> Exchange:
    """Return a request as it comes in."""
    head = reading.head("chat", headers or [], by=reading.gate(**gate))
    return Exchange(route_of("chat"), head, client, "", headers or [])


def refusal(by: Gatekeeper, given: Exchange) -> IsartorError:
    """Return the error with which a request is refused."""
    caught: list[IsartorError] = []

    async def test() -> None:
        with pytest.raises(IsartorError) as raised:
            await by.answer(given)
        caught.append(raised.value)

    run(test)
    return caught[0]


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("pieces", [[], [b"x"], [b"x" * 50, b"", b"y" * 50]])
def test_the_body_is_read_whole(pieces: list[bytes], *, announced: bool) -> None:
    """With or without an announced length, up to the last byte that is allowed."""

    async def test() -> None:
        headers = [("content-length", str(sum(map(len, pieces))))] if announced else []
        given = exchange(FakeClient(pieces), headers)
        assert await keeper().answer(given) is None  # type: ignore[func-returns-value]  # the layer has no reply
        assert given.body == b"".join(pieces)

    run(test)


def test_a_length_over_the_limit_is_refused_unread() -> None:
    """413 before a byte is taken."""

    client = FakeClient([b"x" * 101])
    error = refusal(keeper(), exchange(client, [("content-length", "101")]))
    assert isinstance(error, TooLargeError)
    assert (error.status, client.read) == (413, 0)
    assert "max_body_bytes" in error.message


def test_a_body_without_a_length_is_refused_while_it_is_read() -> None:
    """413 as soon as it is too much, not when it has all come."""
    client = FakeClient([b"x" * 60] * 100)
    error = refusal(keeper(), exchange(client))
    assert isinstance(error, TooLargeError)
    assert client.read == 120


@pytest.mark.parametrize("headers", [[], [("content-length", "5")]])
def test_a_body_that_does_not_come_is_given_up(headers: Headers) -> None:
    """408 after `body_timeout_secs`, counted by the clock that ticks once a second."""

    async def test() -> None:
        by = keeper(timeout=2)
        reading_it = asyncio.ensure_future(by.answer(exchange(FakeClient([b"x", None]), headers)))
        await settled()
        for _ in range(2):
            by.tick()
            await settled()
            assert not reading_it.done()
        by.tick()
        with pytest.raises(RequestError) as caught:
            await reading_it
        assert (caught.value.status, caught.value.code) == (408, "body_timeout")
        assert "body_timeout_secs" in caught.value.message
        assert by.__dict__["_reading"] == {}

    run(test)


def test_a_task_that_is_cancelled_is_cancelled() -> None:
    """When the server gives a request up, that is no timeout."""

    async def test() -> None:
        by = keeper()
        reading_it = asyncio.ensure_future(by.answer(exchange(FakeClient([None]))))
        await settled()
        reading_it.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading_it
        by.tick()
        assert by.__dict__["_reading"] == {}

    run(test)


def test_the_clock_leaves_alone_what_is_done() -> None:
    """A request whose body has come is not touched, however long the reply takes."""

    async def test() -> None:
        by = keeper(timeout=1)

        async def slow() -> str:
            await by.answer(exchange(FakeClient([b"x"])))
            await ready.wait()
            return "answered"

        ready = asyncio.Event()
        task = asyncio.ensure_future(slow())
        await settled()
        for _ in range(10):
            by.tick()
            await settled()
        ready.set()
        assert await task == "answered"

    run(test)


def test_a_request_that_timed_out_can_go_on_to_answer() -> None:
    """The task that is told of the timeout is not left half cancelled."""

    async def test() -> None:
        by = keeper(timeout=0)

        async def refuse() -> str:
            try:
                await by.answer(exchange(FakeClient([None])))
            except RequestError:
                await asyncio.sleep(0)
                task = asyncio.current_task()
                assert task is not None
                assert task.cancelling() == 0
                return "told"
            return "read"

        task = asyncio.ensure_future(refuse())
        await settled()
        by.tick()
        assert await task == "told"

    run(test)


@pytest.mark.parametrize(
    ("headers", "gate", "kind", "status", "word"),
    [
        ([], {"keys": [("k", bytes(16))]}, AuthError, 401, "none was sent"),
        ([("x-api-key", "no")], {"keys": [("k", bytes(16))]}, AuthError, 401, "gateway_keys"),
        ([("origin", "https://evil.example")], {}, ForbiddenError, 403, "allowed_origins"),
        ([("host", "evil.example")], {"hosts": ["localhost"]}, ForbiddenError, 403, "allowed_hosts"),
    ],
)
def test_who_is_not_let_in(headers: Headers, gate: Any, kind: type[IsartorError], status: int, word: str) -> None:
    """401 and 403 say why and what to do, before the body is read, and repeat nothing that was sent."""
    client = FakeClient([b"body"])
    error = refusal(keeper(), exchange(client, headers, **gate))
    assert type(error) is kind
    assert (error.status, client.read) == (status, 0)
    assert word in error.message
    assert "evil" not in error.message


def test_an_encoded_body_is_refused() -> None:
    """415 names the encoding."""
    error = refusal(keeper(), exchange(FakeClient([b"x"]), [("content-encoding", "gzip")]))
    assert (error.status, error.code) == (415, "unsupported_encoding")
    assert "gzip" in error.message
