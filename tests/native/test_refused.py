"""Bodies that are refused, and hundreds of thousands of random ones that must never do worse."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from isartor._native import ENDPOINTS, BadRequest, Request
from tests.native.reading import chat, encoded, head, key, read, recorded, store


def refusal(endpoint: str, body: Any) -> tuple[str, str]:
    """Return message and path of the refusal."""
    with pytest.raises(BadRequest) as caught:
        read(endpoint, body)
    message, path = caught.value.args
    return message, path


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b"{}x", b"[]", b"null", b'"x"', b"1", b"{'a':1}", b'{"a":1,}', b'{"a":01}', b'{"a":.5}', b'{"a":NaN}',
     b'{"a":"\n"}', b'{"a":"\\x"}', b'{"a":"\\u12"}', b'{"a"}', b"{1:2}", b'\xef\xbb\xbf{"a":1}', b'{"a":tru}', b'{"a":1 2}'],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    """Everything but one JSON object is refused, on every endpoint."""
    for endpoint in ENDPOINTS:
        message, _ = refusal(endpoint, body)
        assert "JSON" in message or "must be an object" in message


def nested(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    """Return a request in which `depth` values stand inside each other, the body itself among them."""
    inner = depth - 1
    return encoded(chat(x="?")).replace(b'"?"', (opening * inner + closing * inner).encode())


def test_nesting_is_read_to_128_and_no_further() -> None:
    """128 values inside each other are read; one more is refused, and so are a million."""
    assert key("chat", nested(128))
    for depth in (129, 130, 1000, 1_000_000):
        message, path = refusal("chat", nested(depth))
        assert "nested deeper than 128" in message
        assert path.startswith("x[0]")
        assert len(path) < 300
    objects = nested(129, '{"a":', "}").replace(b"}}", b"1}}", 1)
    assert "nested deeper than 128" in refusal("chat", objects)[0]


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\xaf"])
def test_invalid_utf8_is_refused(bad: bytes) -> None:
    """Bytes that are no UTF-8 are refused with the place of the first."""
    body = encoded(chat("?")).replace(b"?", bad)
    message, _ = refusal("chat", body)
    assert f"not valid UTF-8 at byte {body.index(bad)}" in message


@pytest.mark.parametrize("text", ["\\ud83d", "\\ude00", "a\\ud83db", "\\ude00\\ud83d"])
def test_lone_surrogates_are_read(text: str) -> None:
    """JavaScript clients do send halves of characters; they are read, and stay apart from everything else."""
    keys = {
        key("chat", encoded(chat("?")).replace(b"?", one.encode())) for one in (text, "\ufffd", "?", "\\ud83d\\ude00")
    }
    assert len(keys) == 4


def test_members_that_stand_twice_are_read() -> None:
    """The last of two members is the one that is meant, as most readers take it; both are in the key."""
    body = b'{"model":"a","model":"b","stream":true,"stream":false,"messages":[{"role":"user","content":"hi"}]}'
    request = read("chat", body)
    assert (request.model, request.stream) == ("b", False)
    assert request.key != key("chat", {**chat(), "model": "b"})


@pytest.mark.parametrize(
    ("endpoint", "body", "path"),
    [
        ("chat", {}, "messages"),
        ("chat", {"model": "m", "messages": []}, "messages"),
        ("chat", {"model": "m", "messages": {}}, "messages"),
        ("chat", {"model": "m", "messages": [1]}, "messages[0]"),
        ("chat", {"model": "m", "messages": [{"role": "user"}, {}]}, "messages[1].role"),
        ("chat", {"model": "m", "messages": [{"role": 1}]}, "messages[0].role"),
        ("chat", {"model": "m", "messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ("chat", {"messages": [{"role": "user"}]}, "model"),
        ("chat", chat(model=1), "model"),
        ("chat", chat(stream="true"), "stream"),
        ("chat", chat(temperature="hot"), "temperature"),
        ("chat", chat(max_tokens=1.5), "max_tokens"),
        ("chat", chat(tools={}), "tools"),
        ("chat", chat(metadata=[]), "metadata"),
        ("chat", chat(stream_options=True), "stream_options"),
        ("completions", {"model": "m"}, "prompt"),
        ("embeddings", {"model": "m"}, "input"),
        ("responses", {"model": "m", "input": 5}, "input"),
        ("responses", {"model": "m", "input": []}, "input"),
        ("responses", {"model": "m", "input": ["x"]}, "input[0]"),
        ("messages", {**chat(), "system": 5}, "system"),
        ("messages", {**chat(), "system": [5]}, "system[0]"),
        ("count_tokens", {"model": "m", "messages": []}, "messages"),
        ("generate", {}, "contents"),
        ("generate", {"contents": [{"parts": 1}]}, "contents[0].parts"),
        ("gemini_count", {}, "contents"),
        ("native", {}, "prompt"),
        ("native", {"prompt": "  \n"}, "prompt"),
        ("native", {"prompt": 5}, "prompt"),
    ],
)
def test_a_wrong_member_is_named(endpoint: str, body: Any, path: str) -> None:
    """A refusal names the member at fault, in a sentence without an end."""
    message, named = refusal(endpoint, body)
    assert named == path
    assert message
    assert not message.endswith(".")


def test_null_is_not_set() -> None:
    """Clients send `null` for what they leave to the provider."""
    for name in ("temperature", "tools", "stream", "max_tokens", "metadata", "stream_options", "n"):
        assert key("chat", chat(**{name: None}))


EVERY: dict[str, Any] = {"prompt": "p", "input": "i", "contents": [{"parts": [{"text": "t"}]}]}
SEEDS = [
    encoded({**chat(), **EVERY}),
    encoded({**chat(stream=True, tools=[{"function": {"parameters": {"properties": {"a": {}}}}}]), **EVERY}),
]
"""Bodies that every endpoint takes."""
SPLICES = (
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b":",
        b",",
        b"\\",
        b"\\u",
        b"\\ud83d",
        b"null",
        b"true",
        b"1e999",
        b"-",
        b"0",
        b" ",
    ),
    *(b"\xff", b"\xc3\xa9", b"\x00", b'"messages":', b'"content":[', b'"cache_control":{}', b'"type":"item_reference"'),
)


def mutated(body: bytes, how: random.Random) -> bytes:
    """Return the body with a few bytes changed, cut, doubled or spliced in."""
    for _ in range(how.randrange(1, 4)):
        at = how.randrange(len(body) + 1)
        match how.randrange(12):
            case 0:
                body = body[:at] + how.choice(SPLICES) + body[at:]
            case 1:
                body = body[:at] + body[at + how.randrange(1, 9) :]
            case 2:
                body = body[:at] + bytes([how.randrange(256)]) + body[at + 1 :]
            case 3:
                end = at + how.randrange(40)
                body = body[:end] + body[at:end] + body[end:]
            case 4:
                body = body[:at] if how.random() < 0.2 else body[:at] + how.choice(SPLICES) + body[at + 3 :]
            case _ if body[at : at + 1].isalpha():  # most often a text or a name of another spelling
                body = body[:at] + how.choice((b"x", b"\\n", b"\xc3\xa9", b"\\ud83d")) + body[at + 1 :]
            case _:
                body = body[:at] + body[at:].replace(b":", b" :\n", 1)
    return body


def test_a_hundred_thousand_random_bodies_are_read_or_refused() -> None:
    """Whatever comes, the answer is a view or a refusal, and Python's own reader agrees on what is JSON."""
    how = random.Random(20261120)
    by = store()
    heads = [
        head(endpoint, headers)
        for endpoint in ENDPOINTS
        for headers in ([], [("x-initiator", "user")], [("originator", "codex")])
    ]
    small = SEEDS * 10 + [one.raw for one in recorded() if len(one.raw) < 3000]
    read_ones = refused = 0
    for number in range(100_000):
        body = how.randbytes(how.randrange(60)) if number % 10 == 0 else mutated(how.choice(small), how)
        try:
            request = by.lookup(how.choice(heads), body, "/")
        except BadRequest as error:
            refused += 1
            message, path = error.args
            if message.startswith("not valid JSON"):
                with pytest.raises((ValueError, RecursionError)):
                    _strict(body)
            assert isinstance(path, str)
        else:
            read_ones += 1
            assert isinstance(request, Request)
            if number % 50 == 0:
                assert isinstance(_strict(body), dict)
    assert min(read_ones, refused) > 10_000
    assert by.size()["entries"] == 0


def _strict(body: bytes) -> Any:
    if body[:3] == b"\xef\xbb\xbf":
        raise ValueError
    return json.loads(body.decode(), parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(name)


@pytest.mark.parametrize("name", [one.name for one in recorded() if len(one.raw) > 20_000][::4])
def test_large_bodies_are_read_or_refused_however_they_are_damaged(name: str) -> None:
    """Real bodies of 40 KB, cut and damaged anywhere, are read or refused."""
    one = next(one for one in recorded() if one.name == name)
    how = random.Random(name)
    by = store()
    for _ in range(200):
        try:
            assert isinstance(by.lookup(one.head, mutated(one.raw, how), "/"), Request)
        except BadRequest as error:
            assert len(error.args) == 2
