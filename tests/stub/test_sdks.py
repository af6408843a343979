"""The stub speaks every format well enough for the official SDKs, in every variation of a reply."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.stub import Stub
from tests.wire import sdk
from tests.wire.sdk import ASKERS, ENDPOINTS, Asker

TOOL_ENDPOINTS = tuple(name for name in ENDPOINTS if name != "completions")


@pytest.fixture(scope="module")
def provider() -> Iterator[Stub]:
    """Run a stub of this module's own."""
    with Stub() as running:
        yield running


def prompt(words: str) -> str:
    """Return a prompt that nothing else uses."""
    return f"{words} {uuid.uuid4().hex}"


@pytest.mark.parametrize("ask", ASKERS, ids=lambda asker: asker.name)
@pytest.mark.parametrize("words", ["hello", "THINK hello", "[[chunks=50]] hello", "[[annotations]] hello"])
def test_every_sdk_reads_every_reply(provider: Stub, ask: Asker, words: str) -> None:
    """Each SDK gets the text, the finish reason and the usage, streamed or not."""
    answer = ask(provider.url, prompt(words))
    assert "stub answer" in answer.text
    assert answer.finish
    assert min(answer.usage) > 0


@pytest.mark.parametrize("ask", [a for a in ASKERS if a.endpoint in TOOL_ENDPOINTS], ids=lambda asker: asker.name)
@pytest.mark.parametrize("words", ["USE_TOOL", "USE_TOOLS THINK"])
def test_every_sdk_reads_tool_calls(provider: Stub, ask: Asker, words: str) -> None:
    """Each SDK gets one call or two at once, with parsed arguments, and with the signature of the thinking."""
    answer = ask(provider.url, prompt(words), tools=True)
    expected = [(sdk.TOOL_NAME, "command"), (sdk.SECOND_TOOL, "city")][: 2 if "USE_TOOLS" in words else 1]
    assert [(name, list(arguments)[0]) for _, name, arguments in answer.calls] == expected
    if "THINK" in words and ask.endpoint != "chat":
        assert answer.signature


@pytest.mark.parametrize("endpoint", TOOL_ENDPOINTS)
@pytest.mark.parametrize("words", ["THINK [[redacted]]", "[[web_search]]", "[[code_execution]]", "[[mcp]]", "[[n=2]]"])
@pytest.mark.parametrize("stream", [False, True])
def test_every_sdk_reads_what_must_not_be_stored(provider: Stub, endpoint: str, words: str, stream: bool) -> None:
    """Searches, executed code, MCP items and redacted thinking are in a form that the SDKs accept."""
    assert "stub answer" in sdk.asker(endpoint, stream=stream)(provider.url, prompt(words)).text


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_two_replies_are_never_the_same(provider: Stub, endpoint: str) -> None:
    """The same question gets another answer each time, so that a hit is told from a miss."""
    ask = sdk.asker(endpoint, stream=False)
    assert ask(provider.url, "same").text != ask(provider.url, "same").text
