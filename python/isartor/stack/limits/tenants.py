"""Who a gateway key stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from isartor.stack.limits.rates import Allowance


class Tenant(msgspec.Struct, frozen=True):
    """What the gate has to know of whoever uses one gateway key, or none."""

    label: str = ""
    """Empty for `gateway_api_key` and where no key is asked for."""
    allowance: Allowance | None = None
    """`None`: as much a minute as it likes."""
