"""L1a: a reply to the very same request."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from isartor._native import BadRequest, Exact, Hit
from isartor.errors import RequestError

if TYPE_CHECKING:
    from isartor.stack.exchange import Exchange


class ExactCache:
    """One native call: hash, look up, render."""

    name: ClassVar[str] = "l1a"

    def __init__(self, store: Exact, *, enabled: bool) -> None:
        """`enabled`: it answers (`cache_mode` is `exact` or `both`); otherwise it only reads."""
        self._store = store
        self._enabled = enabled

    async def answer(self, exchange: Exchange) -> Hit | None:
        """The stored reply; otherwise leaves the request's view for the layers below."""
        try:
            if not self._enabled:
                exchange.request = self._store.read(exchange.head, exchange.body)
                return None
            found = self._store.lookup(exchange.head, exchange.body, exchange.route.path)
        except BadRequest as error:
            # What a body may look like is the gate's rule; it is only found out here.
            exchange.layer = "l0"
            message, path = error.args
            where = f"{path}: " if path else ""
            raise RequestError(f"{where}{message}.", param=path or None) from None
        if type(found) is Hit:
            return found
        exchange.request = found
        return None
