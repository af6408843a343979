"""What a chat completion may lose on its way to another format."""

from __future__ import annotations

from typing import Final

from isartor.formats.losses import Drop

DROPS: Final = (
    Drop("openai_chat", "user", "bookkeeping", ("gemini",)),
    Drop("openai_chat", "metadata", "bookkeeping"),
    Drop("openai_chat", "safety_identifier", "bookkeeping"),
    Drop("openai_chat", "store", "bookkeeping"),
    Drop("openai_chat", "service_tier", "bookkeeping"),
    Drop("openai_chat", "session_id", "bookkeeping"),
    Drop("openai_chat", "thread_id", "bookkeeping"),
    Drop("openai_chat", "conversation_id", "bookkeeping"),
    Drop("openai_chat", "usage", "bookkeeping"),
    Drop("openai_chat", "messages[].name", "bookkeeping"),
    Drop("openai_chat", "messages[].annotations", "bookkeeping"),
    Drop("openai_chat", "prompt_cache_key", "caching"),
    Drop("openai_chat", "prompt_cache_retention", "caching"),
    Drop("openai_chat", "cache_control", "caching"),
    Drop("openai_chat", "messages[].cache_control", "caching"),
    Drop("openai_chat", "messages[].content[].cache_control", "caching"),
    Drop("openai_chat", "tools[].cache_control", "caching"),
    Drop("openai_chat", "prediction", "hint"),
    Drop("openai_chat", "reasoning_effort", "hint"),
    Drop("openai_chat", "reasoning.summary", "hint"),
    Drop("openai_chat", "thinking.clear_thinking", "hint"),
    Drop("openai_chat", "verbosity", "hint", ("anthropic", "gemini")),
    Drop("openai_chat", "messages[].content[].image_url.detail", "hint", ("anthropic", "gemini")),
    Drop("openai_chat", "tools[].function.strict", "hint", ("anthropic", "gemini")),
    Drop("openai_chat", "response_format.json_schema.name", "bookkeeping", ("anthropic", "gemini")),
    Drop("openai_chat", "response_format.json_schema.description", "hint", ("anthropic", "gemini")),
    Drop("openai_chat", "response_format.json_schema.strict", "hint", ("anthropic", "gemini")),
    Drop("openai_chat", "parallel_tool_calls", "hint", ("gemini",)),
    Drop("openai_chat", "seed", "sampling", ("anthropic", "openai_responses")),
    Drop("openai_chat", "presence_penalty", "sampling", ("anthropic", "openai_responses")),
    Drop("openai_chat", "frequency_penalty", "sampling", ("anthropic", "openai_responses")),
    Drop("openai_chat", "temperature", "sampling", ("anthropic", "openai_responses")),
    Drop("openai_chat", "top_p", "sampling", ("anthropic", "openai_responses")),
    Drop("openai_chat", "top_k", "sampling", ("anthropic", "openai_responses")),
    Drop("openai_chat", "min_p", "sampling"),
    Drop("openai_chat", "top_a", "sampling"),
    Drop("openai_chat", "repetition_penalty", "sampling"),
    Drop("openai_chat", "messages[].reasoning_content", "thinking"),
)
"""The rows of the table."""

NAMES: Final = {
    "output": "response_format",
    "reasoning": "reasoning_effort",
    "thinking": "messages[].reasoning_content",
    "detail": "messages[].content[].image_url.detail",
    "turn_name": "messages[].name",
    "strict": "tools[].function.strict",
    "schema_name": "response_format.json_schema.name",
    "schema_description": "response_format.json_schema.description",
    "schema_strict": "response_format.json_schema.strict",
    "image": "messages[].content[].image_url",
    "document": "messages[].content[].file",
    "audio": "messages[].content[].input_audio",
    "refusal": "messages[].refusal",
}
"""What this format calls a canonical field, where that is another name."""

PLACES: Final = {
    "turn": "messages[].",
    "part": "messages[].content[].",
    "tool": "tools[].",
    "choice": "tool_choice.",
    "output": "response_format.",
}
"""What stands before a field of a turn, a part, ... in its path."""
