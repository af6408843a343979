"""Hugging Face's Text Embeddings Inference: `POST /embed`, `GET /info`.

The server says how long a text may be, and with `truncate: false` it refuses a longer one instead of cutting it.
Shapes: its OpenAPI document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from isartor.embedding.remote import RefusedError
from isartor.errors import BusyError, EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isartor.ports import Service

_REFUSED: Final = frozenset({413, 422})
_OVERLOADED: Final = 429


class _Info(msgspec.Struct):
    model_id: str
    max_input_length: int
    model_sha: str | None = None
    max_client_batch_size: int = 32


class Tei:
    """`isartor.embedding.remote.Wire` of a TEI server."""

    def __init__(self, service: Service) -> None:
        """Speaks to `service`."""
        self.service = service
        self._info: _Info | None = None

    @property
    def name(self) -> str:
        """The model's id, as the server says."""
        return "tei" if self._info is None else self._info.model_id

    @property
    def window(self) -> int:
        """Most tokens of a text, as the server says."""
        return 0 if self._info is None else self._info.max_input_length

    @property
    def batch(self) -> int:
        """Most texts in one request, as the server says."""
        return 1 if self._info is None else max(self._info.max_client_batch_size, 1)

    async def greet(self) -> None:
        """Read `/info`; the model must be the one that was there before."""
        status, body = await self.service.ask("GET", "/info")
        expected = f"{self.service.host}: expected from /info a JSON object with model_id and max_input_length"
        if status != 200:
            raise EmbeddingError(f"{expected}, got status {status}")
        try:
            info = msgspec.json.decode(body, type=_Info)
        except msgspec.MsgspecError as error:
            raise EmbeddingError(f"{expected}: {error}") from error
        if info.max_input_length < 1:
            raise EmbeddingError(f"{expected}: max_input_length is {info.max_input_length}")
        old = self._info
        if old is not None and (old.model_id, old.model_sha) != (info.model_id, info.model_sha):
            raise EmbeddingError(
                f"{self.service.host}: expected the model {old.model_id} as before, got {info.model_id}; restart"
            )
        self._info = info

    def alone(self, text: str) -> bool:  # noqa: ARG002  # the server tells what is too long
        """No text needs to be."""
        return False

    async def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        """See `isartor.embedding.remote.Wire`."""
        sent = msgspec.json.encode({"inputs": texts, "normalize": True, "truncate": False})
        status, body = await self.service.ask("POST", "/embed", sent)
        if status in _REFUSED:
            raise RefusedError(status)
        if status == _OVERLOADED:
            raise BusyError(f"{self.service.host} is overloaded (status {status})")
        expected = f"{self.service.host}: expected from /embed a JSON list of vectors"
        if status != 200:
            raise EmbeddingError(f"{expected}, got status {status}")
        try:
            return msgspec.json.decode(body, type=list[list[float]])
        except msgspec.MsgspecError as error:
            raise EmbeddingError(f"{expected}: {error}") from error
