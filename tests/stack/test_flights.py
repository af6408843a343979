"""`Flight` and `Passenger`: one call, many clients."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from isartor.errors import IsartorError, UpstreamError
from isartor.stack.exchange import Whole
from isartor.stack.flights import Flight, GoneError, Passenger
from tests.stack.fakes import FakeClient, run, settled

KB = 1024
KEY = b"k" * 33


class Airport:
    """A flight whose pieces the test pushes one by one."""

    def __init__(self, limit: int = 1 << 20) -> None:
        """`limit`: bytes that the flight keeps."""
        self.landed: list[Flight] = []
        self.flight = Flight(KEY, limit, self.landed.append)
        self.orders: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.pushed = 0
        self.cancelled = False

    async def _run(self) -> None:
        self.flight.begin([("content-type", "text/event-stream")])
        try:
            while (order := await self.orders.get()) is not None:
                if isinstance(order, Exception):
                    raise order
                await self.flight.push(order)
                self.pushed += 1
        except asyncio.CancelledError:
            self.cancelled = True
            raise

    def start(self) -> None:
        """Start the call."""
        self.flight.start(self._run())

    def board(self) -> tuple[Passenger, FakeClient]:
        """Let one more client in."""
        client = FakeClient()
        return self.flight.board(client), client

    def push(self, *pieces: bytes) -> None:
        """More pieces come from the provider."""
        for piece in pieces:
            self.orders.put_nowait(piece)

    def end(self, error: Exception | None = None) -> None:
        """The provider has no more, or broke off."""
        self.orders.put_nowait(error)


async def rest(passenger: Passenger) -> bytes:
    """Take everything until the end."""
    pieces = []
    while (piece := await passenger.next()) is not None:
        pieces.append(piece)
    passenger.leave()
    return b"".join(pieces)


def test_followers_get_everything_from_the_first_byte() -> None:
    """Whenever a client boards, it gets the stream from its first byte, as it arrives."""

    async def test() -> None:
        airport = Airport()
        airport.start()
        first, _ = airport.board()
        assert await first.head() == [("content-type", "text/event-stream")]
        airport.push(b"one ")
        assert await first.next() == b"one "
        second, _ = airport.board()
        await second.head()
        assert await second.next() == b"one "
        waiting = [asyncio.ensure_future(passenger.next()) for passenger in (first, second)]
        await settled()
        assert not any(one.done() for one in waiting), "there is nothing to take yet"
        airport.push(b"two ")
        assert await asyncio.gather(*waiting) == [b"two ", b"two "]
        airport.push(b"three ", b"four")
        await settled()
        third, _ = airport.board()
        airport.end()
        assert await rest(third) == b"one two three four"
        assert await rest(first) == await rest(second) == b"three four"
        assert airport.landed == [airport.flight]
        assert not airport.flight.boardable()

    run(test)


def test_a_leader_that_leaves_does_not_end_the_others_reply() -> None:
    """The call belongs to all who wait for it: when the first client goes, the others go on."""

    async def test() -> None:
        airport = Airport()
        airport.start()
        leader, client = airport.board()
        await leader.head()
        follower, _ = airport.board()
        airport.push(b"one")
        await settled()
        await client.go()
        airport.push(b" two")
        airport.end()
        assert await rest(follower) == b"one two"
        assert not airport.cancelled

    run(test)


def test_the_call_is_cancelled_when_the_last_client_goes() -> None:
    """When nobody is left, the provider is no longer asked, and nobody can board."""

    async def test() -> None:
        airport = Airport()
        airport.start()
        (one, first), (_, second) = airport.board(), airport.board()
        await one.head()
        await first.go()
        assert not airport.cancelled
        await second.go()
        assert airport.cancelled
        assert airport.landed == [airport.flight]
        assert not airport.flight.boardable()

    run(test)


def test_who_waits_for_the_head_of_a_cancelled_call_hears_that_it_is_gone() -> None:
    """A client that goes before the reply has begun is told nothing; its task ends with `GoneError`."""

    async def test() -> None:
        landed: list[Flight] = []
        flight = Flight(KEY, KB, landed.append)
        flight.start(_forever())
        client = FakeClient()
        passenger = flight.board(client)
        waiting = asyncio.ensure_future(passenger.head())
        await settled()
        await client.go()
        with pytest.raises(GoneError):
            await waiting
        assert landed == [flight]

    run(test)


async def _forever() -> None:
    await asyncio.Event().wait()


def test_one_clients_cancelled_task_does_not_touch_the_others() -> None:
    """When the server gives up one client's task, the shared reply goes on."""

    async def test() -> None:
        flight = Flight(KEY, KB, lambda _: None)
        flight.start(_forever())
        one, other = flight.board(FakeClient()), flight.board(FakeClient())
        waiting = [asyncio.ensure_future(passenger.head()) for passenger in (one, other)]
        await settled()
        waiting[0].cancel()
        await settled()
        assert waiting[0].cancelled()
        one.leave()
        flight.answer(Whole(200, [], b"x"))
        assert await waiting[1] == Whole(200, [], b"x")
        other.leave()

    run(test)


