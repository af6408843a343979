"""How the property tests run: the same examples every time, or (`HYPOTHESIS_PROFILE=search`) new and more ones."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

_COMMON: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much],
}

settings.register_profile("seeded", derandomize=True, database=None, **_COMMON)
settings.register_profile("search", max_examples=20_000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "seeded"))
