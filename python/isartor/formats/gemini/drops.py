"""What a request of this format may lose on its way to another one."""

from __future__ import annotations

from typing import Final

from isartor.formats.losses import Drop

_OTHERS: Final = ("openai_chat", "openai_responses", "anthropic")
_NO_PENALTIES: Final = ("anthropic", "openai_responses")

DROPS: Final[tuple[Drop, ...]] = (
    Drop("gemini", "labels", "bookkeeping"),
    Drop("gemini", "store", "bookkeeping"),
    Drop("gemini", "serviceTier", "bookkeeping"),
    Drop("gemini", "safetySettings", "safety"),
    Drop("gemini", "generationConfig.enableEnhancedCivicAnswers", "safety"),
    Drop("gemini", "generationConfig.mediaResolution", "hint"),
    Drop("gemini", "contents[].parts[].mediaResolution", "hint"),
    Drop("gemini", "contents[].parts[].partMetadata", "bookkeeping"),
    Drop("gemini", "contents[].parts[].inlineData.displayName", "bookkeeping"),
    Drop("gemini", "contents[].parts[].fileData.displayName", "bookkeeping"),
    Drop("gemini", "contents[].parts[].functionResponse.scheduling", "hint"),
    Drop("gemini", "contents[].parts[].thought", "thinking"),
    Drop("gemini", "contents[].parts[].thoughtSignature", "thinking"),
    Drop("gemini", "tools[].functionDeclarations[].behavior", "hint"),
    Drop("gemini", "tools[].functionDeclarations[].response", "hint"),
    Drop("gemini", "tools[].functionDeclarations[].responseJsonSchema", "hint"),
    Drop("gemini", "toolConfig.functionCallingConfig.mode", "hint"),
    Drop("gemini", "toolConfig.functionCallingConfig.streamFunctionCallArguments", "hint"),
    Drop("gemini", "toolConfig.functionCallingConfig.allowedFunctionNames", "hint", ("anthropic",)),
    Drop("gemini", "generationConfig.thinkingConfig", "hint"),
    Drop("gemini", "generationConfig.thinkingConfig.thinkingLevel", "hint"),
    Drop("gemini", "generationConfig.thinkingConfig.thinkingBudget", "hint"),
    Drop("gemini", "generationConfig.thinkingConfig.includeThoughts", "hint"),
    # Models that think take none of these.
    Drop("gemini", "generationConfig.temperature", "sampling", _OTHERS),
    Drop("gemini", "generationConfig.topP", "sampling", _OTHERS),
    Drop("gemini", "generationConfig.topK", "sampling", _OTHERS),
    Drop("gemini", "generationConfig.seed", "sampling", _NO_PENALTIES),
    Drop("gemini", "generationConfig.presencePenalty", "sampling", _NO_PENALTIES),
    Drop("gemini", "generationConfig.frequencyPenalty", "sampling", _NO_PENALTIES),
)
"""The rows of the table."""

NAMES: Final[dict[str, str]] = {
    "temperature": "generationConfig.temperature",
    "top_p": "generationConfig.topP",
    "top_k": "generationConfig.topK",
    "max_tokens": "generationConfig.maxOutputTokens",
    "stop": "generationConfig.stopSequences",
    "seed": "generationConfig.seed",
    "presence_penalty": "generationConfig.presencePenalty",
    "frequency_penalty": "generationConfig.frequencyPenalty",
    "output": "generationConfig.responseMimeType",
    "schema": "generationConfig.responseJsonSchema",
    "reasoning": "generationConfig.thinkingConfig",
    "show": "generationConfig.thinkingConfig.includeThoughts",
    "effort": "generationConfig.thinkingConfig.thinkingLevel",
    "budget_tokens": "generationConfig.thinkingConfig.thinkingBudget",
    "tool_choice": "toolConfig.functionCallingConfig",
    "names": "toolConfig.functionCallingConfig.allowedFunctionNames",
    "system": "systemInstruction",
    "turns": "contents",
    "thinking": "contents[].parts[].thought",
    "sealed": "contents[].parts[].thoughtSignature",
    "image": "contents[].parts[].inlineData",
    "document": "contents[].parts[].inlineData",
    "audio": "contents[].parts[].inlineData",
    "inlineData": "contents[].parts[].inlineData",
    "fileData": "contents[].parts[].fileData",
    "functionResponse": "contents[].parts[].functionResponse.parts",
    "executableCode": "contents[].parts[].executableCode",
    "codeExecutionResult": "contents[].parts[].codeExecutionResult",
    "toolCall": "contents[].parts[].toolCall",
    "toolResponse": "contents[].parts[].toolResponse",
    "part": "contents[].parts[]",
    "googleSearch": "tools[].googleSearch",
    "googleSearchRetrieval": "tools[].googleSearchRetrieval",
    "googleMaps": "tools[].googleMaps",
    "codeExecution": "tools[].codeExecution",
    "urlContext": "tools[].urlContext",
    "fileSearch": "tools[].fileSearch",
    "computerUse": "tools[].computerUse",
    "mcpServers": "tools[].mcpServers",
}
"""What this format calls a canonical field, where that is another name."""

PLACES: Final[dict[str, str]] = {
    "turn": "contents[].",
    "part": "contents[].parts[].",
    "tool": "tools[].functionDeclarations[].",
    "choice": "toolConfig.functionCallingConfig.",
    "output": "generationConfig.",
    "reasoning": "generationConfig.thinkingConfig.",
}
"""What stands before a field of a turn, a part, ... in its path."""