def test_nothing_more_is_read_while_nobody_takes() -> None:
    """What waits for the fastest client is bounded; as soon as one takes, more is read."""

    async def test() -> None:
        airport = Airport(limit=100 * KB * KB)
        airport.start()
        (fast, _), (slow, _) = airport.board(), airport.board()
        await fast.head()
        airport.push(*[b"x" * 64 * KB] * 100)
        await settled()
        stopped = airport.pushed
        assert stopped <= 5, "256 KB may wait"
        await settled()
        assert airport.pushed == stopped
        taken = await fast.next()
        assert taken is not None
        await settled()
        assert stopped < airport.pushed <= 2 * stopped + 2, "the slow one does not hold up the fast one"
        fast.leave()
        await settled()
        before = airport.pushed
        assert await slow.next() is not None
        await settled()
        assert airport.pushed > before, "now the slow one is the fastest"
        slow.leave()

    run(test)


@pytest.mark.parametrize("error", [UpstreamError("cut", code="upstream_cut"), IsartorError("ours")])
def test_an_error_reaches_everyone_after_what_came_before(error: IsartorError) -> None:
    """Each client first gets every piece that came, then the error."""

    async def test() -> None:
        airport = Airport()
        airport.start()
        passengers = [airport.board()[0] for _ in range(3)]
        await passengers[0].head()
        airport.push(b"one", b" two")
        airport.end(error)
        await settled()
        for passenger in passengers:
            assert await passenger.next() == b"one two"
            for _ in range(2):
                with pytest.raises(IsartorError) as caught:
                    await passenger.next()
                assert caught.value is error
            passenger.leave()

    run(test)


def test_an_error_before_the_head_reaches_everyone() -> None:
    """All who wait for the head get the same error."""

    async def test() -> None:
        flight = Flight(KEY, KB, lambda _: None)
        release = asyncio.Event()

        async def fail() -> None:
            await release.wait()
            message = "no"
            raise UpstreamError(message)

        flight.start(fail())
        passengers = [flight.board(FakeClient()) for _ in range(3)]
        waiting = [asyncio.ensure_future(passenger.head()) for passenger in passengers]
        release.set()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, UpstreamError) for result in results)
        for passenger in passengers:
            passenger.leave()

    run(test)


def test_a_fault_of_ours_becomes_an_error_and_is_reported() -> None:
    """An unexpected exception is neither silence nor a traceback for the client; the loop hears of it."""

    async def test() -> None:
        heard: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
        airport = Airport()
        airport.start()
        passenger, _ = airport.board()
        await passenger.head()
        airport.end(ZeroDivisionError("secret detail"))
        with pytest.raises(IsartorError) as caught:
            await passenger.next()
        assert caught.value.status == 500
        assert "secret" not in caught.value.message
        assert [type(one["exception"]) for one in heard] == [ZeroDivisionError]
        passenger.leave()

    run(test)


def test_over_the_limit_nobody_boards_and_memory_is_bounded() -> None:
    """A reply larger than the limit goes on to those aboard, without keeping what they have."""

    async def test() -> None:
        limit = 100 * KB
        airport = Airport(limit)
        airport.start()
        passenger, _ = airport.board()
        await passenger.head()
        total = 0
        for _ in range(100):
            airport.push(b"x" * 10 * KB)
            piece = await passenger.next()
            assert piece is not None
            total += len(piece)
            held = airport.flight.__dict__["_size"]
            assert held <= limit + 20 * KB, "what everybody has is dropped"
        assert total == 1000 * KB
        assert not airport.flight.boardable()
        assert airport.flight.kept() is None
        assert airport.landed == [airport.flight]
        airport.end()
        assert await passenger.next() is None
        passenger.leave()

    run(test)


