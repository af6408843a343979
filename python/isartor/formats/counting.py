"""Counts the tokens of a request by itself, for a provider that has no such operation. An estimate, and marked as one.

The tokenizer is not the provider's, so the count is off by some 10 to 20 percent for prose, and by more for code and
for scripts other than Latin. Pictures and files are counted at what a provider charges for one of usual size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from isartor.formats.base import encode
from isartor.formats.canonical import (
    Audio,
    Document,
    Image,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from isartor.formats.canonical import Format, Part, Prompt

# What a message and a tool take besides their text.
_TURN_TOKENS: Final = 4
_TOOL_TOKENS: Final = 12
# A picture of about a megapixel, by Anthropic's and Gemini's rules.
_IMAGE_TOKENS: Final = 1300
# A page of a PDF takes about as many tokens as 50 KB of its Base64.
_PAGE_TOKENS: Final = 1800
_PAGE_BYTES: Final = 50_000
# A second of sound, at 32 tokens, takes about 5 KB of Base64.
_AUDIO_BYTES_PER_TOKEN: Final = 160


class Counter:
    """Answers `count_tokens` and Gemini's `countTokens`."""

    def __init__(self, formats: Mapping[str, Format], tokens: Callable[[str], int]) -> None:
        """`tokens`: how many a text has."""
        self._formats = formats
        self._tokens = tokens

    def answer(self, endpoint: str, body: bytes) -> bytes:
        """The body of the reply, in the shape of the client's API. Raises `RequestError`."""
        if endpoint == "count_tokens":
            prompt = self._formats["anthropic"].read_request(body, model="", stream=False)
            return encode({"input_tokens": self.count(prompt)})
        prompt = self._formats["gemini"].read_request(_generate_request(body), model="", stream=False)
        return encode({"totalTokens": self.count(prompt)})

    def count(self, prompt: Prompt) -> int:
        """Tokens of the whole request, tools included."""
        total = sum(_TURN_TOKENS + self._parts(turn.parts) for turn in prompt.turns)
        for tool in prompt.tools or ():
            words = [tool.name, tool.description or ""]
            schema = tool.schema if tool.opaque is None else tool.opaque.value
            total += _TOOL_TOKENS + self._tokens(" ".join(words)) + self._json(schema)
        if prompt.output is not None:
            total += self._json(prompt.output.schema)
        return max(total, 1)

    def _parts(self, parts: Iterable[Part]) -> int:
        return sum(self._part(part) for part in parts)

    def _part(self, part: Part) -> int:  # noqa: PLR0911 - one for each kind
        match part:
            case Text() | Refusal() | Thinking():
                return self._tokens(part.text)
            case ToolCall():
                return self._tokens(part.name) + self._tokens(part.arguments)
            case ToolResult():
                return self._parts(part.parts)
            case Image():
                return _IMAGE_TOKENS
            case Document():
                if part.text is not None:
                    return self._tokens(part.text)
                return _PAGE_TOKENS * (1 + len(part.media.data or "") // _PAGE_BYTES)
            case Audio():
                return len(part.media.data or "") // _AUDIO_BYTES_PER_TOKEN
            case Opaque():
                return self._json(part.value)

    def _json(self, value: object) -> int:
        return 0 if value is None else self._tokens(encode(value).decode())


def _generate_request(body: bytes) -> bytes:
    """Gemini counts a whole request, in a member of its own, or just its contents."""
    try:
        given: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body
    inner = given.get("generateContentRequest") if isinstance(given, dict) else None
    return encode(inner) if isinstance(inner, dict) else body
