"""The RSGI application: finds the route, runs the stack, writes the reply."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from isartor._native import Hit
from isartor.errors import IsartorError
from isartor.server import replies, routes
from isartor.server.replies import ProtocolClosed
from isartor.server.witness import Witness
from isartor.stack.exchange import Exchange, Streamed
from isartor.stack.flights import GoneError
from isartor.stack.limits import told

if TYPE_CHECKING:
    import asyncio

    from isartor.wiring import Gateway

log = logging.getLogger("isartor.server")


def application(gateway: Gateway) -> App | Witness:
    """What Granian runs; with a request log, under its eyes."""
    app = App(gateway)
    if gateway.requests is None:
        return app
    return Witness(app, gateway.requests, gateway.gate, gateway.labels)


class App:
    """Granian calls it once per request."""

    def __init__(self, gateway: Gateway) -> None:
        """`gateway`: the parts, as `wiring` built them."""
        self._gateway = gateway
        self._read = gateway.gate.read
        self._answer = gateway.pipeline.answer
        self._leave = gateway.turnstile.leave
        self._record = gateway.stats.record
        self._prompts = routes.PROMPTS

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called when the worker's loop is there."""
        self._gateway.start(loop)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called when the worker stops."""
        self._gateway.stop(loop)

    # Granian's objects have no public types, here and in `replies`.
    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """One request."""
        path = scope.path
        route = self._prompts.get(path)
        if route is None:
            route = routes.gemini(path, self._gateway.aliases)
        if route is None or scope.method != "POST":
            await self._gateway.pages.answer(scope, proto)
            return
        headers = scope.headers.items()
        query = scope.query_string
        head = self._read(route.number, query, headers, route.model, route.stream, route.google_key)
        exchange = Exchange(route, head, proto, query, headers)
        try:
            reply = await self._answer(exchange)
            lines = reply.headers
            if exchange.allowance is not None:
                lines = told.headers(route.surface.name, exchange.allowance, lines)
            if type(reply) is Hit:
                proto.response_bytes(200, lines, reply.body)
                return
            self._record(head, route.path, exchange.layer, reply.status)
            if isinstance(reply, Streamed):
                await replies.stream(proto, scope.client, Streamed(reply.status, lines, reply.pieces))
            else:
                proto.response_bytes(reply.status, lines, reply.body)
        except (GoneError, ProtocolClosed):
            return
        except IsartorError as failure:
            self._refuse(proto, exchange, failure)
        except Exception:
            log.exception("a request failed on %s", route.path)
            self._refuse(proto, exchange, replies.fault())
        finally:
            if exchange.inside:
                self._leave()

    def _refuse(self, proto: Any, exchange: Exchange, failure: IsartorError) -> None:
        status, headers, body = replies.error(
            exchange.route.surface,
            failure,
            layer=exchange.layer,
            request_id=exchange.head.request_id,
            unread=not exchange.body and exchange.head.content_length != 0,
            allowance=exchange.allowance,
        )
        self._record(exchange.head, exchange.route.path, exchange.layer, status)
        replies.whole(proto, status, headers, body)
