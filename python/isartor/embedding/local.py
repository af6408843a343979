"""A model in this process, on a thread of its own.

Nothing exists before the first use or `start`: a process that is forked or spawned until then makes its own thread and
its own session, and the event loop never waits for a file. The thread takes one text after the other (why not in
batches: see `onnx.py`); while texts wait it does not sleep, and its results reach the loop in one call for all that
have come together.

Kept is the whole result, token vectors included (1.5 KB per token), because whoever compares needs both again: about
100 texts of 25 tokens in the default 4 MiB. Long texts (over 128 KiB of result, 80 tokens) are not kept: one would
drive out several short ones, and is less likely to come again. With `tokens=False` there are no token vectors, and
about 2,000 texts fit.

Cost: `onnx.py` has the model's; taking the text apart and the way to the thread and back add 0.1 to 0.15 ms. Sixteen
who ask at the same time get 500 texts of 25 tokens a second together. At most 64 texts wait, so that none waits much
longer than 0.1 s (for questions of 25 tokens).
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from pathlib import Path
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Final

import msgspec

from isartor.embedding.desk import CLOSED, Cache, Desk, Job
from isartor.embedding.onnx import Encoded, Model, Tokenizer
from isartor.errors import EmbeddingError, TooLongError
from isartor.ports import Embedding

if TYPE_CHECKING:
    from collections.abc import Callable

BUNDLED: Final = Path(__file__).with_name("minilm")
_BUNDLED_NAME: Final = "all-MiniLM-L6-v2"
_BUNDLED_WINDOW: Final = 256

_QUEUE: Final = 64
_CACHE_BYTES: Final = 4 * 1024 * 1024
_ANY_NUMBER: Final = 2**31 - 1
_OWN_MARKS: Final = 2
# A model that could not be loaded is not tried again for each text that waits.
_RELOAD_SECS: Final = 1.0


_tokenizer: Tokenizer | None = None


class Read(msgspec.Struct, frozen=True):
    """Everything that a local model says of a text."""

    encoded: Encoded
    """Its tokens, as the tokenizer gave them."""
    sentence: bytes
    """Its vector of length 1, f32 little-endian."""
    tokens: bytes
    """A vector per token, f32 little-endian: `encoded.count` times `dimension`. Empty if the model gives none."""


class _TooLong(msgspec.Struct, frozen=True):
    """A result as well, and kept like one."""


_Result = Read | _TooLong


class LocalEmbedder:
    """`isartor.ports.Embedder` over a model folder, with `read` for the vectors of the tokens."""

    def __init__(
        self,
        load: Callable[[], Model],
        *,
        name: str,
        tokens: bool = True,
        queue: int = _QUEUE,
        cache_bytes: int = _CACHE_BYTES,
    ) -> None:
        """`load` runs in the thread. `queue`: texts that may wait. `tokens`: keep and give token vectors."""
        self.name = name
        self._load = load
        self._with_tokens = tokens
        self._desk: Desk[_Result] = Desk(self._begin, limit=queue, cache=Cache(cache_bytes, _size))
        self._model: Model | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._jobs: SimpleQueue[Job[_Result] | asyncio.Future[EmbeddingError | None] | None] = SimpleQueue()
        self._results: deque[tuple[Job[_Result], _Result | EmbeddingError]] = deque()
        self._told = False  # the loop knows that there are results
        self._failed: tuple[float, str] | None = None
        self._closed = False

    def __repr__(self) -> str:
        """Name, state and counts."""
        state = "closed" if self._closed else "ready" if self._model is not None else "not loaded"
        return f"<LocalEmbedder {self.name}: {state}, {self._desk!r}>"

    @property
    def dimension(self) -> int:
        """Numbers in a vector; 0 before the model is loaded."""
        return 0 if self._model is None else self._model.dimension

    @property
    def window(self) -> int:
        """Most tokens of a text; 0 before the model is loaded."""
        return 0 if self._model is None else self._model.window

    async def start(self) -> None:
        """Load the model. Raises `EmbeddingError`."""
        if self._closed:
            raise EmbeddingError(CLOSED)
        if self._model is None:
            loaded: asyncio.Future[EmbeddingError | None] = asyncio.get_running_loop().create_future()
            self._jobs.put(loaded)
            self._run_thread()
            error = await loaded
            if error is not None:
                raise error

    async def read(self, text: str) -> Read | None:
        """Return all that the model says of `text`; `None` if it is longer than the window.

        Raises `BusyError` and `EmbeddingError`.
        """
        result = await self._desk.ask(text)
        return result if isinstance(result, Read) else None

    async def embed(self, text: str) -> Embedding:
        """See `isartor.ports.Embedder`."""
        found = await self.read(text)
        if found is None:
            raise TooLongError(f"the text has more than {self.window} tokens")
        return Embedding(found.sentence, len(found.sentence) // 4)

    async def close(self) -> None:
        """End the thread, after the text that it is busy with."""
        self._closed = True
        self._desk.close()
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        self._model = None

    # -- on the loop

    def _begin(self, job: Job[_Result]) -> None:
        self._jobs.put(job)
        if self._thread is None:
            self._run_thread()

    def _run_thread(self) -> None:
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._work, name="isartor-embedding", daemon=True)
            self._thread.start()

    def _deliver(self) -> None:
        # First the flag: a result that comes from now on calls again.
        self._told = False
        while self._results:
            self._desk.finish(*self._results.popleft())

    # -- on the thread

    def _work(self) -> None:
        loop = self._loop
        assert loop is not None
        while (job := self._jobs.get()) is not None:
            try:
                if isinstance(job, Job):
                    if not job.dropped:
                        self._results.append((job, self._outcome(job.text)))
                        if not self._told:
                            self._told = True
                            loop.call_soon_threadsafe(self._deliver)
                else:
                    loop.call_soon_threadsafe(_settle, job, self._loaded())
            except RuntimeError:
                # The loop is closed: there is nobody left to answer.
                return

    def _outcome(self, text: str) -> _Result | EmbeddingError:
        error = self._loaded()
        model = self._model
        if error is not None or model is None:
            return error or EmbeddingError(CLOSED)
        try:
            encoded = model.encode(text)
            if encoded is None:
                return _TooLong()
            return Read(encoded, *model.run(encoded, tokens=self._with_tokens))
        except EmbeddingError as failure:
            return failure
        except Exception as failure:  # noqa: BLE001  # a fault of the tokenizer costs this text its hit, not the thread
            return EmbeddingError(f"{self.name}: {type(failure).__name__}: {failure}")

    def _loaded(self) -> EmbeddingError | None:
        if self._model is not None:
            return None
        if self._failed is not None and monotonic() - self._failed[0] < _RELOAD_SECS:
            return EmbeddingError(self._failed[1])
        try:
            self._model = self._load()
        except Exception as error:  # noqa: BLE001  # whatever it is, the gateway runs on without
            message = error.message if isinstance(error, EmbeddingError) else f"{self.name}: {error!r}"
            self._failed = (monotonic(), message)
            return EmbeddingError(message)
        return None


def bundled(tokenizer: Callable[[bytes], Tokenizer], *, threads: int = 1, tokens: bool = True) -> LocalEmbedder:
    """Return the model that comes with Isartor. `tokenizer` makes one from a `tokenizer.json`."""
    return LocalEmbedder(
        lambda: Model(BUNDLED, tokenizer, window=_BUNDLED_WINDOW, threads=threads), name=_BUNDLED_NAME, tokens=tokens
    )


def count_tokens(text: str) -> int:
    """How many tokens a text has for the bundled model. Loads its tokenizer (0.7 MB) the first time."""
    from isartor._native import Tokenizer as Native

    global _tokenizer  # noqa: PLW0603 # one for the process, made when it is first wanted
    if _tokenizer is None:
        _tokenizer = Native((BUNDLED / "tokenizer.json").read_bytes())
    encoded = _tokenizer.encode(text, _ANY_NUMBER)
    return 0 if encoded is None else max(encoded.count - _OWN_MARKS, 0)


def from_folder(
    path: Path, tokenizer: Callable[[bytes], Tokenizer], *, threads: int = 1, tokens: bool = True
) -> LocalEmbedder:
    """Return the model in a user's folder."""
    return LocalEmbedder(
        lambda: Model(path, tokenizer, threads=threads), name=path.resolve().name or str(path), tokens=tokens
    )


def _settle(loaded: asyncio.Future[EmbeddingError | None], error: EmbeddingError | None) -> None:
    if not loaded.done():
        loaded.set_result(error)


def _size(result: _Result) -> int:
    if isinstance(result, _TooLong):
        return 0
    return len(result.sentence) + len(result.tokens) + len(result.encoded.ids)
