"""Lets every surface reach a provider: what the provider does not speak is translated, in both directions.

A request in a format that the provider speaks goes through untouched, byte for byte. Anything else is read into the
canonical form and written in the provider's format; the reply comes back the same way, a stream event by event. Error
replies are read in either case, since who asks next must know their code.
"""

from __future__ import annotations

import asyncio
from math import ceil
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from isartor.errors import NotImplementedFormatError, RequestError, UpstreamError
from isartor.formats import seal, sse
from isartor.formats.canonical import Failed, Finished
from isartor.ports import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isartor.formats.canonical import Event, Format, Prompt, StreamReader, StreamWriter, Usage
    from isartor.ports import Call, Headers, Ping, Provider, ProviderStatus, Response, Revealable, Surface

CLIENTS: Final[Mapping[str, str]] = {
    "chat": "openai_chat",
    "responses": "openai_responses",
    "messages": "anthropic",
    "generate": "gemini",
    "stream_generate": "gemini",
    "native": "native",
}
"""Operations that can be translated, and the format that each is in."""
_WIRES: Final = (
    ("chat", "chat"),
    ("messages", "messages"),
    ("generate", "stream_generate"),
    ("responses", "responses"),
)
"""What a provider may speak, in order of preference: the operation for JSON and the one for a stream."""
_COUNTS: Final[Mapping[str, str]] = {"count_tokens": "anthropic", "gemini_count": "gemini"}

_OK: Final = range(200, 300)
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_ERRORS: Final = (b"event: error", b"event:error", b'data: {"error"', b'data:{"error"', b'data: {"type":"error"')
"""How a stream begins that is no reply."""
_ERROR_BYTES: Final = 1024 * 1024
_REPLY_BYTES: Final = 64 * 1024 * 1024
_MOST: Final = 2**32 - 1
# A request of so many bytes takes some 10 ms to count; nobody else should wait for it.
_AT_ONCE: Final = 32 * 1024
_JSON: Final = ("content-type", "application/json")
_SSE: Final = ("content-type", "text/event-stream; charset=utf-8")
_DROPPED: Final = "x-isartor-dropped"

# A foreign provider is told who calls, and nothing that speaks of the client's own API.
_REQUEST_HEADERS: Final = frozenset({"user-agent", "accept-language", "http-referer", "x-title"})
_REPLY_HEADERS: Final = frozenset({"retry-after", "retry-after-ms", "x-should-retry", "x-request-id", "warning"})


