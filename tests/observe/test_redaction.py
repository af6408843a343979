"""What of a request may be shown."""

from __future__ import annotations

import json

import pytest

from isartor.observe import redaction

SECRET = "top-hidden-value"


@pytest.mark.parametrize(
    "name", [*sorted(redaction.HEADERS), "X-Goog-Api-Key", "x-auth-token", "x-goog-iap-jwt-assertion"]
)
def test_headers_that_carry_a_credential_are_masked(name: str) -> None:
    """By name, in any case, those of the reference and those whose name says it."""
    assert redaction.headers([(name, SECRET)]) == {name.lower(): "***"}


def test_other_headers_stay() -> None:
    """Also those that count tokens; repeated ones are joined, and what looks like a key is masked in any of them."""
    lines = [("x-ratelimit-remaining-tokens", "5"), ("a", "1"), ("A", "2"), ("x-odd", "Bearer abcdefghij")]
    assert redaction.headers(lines) == {"x-ratelimit-remaining-tokens": "5", "a": "1, 2", "x-odd": "Bearer ***"}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", "/p"),
        ("alt=sse", "/p?alt=sse"),
        (f"key={SECRET}&alt=sse", "/p?key=***&alt=sse"),
        (f"alt=sse&k%65y={SECRET}", "/p?alt=sse&k%65y=***"),
        (f"API_KEY={SECRET}", "/p?API_KEY=***"),
        ("key", "/p?key***"),
    ],
)
def test_queries_lose_their_keys(query: str, shown: str) -> None:
    """However the parameter's name is written."""
    assert redaction.target("/p", query) == shown


@pytest.mark.parametrize("name", sorted(redaction.MEMBERS))
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("value", [SECRET, f'with "quotes" {SECRET} and \\', [SECRET], {"a": {"b": [SECRET]}}])
def test_members_of_a_body_are_masked(name: str, whole: bool, value: object) -> None:
    """At any depth and in any case, read as JSON or searched as text, whatever their value is."""
    body = {"a": [{"b": {name: value}}], name.upper(): value}
    shown = redaction.body(json.dumps(body).encode(), whole=whole)
    assert SECRET not in shown
    assert "***" in shown


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_json_inside_of_strings_is_searched(whole: bool, depth: int) -> None:
    """As the arguments of a tool call are, whose JSON is the text of a member."""
    inner = json.dumps({"api_key": SECRET, "q": "weather"})
    for _ in range(depth):
        inner = json.dumps({"arguments": inner})
    shown = redaction.body(inner.encode(), whole=whole)
    assert SECRET not in shown
    assert "weather" in shown


def test_what_is_cut_off_is_masked() -> None:
    """Wherever a body ends, nothing of the secret is left, and what stood before it is."""
    body = json.dumps({"model": "m", "token": SECRET, "nested": {"password": SECRET}}).encode()
    for end in range(len(body)):
        shown = redaction.body(body[:end], whole=False)
        assert "top" not in shown, shown
    assert '"model": "m"' in redaction.body(body, whole=False)


def test_a_flat_value_hides_no_more_than_itself() -> None:
    """A schema whose property is called `token` does not hide the rest of a text, even with brackets in its strings."""
    text = '{"token": {"type": "string", "description": "a } in \\" it"}, "rest": 1}'
    assert redaction.text(text) == '{"token": "***", "rest": 1}'


def test_other_members_stay() -> None:
    """Names that only contain one of the list are other names; `null` is no secret."""
    body = {"max_tokens": 5, "token_count": 7, "tokens": ["a"], "api_key": None, "text": 'say "hi"', "é": 1.5}
    assert json.loads(redaction.body(json.dumps(body).encode(), whole=True)) == body


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 100_000, b"plain", b"{" + b"\\" * 50_000, b'"' * 50_000])
def test_what_is_no_json_is_shown_as_text(body: bytes) -> None:
    """Garbage raises nothing."""
    assert isinstance(redaction.body(body, whole=True), str)
