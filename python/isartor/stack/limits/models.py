"""Which models a gateway key may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from isartor.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isartor.config.upstream import GatewayKey
    from isartor.stack.exchange import Exchange


class AllowedModels:
    """Refuses requests for other models; the last of the gate's rules, for the model is known once the body is read.

    It stands below L1a, whose entries are the tenant's own: there is none of a model that it could not ask for.
    """

    name: ClassVar[str] = "l0"

    def __init__(self, keys: Iterable[GatewayKey], default: str) -> None:
        """`default`: the model that answers where a request names none."""
        self._default = default
        self._keys = {key.label: key for key in keys if key.allowed_models}

    def __bool__(self) -> bool:
        """Whether there is anything to refuse."""
        return bool(self._keys)

    async def answer(self, exchange: Exchange) -> None:
        """Lets the request go on, or raises `ForbiddenError`."""
        key = self._keys.get(exchange.tenant)
        if key is None or exchange.request is None:
            return
        model = exchange.request.model or self._default
        if not key.allows(model):
            message = (
                f"The gateway key {exchange.tenant!r} may not ask for the model {model!r}. It may ask for: "
                f"{', '.join(key.allowed_models)} (allowed_models)."
            )
            raise ForbiddenError(message, code="model_not_allowed", param="model")
