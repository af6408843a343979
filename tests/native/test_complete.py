"""`gather` and `Complete`: which replies may be stored."""

from __future__ import annotations

import json

import pytest

from isartor._native import ENDPOINTS, Complete, gather
from tests.native.reading import chat, complete, completion, encoded, events, head, store

CHAT = ENDPOINTS.index("chat")


def outcome(body: bytes, form: str = "sse", limit: int = 1 << 20, endpoint: str = "chat") -> Complete | str:
    """What is made of a body."""
    return gather(ENDPOINTS.index(endpoint), form, body, limit)


def test_a_stream_that_ends_early_is_never_complete() -> None:
    """Cut after any byte before the terminal event's line is over, a stream may not be stored."""
    body = events()
    end = body.index(b"[DONE]") + len(b"[DONE]")
    for at in range(end):
        assert isinstance(outcome(body[:at]), str), body[:at][-40:]


def test_json_that_ends_early_is_never_complete() -> None:
    """Cut anywhere, a JSON reply may not be stored."""
    body = completion()
    for at in range(len(body)):
        assert isinstance(outcome(body[:at], form="json"), str)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b"<html>", b"\xff", b'{"error":{"message":"no"}}', b'"hi"']
)
def test_what_is_no_reply_is_never_complete(body: bytes) -> None:
    """Garbage, errors and empty bodies have a token, whatever the endpoint and form."""
    for endpoint in ENDPOINTS:
        for form in ("json", "sse", "json-array"):
            assert isinstance(outcome(body, form=form, endpoint=endpoint), str), (endpoint, form)


@pytest.mark.parametrize("reason", ["content_filter", "never heard of"])
def test_replies_that_did_not_end_well_are_not_stored(reason: str) -> None:
    """A filtered reply, or one that ended for a reason nobody knows, answers nobody else."""
    reply = json.loads(completion())
    reply["choices"][0]["finish_reason"] = reason
    assert isinstance(outcome(json.dumps(reply).encode(), form="json"), str)


def test_an_error_inside_a_stream_is_not_stored() -> None:
    """A stream of status 200 with an error event in it is no reply, even if it ends in good order."""
    body = events().replace(b"data: [DONE]", b'data: {"error":{"message":"no"}}\n\ndata: [DONE]')
    assert outcome(body) == "error-inside"


def test_a_reply_is_bounded() -> None:
    """More than the limit is not held."""
    assert outcome(completion("x" * 1000), form="json", limit=500) == "too-large"


def test_a_form_that_is_none_is_refused() -> None:
    """Forms and endpoints are checked."""
    with pytest.raises(ValueError, match="form is"):
        gather(CHAT, "xml", b"", 1)
    with pytest.raises(ValueError, match="no such endpoint"):
        gather(99, "json", b"", 1)


def test_usage_is_read_from_both_forms() -> None:
    """Tokens are counted as the provider says."""
    assert complete().tally(0)[:3] == (1, 2, 0)
    assert complete(events(), form="sse").tally(0)[:3] == (1, 2, 0)


def test_a_reply_is_given_in_the_form_asked_for() -> None:
    """A JSON reply becomes a stream for who asked for one, and the reverse."""
    by = store()
    stream = by.read(head("chat"), encoded(chat(stream=True)))
    plain = by.read(head("chat"), encoded(chat()))
    assert complete().render_for(plain) == completion()
    rendered = complete().render_for(stream)
    assert rendered.endswith(b"data: [DONE]\n\n")
    again = complete(rendered, form="sse")
    choice = json.loads(again.json)["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("hello", "stop")