def test_who_is_hopelessly_behind_hears_of_it() -> None:
    """A client that takes nothing while another one takes megabytes gets an error instead of a gap."""

    async def test() -> None:
        airport = Airport(limit=10 * KB)
        airport.start()
        (fast, _), (slow, _) = airport.board(), airport.board()
        await fast.head()
        for _ in range(30):
            airport.push(b"x" * 100 * KB)
            assert await fast.next() == b"x" * 100 * KB
        assert airport.flight.__dict__["_size"] < 1300 * KB
        with pytest.raises(UpstreamError) as caught:
            await slow.next()
        assert caught.value.code == "client_too_slow"
        slow.leave()
        airport.end()
        assert await fast.next() is None
        fast.leave()

    run(test)


def test_a_small_limit_cuts_nobody_off() -> None:
    """However little may be kept, a client that takes what comes gets all of it."""

    async def test() -> None:
        airport = Airport(limit=1)
        airport.start()
        (one, _), (other, _) = airport.board(), airport.board()
        await one.head()
        airport.push(*[b"x" * KB] * 500)
        airport.end()
        assert await asyncio.gather(rest(one), rest(other)) == [b"x" * 500 * KB] * 2

    run(test)


def test_what_was_kept_is_the_whole_stream() -> None:
    """Up to the limit, everything that came is there for the store."""

    async def test() -> None:
        airport = Airport(limit=10)
        airport.start()
        passenger, _ = airport.board()
        await passenger.head()
        assert airport.flight.kept() == b""
        airport.push(b"12345", b"67890")
        await settled()
        assert airport.flight.kept() == b"1234567890"
        airport.push(b"!")
        await settled()
        assert airport.flight.kept() is None
        passenger.leave()

    run(test)


def test_leaving_twice_is_leaving_once() -> None:
    """A client that goes while it is let go does not end the call of another."""

    async def test() -> None:
        airport = Airport()
        airport.start()
        (one, client), (other, _) = airport.board(), airport.board()
        await one.head()
        await client.go()
        one.leave()
        one.leave()
        await settled()
        assert not airport.cancelled
        airport.push(b"x")
        airport.end()
        assert await rest(other) == b"x"

    run(test)


async def _led(flight: Flight, client: FakeClient, release: asyncio.Event) -> None:
    async def call() -> None:
        await release.wait()
        flight.answer(Whole(200, [], b"whole"))

    await flight.lead(call(), client)


def test_who_leads_goes_on_for_the_others() -> None:
    """The leader's client goes; the call that is made in its task is for those who have boarded meanwhile."""

    async def test() -> None:
        flight = Flight(KEY, KB, lambda _: None)
        client, release = FakeClient(), asyncio.Event()
        leading = asyncio.ensure_future(_led(flight, client, release))
        await settled()
        follower = flight.board(FakeClient())
        assert flight.boarded == 2
        await client.go()
        assert not leading.done()
        release.set()
        await leading
        assert await follower.head() is flight.reply
        follower.leave()

    run(test)


def test_a_leader_without_followers_ends_the_call_when_its_client_goes() -> None:
    """Nobody is left who could take the reply, so nothing is asked any longer; nor when the followers go later."""

    async def test() -> None:
        for follows in (False, True):
            flight = Flight(KEY, KB, lambda _: None)
            client = FakeClient()
            leading = asyncio.ensure_future(_led(flight, client, asyncio.Event()))
            await settled()
            follower = flight.board(FakeClient()) if follows else None
            await client.go()
            assert leading.done() is not follows
            if follower is not None:
                follower.leave()
            with pytest.raises(GoneError):
                await leading
            assert not flight.boardable()

    run(test)


def test_who_leads_gets_the_error() -> None:
    """It is raised where the call is made."""

    async def test() -> None:
        flight = Flight(KEY, KB, lambda _: None)
        error = UpstreamError("no")

        async def fail() -> None:
            raise error

        with pytest.raises(UpstreamError) as caught:
            await flight.lead(fail(), FakeClient())
        assert caught.value is error

    run(test)
