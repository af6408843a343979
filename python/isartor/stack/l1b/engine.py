"""What reads questions: the embedder that searches, the bundled model that the verifier reads with, and its files.

Everything is loaded after the server listens, in threads; until then L1b is skipped. Where the search's vectors come
from elsewhere (a folder, a service), both models read each question, at the same time. What cannot be loaded is told in
one line and leaves the gateway without L1b; a service is tried again every 30 seconds, for it may come up later.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import msgspec

from isartor._native import Verifier
from isartor.embedding.guard import Guarded, GuardedReader
from isartor.errors import ConfigError, EmbeddingError
from isartor.stack.l1b import calibration

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from isartor._native import Question
    from isartor.embedding.guard import Counts
    from isartor.embedding.local import LocalEmbedder, Read
    from isartor.ports import Embedder
    from isartor.stack.l1b.calibration import Calibration, Fit

log = logging.getLogger("isartor.semantic")

RETRY_SECS: Final = 30.0
# No embedder in this process takes as long, however many wait; a service has a time limit of its own.
_PATIENCE_SECS: Final = 1.0


class Files(msgspec.Struct, frozen=True):
    """Where the verifier's files are, and the user's own calibration."""

    folder: Path
    """With `lexicon.bin`, `verifier.bin` and `calibration.json`."""
    own: Path | None = None
    """Stands in for the shipped calibration, if it fits the verifier."""


class Loaded(msgspec.Struct, frozen=True):
    """What there is once everything has been read."""

    verifier: Verifier
    model: str
    """What tells this verifier from another."""
    calibration: Calibration
    line: Fit
    """The user's own, or the shipped calibration's."""


class Reading(msgspec.Struct, frozen=True):
    """A question that has been read."""

    question: Question
    embedding: bytes
    """For the search, f32 little-endian."""


class Engine:
    """Reads questions once it is loaded."""

    def __init__(
        self,
        reader: LocalEmbedder,
        search: Embedder | None,
        files: Files,
        *,
        remote: bool = False,
        verifier: Callable[..., Verifier] = Verifier,
    ) -> None:
        """`search`: makes the vectors of the search, `None` for `reader`; `remote`: it may come up later."""
        self._reader = reader
        self._search = search
        self._files = files
        self._remote = remote
        self._make_verifier = verifier
        self._guarded_reader = GuardedReader(reader, reader.name, patience_secs=_PATIENCE_SECS)
        self._guarded_search = (
            None if search is None else Guarded(search, patience_secs=None if remote else _PATIENCE_SECS)
        )
        self._loaded: Loaded | None = None
        self.state = "loading"
        """`loading`, `active`, or `unavailable: ` and why."""

    def __repr__(self) -> str:
        """Its models and its state."""
        return f"<Engine {self.state}: {self._reader!r}, {self._search!r}>"

    @property
    def dimension(self) -> int:
        """Numbers in a vector of the search; 0 before it is loaded."""
        return (self._search or self._reader).dimension

    @property
    def counts(self) -> tuple[Counts, ...]:
        """What became of the texts, per model."""
        guards = (self._guarded_reader, self._guarded_search)
        return tuple(guard.counts for guard in guards if guard is not None)

    async def load(self) -> Loaded | None:
        """Loads everything, however long a service takes to come up. `None` if that is hopeless."""
        while True:
            try:
                loaded = await asyncio.to_thread(self._read_files)
                await self._reader.start()
                if self._search is not None:
                    await self._search.start()
            except (EmbeddingError, ConfigError) as error:
                self._unavailable(error.message)
                if not (self._remote and isinstance(error, EmbeddingError)):
                    return None
                await asyncio.sleep(RETRY_SECS)
            else:
                self._loaded = loaded
                self.state = "active"
                log.info("the semantic cache is active", extra={"model": (self._search or self._reader).name})
                return loaded

    async def read(self, text: str) -> Reading | None:
        """Reads a question; nothing if it is too long for a model, or a model does not answer. Never raises."""
        loaded = self._loaded
        if loaded is None:
            return None
        if self._guarded_search is None:
            found = await self._guarded_reader.read(text)
            return None if found is None else Reading(_question(loaded, text, found), found.sentence)
        found, embedding = await asyncio.gather(self._guarded_reader.read(text), self._guarded_search.embed(text))
        if found is None or embedding is None:
            return None
        return Reading(_question(loaded, text, found), embedding.sentence)

    async def embed(self, text: str) -> bytes | None:
        """The bundled model's vector of a text, f32 little-endian; for comparing replies, never for the search."""
        try:
            found = await self._reader.read(text)
        except EmbeddingError:
            return None
        return None if found is None else found.sentence

    async def close(self) -> None:
        """Ends threads and connections."""
        await self._reader.close()
        if self._search is not None:
            await self._search.close()

    def _unavailable(self, message: str) -> None:
        state = f"unavailable: {message}"
        if state != self.state:
            log.error("the semantic cache is off: %s", message)
        self.state = state

    def _read_files(self) -> Loaded:
        folder = self._files.folder
        try:
            lexicon = (folder / "lexicon.bin").read_bytes()
            weights = (folder / "verifier.bin").read_bytes()
            shipped = calibration.read(folder / "calibration.json")
        except OSError as error:
            raise EmbeddingError(f"{error.filename}: cannot be read: {error.strerror}") from error
        try:
            verifier = self._make_verifier(lexicon=lexicon, weights=weights)
        except ValueError as error:
            raise EmbeddingError(f"{folder / 'verifier.bin'}: expected the verifier's weights: {error}") from error
        model = calibration.digest_of(lexicon, weights)
        return Loaded(verifier, model, shipped, self._own(model) or shipped.fit)

    def _own(self, model: str) -> Fit | None:
        """The user's own line, if there is one that fits."""
        file = self._files.own
        if file is None:
            return None
        try:
            own = calibration.read(file)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s cannot be read (%s); the shipped calibration is used", file, error.strerror)
        except ConfigError as error:
            log.warning("%s; the shipped calibration is used", error.message)
        else:
            if own.model == model:
                return own.fit
            text = "%s was made for another verifier; the shipped calibration is used until `isartor cache calibrate`"
            log.warning(text, file)
        return None


def _question(loaded: Loaded, text: str, found: Read) -> Question:
    return loaded.verifier.read(text, found.encoded, found.sentence, found.tokens)  # type: ignore[arg-type]  # native
