"""The file that `isartor init` writes: every key with its meaning and its default, commented out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.config.keys import FALLBACK_KEYS, active
from isartor.config.schema import Server

if TYPE_CHECKING:
    from isartor.config.keys import Key

_HEAD: Final = """\
## Isartor's settings. A line that begins with "# " is a setting at its default: remove the "# " to change it. One that
## begins with "# # " belongs to the example of a table. Tables stand below all other settings, as in every TOML file.
## The environment overrides this file: ISARTOR__CACHE_TTL_SECS=60 is cache_ttl_secs = 60. A secret can stand in a file
## of its own instead: gateway_api_key_file = "/run/secrets/gateway". `isartor config show` tells what is in effect.
"""
_TITLES: Final = {
    "host": "Where it listens and whom it lets in",
    "gateway_api_key": "Gateway key",
    "rate_limit.requests_per_minute": "Limits (L0)",
    "cache_mode": "Cache (L1)",
    "similarity_threshold": "Semantic cache (L1b)",
    "llm_provider": "Provider (L3)",
    "retry.max_attempts": "When a provider fails",
    "l3_timeout_secs": "Time limits and destinations of L3",
    "provider_health_check_interval_secs": "Health",
    "enable_usage": "Usage",
    "enable_request_logs": "Request log",
    "log_level": "Logs",
}
"""Heading before a key."""
_EXAMPLES: Final = {
    "gateway_keys": """\
[[gateway_keys]]
key = "gw-team-a-5f0c"            ## or key_file = "/run/secrets/team-a"
label = "team-a"
allowed_models = ["gpt-4o-mini", "claude-*"]
requests_per_minute = 60
tokens_per_minute = 100000
monthly_cost_limit_usd = 50
""",
    "provider_keys": """\
[[provider_keys]]
key = "sk-first"                  ## or key_file = "/run/secrets/openai-1"
priority = 1
label = "first"

[[provider_keys]]
key = "sk-shared"
priority = 2
label = "shared"
""",
    "fallback_providers": """\
[[fallback_providers]]
provider = "groq"
model = "llama-3.1-8b-instant"
api_key = "gsk-..."               ## or api_key_file, or [[fallback_providers.provider_keys]]
""",
    "model_aliases": """\
[model_aliases]
fast = "gpt-4o-mini"
""",
    "usage_pricing": """\
[usage_pricing.groq]
input_cost_per_million_usd = 0.05
output_cost_per_million_usd = 0.08

[usage_pricing."openai/my-fine-tuned"]
input_cost_per_million_usd = 3
output_cost_per_million_usd = 12
cached_input_cost_per_million_usd = 1.5
""",
    "quota": """\
[quota.openai]
daily_token_limit = 500000
monthly_cost_limit_usd = 25
warning_threshold_ratio = 0.8
action_on_limit = "fallback"      ## or "warn", "block"
""",
}
"""How the tables look that a user writes, by key."""


def template() -> str:
    """The text of the file."""
    parts = [_HEAD]
    tables = []
    for path, key in active().items():
        if path in FALLBACK_KEYS.values():
            continue
        if path in _TITLES:
            parts.append(f"\n## {_TITLES[path]}\n")
        if path in _EXAMPLES:
            # A table takes all lines below it, so it has to come last.
            tables.append(f"\n## {_unmarked(key.meaning)}\n{_commented(_EXAMPLES[path])}")
            continue
        parts.append(f"\n## {_unmarked(key.meaning)}\n# {path} = {toml(key.default)}\n")
    return "".join([*parts, "\n## Tables\n", *tables])


def _commented(example: str) -> str:
    return "".join(f"# # {line}\n" if line else "\n" for line in example.splitlines())


def toml(value: Any) -> str:
    """A default as TOML. `None` is an empty string: for the keys that can be unset, both mean the same."""
    if value is None:
        return '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    # The forms that remain (numbers, strings, arrays of strings) are the same in JSON.
    return msgspec.json.encode(value).decode()


def place(key: Key) -> str:
    """The key as the file spells it, with its section if it has one that users write."""
    return f"server.{key.path}" if key.path in Server.__struct_fields__ else key.path


def _unmarked(text: str) -> str:
    return text.replace("`", "")
