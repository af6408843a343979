"""What a request of this format may lose on its way to another one."""

from __future__ import annotations

from typing import Final

from isartor.formats.losses import Drop

_NAME: Final = "openai_responses"

DROPS: Final = (
    Drop(_NAME, "client_metadata", "bookkeeping"),
    Drop(_NAME, "metadata", "bookkeeping"),
    Drop(_NAME, "safety_identifier", "bookkeeping"),
    Drop(_NAME, "service_tier", "bookkeeping"),
    Drop(_NAME, "store", "bookkeeping"),
    Drop(_NAME, "stream_options", "bookkeeping"),
    Drop(_NAME, "user", "bookkeeping"),
    Drop(_NAME, "input[].internal_chat_message_metadata_passthrough", "bookkeeping"),
    Drop(_NAME, "input[].phase", "bookkeeping"),
    Drop(_NAME, "input[].web_search_call", "bookkeeping"),
    Drop(_NAME, "input[].content[].annotations", "bookkeeping"),
    Drop(_NAME, "input[].content[].logprobs", "bookkeeping"),
    Drop(_NAME, "text.format.name", "bookkeeping"),
    Drop(_NAME, "prompt_cache_key", "caching"),
    Drop(_NAME, "prompt_cache_options", "caching"),
    Drop(_NAME, "prompt_cache_retention", "caching"),
    Drop(_NAME, "input[].content[].prompt_cache_breakpoint", "caching"),
    Drop(_NAME, "context_management", "hint"),
    Drop(_NAME, "max_tool_calls", "hint"),
    Drop(_NAME, "truncation", "hint"),
    Drop(_NAME, "image", "hint"),
    Drop(_NAME, "text.verbosity", "hint"),
    Drop(_NAME, "text.format.description", "hint"),
    Drop(_NAME, "text.format.strict", "hint"),
    Drop(_NAME, "parallel_tool_calls", "hint"),
    Drop(_NAME, "reasoning", "hint"),
    Drop(_NAME, "reasoning.context", "hint"),
    Drop(_NAME, "reasoning.generate_summary", "hint"),
    Drop(_NAME, "reasoning.mode", "hint"),
    Drop(_NAME, "reasoning.summary", "hint"),
    Drop(_NAME, "input[].content[].detail", "hint"),
    Drop(_NAME, "tools[].defer_loading", "hint"),
    Drop(_NAME, "tools[].output_schema", "hint"),
    Drop(_NAME, "tools[].strict", "hint"),
    Drop(_NAME, "tools[].web_search", "hint"),
    Drop(_NAME, "temperature", "sampling", ("anthropic",)),
    Drop(_NAME, "top_p", "sampling", ("anthropic",)),
    Drop(_NAME, "input[].reasoning", "thinking"),
)
"""The rows of the table."""

NAMES: Final[dict[str, str]] = {
    "max_tokens": "max_output_tokens",
    "output": "text.format",
    "verbosity": "text.verbosity",
    "schema_name": "text.format.name",
    "schema_description": "text.format.description",
    "schema_strict": "text.format.strict",
    "strict": "tools[].strict",
    "thinking": "input[].reasoning",
    "show": "reasoning.summary",
    "detail": "input[].content[].detail",
    "image": "input[].content[].input_image",
    "document": "input[].content[].input_file",
    "audio": "input[].content[].input_audio",
    "refusal": "input[].content[].refusal",
    "tool_result": "input[].output",
    "web_search_call": "input[].web_search_call",
}
"""What this format calls a canonical field, where that is another name."""

PLACES: Final[dict[str, str]] = {
    "turn": "input[].",
    "part": "input[].content[].",
    "tool": "tools[].",
    "choice": "tool_choice.",
    "output": "text.format.",
    "reasoning": "reasoning.",
}
"""What stands before a field of a turn, a part, ... in its path."""
