"""`/api/v1/cache/*`: the cache by hand.

`lookup` and `store` are for tools that ask a model by themselves. The key is that of a native request with the prompt
alone: what is stored here answers `POST /api/chat` without a model, within the same tenant and session. `entries`,
`invalidate` and `report` are about all of a tenant's entries, of every API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from isartor._native import ENDPOINTS, Complete, Hit, gather
from isartor.errors import NotFoundError, RequestError
from isartor.formats import native
from isartor.server.fellows import Fellow
from isartor.server.replies import encode
from isartor.stack.exchange import Whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isartor._native import Exact, Head
    from isartor.server.fellows import Worker

NUMBER: Final = ENDPOINTS.index("native")
LIMITS: Final = {"lookup": 64 * 1024, "store": 256 * 1024, "invalidate": 64 * 1024, "report": 64 * 1024}
"""Largest body of each operation, in bytes."""
MOST_ENTRIES: Final = 1000
"""As many entries are listed at most."""
_ENTRIES: Final = 50
_KEY_DIGITS: Final = 64

_JSON: Final = ("content-type", "application/json")

T = TypeVar("T")


class Lookup(msgspec.Struct):
    """Body of `lookup`. The session members of the reference are read from the body as it is."""

    prompt: str


class Store(msgspec.Struct):
    """Body of `store`."""

    prompt: str
    response: str
    model: str | None = None


class Invalidate(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `invalidate`: exactly one of the three."""

    key: str | None = None
    prompt: str | None = None
    all: bool = False


class Report(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `report`."""

    key: str


class CacheAdmin:
    """The operations."""

    def __init__(self, store: Exact, worker: Worker) -> None:
        """`store`: the L1a store. `worker` removes from it, and from the stores of other workers."""
        self._store = store
        self._worker = worker

    async def lookup(self, head: Head, body: bytes) -> Whole | Hit:
        """The stored reply, or 204."""
        asked = _decode(body, Lookup)
        found = self._store.lookup(head, _request(asked.prompt, body), "/api/v1/cache/lookup", quiet=True)
        return found if isinstance(found, Hit) else Whole(204, [("x-isartor-deflected", "false")], b"")

    async def store(self, head: Head, body: bytes) -> Whole | Hit:
        """Stores a reply that the caller got elsewhere."""
        given = _decode(body, Store)
        if not given.response.strip():
            message = "response: must not be empty."
            raise RequestError(message, param="response")
        reply = native.reply(1, given.response, given.model or "cached")
        complete = gather(NUMBER, "json", reply, LIMITS["store"] * 2)
        request = self._store.read(head, _request(given.prompt, body))
        refusal = self._store.store(head, request, complete) if isinstance(complete, Complete) else complete
        if refusal is not None:
            return Whole(200, [_JSON], encode({"stored": False, "reason": refusal}))
        return Whole(200, [_JSON, ("x-isartor-cache-key", request.key)], encode({"stored": True}))

    async def invalidate(self, head: Head, body: bytes) -> Whole | Hit:
        """Removes one entry by key or prompt, or all of the caller's."""
        key: str | None
        match _decode(body, Invalidate):
            case Invalidate(key=str(given), prompt=None, all=False):
                key = given
            case Invalidate(key=None, prompt=str(prompt), all=False):
                key = self._store.read(head, _request(prompt, body)).key
            case Invalidate(key=None, prompt=None, all=True):
                key = None
            case _:
                message = 'Send exactly one of {"key": …}, {"prompt": …}, {"all": true}.'
                raise RequestError(message)
        dropped = await self._worker.drop(head.tenant, key)
        reply = {"invalidated": dropped.removed}
        if dropped.pending:
            reply["pending_workers"] = dropped.pending
        return Whole(200, [_JSON], encode(reply))

    async def report(self, head: Head, body: bytes) -> Whole | Hit:
        """Quarantines the entry of a wrong answer, and teaches the semantic cache if that had served it."""
        key = _decode(body, Report).key.strip().lower()
        if len(key) != _KEY_DIGITS or not all(digit in "0123456789abcdef" for digit in key):
            message = f"key: must be the {_KEY_DIGITS} hexadecimal digits that x-isartor-cache-key said."
            raise RequestError(message, param="key")
        found = await self._worker.report(head.tenant, key)
        if not found.removed and not found.pending:
            message = "No reply of yours is stored under this key: its time may be over, or it was removed already."
            raise NotFoundError(message, param="key")
        return Whole(200, [_JSON], encode({"quarantined": found.removed, "pending": found.pending}))

    def entries(self, head: Head, query: Mapping[str, str]) -> Whole:
        """The caller's own entries in this worker, newest first."""
        try:
            limit = min(max(int(query.get("limit", _ENTRIES)), 0), MOST_ENTRIES)
        except ValueError:
            limit = _ENTRIES
        found = self._worker.entries(head.tenant, limit)
        if found is None:
            message = "With cache_mode = exact there is no list of entries."
            raise NotFoundError(message)
        # Other workers have caches of their own, and no prompt is ever written where they could read it.
        return Whole(200, [_JSON], encode({"entries": found, "partial": isinstance(self._worker, Fellow)}))


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"The body is not what this route takes: {error}"
        raise RequestError(message) from None


_SESSION: Final = ("session_id", "thread_id", "conversation_id")


def _request(prompt: str, body: bytes) -> bytes:
    """The native request that a prompt stands for, with the session that the body names."""
    if not prompt.strip():
        message = "prompt: must not be empty."
        raise RequestError(message, param="prompt")
    given: dict[str, Any] = _decode(body, dict)
    named: dict[str, Any] = {name: given[name] for name in _SESSION if isinstance(given.get(name), str)}
    metadata = given.get("metadata")
    if isinstance(metadata, dict):
        inner = {name: metadata[name] for name in _SESSION if isinstance(metadata.get(name), str)}
        if inner:
            named["metadata"] = inner
    return encode({"prompt": prompt, **named})
