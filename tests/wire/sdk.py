"""The official SDKs as one thing: ask a question in one of eighteen ways, get the same kind of `Answer` back.

The same askers are used straight against the stub (does the stub speak the format?) and through the gateway.
"""

from __future__ import annotations

from tests.wire import sdk_anthropic, sdk_gemini, sdk_openai_chat, sdk_openai_responses
from tests.wire.asking import SECOND_TOOL, TOOL_NAME, Ask, Asker, StreamFailed, awaited
from tests.wire.sdk_anthropic import anthropic_sync
from tests.wire.sdk_gemini import genai_client
from tests.wire.sdk_openai_chat import openai_sync

__all__ = [
    "ASKERS",
    "ENDPOINTS",
    "SECOND_TOOL",
    "TOOL_NAME",
    "Ask",
    "Asker",
    "StreamFailed",
    "anthropic_sync",
    "asker",
    "genai_client",
    "openai_sync",
]

ASKERS = (
    Asker("openai-chat", "openai", "chat", False, sdk_openai_chat.chat),
    Asker("openai-chat-stream", "openai", "chat", True, sdk_openai_chat.chat_stream),
    Asker("openai-chat-async", "openai", "chat", False, awaited(sdk_openai_chat.chat_async)),
    Asker("openai-chat-async-stream", "openai", "chat", True, awaited(sdk_openai_chat.chat_async_stream)),
    Asker("openai-completions", "openai", "completions", False, sdk_openai_chat.completions),
    Asker("openai-completions-stream", "openai", "completions", True, sdk_openai_chat.completions_stream),
    Asker("openai-responses", "openai", "responses", False, sdk_openai_responses.responses),
    Asker("openai-responses-stream", "openai", "responses", True, sdk_openai_responses.responses_stream),
    Asker("openai-responses-async", "openai", "responses", False, awaited(sdk_openai_responses.responses_async)),
    Asker(
        "openai-responses-async-stream",
        "openai",
        "responses",
        True,
        awaited(sdk_openai_responses.responses_async_stream),
    ),
    Asker("anthropic", "anthropic", "messages", False, sdk_anthropic.messages),
    Asker("anthropic-stream", "anthropic", "messages", True, sdk_anthropic.messages_stream),
    Asker("anthropic-async", "anthropic", "messages", False, awaited(sdk_anthropic.messages_async)),
    Asker("anthropic-async-stream", "anthropic", "messages", True, awaited(sdk_anthropic.messages_async_stream)),
    Asker("genai", "gemini", "generate", False, sdk_gemini.generate),
    Asker("genai-stream", "gemini", "generate", True, sdk_gemini.generate_stream),
    Asker("genai-async", "gemini", "generate", False, awaited(sdk_gemini.generate_async)),
    Asker("genai-async-stream", "gemini", "generate", True, awaited(sdk_gemini.generate_async_stream)),
)
ENDPOINTS = ("chat", "completions", "responses", "messages", "generate")


def asker(endpoint: str, *, stream: bool, sync: bool = True) -> Asker:
    """Return the asker of an endpoint in one form."""
    return next(a for a in ASKERS if a.endpoint == endpoint and a.stream == stream and ("async" not in a.name) == sync)