class Translator:
    """A provider as every surface can reach it."""

    def __init__(
        self,
        provider: Provider,
        formats: Mapping[str, Format],
        surfaces: Mapping[str, Surface],
        count: Callable[[str, bytes], bytes],
    ) -> None:
        """`count`: answers a request to count tokens by an estimate; takes the operation and the body."""
        self._provider = provider
        self._formats = formats
        self._surfaces = surfaces
        self._count = count
        self._spoken = provider.endpoints
        self._wire = next((wire for wire in _WIRES if wire[0] in self._spoken), None)
        translated = {*CLIENTS, *_COUNTS} if self._wire is not None else set()
        self.endpoints = self._spoken | translated
        self.name = provider.name
        self.model = provider.model
        self.quirks = provider.quirks

    def status(self) -> ProviderStatus:
        """See `isartor.ports.Provider`."""
        return self._provider.status()

    async def close(self) -> None:
        """See `isartor.ports.Provider`."""
        await self._provider.close()

    async def ping(self, key: Revealable | None = None, *, deep: bool = False) -> Ping:
        """See `isartor.ports.Provider`."""
        return await self._provider.ping(key, deep=deep)

    async def call(self, call: Call) -> Response:
        """See `isartor.ports.Provider`."""
        if call.endpoint in self._spoken:
            onward, dropped = self._own(call) if seal.carried(call.body) else (call, ())
            response = await self._provider.call(onward)
            if response.status not in _OK:
                return await self._refused(call, response, call.endpoint)
            if dropped:
                response.headers.append((_DROPPED, ", ".join(dropped)))
            if call.stream and (piece := response.ready()) is not None:
                if piece.startswith(_ERRORS):
                    await self._failed(call, response, piece)
                response.unread(piece)
            return response
        if self._wire is not None and call.endpoint in CLIENTS:
            return await self._translated(call, self._wire[1] if call.stream else self._wire[0])
        if self._wire is not None and call.endpoint in _COUNTS:
            if len(call.body) < _AT_ONCE:
                body = self._count(call.endpoint, call.body)
            else:  # the tokenizer lets other threads run
                body = await asyncio.to_thread(self._count, call.endpoint, call.body)
            return Made(200, [_JSON, ("x-isartor-estimated", "tokens")], body)
        spoken = ", ".join(sorted(self._spoken))
        message = (
            f"The provider {self.name!r} does not speak {call.endpoint!r} (it speaks {spoken}), and this operation "
            "cannot be translated. Use a provider that has it, or set llm_provider."
        )
        raise NotImplementedFormatError(message)

    async def _failed(self, call: Call, response: Response, piece: bytes) -> None:
        """Raise if a stream that was promised begins with an error: nothing has gone out, so another may answer."""
        form = self._formats.get(CLIENTS.get(call.endpoint, ""))
        if form is None:
            return
        reader = form.stream_reader()
        try:
            events = [event for name, data in sse.Events().feed(piece) for event in reader.read(name, data)]
        except (UpstreamError, RecursionError):
            return  # the client sees what it is
        failed = next((event for event in events if isinstance(event, Failed)), None)
        if failed is not None and (failed.status == _TOO_MANY or failed.status >= _SERVER_ERROR):
            await response.close()
            raise _told(failed)

    def _own(self, call: Call) -> tuple[Call, list[str]]:
        """`call` without the state of another provider that it may carry back, which only we can read."""
        if call.endpoint not in CLIENTS:
            return call, []
        form = self._formats[CLIENTS[call.endpoint]]
        _, body, dropped = self._rewritten(call, form, form)
        return replace(call, body=body), dropped

    def _rewritten(self, call: Call, source: Format, target: Format) -> tuple[Prompt, bytes, list[str]]:
        """What `call` asks, the body that says it in `target`, and what that cannot say."""
        try:
            prompt = source.read_request(call.body, model=call.model, stream=call.stream)
            return prompt, *target.write_request(prompt, self.quirks)
        except RecursionError:
            # Nested deeper than can be followed, though it can be parsed.
            message = "The request is nested too deeply to be translated for this provider."
            raise RequestError(message, code="not_translatable") from None

    async def _translated(self, call: Call, endpoint: str) -> Response:
        source = self._formats[CLIENTS[call.endpoint]]
        target = self._formats[CLIENTS[endpoint]]
        prompt, body, dropped = self._rewritten(call, source, target)
        headers = [line for line in call.headers if line[0] in _REQUEST_HEADERS]
        query = "alt=sse" if endpoint == "stream_generate" else ""
        onward = replace(call, endpoint=endpoint, body=body, headers=headers, query=query)
        response = await self._provider.call(onward)
        if response.status not in _OK:
            return await self._refused(call, response, endpoint)
        told = [line for line in response.headers if line[0] in _REPLY_HEADERS]
        told += [("x-request-id", value) for name, value in response.headers if name == "request-id"]
        if dropped:
            told.append((_DROPPED, ", ".join(dropped)))
        if call.stream and _content_type(response) != "application/json":
            # Gemini's clients get an array of JSON if they do not ask for events.
            array = call.endpoint == "stream_generate" and "alt=sse" not in call.query
            told.append(_JSON if array else _SSE)
            stream = Translation(response, target.stream_reader(), source.stream_writer(prompt), told, array=array)
            await stream.begin()
            return stream
        told.append(_JSON)
        return await self._whole(response, source, target, prompt, told)

    async def _whole(
        self, response: Response, source: Format, target: Format, prompt: Prompt, headers: Headers
    ) -> Response:
        try:
            raw = await response.read_all(_REPLY_BYTES)
        finally:
            await response.close()
        try:
            reply = target.read_reply(raw)
            body = source.write_reply(reply, prompt)
        except RecursionError:
            raise _too_deep() from None
        tally = None if reply.usage is None else tally_of(reply.usage)
        return Made(response.status, headers, body, tally=tally, doubtful=reply.stop == "pause" or not reply.told)

    async def _refused(self, call: Call, response: Response, endpoint: str) -> Response:
        """An error reply: as it came if the client speaks the provider's format, else in the client's own shape."""
        try:
            raw = await response.read_all(_ERROR_BYTES)
        finally:
            await response.close()
        target = self._formats.get(CLIENTS.get(endpoint) or _COUNTS.get(endpoint) or "openai_chat")
        failed = Failed(response.status, "", "upstream_refused")
        if target is not None:
            failed = target.read_error(response.status, raw)
        when = []
        if failed.retry_after is not None and not any(name == "retry-after" for name, _ in response.headers):
            when = [("retry-after", str(ceil(failed.retry_after)))]
        if call.endpoint == endpoint:
            return Made(response.status, [*response.headers, *when], raw, code=failed.code)
        surface = self._surfaces[CLIENTS[call.endpoint]]
        message = f"The provider {self.name!r} refused the request: {failed.message or 'it gave no reason'}"
        body = surface.error(response.status, message, code=failed.code, request_id=call.request_id)
        # How much of a limit is left says something to whoever asks next, in whatever format.
        headers = [line for line in response.headers if line[0] in _REPLY_HEADERS or "ratelimit" in line[0]]
        return Made(response.status, [*headers, *when, _JSON], body, code=failed.code)


