"""What a target cannot say is refused under the client's own name for it, wherever it would have been written."""

from __future__ import annotations

import msgspec
import pytest

from isartor.errors import RequestError
from isartor.formats import FORMATS
from isartor.formats.canonical import FormatName

ASKED: dict[FormatName, dict[str, object]] = {
    "openai_chat": {"messages": [{"role": "user", "content": "hi"}]},
    "openai_responses": {"input": "hi"},
    "anthropic": {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}
FILE = {"type": "file", "file": {"file_id": "f"}}
REFUSED: list[tuple[FormatName, dict[str, object], str]] = [
    ("openai_chat", {"tools": [{"type": "web_search"}]}, "tools[].web_search"),
    ("openai_chat", {"web_search_options": {}}, "web_search_options"),
    ("openai_chat", {"messages": [{"role": "user", "content": [FILE]}]}, "messages[].content[].file"),
    ("openai_responses", {"tools": [{"type": "web_search"}]}, "tools[].web_search"),
    ("openai_responses", {"tools": [{"type": "mcp", "server_label": "a"}]}, "tools[].mcp"),
    (
        "openai_responses",
        {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
        "input[].content[].input_image",
    ),
    ("anthropic", {"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools[].bash_20250124"),
    ("gemini", {"tools": [{"googleSearch": {}}]}, "tools[].googleSearch"),
]


@pytest.mark.parametrize(("origin", "asked", "field"), REFUSED, ids=[f"{row[0]}-{row[2]}" for row in REFUSED])
@pytest.mark.parametrize("target", ["openai_chat", "openai_responses", "anthropic", "gemini"])
def test_what_is_refused_is_named(origin: FormatName, asked: dict[str, object], field: str, target: FormatName) -> None:
    """A tool, a switch or a file of the client's own provider is refused by every other format, with the same name."""
    body = msgspec.json.encode(ASKED[origin] | {"model": "m"} | asked)
    prompt = FORMATS[origin].read_request(body, model="m", stream=False)
    if target == origin:
        assert not FORMATS[target].write_request(prompt)[1]
        return
    with pytest.raises(RequestError) as caught:
        FORMATS[target].write_request(prompt)
    assert (caught.value.code, caught.value.param) == ("not_translatable", field)
