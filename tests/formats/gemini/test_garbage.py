"""Whatever JSON comes in, the error says whose fault it is."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from isartor.errors import RequestError, UpstreamError
from isartor.formats.canonical import Failed
from isartor.formats.gemini import Gemini

GEMINI = Gemini()
NAMES = st.sampled_from(
    """contents parts text role thought thoughtSignature inlineData fileData mimeType data fileUri functionCall name args
    id functionResponse response error output tools functionDeclarations parameters type properties nullable enum anyOf
    toolConfig functionCallingConfig mode allowedFunctionNames generationConfig responseSchema responseMimeType topK
    thinkingConfig thinkingBudget thinkingLevel systemInstruction stopSequences candidates content finishReason index
    usageMetadata promptTokenCount promptFeedback blockReason responseId code status details retryDelay""".split()
)
SCALARS = (
    st.sampled_from(["user", "model", "image/png", "STOP", "https://[x", "aXNhcnRvcjEu", "QQ", "", "AUTO", "12", "-1s"])
    | st.none()
    | st.booleans()
    | st.integers(-2, 600)
    | st.just(0.5)
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))
KINDS = st.sampled_from(["inlineData", "fileData", "functionCall", "functionResponse", "text", "thoughtSignature"])
PARTS = st.dictionaries(KINDS, st.dictionaries(NAMES, JSON, max_size=4) | JSON, max_size=2)
CONTENT = st.fixed_dictionaries({"parts": st.lists(PARTS, max_size=3)})
REQUESTS = st.fixed_dictionaries(
    {"contents": st.lists(CONTENT, max_size=3)},
    optional=dict.fromkeys(("tools", "toolConfig", "generationConfig", "systemInstruction"), JSON),
)
REPLIES = st.fixed_dictionaries({"candidates": st.lists(st.fixed_dictionaries({"content": CONTENT}), max_size=2)})


@given(JSON | REQUESTS)
@settings(max_examples=400, deadline=None)
def test_requests(body: Any) -> None:
    """A request is read and comes out as it was, or is the client's error."""
    with contextlib.suppress(RequestError):
        prompt = GEMINI.read_request(json.dumps(body).encode(), model="m", stream=False)
        assert json.loads(GEMINI.write_request(prompt)[0]) == body


@given(JSON | REPLIES)
@settings(max_examples=300, deadline=None)
def test_replies(body: Any) -> None:
    """A reply is read, whole or as an event, or is the provider's error."""
    raw = json.dumps(body).encode()
    with contextlib.suppress(UpstreamError):
        GEMINI.read_reply(raw)
    with contextlib.suppress(UpstreamError):
        reader = GEMINI.stream_reader()
        reader.read(None, raw)
        reader.end()
    assert isinstance(GEMINI.read_error(500, raw), Failed)
