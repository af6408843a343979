"""Wrong types in replies and requests: the error says whose fault it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isartor.errors import RequestError, UpstreamError
from isartor.formats import FORMATS
from tests.formats.openai_chat.making import CHAT


@pytest.mark.parametrize("images", [[5], [{"type": 5}], [{"type": "image_url", "image_url": []}]])
def test_pictures_of_a_provider(images: list[Any]) -> None:
    """What is wrong with a picture that a provider sends is no fault of the client."""
    body = {"choices": [{"message": {"content": "x", "images": images}}]}
    with pytest.raises(UpstreamError):
        CHAT.read_reply(json.dumps(body).encode())


@pytest.mark.parametrize("details", [True, 5, "x", {}])
def test_reasoning_details(details: object) -> None:
    """Those that are no list are none."""
    message = {"role": "assistant", "content": "x", "reasoning_details": details}
    reply = CHAT.read_reply(json.dumps({"choices": [{"message": message}]}).encode())
    assert len(reply.parts) == 1
    chunk = {"choices": [{"index": 0, "delta": message}]}
    assert len(CHAT.stream_reader().read(None, json.dumps(chunk).encode())) == 3
    CHAT.read_request(json.dumps({"model": "m", "messages": [message]}).encode(), model="m", stream=False)


@pytest.mark.parametrize("index", [{}, [], "0", 1])
def test_another_choice(index: object) -> None:
    """A chunk whose number is anything but 0 is of a choice that nobody asked for."""
    chunk = {"choices": [{"index": index, "delta": {"content": "x"}}]}
    assert CHAT.stream_reader().read(None, json.dumps(chunk).encode()) == []


def test_a_text_document_that_is_not_base64() -> None:
    """Is refused by name."""
    source = {"type": "base64", "media_type": "text/plain", "data": "A"}
    turn = {"role": "user", "content": [{"type": "document", "source": source}]}
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": [turn]}).encode()
    prompt = FORMATS["anthropic"].read_request(body, model="m", stream=False)
    with pytest.raises(RequestError) as raised:
        CHAT.write_request(prompt)
    assert raised.value.param is not None
