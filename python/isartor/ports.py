"""The Protocols that adapters implement, and the plain data that crosses them.

The stack speaks to these names only; which class stands behind one is decided in `wiring.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypedDict

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isartor._native import Head

Headers = list[tuple[str, str]]
"""Header lines in order, names in lower case, repeated names allowed."""


Quirk = Literal["max_completion_tokens", "developer", "no_stream_options", "no_parallel", "no_json_schema"]
"""In what a chat provider differs from the common ground: `max_completion_tokens` in place of `max_tokens`; it knows
the role `developer`; it refuses `stream_options`, `parallel_tool_calls`, or `json_schema`.
"""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request on its way to a provider.

    `endpoint` names the wire operation (`chat`, `messages`, `stream_generate`, ...). `model` is the resolved
    model; only Gemini needs it outside the body. `body` goes upstream byte for byte. `headers` and `query`
    are the client's; the provider picks what may go along.
    """

    endpoint: str
    model: str
    stream: bool
    body: bytes
    headers: Sequence[tuple[str, str]] = ()
    query: str = ""
    request_id: str = ""
    key: Revealable | None = None
    """The provider's key to use, chosen from its pool; `None` for the provider's own, if it has one."""
    session: str = ""
    """What the client calls its session; empty if it names none. Tells tenants apart."""
    tenant: str = ""
    """Label of the gateway key that was used; empty if none is configured."""
    tokens: int = 0
    """Input tokens, roughly, for what has to be known before the provider has counted them."""


class Revealable(Protocol):
    """A secret that shows itself only when asked (`isartor.config.Secret`)."""

    def reveal(self) -> str:
        """Return the secret itself."""


class Response(Protocol):
    """A provider's reply whose head has arrived. Whoever holds it must `close` it, also after an error."""

    @property
    def status(self) -> int:
        """HTTP status as the provider gave it."""

    @property
    def headers(self) -> Headers:
        """The headers that a client may see, and no others. `x-isartor-dropped` among them after a translation."""

    @property
    def code(self) -> str | None:
        """The provider's own code or type in an error reply, if it has been read already; never guessed from a text."""

    @property
    def tally(self) -> Tally | None:
        """What the provider has counted, once the body is over, if that was read on the way."""

    def ready(self) -> bytes | None:
        """A piece that has come already; `None` if one has to be waited for."""

    def rest(self) -> bytes | None:
        """The rest of the body, if all of it has come; `None` if it has to be read."""

    def unread(self, piece: bytes) -> None:
        """Take the piece back that `ready` has just given."""

    async def read(self) -> bytes | None:
        """Next piece of the body as it arrived, `None` at its proper end.

        Raises `UpstreamError` when the body breaks off and `UpstreamTimeoutError` when it stalls.
        """

    async def read_all(self, limit: int) -> bytes:
        """Return the rest of the body; `UpstreamError` if it is longer than `limit` bytes."""

    async def close(self) -> None:
        """Cancel the upstream call if it is unfinished. May be called at any time, more than once."""


class Tally(NamedTuple):
    """Tokens of one reply. `input` has `cached` and `cache_write` in it, `output` has `reasoning` in it."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    estimated: bool = False
    """Counted here, because the provider told nothing."""


class Ticket(Protocol):
    """What was reserved of the quotas for one call to a provider."""

    def settle(self, tally: Tally | None) -> None:
        """Put what was really used in place of what was reserved; `None`: nothing. Once; more calls do nothing."""


class Budget(Protocol):
    """The quotas of providers and gateway keys."""

    def reserve(self, *, provider: str, model: str, tenant: str, tokens: int) -> Ticket:
        """Reserve `tokens` input tokens and some output before a call. Synchronous, microseconds.

        Raises `QuotaError` if a quota forbids the call; its `fallback` says whether the next provider may be asked.
        """


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking the chain: the head of a reply, in the client's format, and who gave it."""

    response: Response
    provider: str
    model: str
    """Model that was asked."""
    label: str | None = None
    """Of the key that was used."""
    attempts: int = 1
    """Calls made in all, to whichever provider."""
    substitute: bool = False
    """Whether another model than the one asked for answers, which only a fallback provider does."""
    ticket: Ticket | None = None
    """To settle when the reply is over."""
    finished: Callable[[bool], None] | None = None
    """To call once when the body is over: `True` if it came whole, `False` if the provider broke off or timed out.
    Not called if the client left.
    """


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What one request took of a provider. `tally` is `None` if it took no tokens, as when it was refused."""

    provider: str
    model: str
    status: int
    tally: Tally | None = None
    latency_ms: float = 0
    """From the request's arrival at L3 to the end of the reply."""