class Made:
    """A reply that is there as a whole; `isartor.ports.Response`."""

    __slots__ = ("_body", "code", "doubtful", "headers", "status", "tally")

    def __init__(  # noqa: PLR0913 - all but three by name
        self,
        status: int,
        headers: Headers,
        body: bytes,
        *,
        code: str | None = None,
        tally: Tally | None = None,
        doubtful: bool = False,
    ) -> None:
        """`code`: of an error reply. `tally`: what the provider counted. `doubtful`: see `Translation`."""
        self.tally = tally
        self.doubtful = doubtful
        self.status = status
        self.headers = headers
        self.code = code
        self._body: bytes | None = body

    def ready(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        body, self._body = self._body, None
        return body

    async def read(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        return self.ready()

    def rest(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        return self.ready()

    def unread(self, piece: bytes) -> None:
        """See `isartor.ports.Response`."""
        self._body = piece

    async def read_all(self, limit: int) -> bytes:
        """See `isartor.ports.Response`."""
        body = self.ready() or b""
        if len(body) > limit:
            message = f"The provider sent a reply of more than {limit} bytes."
            raise UpstreamError(message, code="upstream_too_large")
        return body

    async def close(self) -> None:
        """Nothing is open."""


class Translation:
    """A stream on its way from the provider's format to the client's; `isartor.ports.Response`."""

    code = None

    def __init__(
        self, response: Response, reader: StreamReader, writer: StreamWriter, headers: Headers, *, array: bool
    ) -> None:
        """`array`: the client wants its events as a JSON array."""
        self.status = response.status
        self.headers = headers
        self._response = response
        self._events = sse.Events()
        self._reader = reader
        self._writer = writer
        self._array = array
        self._opened = False
        self._ahead: bytes | None = None
        self._error: UpstreamError | None = None
        self._over = False
        self.tally: Tally | None = None
        self.doubtful = False
        """Ended without a word why, or in the middle of a turn: not to be given to anybody else."""

    async def begin(self) -> None:
        """Wait for the first bytes of ours: a provider that fails before them can still be replaced by another."""
        try:
            first = await self.read()
            if first is None:
                message = "The provider ended the stream before anything had come."
                raise UpstreamError(message, code="upstream_cut", retryable=True)  # noqa: TRY301 - closed like any other
        except BaseException:
            await self.close()
            raise
        self._ahead = first

    def ready(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        ahead, self._ahead = self._ahead, None
        return ahead

    def rest(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        return None

    def unread(self, piece: bytes) -> None:
        """See `isartor.ports.Response`."""
        self._ahead = piece

    async def read(self) -> bytes | None:
        """See `isartor.ports.Response`."""
        if self._ahead is not None:
            return self.ready()
        while not self._over:
            piece = await self._response.read()
            written = self._take(self._events.feed(piece)) if piece is not None else self._finish()
            if written:
                return written
        if self._error is not None:
            raise self._error
        return None

    async def read_all(self, limit: int) -> bytes:
        """See `isartor.ports.Response`."""
        pieces = []
        size = 0
        while (piece := await self.read()) is not None:
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                await self.close()
                message = f"The provider sent a reply of more than {limit} bytes."
                raise UpstreamError(message, code="upstream_too_large")
        return b"".join(pieces)

    async def close(self) -> None:
        """See `isartor.ports.Response`."""
        self._over = True
        await self._response.close()

    def _take(self, events: list[tuple[str | None, bytes]]) -> bytes:
        try:
            return b"".join([self._write(event) for name, data in events for event in self._reader.read(name, data)])
        except RecursionError:
            raise _too_deep() from None

    def _finish(self) -> bytes:
        written = self._take(self._events.end()) + b"".join([self._write(event) for event in self._reader.end()])
        self._over = True
        return written

    def _write(self, event: Event) -> bytes:
        if self._over:
            return b""
        if isinstance(event, Failed):
            self._over = True
            self._error = _told(event)
            return b""
        if isinstance(event, Finished):
            self.doubtful = event.stop == "pause" or not event.told
            if event.usage is not None:  # not every client is told
                self.tally = tally_of(event.usage)
        written = self._writer.write(event)
        return self._as_array(written, last=isinstance(event, Finished)) if self._array else written

    def _as_array(self, written: bytes, *, last: bool) -> bytes:
        """Server-sent events as elements of one JSON array."""
        pieces = []
        events = sse.Events()
        for _, data in [*events.feed(written), *events.end()]:
            pieces += [b",\r\n" if self._opened else b"[", data]
            self._opened = True
        if last and self._opened:
            pieces.append(b"]")
        return b"".join(pieces)


def tally_of(usage: Usage) -> Tally:
    """The provider's own count."""
    told = (usage.input, usage.output, usage.cached, usage.cache_write, usage.reasoning)
    if min(told) >= 0 and max(told) <= _MOST:
        return Tally(*told)
    # A provider may tell anything, but the books take only so much.
    return Tally._make([*(min(max(tokens, 0), _MOST) for tokens in told), False])


def _told(failed: Failed) -> UpstreamError:
    return UpstreamError(
        f"The provider reported an error inside its stream: {failed.message}",
        status=failed.status,
        code=failed.code,
        retryable=True,
    )


def _too_deep() -> UpstreamError:
    message = "The provider's reply is nested too deeply to be translated."
    return UpstreamError(message, code="upstream_invalid_reply")


def _content_type(response: Response) -> str:
    for name, value in response.headers:
        if name == "content-type":
            return value.partition(";")[0].strip().lower()
    return ""
