"""Reads questions with the bundled model and judges pairs of them, as a gateway does, in this process.

Cost: half a second to load, then two to five milliseconds for each question, on one thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from isartor.cli import home
from isartor.cli.failures import CommandError, say
from isartor.errors import ConfigError, EmbeddingError
from isartor.stack.l1b import calibration as calibrations
from isartor.stack.l1b.policy import Threshold, Verified

if TYPE_CHECKING:
    from pathlib import Path

    from isartor._native import Question, Verdict
    from isartor.config import Config
    from isartor.stack.l1b.calibration import Calibration
    from isartor.stack.l1b.policy import Policy

_WINDOW: Final = 256


class Judged(msgspec.Struct, frozen=True):
    """A pair as a policy looks at it."""

    similarity: float
    verdict: Verdict


class Judge:
    """The bundled model and the verifier."""

    def __init__(self, threads: int = 1) -> None:
        """Loads both. Raises `CommandError`."""
        from isartor._native import Tokenizer, Verifier
        from isartor.embedding.local import BUNDLED
        from isartor.embedding.onnx import Model

        lexicon, weights = _content(BUNDLED / "lexicon.bin"), _content(BUNDLED / "verifier.bin")
        try:
            self._model = Model(BUNDLED, Tokenizer, window=_WINDOW, threads=threads)
            self._verifier = Verifier(lexicon=lexicon, weights=weights)
        except (EmbeddingError, ValueError) as error:
            message = f"the bundled model cannot be used: {error}"
            raise CommandError(message) from None
        self.digest = calibrations.digest_of(lexicon, weights)
        self.shipped = _shipped(BUNDLED / "calibration.json")
        self._last: dict[str, Question | None] = {}

    def judge(self, a: str, b: str) -> Judged | None:
        """Judge a pair; `None` if a question is too long for the model, so that it goes past the semantic cache."""
        first, second = self._read(a), self._read(b)
        # Of a file sorted by question, the next pair may have the same one.
        self._last = {a: first, b: second}
        if first is None or second is None:
            return None
        verdict = self._verifier.judge(first, second)
        return Judged(verdict.similarity, verdict)

    def _read(self, text: str) -> Question | None:
        if text in self._last:
            return self._last[text]
        encoded = self._model.encode(text)
        if encoded is None:
            return None
        vectors = self._model.run(encoded)
        return self._verifier.read(text, encoded, vectors.sentence, vectors.tokens)  # type: ignore[arg-type]  # native


def own_calibration(digest: str) -> Calibration | None:
    """What `isartor cache calibrate` has written, if it fits the verifier; otherwise a line says why it is not used."""
    file = home.folder() / calibrations.FILE_NAME
    try:
        found = calibrations.read(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        say(f"{file} cannot be read and is not used: {error.strerror}")
        return None
    except ConfigError as error:
        say(f"{error.message}; it is not used")
        return None
    if found.model != digest:
        say(f"{file} was made with another model and is not used; `isartor cache calibrate` makes a new one")
        return None
    return found


def verified(judge: Judge, own: Calibration | None, max_error_rate: float) -> Verified:
    """The policy `verified`, without audits."""
    return Verified(
        judge.shipped,
        max_error_rate=max_error_rate,
        audit_rate=0,
        chance=_never,
        fit=None if own is None else own.fit,
    )


def threshold(judge: Judge, similarity: float) -> Threshold:
    """The policy `threshold`, without audits."""
    return Threshold(judge.shipped, threshold=similarity, audit_rate=0, chance=_never)


def configured(judge: Judge, own: Calibration | None, config: Config) -> Policy:
    """The policy of the configuration."""
    if config.semantic_cache.policy == "threshold":
        return threshold(judge, config.similarity_threshold)
    return verified(judge, own, config.semantic_cache.max_error_rate)


def _never() -> float:
    return 1.0


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise CommandError(message) from None


def _shipped(file: Path) -> Calibration:
    try:
        return calibrations.read(file)
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise CommandError(message) from None
