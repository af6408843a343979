"""Every route that is no prompt: health, statistics, models, the cache by hand, operations. One table."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote

import msgspec

from isartor._native import BadRequest, Hit
from isartor.errors import IsartorError, MethodError, NotFoundError, RequestError
from isartor.formats import SURFACES, models
from isartor.server import admin, metrics, replies, routes
from isartor.server.operations import BODY_BYTES, ROUTES
from isartor.stack.exchange import Whole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from isartor._native import Gate, Head
    from isartor.formats.models import Model
    from isartor.ports import Surface
    from isartor.server.admin import CacheAdmin
    from isartor.server.health import Health
    from isartor.server.operations import Operations
    from isartor.stack.gate import Gatekeeper

    Handler = Callable[["Visit"], Awaitable[Whole | Hit]]

log = logging.getLogger("isartor.server")

_MODEL_ROOTS: Final = ("/v1/models/", "/v1beta/models/")


class Visit(msgspec.Struct, frozen=True):
    """One request to a page."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    surface: Surface
    head: Head
    client: Any
    """Granian's protocol object."""


class Pages:
    """Finds the page, checks key and origin, writes the reply."""

    def __init__(  # noqa: PLR0913 # each is a part, by name
        self,
        *,
        gate: Gate,
        keeper: Gatekeeper,
        health: Health,
        cache: CacheAdmin,
        operations: Operations,
        known: tuple[Model, ...],
        allowed: Mapping[bytes, tuple[Model, ...]],
    ) -> None:
        """`known`: the models that the lists show. `allowed`: those of a tenant who may not ask for all of them."""
        self._gate = gate
        self._keeper = keeper
        self._health = health
        self._cache = cache
        self._operations = operations
        self._models = known
        self._allowed = allowed
        self._table: Final[dict[str, dict[str, Handler]]] = {
            "/": {"HEAD": self._hello, "GET": self._welcome},
            "/api/hello": {"HEAD": self._hello, "GET": self._hello},
            "/health": {"GET": self._state, "HEAD": self._state},
            "/healthz": {"GET": self._alive, "HEAD": self._alive},
            "/debug/stats/prompts": {"GET": partial(self._for_operators, self._prompts)},
            "/debug/stats/agents": {"GET": partial(self._for_operators, self._agents)},
            "/debug/stats/semantic": {"GET": partial(self._for_operators, self._semantic)},
            "/metrics": {"GET": partial(self._for_operators, self._metrics)},
            "/v1/models": {"GET": self._list},
            "/v1beta/models": {"GET": self._list},
            "/api/v1/cache/lookup": {"POST": self._lookup},
            "/api/v1/cache/store": {"POST": self._store},
            "/api/v1/cache/invalidate": {"POST": self._invalidate},
            "/api/v1/cache/report": {"POST": self._report},
            "/api/v1/cache/entries": {"GET": self._entries},
        }
        for (method, path), page in ROUTES.items():
            self._table.setdefault(path, {})[method] = partial(self._operate, page)

    async def answer(self, scope: Any, proto: Any) -> None:
        """One request."""
        path, method = scope.path, scope.method
        lines = scope.headers.items()
        headers = dict(lines)
        surface = SURFACES[routes.surface_of(path, headers)]
        google = path.startswith(_MODEL_ROOTS) or path in {"/v1/models", "/v1beta/models"}
        is_open = (method, path) in routes.OPEN
        head = self._gate.read(admin.NUMBER, scope.query_string, lines, None, False, google, is_open)  # noqa: FBT003
        try:
            self._keeper.admit(head)
            handler = self._find(path, method, headers)
            query = {name: values[-1] for name, values in parse_qs(scope.query_string).items()}
            reply: Whole | Hit = await handler(Visit(method, path, query, headers, surface, head, proto))
        except IsartorError as failure:
            unread = method not in {"GET", "HEAD"} and head.content_length != 0
            reply = Whole(*replies.error(surface, failure, layer="l0", request_id=head.request_id, unread=unread))
        except Exception:
            log.exception("a request failed on %s", path)
            reply = Whole(*replies.error(surface, replies.fault(), layer="l0", request_id=head.request_id))
        if isinstance(reply, Hit):
            replies.whole(proto, 200, reply.headers, reply.body)
        else:
            replies.whole(proto, reply.status, reply.headers, b"" if method == "HEAD" else reply.body)

    def _find(self, path: str, method: str, headers: Mapping[str, str]) -> Handler:
        methods = self._table.get(path)
        if methods is None and path.startswith(_MODEL_ROOTS) and ":" not in path.rsplit("/", 1)[-1]:
            methods = {"GET": self._one}
        if path == "/v1/responses" and headers.get("upgrade", "").lower() == "websocket":
            return self._no_websocket
        if methods is None and (path in routes.PROMPTS or routes.gemini(path, {}) is not None):
            methods = {"POST": self._hello}  # never called: a POST is a prompt, and this is for the 405 below
        if methods is None:
            message = f"This gateway has no route {path}. Is the base URL right? It ends in /v1 for OpenAI's clients."
            raise NotFoundError(message)
        handler = methods.get(method)
        if handler is None:
            allowed = tuple(methods)
            message = f"{path} takes {' or '.join(allowed)}, not {method}."
            raise MethodError(message, allow=allowed)
        return handler

    # -- what the gateway says of itself

    async def _hello(self, visit: Visit) -> Whole:
        return Whole(200, [replies.JSON, ("x-request-id", visit.head.request_id)], b'{"status":"ok"}')

    async def _welcome(self, visit: Visit) -> Whole:
        del visit
        return _json({"name": "isartor", "health": "/health"})

    async def _alive(self, visit: Visit) -> Whole:
        del visit
        return _json({"status": "ok"})

    async def _state(self, visit: Visit) -> Whole:
        del visit
        return _json(self._health.health())

    async def _prompts(self, visit: Visit) -> Whole:
        return _json(self._health.prompts(visit.query))

    async def _agents(self, visit: Visit) -> Whole:
        del visit
        return _json(self._health.agents())

    async def _semantic(self, visit: Visit) -> Whole:
        del visit
        return _json(self._health.semantic())

    async def _metrics(self, visit: Visit) -> Whole:
        del visit
        return Whole(200, [metrics.CONTENT_TYPE], metrics.text(self._health.state(), self._health.semantic()))

    async def _no_websocket(self, visit: Visit) -> Whole:
        # 426 is what makes Codex fall back to POST at once; any other status costs it seconds of retries.
        message = "This gateway does not speak WebSocket; use POST /v1/responses."
        failure = RequestError(message, status=426, code="websocket_not_supported")
        status, headers, body = replies.error(visit.surface, failure, layer="l0", request_id=visit.head.request_id)
        return Whole(status, headers, body)

    # -- models

    async def _list(self, visit: Visit) -> Whole:
        shape = _shape(visit)
        return Whole(200, [replies.JSON], _LISTS[shape](self._models_of(visit)))

    async def _one(self, visit: Visit) -> Whole:
        shape = _shape(visit)
        root = next(root for root in _MODEL_ROOTS if visit.path.startswith(root))
        return Whole(200, [replies.JSON], _ONES[shape](self._models_of(visit), unquote(visit.path[len(root) :])))

    def _models_of(self, visit: Visit) -> tuple[Model, ...]:
        return self._allowed.get(visit.head.tenant, self._models)

    # -- the cache by hand

    async def _lookup(self, visit: Visit) -> Whole | Hit:
        return await self._manual(visit, "lookup", self._cache.lookup)

    async def _store(self, visit: Visit) -> Whole | Hit:
        return await self._manual(visit, "store", self._cache.store)

    async def _invalidate(self, visit: Visit) -> Whole | Hit:
        return await self._manual(visit, "invalidate", self._cache.invalidate)

    async def _report(self, visit: Visit) -> Whole | Hit:
        return await self._manual(visit, "report", self._cache.report)

    async def _entries(self, visit: Visit) -> Whole:
        return self._cache.entries(visit.head, visit.query)

    async def _manual(
        self, visit: Visit, name: str, operation: Callable[[Head, bytes], Awaitable[Whole | Hit]]
    ) -> Whole | Hit:
        body = await self._keeper.body(visit.client, visit.head, admin.LIMITS[name])
        try:
            return await operation(visit.head, body)
        except BadRequest as error:
            message, path = error.args
            raise RequestError(f"{path}: {message}", param=path or None) from None

    # -- operations

    async def _for_operators(self, page: Handler, visit: Visit) -> Whole | Hit:
        """A page that counts what all tenants do."""
        self._operations.admit(visit.head)
        return await page(visit)

    async def _operate(self, page: str, visit: Visit) -> Whole:
        self._operations.admit(visit.head)
        body = await self._keeper.body(visit.client, visit.head, BODY_BYTES) if visit.method == "POST" else b""
        return _json(await self._operations.answer(page, visit.query, body))


def _shape(visit: Visit) -> str:
    if visit.path.startswith("/v1beta") or "x-goog-api-key" in visit.headers or "x-goog-api-client" in visit.headers:
        return "gemini"
    return "anthropic" if "anthropic-version" in visit.headers else "openai"


_LISTS: Final = {"openai": models.openai_list, "anthropic": models.anthropic_list, "gemini": models.gemini_list}
_ONES: Final = {"openai": models.openai_model, "anthropic": models.anthropic_model, "gemini": models.gemini_model}


def _json(value: object) -> Whole:
    return Whole(200, [replies.JSON], replies.encode(value))
