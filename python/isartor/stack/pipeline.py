"""The stack: the layers that a request meets, top to bottom, until one of them has the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from isartor.errors import NoProviderError

if TYPE_CHECKING:
    from isartor.stack.cloud import Cloud
    from isartor.stack.exact import ExactCache
    from isartor.stack.exchange import Answer, Exchange
    from isartor.stack.gate import Gatekeeper
    from isartor.stack.limits import AllowedModels
    from isartor.stack.semantic import SemanticCache


class Layer(Protocol):
    """Answers one question: do you have the reply? Never calls the next layer itself."""

    name: ClassVar[str]

    async def answer(self, exchange: Exchange) -> Answer | None:
        """The reply, or nothing. Raises an `IsartorError` to refuse the request."""


class Pipeline:
    """The stack, as one list."""

    def __init__(
        self,
        *,
        gate: Gatekeeper,
        exact: ExactCache,
        allowed: AllowedModels | None = None,
        semantic: SemanticCache | None = None,
        cloud: Cloud,
    ) -> None:
        """Takes the layers as `wiring` built them; one that is switched off is `None`."""
        layers: tuple[Layer | None, ...] = (
            gate,  # L0   key, origin, rate, room, size; reads the body
            #        L0.5 route: labels → provider and model
            exact,  # L1a  one hash, one lookup
            allowed,  # L0   models of the gateway key, now that the model is known
            semantic,  # L1b  embed, search, verify
            #        L2   small model: classify, answer
            #        L2.5 context: minify, dedup
            cloud,  # L3   provider
        )
        self.layers = tuple(layer for layer in layers if layer is not None)

    async def answer(self, exchange: Exchange) -> Answer:
        """The first reply that a layer has."""
        for layer in self.layers:
            exchange.layer = layer.name
            reply = await layer.answer(exchange)
            if reply is not None:
                return reply
        message = "No layer of the stack answered this request."
        raise NoProviderError(message)
