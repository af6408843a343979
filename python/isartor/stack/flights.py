"""One flight: identical requests share one upstream call.

A `Flight` runs the call in the task of who asked first, keeps the pieces that have come (up to a limit), and hands them
to every `Passenger` from the first. It goes on while one of them is left, and is cancelled when the last one leaves. It
is as fast as its fastest passenger lets it be: while nobody takes what has come, no more is read from the provider.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from isartor.errors import IsartorError, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from isartor.ports import Headers
    from isartor.stack.exchange import Client, Whole

# Bytes that may wait for the fastest passenger before the provider has to wait as well.
_AHEAD: Final = 256 * 1024

# How soon a client that goes away is noticed, at the earliest.
_WATCH_AFTER_SECS: Final = 0.02
# Bytes past the limit that are held for a passenger who is slower than another one, at least.
_BEHIND: Final = 1024 * 1024


class GoneError(Exception):
    """The client has gone; there is nobody to answer."""


class Flight:
    """One upstream call and those who wait for it."""

    # What most flights never change stands here: one is made for every request that reaches L3.
    note = ""
    """What became of the reply in the store, as `cache-status` parameters; set before a whole reply opens."""
    provider = ""
    """Who answers; set before the reply opens."""
    boarded = 0
    """Clients that have come on board so far."""
    reply: Whole | Headers | None = None
    """The reply as a whole, or the headers of a stream; `None` before there is either."""
    _first = 0  # index of _pieces[0] in the whole stream
    _size = 0  # bytes kept
    _total = 0  # bytes that have come
    _done = False
    _error: IsartorError | None = None
    _room: asyncio.Future[None] | None = None
    _open = True  # takes passengers
    _task: asyncio.Task[object] | None = None
    _begun = False  # the task has taken its first step
    _ended = False  # by its last passenger
    _rest: Coroutine[object, object, None] | None = None
    _leader: Client | None = None  # who asked first, until there is a reply
    _gone: asyncio.Future[None] | None = None

    def __init__(self, key: bytes, limit: int, landed: Callable[[Flight], None], watch: Watch | None = None) -> None:
        """`limit`: bytes that are kept. `landed` is called once, when no more passengers can be taken."""
        self.key = key
        self._limit = limit
        self._landed = landed
        self._watch = Watch() if watch is None else watch
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []
        self._passengers: list[Passenger] = []
        self._waiting: list[asyncio.Future[None]] = []

    # -- the call's side

    def start(self, run: Coroutine[object, object, None]) -> None:
        """Makes the call, or the rest of it, in a task of its own."""
        self._begun = False
        self._task = self._loop.create_task(self._run(run))

    def lead(self, run: Coroutine[object, object, None], client: Client) -> Coroutine[object, object, None]:
        """Makes the call in the task of who asks first, and who has nothing to do before there is a reply.

        That task goes on for the others when its own client has gone. Raises the call's error, and `GoneError` if all
        have gone. Afterwards there is a `reply`; a stream is taken by who takes a `seat`, at once.
        """
        self.boarded += 1
        self._leader = client
        self._watch.add(self)
        task = self._task = asyncio.current_task()
        return self._run(run, task)

    def follow(self, rest: Coroutine[object, object, None]) -> None:
        """What is left to do when the run returns, as when a stream has begun: it goes on in a task of its own."""
        self._rest = rest

    async def _run(self, run: Coroutine[object, object, None], leader: asyncio.Task[object] | None = None) -> None:
        self._begun = True
        error: IsartorError | None = None
        try:
            await run
        except IsartorError as known:
            error = known
        except Exception as unknown:  # noqa: BLE001  # a fault of ours reaches the client as an error, not as silence
            self._loop.call_exception_handler({"message": "a flight failed", "exception": unknown})
            error = IsartorError("Isartor failed while it handled the provider's reply; see its log.")
        except BaseException as end:
            self._finish(None)
            # It is the call that was cancelled, by its last passenger, and not the task that made it.
            cancelled = isinstance(end, asyncio.CancelledError) and self._ended
            if cancelled and leader is not None and leader.uncancel() == 0:
                raise GoneError from None
            raise
        finally:
            if self._leader is not None:
                self._unwatched()
        if error is None and self._rest is not None:
            rest, self._rest = self._rest, None
            self.start(rest)
            if self._ended:
                self._end()
            return
        self._finish(error)
        if error is not None and leader is not None:
            raise error

    def _finish(self, error: IsartorError | None) -> None:
        if self._open:
            self.close()
        self._done = True
        self._error = error
        if self._waiting:
            self._wake()

    def begin(self, headers: Headers) -> None:
        """The reply is a stream."""
        self.reply = headers
        self._wake()

    def answer(self, whole: Whole) -> None:
        """The reply is there as a whole."""
        self.reply = whole
        if self._waiting:
            self._wake()

    def put(self, piece: bytes) -> None:
        """Hands one piece on."""
        self._pieces.append(piece)
        self._size += len(piece)
        self._total += len(piece)
        if self._size > self._limit and self._open:
            # Nobody can start from the beginning any more.
            self.close()
        if not self._open and self._size > self._limit:
            self._forget()
        self._wake()

    async def push(self, piece: bytes) -> None:
        """Hands one piece on; waits while everybody is busy with earlier ones."""
        self.put(piece)
        if self._ended:
            # A piece that came in the same moment may have swallowed the cancellation on its way through the library.
            raise asyncio.CancelledError
        while self._passengers and self._total - self._furthest() > _AHEAD:
            self._room = self._loop.create_future()
            await self._room

    def kept(self) -> bytes | None:
        """Everything that has come, or `None` if it was too much to keep."""
        return b"".join(self._pieces) if self._first == 0 and self._size <= self._limit else None

    def close(self) -> None:
        """Takes no more passengers."""
        if self._open:
            self._open = False
            self._landed(self)

    # -- the passengers' side

    def boardable(self) -> bool:
        """Whether one more can have it from its first byte."""
        return self._open

    def board(self, client: Client) -> Passenger:
        """One more client waits for this reply."""
        self.boarded += 1
        return self.seat(client)

    def seat(self, client: Client) -> Passenger:
        """The place of a client that has been counted already, as the one that led."""
        passenger = Passenger(self, client, self._watch)
        self._passengers.append(passenger)
        return passenger

    def leave(self, passenger: Passenger) -> None:
        """A client has gone, or has all it wants. The last one to leave an unfinished call ends it."""
        if passenger in self._passengers:
            self._passengers.remove(passenger)
            if not self._end_if_empty() and self._room is not None:
                self._make_room()

    def watched(self) -> None:
        """From now on it is heard of if the client of who leads goes."""
        assert self._leader is not None
        self._gone = asyncio.ensure_future(self._leader.client_disconnect())
        self._gone.add_done_callback(self._left)

    def _unwatched(self) -> None:
        self._leader = None
        if self._gone is None:
            self._watch.drop(self)
        else:
            self._gone.cancel()

    def _left(self, gone: asyncio.Future[None]) -> None:
        if not gone.cancelled():
            gone.exception()
            self._leader = None
            self._end_if_empty()

    def _end_if_empty(self) -> bool:
        if self._passengers or self._leader is not None or self._done or self._task is None:
            return False
        self.close()
        self._ended = True
        self._end()
        return True

    def _end(self) -> None:
        """Cancels the call. A task cancelled before its first step would never run what closes the connection."""
        if self._done or self._task is None:
            return
        if self._begun:
            self._task.cancel()
        else:
            self._loop.call_soon(self._end)

    async def head(self) -> Whole | Headers:
        """The reply as a whole, or the headers of a stream. Raises the flight's error, `GoneError` if it was ended."""
        while self.reply is None:
            if self._done:
                raise self._error or GoneError
            await self._change()
        return self.reply

    async def wait(self, index: int) -> list[bytes] | None:
        """The pieces from `index` on, as soon as there are any; `None` at the end. Raises the flight's error."""
        while index - self._first >= len(self._pieces):
            if self._done:
                if self._error is not None:
                    raise self._error
                return None
            await self._change()
        if index < self._first:
            message = "This client read too slowly; the earlier part of the stream is no longer held."
            raise UpstreamError(message, code="client_too_slow")
        return self._pieces[index - self._first :]

    async def _change(self) -> None:
        # Each waits for a future of its own: one's cancellation must not reach the others.
        change: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(change)
        await change

    def taken(self) -> None:
        """A passenger has got further."""
        if self._room is not None and self._total - self._furthest() <= _AHEAD:
            self._make_room()

    def _furthest(self) -> int:
        return max((passenger.bytes for passenger in self._passengers), default=self._total)

    def _forget(self) -> None:
        """Drops pieces that everybody has, and, far past the limit, those that only the slower ones still need."""
        end = self._first + len(self._pieces)
        slowest = min((passenger.index for passenger in self._passengers), default=end)
        fastest = max((passenger.index for passenger in self._passengers), default=end)
        most = self._limit + max(self._limit, _BEHIND)
        while self._first < slowest or (self._first < fastest and self._size > most):
            self._size -= len(self._pieces.pop(0))
            self._first += 1

    def _make_room(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            if not change.done():
                change.set_result(None)


class Passenger:
    """One client's place in a flight."""

    __slots__ = ("_client", "_flight", "_gone", "_watch", "bytes", "index")

    def __init__(self, flight: Flight, client: Client, watch: Watch) -> None:
        """`watch` looks after the client soon: if it goes, it leaves the flight."""
        self.index = 0
        self.bytes = 0
        self._flight = flight
        self._client = client
        self._gone: asyncio.Future[None] | None = None
        self._watch = watch
        watch.add(self)

    async def head(self) -> Whole | Headers:
        """The reply as a whole, or the headers of a stream. Raises the flight's error."""
        return await self._flight.head()

    async def next(self) -> bytes | None:
        """The next piece, or several that have come meanwhile; `None` at the end."""
        pieces = await self._flight.wait(self.index)
        if pieces is None:
            return None
        self.index += len(pieces)
        piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self.bytes += len(piece)
        self._flight.taken()
        return piece

    def leave(self) -> None:
        """Wants no more."""
        if self._gone is None:
            self._watch.drop(self)
        else:
            self._gone.cancel()
        self._flight.leave(self)

    def watched(self) -> None:
        """From now on it is heard of if the client goes."""
        self._gone = asyncio.ensure_future(self._client.client_disconnect())
        self._gone.add_done_callback(self._left)

    def _left(self, gone: asyncio.Future[None]) -> None:
        if not gone.cancelled():
            gone.exception()
            self._flight.leave(self)


class Watch:
    """Begins to watch the clients whose replies are not there at once, all of a while together.

    To watch one costs as much as a fast reply's whole way, and so does a timer for each; most replies are there before.
    """

    __slots__ = ("_earlier", "_later", "_ticking")

    def __init__(self) -> None:
        """Nobody waits."""
        self._earlier: dict[Flight | Passenger, None] = {}
        self._later: dict[Flight | Passenger, None] = {}
        self._ticking = False

    def add(self, waiting: Flight | Passenger) -> None:
        """One who has just begun to wait: watched at the end of the next turn, unless it is dropped by then."""
        self._later[waiting] = None
        if not self._ticking:
            self._ticking = True
            asyncio.get_running_loop().call_later(_WATCH_AFTER_SECS, self._turn)

    def drop(self, waiting: Flight | Passenger) -> None:
        """It waits no longer."""
        if self._later.pop(waiting, self) is self:
            self._earlier.pop(waiting, None)

    def _turn(self) -> None:
        waited, self._earlier, self._later = self._earlier, self._later, {}
        for waiting in waited:
            waiting.watched()
        self._ticking = bool(self._earlier)
        if self._ticking:
            asyncio.get_running_loop().call_later(_WATCH_AFTER_SECS, self._turn)
