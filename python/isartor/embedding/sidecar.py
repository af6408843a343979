"""Any service with OpenAI's `POST /v1/embeddings`: llama.cpp, Ollama, vLLM, LM Studio and others.

That API does not say how long a text may be, and some services cut a longer one without a word: two texts that differ
only behind the cut would then be the same. So

- the greeting sends two texts as long as the window that differ in their last word. If they come back equal, the
  service cuts earlier than thought, and half the window is tried; down to 32 tokens.
- a text that cannot be sure to fit (more bytes than the window has tokens) goes alone, and is believed only if
  `usage.prompt_tokens` says that it has fewer tokens than the window. Without that number it is refused.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

import msgspec

from isartor.embedding.remote import RefusedError, surely_fits
from isartor.errors import BusyError, EmbeddingError, TooLongError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isartor.ports import Service

_WINDOW: Final = 256
_LEAST_WINDOW: Final = 32
_BATCH: Final = 16
_REFUSED: Final = frozenset({400, 413, 422})
_OVERLOADED: Final = frozenset({429, 503})
_EQUAL: Final = 1e-6


class _Item(msgspec.Struct):
    embedding: list[float]
    index: int = 0


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = 0


class _Answer(msgspec.Struct):
    data: list[_Item]
    usage: _Usage | None = None


class Sidecar:
    """`isartor.embedding.remote.Wire` of an OpenAI-compatible service."""

    def __init__(self, service: Service, model: str, *, window: int = _WINDOW) -> None:
        """`window`: tokens that the model takes at least."""
        self.service = service
        self.name = model
        self.window = window
        self.batch = _BATCH

    async def greet(self) -> None:
        """Find a window within which nothing is cut."""
        window = self.window
        while window >= _LEAST_WINDOW:
            # Every tokenizer has a token for " a"; eight are left for special ones and the last word.
            long = "a " * (window - 8)
            try:
                red, blue = await self._numbered([long + "red", long + "blue"])
            except (RefusedError, TooLongError):
                # It does not cut, it refuses: that is fine.
                break
            if any(abs(one - other) > _EQUAL for one, other in zip(red, blue, strict=False)):
                break
            window //= 2
        else:
            raise EmbeddingError(
                f"{self.service.host}: expected different vectors for texts of {_LEAST_WINDOW} tokens that differ in"
                " their last word, got equal ones"
            )
        self.window = window

    def alone(self, text: str) -> bool:
        """The service counts tokens per request, so a text whose number matters is one."""
        return not surely_fits(text, self.window)

    async def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        """See `isartor.embedding.remote.Wire`."""
        answer = await self._ask(texts)
        if len(texts) == 1 and self.alone(texts[0]):
            tokens = (answer.usage and answer.usage.prompt_tokens) or 0
            if not 0 < tokens < self.window:
                raise TooLongError(f"{self.service.host} may have cut a text: {tokens or 'no'} tokens counted")
        return self._vectors(answer, len(texts))

    async def _numbered(self, texts: Sequence[str]) -> list[list[float]]:
        return self._vectors(await self._ask(texts), len(texts))

    async def _ask(self, texts: Sequence[str]) -> _Answer:
        sent = msgspec.json.encode({"model": self.name, "input": texts})
        status, body = await self.service.ask("POST", "/v1/embeddings", sent)
        if status in _REFUSED:
            raise RefusedError(status)
        if status in _OVERLOADED:
            raise BusyError(f"{self.service.host} is overloaded (status {status})")
        expected = f"{self.service.host}: expected from /v1/embeddings a JSON object with data[].embedding"
        if status != 200:
            raise EmbeddingError(f"{expected}, got status {status}")
        try:
            return msgspec.json.decode(body, type=_Answer)
        except msgspec.MsgspecError as error:
            raise EmbeddingError(f"{expected}: {error}") from error

    def _vectors(self, answer: _Answer, count: int) -> list[list[float]]:
        items = sorted(answer.data, key=attrgetter("index"))
        if [item.index for item in items] != list(range(count)):
            raise EmbeddingError(f"{self.service.host}: expected {count} vectors numbered from 0, got {len(items)}")
        return [item.embedding for item in items]
