"""Which provider stands behind a `llm_provider` id: one line each.

Another provider that speaks OpenAI's format is one more line here; any other is one more file beside `openai.py` and a
line that names it. Addresses and models are the providers' own and change with them: each can be configured.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from isartor.errors import ConfigError
from isartor.providers.anthropic import Anthropic
from isartor.providers.azure import Azure
from isartor.providers.base import Provider, Settings
from isartor.providers.cohere import Cohere
from isartor.providers.copilot import Copilot
from isartor.providers.demo import Demo
from isartor.providers.demo_replies import MODEL
from isartor.providers.gemini import Gemini
from isartor.providers.openai import OpenAI
from isartor.providers.row import Row

if TYPE_CHECKING:
    from isartor.ports import Quirk

# What a provider is known to have beside chat completions. Whatever can be translated is translated into those.
_CHAT: Final = ("chat",)
_EMBEDS: Final = ("chat", "embeddings")
_COMPLETES: Final = ("chat", "completions")
_BOTH: Final = ("chat", "completions", "embeddings")

_NEW: Final[frozenset[Quirk]] = frozenset({"max_completion_tokens", "developer"})
_STRICT: Final[frozenset[Quirk]] = frozenset({"no_stream_options"})
_COHERE: Final[frozenset[Quirk]] = frozenset({"no_stream_options", "no_parallel"})
_NO_SCHEMA: Final[frozenset[Quirk]] = frozenset({"no_json_schema"})

ROWS: Final = (
    Row("openai", "https://api.openai.com/v1", "gpt-4o-mini", quirks=_NEW),
    Row("azure", None, "gpt-4o-mini", adapter=Azure),
    Row("anthropic", "https://api.anthropic.com/v1", "claude-3-5-sonnet-20241022", adapter=Anthropic),
    Row("copilot", "https://api.githubcopilot.com", "gpt-4.1", _CHAT, adapter=Copilot, version=""),
    Row("xai", "https://api.x.ai/v1", "grok-2", _CHAT),
    Row(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        "gemini-2.0-flash",
        adapter=Gemini,
        version="v1beta",
    ),
    Row("mistral", "https://api.mistral.ai/v1", "mistral-small-latest", _EMBEDS, _STRICT),
    Row("groq", "https://api.groq.com/openai/v1", "llama-3.1-8b-instant", _CHAT),
    Row("cerebras", "https://api.cerebras.ai/v1", "llama-3.3-70b", _COMPLETES),
    Row("nebius", "https://api.tokenfactory.nebius.com/v1", "meta-llama/Meta-Llama-3.1-70B-Instruct", _BOTH),
    Row("siliconflow", "https://api.siliconflow.cn/v1", "Qwen/Qwen2.5-72B-Instruct", _EMBEDS, _NO_SCHEMA),
    Row(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        "accounts/fireworks/models/llama-v3p1-8b-instruct",
        _BOTH,
    ),
    Row("nvidia", "https://integrate.api.nvidia.com/v1", "meta/llama-3.1-8b-instruct", _EMBEDS),
    Row("chutes", "https://llm.chutes.ai/v1", "deepseek-ai/DeepSeek-V3-0324", _COMPLETES),
    Row("deepseek", "https://api.deepseek.com", "deepseek-chat", _CHAT, _NO_SCHEMA, version=""),
    Row("cohere", "https://api.cohere.ai/compatibility/v1", "command-r", _EMBEDS, _COHERE, Cohere, probe="/v1/models"),
    Row("galadriel", "https://api.galadriel.com/v1", "gpt-4o-mini", _CHAT),
    Row("hyperbolic", "https://api.hyperbolic.xyz/v1", "gpt-4o-mini", _COMPLETES),
    Row("huggingface", "https://router.huggingface.co/v1", "gpt-4o-mini", _CHAT),
    Row("mira", "https://api.mira.network/v1", "gpt-4o-mini", _CHAT),
    Row("moonshot", "https://api.moonshot.cn/v1", "gpt-4o-mini", _CHAT),
    Row("ollama", "http://localhost:11434/v1", "llama3.2", _BOTH, keyed=False, probe="/api/tags"),
    Row("openrouter", "https://openrouter.ai/api/v1", "openai/gpt-4o-mini", _BOTH),
    Row("perplexity", "https://api.perplexity.ai", "sonar", _CHAT, version=""),
    Row("together", "https://api.together.xyz/v1", "meta-llama/Meta-Llama-3.1-8B-Instruct", _BOTH),
    Row("custom", None, "gpt-4o-mini", _BOTH),
    Row("demo", None, MODEL, adapter=Demo, keyed=False),
)
"""All that is built in. `custom` is any server that speaks OpenAI's format, `demo` is no provider at all."""

TABLE: Final = {row.id: row for row in ROWS}

_NEAREST: Final = 3
_LIKENESS: Final = 0.5


def build(settings: Settings) -> Provider:
    """Return the provider that `settings` describe.

    An id that is not in the table is a name of the user's own for a `custom` provider, if its address is set. Raises
    `ConfigError` otherwise, which names the ids that are nearest to it.
    """
    row = TABLE.get(settings.provider)
    if row is None:
        if settings.url is None:
            raise unknown(settings.provider, settings.where)
        row = TABLE["custom"]
    return (row.adapter or OpenAI)(settings, row)


def unknown(provider: str, where: str = "") -> ConfigError:
    """Return the error for an id that is not in the table. `where`: see `Settings.where`."""
    settings = Settings(provider=provider, where=where)
    key, url = settings.key("provider"), settings.key("url")
    near = get_close_matches(provider.lower(), TABLE, n=_NEAREST, cutoff=_LIKENESS)
    if near:
        hint = f"did you mean {' or '.join(repr(name) for name in near)}?"
    else:
        hint = f"built in are {', '.join(known())}."
    message = f"{key} = {provider!r} is not built in; {hint} If it speaks the OpenAI format, set {url} to its address."
    return ConfigError(message, param=key)


def known() -> tuple[str, ...]:
    """Return the ids that are built in, sorted."""
    return tuple(sorted(TABLE))
