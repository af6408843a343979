"""The boundary between Python and Rust; `mypy.stubtest` holds it to the code.

Only plain data crosses: `bytes`, `str`, numbers, and the frozen classes below. Endpoints cross as their position in
`ENDPOINTS`.
"""

from typing import Any, Final, final

ENDPOINTS: Final[list[str]]
"""The wire operations; the position of a name is the number that stands for it."""

__version__: Final[str]

class BadRequest(ValueError):
    """A body that cannot be read; `args` are the message and the path of the member at fault ("" for the whole)."""

@final
class Gate:
    """What the L0 gate is configured with. Reads the headers of each request, once, before its body."""

    def __new__(
        cls,
        *,
        keys: list[tuple[str, bytes]],
        hosts: list[str],
        any_address: bool,
        origins: list[str],
        scope_agent_sessions: bool,
        seed: int,
    ) -> Gate:
        """`keys`: gateway key and its tenant (16 bytes). `hosts`: Host names that are ours, empty for any. `seed`: what
        makes the request ids of this process its own (64 bits).
        """

    def read(
        self,
        number: int,
        query: str,
        headers: list[tuple[str, str]],
        path_model: str | None = None,
        path_stream: bool = False,
        google_key: bool = False,
        open: bool = False,
    ) -> Head:
        """Reads one request's headers (names in lower case). `open`: no key is asked for."""

@final
class Head:
    """What the headers of one request say."""

    @property
    def verdict(self) -> int:
        """0 welcome, 1 no key, 2 wrong key, 3 foreign origin, 4 foreign host."""
    @property
    def tool(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def tenant(self) -> bytes:
        """16 bytes; all zero where no key is configured."""
    @property
    def no_store(self) -> bool: ...
    @property
    def no_cache(self) -> bool: ...
    @property
    def only_if_cached(self) -> bool: ...
    @property
    def content_length(self) -> int:
        """Bytes announced, -1 if none were."""
    @property
    def encoding(self) -> str | None:
        """`content-encoding` other than `identity`."""
    @property
    def request_id(self) -> str:
        """The client's `x-request-id` if it sent a usable one, else one of ours."""

@final
class Hit:
    """A reply from the store, ready to be sent with status 200."""

    @property
    def headers(self) -> list[tuple[str, str]]: ...
    @property
    def body(self) -> bytes: ...

@final
class Request:
    """The view of a request that every layer reads."""

    @property
    def model(self) -> str:
        """After aliases; empty if the client named none."""
    @property
    def stream(self) -> bool: ...
    @property
    def sse(self) -> bool:
        """Whether a stream is server-sent events; otherwise Gemini's JSON array."""
    @property
    def cacheable(self) -> bool:
        """Whether a complete reply may be kept and shared."""
    @property
    def cache_status(self) -> str:
        """The value of `cache-status` (RFC 9211) when the request goes on."""
    @property
    def key(self) -> str:
        """The exact key, 64 hexadecimal digits."""
    @property
    def question(self) -> str | None:
        """The last text of the last user turn, if the reply to another wording of it may answer."""
    @property
    def question_refused(self) -> str | None:
        """Why there is no question: `off`, `endpoint`, `tools`, `not-text`, `no-user-turn`, `prefill`, `empty`,
        `too-long`, `parameters`, `duplicate`, `volatile`, or why nothing of the exchange may be kept.
        """
    @property
    def scope_digest(self) -> str | None:
        """What questions must agree on to share a reply, 64 hexadecimal digits: all of the request but the question."""
    @property
    def flight(self) -> bytes:
        """What requests must agree on to share one upstream call: the key (32 bytes), the count of invalidations before
        them (8), the form of the reply (1).
        """
    def upstream_body(self, body: bytes) -> bytes:
        """The body as it goes upstream: the same object, unless a model alias was resolved."""

@final
class Complete:
    """A complete reply that may be stored, in every form."""

    @property
    def json(self) -> bytes: ...
    @property
    def usage(self) -> tuple[int, int, int, int]:
        """Tokens as the provider counted them: input, output, cached, reasoning."""
    def render_for(self, request: Request) -> bytes:
        """The body in the form that the request asks for."""

@final
class Tee:
    """Takes a copy of a reply as it passes."""

    def __new__(cls, number: int, form_name: str, limit_bytes: int) -> Tee:
        """`form_name`: `json`, `sse` or `json-array`."""

    def feed(self, bytes: bytes) -> None: ...
    def finish(self) -> Complete | str:
        """The reply, or a token that says why it may not be stored. Once, after the body's clean end."""

@final
class Exact:
    """The L1a store, and how bodies are read for it."""

    def __new__(
        cls,
        *,
        max_entries: int,
        max_bytes: int,
        ttl_secs: int,
        stale_secs: int,
        aliases: dict[str, str],
        stats: Stats,
        semantic: bool = False,
    ) -> Exact:
        """`semantic`: whether questions and their scopes are read."""
    def lookup(self, head: Head, body: bytes, route: str, /, *, quiet: bool = False) -> Hit | Request:
        """The one call of an L1a hit. Counts a hit unless `quiet`. Raises `BadRequest`."""

    def read(self, head: Head, body: bytes) -> Request:
        """The view of a request, whether or not a reply is stored. Raises `BadRequest`."""

    def again(self, head: Head, request: Request, route: str) -> Hit | None:
        """Looks again, after another request has been answered meanwhile."""

    def stale(self, head: Head, request: Request, route: str) -> Hit | None:
        """The entry that may stand in for a provider that failed."""

    def store(self, head: Head, request: Request, complete: Complete) -> str | None:
        """Stores a complete reply; `None` if it was, else a token that says why not."""

    def remove(self, tenant: bytes, key: str) -> bool:
        """Removes one of a tenant's entries by its key; whether it was there."""

    def clear(self, tenant: bytes) -> int:
        """Removes all of a tenant's entries; how many there were."""

    def purge(self) -> int:
        """Removes what can never be served again; how many there were."""

    def size(self) -> dict[str, int]:
        """`entries`, and their weight in `bytes`."""

@final
class Stats:
    """Counters behind `/debug/stats/*`."""

    def __new__(cls) -> Stats: ...
    def record(self, head: Head, *, route: str, layer: str, status: int) -> None:
        """Counts one request that no cache answered."""

    def totals(self) -> dict[str, Any]: ...
    def agents(self) -> dict[str, dict[str, float]]: ...
    def recent(self, limit: int) -> list[dict[str, Any]]:
        """The latest requests, newest first; at most 200 are kept."""
