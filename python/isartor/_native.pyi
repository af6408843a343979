"""The boundary between Python and Rust; `mypy.stubtest` holds it to the code.

Only plain data crosses: `bytes`, `str`, numbers, and the frozen classes below. Endpoints cross as their position in
`ENDPOINTS`.
"""

from asyncio import Future
from os import PathLike
from typing import Any, Final, Literal, final

ENDPOINTS: Final[list[str]]
"""The wire operations; the position of a name is the number that stands for it."""

FEATURES: Final[list[str]]
"""What the verifier weighs, in the order of its weights."""

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
    def headers(
        self,
        head: Head,
        upstream: list[tuple[str, str]],
        provider: str,
        note: str,
        other: str,
        *,
        collapsed: bool,
    ) -> list[tuple[str, str]]:
        """The headers of a reply that a provider gave: the provider's own (`upstream`), and ours.

        `note`, `other`: what `cache-status` says besides, unless empty; of two with a `detail` the first.
        """

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
    def text(self) -> str | None:
        """The reply's text; `None` if there is more to it than text, or more than one answer."""

    def tally(self, input: int) -> tuple[int, int, int, int, int, bool]:
        """Tokens that it took: input, output, cached, cache writes, reasoning, as the provider counted them; and
        whether it is an estimate, of `input` tokens and of its text, because the provider told nothing.
        """
    def render_for(self, request: Request) -> bytes:
        """The body in the form that the request asks for."""

def holds(body: bytes, one: bytes, other: bytes) -> bool:
    """Whether one of two texts is anywhere in a body, which every request is asked, however long."""

def gather(number: int, form_name: str, body: bytes, limit_bytes: int) -> Complete | str:
    """The reply that a whole body is, or a token that says why it may not be stored.

    `form_name`: `json`, `sse` or `json-array`. To be asked only after a 2xx reply and the body's clean end.
    """

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
        usage: UsageLog | None = None,
    ) -> Exact:
        """`semantic`: whether questions and their scopes are read. `usage`: who hears what each hit saved."""
    def lookup(self, head: Head, body: bytes, route: str, /, *, quiet: bool = False) -> Hit | Request:
        """The one call of an L1a hit. Counts a hit unless `quiet`. Raises `BadRequest`."""

    def read(self, head: Head, body: bytes) -> Request:
        """The view of a request, whether or not a reply is stored. Raises `BadRequest`."""

    def again(self, head: Head, request: Request, route: str) -> Hit | None:
        """Looks again, after another request has been answered meanwhile."""

    def stale(self, head: Head, request: Request, route: str) -> Hit | None:
        """The entry that may stand in for a provider that failed."""

    def store(
        self,
        head: Head,
        request: Request,
        complete: Complete,
        *,
        provider: str = "",
        model: str = "",
        tokens: int = 0,
        tally: tuple[int, int, int, int, int, bool] | None = None,
    ) -> str | None:
        """Stores a complete reply; `None` if it was, else a token that says why not.

        `provider`, `model`: who gave it; without a model it is the request's. `tally`: what it took (input,
        output, cached, cache writes, reasoning, whether it is an estimate), which is what a hit saves; without one, it
        is what the reply tells, or `tokens` of input and an estimate of its text.
        """

    def remove(self, tenant: bytes, key: str) -> bool:
        """Removes one of a tenant's entries by its key; whether it was there."""

    def clear(self, tenant: bytes) -> int:
        """Removes all of a tenant's entries; how many there were."""

    def purge(self) -> int:
        """Removes what can never be served again; how many there were."""

    def size(self) -> dict[str, int]:
        """`entries`, and their weight in `bytes`."""

@final
class Tokenizer:
    """A text as a model's tokens; reads a `tokenizer.json` of the Hugging Face kind."""

    def __new__(cls, json: bytes) -> Tokenizer:
        """Raises `ValueError` with what is wrong with the file."""

    def encode(self, text: str, limit: int) -> Encoded | None:
        """The tokens; `None` if there are more than `limit`, the model's own marks included. Never cuts."""

@final
class Encoded:
    """The tokens of one text."""

    @property
    def ids(self) -> bytes:
        """`int64`, little-endian."""
    @property
    def count(self) -> int: ...