class Books(Protocol):
    """Where it is written down what was used. Microseconds, never fails."""

    def spent(self, head: Head, spent: Spent, *, tenant: str, followers: int = 0) -> None:
        """One request to L3 is over. `followers`: other clients that got the same reply without asking for it anew."""


class Upstream(Protocol):
    """All providers, as the stack sees them: one that does not fail because one of them does."""

    @property
    def name(self) -> str:
        """Id of the first provider."""

    @property
    def model(self) -> str:
        """The first provider's own model, used when a request names none."""

    async def ask(self, call: Call) -> Reached:
        """Send one request and return once a reply's head is there, whichever provider gave it.

        An error reply that is the client's own fault, or the last provider's, comes back as a `Reached`. Raises
        `NoProviderError`, `UpstreamError`, `UpstreamTimeoutError`, `QuotaError`.
        """

    def status(self) -> ProviderStatus:
        """State of the first provider, for `/health`."""

    async def close(self) -> None:
        """Close all connections."""


class Ping(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking a provider whether it is there, without asking a model."""

    reachable: bool
    """Whether it answers; a refused key or an unknown path is an answer, a server error is none."""
    status_code: int | None = None
    """`None` if there was no reply."""
    latency_ms: float | None = None
    error: str | None = None
    """What is wrong, for a person; `None` if nothing is."""


class ProviderStatus(TypedDict):
    """What `/health` tells about a provider: no secrets, of the address only host and port."""

    provider: str
    model: str
    endpoint: str
    state: Literal["active", "no_api_key", "demo"]


class Provider(Protocol):
    """An upstream."""

    @property
    def name(self) -> str:
        """Its id, as in `llm_provider` and the `x-isartor-provider` header."""

    @property
    def model(self) -> str:
        """The model used when a request names none (native surface)."""

    @property
    def endpoints(self) -> frozenset[str]:
        """The wire operations that it speaks; anything else is translated, or a 501."""

    @property
    def quirks(self) -> frozenset[Quirk]:
        """In what its chat completions differ from the common ground ."""

    async def call(self, call: Call) -> Response:
        """Send one request and return once the reply's head is there.

        Raises `NoProviderError` (no key, offline), `UpstreamError`, `UpstreamTimeoutError`. An error *reply*
        of the provider is no exception: it comes back as a `Response` with its own status.
        """

    async def ping(self, key: Revealable | None = None, *, deep: bool = False) -> Ping:
        """Ask whether it is there and takes `key`, its own if `None`. Never raises an `IsartorError`.

        `deep`: try what a real request needs too, which may be billed as one of a single token.
        """

    def status(self) -> ProviderStatus:
        """State for `/health`."""

    async def close(self) -> None:
        """Close the connections."""


class Embedding(msgspec.Struct, frozen=True):
    """What a text means, as a vector of length 1."""

    sentence: bytes
    """`dimension` numbers, f32 little-endian."""
    dimension: int


class Embedder(Protocol):
    """Turns texts into vectors. Two vectors may be compared only if the same embedder made both."""

    @property
    def name(self) -> str:
        """The model's name, for people."""

    @property
    def dimension(self) -> int:
        """Numbers in a vector; 0 while that is not known, which may be until `start` has returned."""

    @property
    def window(self) -> int:
        """Most tokens of a text, special ones included; 0 while that is not known."""

    async def start(self) -> None:
        """Load the model, or speak to the service for the first time; the first `embed` does it otherwise.

        Raises `EmbeddingError` with one line that says what is wrong and what was expected.
        """

    async def embed(self, text: str) -> Embedding:
        """Return the vector of `text`.

        Raises `TooLongError` and `BusyError`, which are refusals and no faults, and `EmbeddingError`.
        """

    async def close(self) -> None:
        """Let go of threads and connections; those who still wait get an `EmbeddingError`."""


class Service(Protocol):
    """A small HTTP service beside the gateway, as a server for embeddings: whole requests, whole replies."""

    @property
    def host(self) -> str:
        """Host name and port, for messages."""

    async def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send one request to `path` below the configured address; return status and body.

        `body` is JSON. Raises an `IsartorError` when there is no reply in time, or none of a sensible size.
        """

    async def close(self) -> None:
        """Close the connections."""


class Surface(Protocol):
    """How one client-facing API writes errors."""

    @property
    def name(self) -> str:
        """`openai_chat`, `openai_responses`, `anthropic`, `gemini` or `native`."""

    def error(
        self, status: int, message: str, *, code: str, param: str | None = None, request_id: str | None = None
    ) -> bytes:
        """JSON body of an error reply, with this API's own word for `status`."""

    def stream_error(self, status: int, message: str, *, code: str, request_id: str | None = None) -> bytes:
        """Return what is sent into a stream that has already begun: complete events, ready to write."""
