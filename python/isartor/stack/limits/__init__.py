"""How much comes in: requests at once, requests and tokens a minute, models of a gateway key."""

from isartor.stack.limits.concurrency import Turnstile
from isartor.stack.limits.models import AllowedModels
from isartor.stack.limits.pace import Pace
from isartor.stack.limits.rates import Allowance, Rates, Reserved
from isartor.stack.limits.tenants import Tenant

__all__ = ["Allowance", "AllowedModels", "Pace", "Rates", "Reserved", "Tenant", "Turnstile"]