@final
class Verifier:
    """Reads questions and judges pairs of them. Holds no state; releases the GIL."""

    def __new__(cls, *, lexicon: bytes, weights: bytes) -> Verifier:
        """The files `lexicon.bin` and `verifier.bin`. Raises `ValueError` with what is wrong with one."""

    def read(self, text: str, encoded: Encoded, sentence: bytes, tokens: bytes) -> Question:
        """Reads a question. `sentence`, `tokens`: embeddings of the bundled model, f32 little-endian, one per token.
        Raises `ValueError` if their number does not fit.
        """

    def judge(self, a: Question, b: Question) -> Verdict:
        """Judges a pair; which comes first does not matter."""

@final
class Question:
    """A question that has been read."""

    @property
    def text(self) -> str: ...

@final
class Verdict:
    """What came of judging a pair."""

    @property
    def similarity(self) -> float:
        """Cosine of the two sentence embeddings."""
    @property
    def score(self) -> float:
        """Log odds, uncalibrated, that the reply to one answers the other; `-inf` if a fact differs."""
    @property
    def reasons(self) -> list[str]:
        """Why, the weightiest first."""
    @property
    def words(self) -> list[tuple[str, str, str]]:
        """The words that were put side by side, and how; one is empty where the other stands alone."""
    @property
    def features(self) -> list[tuple[str, float]]: ...

@final
class Semantic:
    """The L1b index over an `Exact` store: questions leave it with their replies, whatever takes those."""

    def __new__(cls, *, exact: Exact, verifier: Verifier, dimension: int) -> Semantic:
        """`dimension`: of the embeddings that are searched."""

    def find(self, head: Head, request: Request, question: Question, embedding: bytes) -> Candidate | None:
        """The stored reply, of this request's scope and servable to it now, whose question is judged best.

        `embedding`: f32, little-endian. Raises `ValueError` if its dimension is another or it has no direction.
        """

    def serve(self, head: Head, request: Request, candidate: Candidate, route: str) -> Hit | None:
        """The reply, counted as a hit; the request's key leads to it from now on. `None` if it has gone meanwhile."""

    def keep(self, request: Request, question: Question, embedding: bytes) -> bool:
        """Keeps the question of the reply just stored for this request; whether the store still has it.

        Raises `ValueError` as `find`.
        """

    def bar(self, request: Request, candidate: Candidate) -> None:
        """This pair is never proposed again (the latest 65,536 are remembered)."""

    def quarantine(self, tenant: bytes, key: str) -> Quarantined | None:
        """Removes the entry under a key, its own or a second wording's, under all its keys; `None` if there is none."""

    def entries(self, tenant: bytes, limit: int) -> list[dict[str, Any]]:
        """A tenant's entries, newest first: key, endpoint, model, question (or `None`), age_secs, bytes, keys."""

    def sweep(self) -> None:
        """Forgets the questions of replies that have gone; every search does so, too."""

    def size(self) -> dict[str, int]:
        """`entries`, `scopes`, and what they take in `bytes`."""

@final
class Candidate:
    """A stored reply that may answer a request."""

    @property
    def key(self) -> str:
        """The entry's own key, 64 hexadecimal digits."""
    @property
    def question(self) -> str:
        """The question that it answered."""
    @property
    def similarity(self) -> float:
        """Cosine of the two questions in the space that is searched."""
    @property
    def verdict(self) -> Verdict: ...
    def reply_text(self) -> str | None:
        """The text of the stored reply; `None` if there is more to it than text."""

@final
class Quarantined:
    """What was quarantined."""

    @property
    def key(self) -> str:
        """The entry's own key."""
    @property
    def pair(self) -> tuple[float, float] | None:
        """Similarity and score, if the key was that of a second wording."""

@final
class Stats:
    """Counters behind `/debug/stats/*`."""

    def __new__(cls) -> Stats: ...
    def record(self, head: Head, route: str, layer: str, status: int) -> None:
        """Counts one request that no cache answered."""

    def totals(self) -> dict[str, Any]: ...
    def agents(self) -> dict[str, dict[str, float]]: ...
    def recent(self, limit: int) -> list[dict[str, Any]]:
        """The latest requests, newest first; at most 200 are kept."""

