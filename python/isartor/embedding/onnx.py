"""A sentence model in ONNX Runtime, and the only module that imports it.

A model takes `input_ids` and `attention_mask`, and `token_type_ids` if it wants. It gives the sentence's vector
(`sentence`, `sentence_embedding`), those of the tokens (`tokens`, `token_embeddings`, `last_hidden_state`), or both;
where the sentence's is missing, it is pooled here. Sentence vectors always leave with length 1.

Texts are run one by one, never padded into a batch. The bundled model's activations are quantised to 8 bits with one
scale for the whole run, so a text's vector would depend on its neighbours in the batch: its cosine to what the text
gives alone is 0.992 on average and 0.985 at worst, in pairs as in sixteens. And nothing would be won: on one thread a
batch takes about as long per text.

Cost of the bundled model on one thread: 1 ms for 9 tokens, 1.7 for 25, 4.3 for 64, 30 for 256. Memory: 35 MB for the
libraries (numpy 16), 39 for the session, 6 for its first short text, 16 once it has run a long one, 7 for the
tokenizer. ONNX Runtime's own arena changes neither time nor memory here; it is off, because it would never give back
what the longest text once took.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from isartor.embedding import folder
from isartor.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SENTENCE: Final = ("sentence", "sentence_embedding")
_TOKENS: Final = ("tokens", "token_embeddings", "last_hidden_state")
_NEEDED: Final = frozenset({"input_ids", "attention_mask"})
_KNOWN: Final = _NEEDED | {"token_type_ids"}
_TRIAL: Final = "isartor"
# No ordinary text has as many characters to a token; a longer one is refused before it is taken apart. (A word of
# ten megabytes would be a single unknown token.)
_MOST_CHARS_PER_TOKEN: Final = 32


class Encoded(Protocol):
    """A text as tokens (`isartor._native.Encoded`)."""

    @property
    def ids(self) -> bytes:
        """Token ids, i64 little-endian, special ones included."""

    @property
    def count(self) -> int:
        """How many there are."""


class Tokenizer(Protocol):
    """Takes texts apart (`isartor._native.Tokenizer`)."""

    def encode(self, text: str, limit: int) -> Encoded | None:
        """Return the tokens of `text`; `None` if there are more than `limit`."""


class Vectors(NamedTuple):
    """What a model says of one text."""

    sentence: bytes
    """f32 little-endian, of length 1."""
    tokens: bytes
    """f32 little-endian, one vector per token; empty if the model gives none or none were asked for."""


class Model:
    """A model that is ready to run. Belongs to one thread."""

    def __init__(
        self,
        path: Path,
        tokenizer: Callable[[bytes], Tokenizer],
        *,
        window: int | None = None,
        threads: int = 1,
    ) -> None:
        """Loads the folder at `path` and runs a word through it. Raises `EmbeddingError`.

        `tokenizer` makes one from a `tokenizer.json`; `window` stands in for what the folder says; `threads` share the
        work of one run (0: as many as there are cores).
        """
        found = folder.read(path, window)
        self._file = found.model
        self._pooling = found.pooling
        self.window = found.window
        try:
            self._tokenizer = tokenizer(found.tokenizer)
        except Exception as error:
            raise EmbeddingError(f"{path / 'tokenizer.json'}: not a tokenizer: {_line(error)}") from error
        self._session = _session(found.model, threads)
        inputs = {value.name for value in self._session.get_inputs()}
        if not inputs >= _NEEDED or not inputs <= _KNOWN:
            raise EmbeddingError(
                f"{self._file}: expected the inputs input_ids, attention_mask and at most token_type_ids,"
                f" got {', '.join(sorted(inputs))}"
            )
        self._types = "token_type_ids" in inputs
        outputs = {value.name for value in self._session.get_outputs()}
        self._sentence = next((name for name in _SENTENCE if name in outputs), None)
        self._tokens = next((name for name in _TOKENS if name in outputs), None)
        if self._sentence is None and self._tokens is None:
            raise EmbeddingError(
                f"{self._file}: expected an output {', '.join(_SENTENCE + _TOKENS[:-1])} or {_TOKENS[-1]},"
                f" got {', '.join(sorted(outputs))}"
            )
        self.dimension = 0
        trial = self.encode(_TRIAL)
        if trial is None:
            raise EmbeddingError(f"{path / 'tokenizer.json'}: a single word has more than {self.window} tokens")
        self.dimension = len(self.run(trial).sentence) // 4

    @property
    def gives_tokens(self) -> bool:
        """Whether the model gives a vector per token."""
        return self._tokens is not None

    def encode(self, text: str) -> Encoded | None:
        """Return the tokens of `text`; `None` if it is longer than the window."""
        if len(text) > self.window * _MOST_CHARS_PER_TOKEN:
            return None
        return self._tokenizer.encode(text, self.window)

    def run(self, encoded: Encoded, *, tokens: bool = True) -> Vectors:
        """Return the vectors of one text; without those of its tokens if not `tokens`. Raises `EmbeddingError`."""
        import numpy as np

        ids = np.frombuffer(encoded.ids, dtype="<i8").reshape(1, -1)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        if self._types:
            feed["token_type_ids"] = np.zeros_like(ids)
        wanted = [name for name in (self._sentence, self._tokens if tokens or not self._sentence else None) if name]
        try:
            given = dict(zip(wanted, self._session.run(wanted, feed), strict=True))
        except Exception as error:
            raise EmbeddingError(f"{self._file}: a run with {encoded.count} tokens failed: {_line(error)}") from error
        each = None if self._tokens is None else given.get(self._tokens)
        if each is not None and (each.ndim != 3 or each.shape[:2] != ids.shape):
            raise EmbeddingError(f"{self._file}: expected {self._tokens} of 1 x tokens x dimension, got {_shape(each)}")
        if self._sentence is not None:
            whole = given[self._sentence]
        else:
            assert each is not None
            whole = each[:, 0] if self._pooling == "cls" else each.mean(axis=1)
        if whole.ndim != 2 or whole.shape[0] != 1 or (self.dimension and whole.shape[1] != self.dimension):
            raise EmbeddingError(
                f"{self._file}: expected {self._sentence} of 1 x {self.dimension or 'dimension'}, got {_shape(whole)}"
            )
        length = float(np.linalg.norm(whole))
        if not np.isfinite(length) or length < 1e-6:
            raise EmbeddingError(f"{self._file}: expected a vector of finite numbers, not all zero")
        sentence = (whole[0] / length).astype("<f4").tobytes()
        return Vectors(sentence, each[0].astype("<f4", copy=False).tobytes() if tokens and each is not None else b"")


def _session(file: Path, threads: int) -> Any:
    # Its official builds report to their maker over the network, unless this is set before they are loaded.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime  # type: ignore[import-untyped]  # it brings no types
    except ImportError as error:
        raise EmbeddingError(f"onnxruntime cannot be imported: {_line(error)}") from error
    # Its warnings about a foreign graph are of no use to who runs a gateway.
    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    # Threads that spin while they wait would take the cores from the gateway.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise EmbeddingError(f"{file}: not an ONNX model that can be run: {_line(error)}") from error


def _shape(array: Any) -> str:
    return " x ".join(str(length) for length in array.shape)


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]}..."
