"""What a request of this format may lose on its way to another one."""

from __future__ import annotations

from typing import Final

from isartor.formats.losses import Drop

_CONTENT: Final = "messages[].content[]."
_BLOCKS: Final = (
    "image",
    "document",
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "mcp_tool_use",
    "mcp_tool_result",
    "mcp_tool_listing",
    "advisor_tool_result",
    "container_upload",
    "compaction",
    "tool_addition",
    "tool_removal",
    "browser_state",
    "fallback",
)
_TOOLS: Final = (
    "bash_20241022",
    "bash_20250124",
    "text_editor_20241022",
    "text_editor_20250124",
    "text_editor_20250429",
    "text_editor_20250728",
    "computer_20241022",
    "computer_20250124",
    "computer_20251124",
    "computer_toolset_20260801",
    "browser_toolset_20260801",
    "memory_20250818",
    "code_execution_20250522",
    "code_execution_20250825",
    "code_execution_20260120",
    "code_execution_20260521",
    "web_search_20250305",
    "web_search_20260209",
    "web_search_20260318",
    "web_fetch_20250910",
    "web_fetch_20260209",
    "web_fetch_20260309",
    "web_fetch_20260318",
    "tool_search_tool_bm25_20251119",
    "tool_search_tool_regex_20251119",
    "mcp_toolset",
)

DROPS: Final[tuple[Drop, ...]] = (
    Drop("anthropic", "metadata.user_id", "bookkeeping"),
    Drop("anthropic", "system[].x-anthropic-billing-header", "bookkeeping"),
    Drop("anthropic", "service_tier", "bookkeeping"),
    Drop("anthropic", "diagnostics", "bookkeeping"),
    Drop("anthropic", "billing_policy", "bookkeeping"),
    Drop("anthropic", "user_profile_id", "bookkeeping"),
    Drop("anthropic", "workspace_id", "bookkeeping"),
    Drop("anthropic", "messages[].content[].title", "bookkeeping"),
    Drop("anthropic", "messages[].content[].citations", "bookkeeping"),
    Drop("anthropic", "cache_control", "caching"),
    Drop("anthropic", "messages[].content[].cache_control", "caching"),
    Drop("anthropic", "tools[].cache_control", "caching"),
    Drop("anthropic", "context_management", "hint"),
    Drop("anthropic", "speed", "hint"),
    Drop("anthropic", "thinking", "hint"),
    Drop("anthropic", "thinking.display", "hint"),
    Drop("anthropic", "thinking.block_binding", "hint"),
    Drop("anthropic", "output_config.effort", "hint"),
    Drop("anthropic", "output_config.task_budget", "hint"),
    Drop("anthropic", "messages[].output_config", "hint"),
    Drop("anthropic", "messages[].clear_at", "hint"),
    Drop("anthropic", "messages[].content[].transformations", "hint"),
    Drop("anthropic", "messages[].content[].is_error", "hint"),
    Drop("anthropic", "tools[].eager_input_streaming", "hint"),
    Drop("anthropic", "tools[].defer_loading", "hint"),
    Drop("anthropic", "tools[].input_examples", "hint"),
    Drop("anthropic", "tools[].strict", "hint"),
    Drop("anthropic", "tool_choice.disable_parallel_tool_use", "hint", ("gemini",)),
    Drop("anthropic", "top_k", "sampling", ("openai_chat", "openai_responses")),
    Drop("anthropic", "messages[].content[].thinking", "thinking"),
)
"""The rows of the table."""

NAMES: Final[dict[str, str]] = {
    "user": "metadata.user_id",
    "stop": "stop_sequences",
    "reasoning": "thinking",
    "effort": "output_config.effort",
    "output": "output_config.format",
    "schema": "output_config.format",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "thinking": "messages[].content[].thinking",
    "strict": "tools[].strict",
    "document_name": "messages[].content[].title",
    "failed": "messages[].content[].is_error",
    **{kind: _CONTENT + kind for kind in _BLOCKS},
    **{kind: "tools[]." + kind for kind in _TOOLS},
}
"""What this format calls a canonical field, where that is another name."""

PLACES: Final[dict[str, str]] = {
    "turn": "messages[].",
    "part": _CONTENT,
    "tool": "tools[].",
    "choice": "tool_choice.",
    "output": "output_config.format.",
    "reasoning": "thinking.",
}
"""What stands before a field of a turn, a part, ... in its path."""