@final
class UsageLog:
    """Events on their way to the usage log: a bounded buffer, filled in well below a microsecond."""

    def __new__(cls, *, capacity: int, tenants: dict[bytes, str]) -> UsageLog:
        """`capacity`: most events that wait. `tenants`: label of each tenant (16 bytes) that has one."""

    def record(
        self,
        head: Head,
        provider: str,
        model: str,
        tenant: str,
        layer: str,
        status: int,
        tally: tuple[int, int, int, int, int, bool],
        latency_ms: float,
        *,
        deflected: bool = False,
        requests: int = 1,
    ) -> None:
        """Takes an event; counts it as lost if there is no room. `tenant`: a label. `tally`: as in `Exact.store`, held
        within 32 bits. Hits are recorded by `Exact`.
        """

    def price(
        self, provider: str, model: str, *, input: float, output: float, cached: float, cache_write: float
    ) -> None:
        """Says what a token of a provider's model costs, in US dollars."""

    def unpriced(self) -> list[tuple[str, str]]:
        """Providers and models whose price nobody has told yet; their tokens cost nothing until then."""

    def wait(self, secs: float) -> bool:
        """Waits for a full batch, the end of the time, or `wake`; whether there is anything. Releases the GIL."""

    def wake(self) -> None:
        """Ends a wait."""

    def drain(self, most: int) -> bytes:
        """Takes out what waits, as lines; about `most` bytes of them at most, oldest first."""

    @property
    def pending(self) -> int:
        """Events that wait."""
    @property
    def recorded(self) -> int:
        """Requests that were told of."""
    @property
    def lost(self) -> int:
        """Those of them that found no room."""

@final
class Rollup:
    """Sums over a usage log, read as far as it has grown. Releases the GIL."""

    def __new__(cls, path: str | PathLike[str]) -> Rollup: ...
    def read(self) -> None:
        """Reads what the file has grown by; all of it if it is another one. Raises `OSError`, but not for no file."""

    def report(self, since_secs: int, by: list[str]) -> list[tuple[tuple[str | int, ...], dict[str, Any]]]:
        """Sums since the hour in which that second (since 1970) is.

        `by`: of `hour`, `day` (since 1970), `provider`, `model`, `tenant`, `tool`, `layer`, `status` (its first digit),
        `deflected` (0 or 1). The sums: `requests`, `estimated` (of them), `prompt_tokens`, `completion_tokens`,
        `cached_tokens`, `cache_write_tokens`, `reasoning_tokens`, `cost_usd`, `saved_usd`, `latency_ms` (all together).
        """

    @property
    def lines(self) -> tuple[int, int]:
        """Lines that were read, and those that could not be."""

@final
class HttpError(Exception):
    """A call without a reply, or without all of it: `(kind, detail)`.

    Kinds: `connect-time`, `silence`, `total` (limits), `connect`, `head`, `body` (what the network said), `closed`.
    """

@final
class HttpClient:
    """Connections to one origin, for one event loop. Calls run in a thread of their own."""

    def __new__(cls, origin: str, *, direct: bool, connect_secs: float, silence_secs: float) -> HttpClient:
        """`origin`: scheme, host and port. `direct`: never by a proxy.

        Raises `ValueError` with words that say what stands in the way, as that no certificates can be trusted.
        """

    def fileno(self) -> int:
        """What the event loop watches; when it can be read from, `deliver` is to be called."""

    def deliver(self) -> None:
        """Wakes those who wait for what has come."""

    def send(
        self,
        future: Future[None],
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        body: bytes,
        *,
        least: int,
        total_secs: float | None = None,
    ) -> HttpCall:
        """Sends a request to `target` (path and query).

        `future` is done when there are the head and `least` bytes of the body, or the end. Raises `ValueError` if HTTP
        cannot carry it.
        """

    def close(self) -> None:
        """Ends the calls that somebody waits for, and all connections that no other call uses."""

@final
class HttpCall:
    """A call on its way."""

    def head(self) -> tuple[int, list[tuple[str, str]], bytes | None] | None:
        """Status, headers (names in lower case), and the body if all of it has come; `None` before they are there.

        To be asked for once, before `take`, which then gives what was not given here.

        Raises `HttpError`: why there is none, or not as much of the body as was asked for, or its end.
        """

    def take(self) -> bytes | Literal[False] | None:
        """The next piece of the body; `None` at its end, `False` if it is not there yet. Raises `HttpError`."""

    def wait(self, future: Future[None]) -> bool:
        """`future` is done when there is something to take; `False` if there is already."""

    def close(self) -> None:
        """Ends the call if it is not over; who waits for it hears so."""
