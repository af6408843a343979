"""`Gate` and `Head`: who may come in, and what the headers say."""

from __future__ import annotations

from typing import Any

import pytest

from isartor._native import ENDPOINTS, Gate
from isartor.server import routes
from tests.native.reading import Headers, gate, head

WELCOME, NO_KEY, WRONG_KEY, FOREIGN_ORIGIN, FOREIGN_HOST = range(5)
KEYED = gate(keys=[("secret", b"1" * 16), ("second", b"2" * 16)])
LOCAL = gate(hosts=["localhost", "127.0.0.1", "[::1]"])


def verdict(by: Gate, headers: Headers, endpoint: str = "chat", **how: Any) -> int:
    """Return the verdict on these headers."""
    return head(endpoint, headers, by=by, **how).verdict


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], NO_KEY),
        ([("x-api-key", "")], WRONG_KEY),
        ([("x-api-key", "secre")], WRONG_KEY),
        ([("x-api-key", "secret ")], WRONG_KEY),
        ([("x-api-key", "Secret")], WRONG_KEY),
        ([("x-api-key", "secret")], WELCOME),
        ([("x-api-key", "second")], WELCOME),
        ([("authorization", "Bearer secret")], WELCOME),
        ([("authorization", "bearer  secret ")], WELCOME),
        ([("authorization", "Basic secret")], NO_KEY),
        ([("authorization", "secret")], NO_KEY),
        ([("x-api-key", "of the provider"), ("authorization", "Bearer secret")], WELCOME),
        ([("x-goog-api-key", "secret")], NO_KEY),
        ([("cookie", "secret")], NO_KEY),
    ],
)
def test_the_gateway_key(headers: Headers, expected: int) -> None:
    """A key comes as `x-api-key` or as a bearer, and is right to the last character."""
    assert verdict(KEYED, headers) == expected
    assert verdict(gate(), headers) == WELCOME, "where no key is configured, none is asked for"
    assert verdict(KEYED, headers, open=True) == WELCOME, "an open route asks for none"


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    [
        ("key=secret", [], WELCOME),
        ("alt=sse&key=s%65cret", [], WELCOME),
        ("key=secre", [], WRONG_KEY),
        ("key=%", [], WRONG_KEY),
        ("key", [], WRONG_KEY),
        ("key=%ff%zz", [], WRONG_KEY),
        ("", [("x-goog-api-key", "secret")], WELCOME),
        ("", [("x-goog-api-key", "wrong")], WRONG_KEY),
        ("", [("x-api-key", "secret")], WELCOME),
    ],
)
def test_googles_ways_to_send_a_key(query: str, headers: Headers, expected: int) -> None:
    """On Gemini paths a key may also come as `x-goog-api-key` or `?key=`; elsewhere those say nothing."""
    assert verdict(KEYED, headers, "generate", query=query) == expected
    elsewhere = WELCOME if headers[:1] == [("x-api-key", "secret")] else NO_KEY
    assert verdict(KEYED, headers, "chat", query=query) == elsewhere


def test_a_tenant_is_known_only_by_its_key() -> None:
    """A refused head has no tenant; neither has one on an open route, whatever key it carries."""
    assert head("chat", [("x-api-key", "second")], by=KEYED).tenant == b"2" * 16
    for headers, is_open in (([("x-api-key", "no")], False), ([], False), ([("x-api-key", "secret")], True)):
        assert head("chat", headers, by=KEYED, open=is_open).tenant == bytes(16)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", WELCOME),
        ("LOCALHOST:8080", WELCOME),
        ("127.0.0.1:8080", WELCOME),
        ("[::1]:8080", WELCOME),
        ("[::1]", WELCOME),
        ("evil.example", FOREIGN_HOST),
        ("localhost.evil.example", FOREIGN_HOST),
        ("evil.example:localhost", FOREIGN_HOST),
        ("192.168.1.2:8080", FOREIGN_HOST),
        ("", FOREIGN_HOST),
    ],
)
def test_a_rebound_name_stays_out(host: str, expected: int) -> None:
    """The Host must be one of ours, with any port; where any address is ours, no other name is."""
    assert verdict(LOCAL, [("host", host)]) == expected
    outside = gate(hosts=["localhost", "127.0.0.1", "[::1]"], any_address=True)
    is_address = host[:1] in {"[", "1"}
    assert verdict(outside, [("host", host)]) == (WELCOME if is_address else expected)
    assert verdict(gate(), [("host", host)]) == WELCOME, "where no hosts are given, every name is ours"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], WELCOME),
        ([("origin", "http://localhost:8080")], WELCOME),
        ([("origin", "https://LOCALHOST:8080")], WELCOME),
        ([("origin", "http://localhost:3000")], FOREIGN_ORIGIN),
        ([("origin", "http://localhost")], FOREIGN_ORIGIN),
        ([("origin", "https://evil.example")], FOREIGN_ORIGIN),
        ([("origin", "null")], FOREIGN_ORIGIN),
        ([("origin", "")], FOREIGN_ORIGIN),
        ([("sec-fetch-site", "cross-site")], FOREIGN_ORIGIN),
        ([("sec-fetch-site", "same-site")], FOREIGN_ORIGIN),
        ([("sec-fetch-site", "same-origin")], WELCOME),
        ([("sec-fetch-site", "none")], WELCOME),
        ([("origin", "https://app.example"), ("sec-fetch-site", "cross-site")], WELCOME),
        ([("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")], FOREIGN_ORIGIN),
    ],
)
def test_pages_of_other_origins_stay_out(headers: Headers, expected: int) -> None:
    """A browser may call for our own pages and for listed origins, and for nobody else."""
    by = gate(hosts=["localhost"], origins=["https://app.example"])
    assert verdict(by, [("host", "localhost:8080"), *headers]) == expected


def test_host_and_origin_are_looked_at_before_the_key() -> None:
    """A right key does not let a foreign page in; an open route does not either."""
    by = gate(keys=[("secret", b"1" * 16)], hosts=["localhost"])
    right = ("x-api-key", "secret")
    assert verdict(by, [right, ("host", "evil.example")]) == FOREIGN_HOST
    assert verdict(by, [right, ("host", "localhost"), ("origin", "https://evil.example")]) == FOREIGN_ORIGIN
    assert verdict(by, [("host", "evil.example")], open=True) == FOREIGN_HOST


def test_what_is_open_is_one_short_list() -> None:
    """Without a key there is nothing but the two signs of life and the probe of agents."""
    assert routes.OPEN == {
        ("HEAD", "/"),
        ("GET", "/health"),
        ("HEAD", "/health"),
        ("GET", "/healthz"),
        ("HEAD", "/healthz"),
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", (False, False, False)),
        ("no-store", (True, False, False)),
        ("no-cache", (False, True, False)),
        ("only-if-cached", (False, False, True)),
        ("No-Store, NO-CACHE ,only-if-cached", (True, True, True)),
        ("max-age=0, no-transform", (False, False, False)),
        ('no-cache="x"', (False, True, False)),
        ("no-storex", (False, False, False)),
    ],
)
def test_cache_directives(value: str, expected: tuple[bool, bool, bool]) -> None:
    """`cache-control` is read in any case and order; what is unknown is left alone."""
    said = head("chat", [("cache-control", value)])
    assert (said.no_store, said.no_cache, said.only_if_cached) == expected


def test_cache_directives_on_two_lines_add_up() -> None:
    """Two lines mean what one with a comma means."""
    said = head("chat", [("cache-control", "no-store"), ("cache-control", "no-cache")])
    assert said.no_store
    assert said.no_cache


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0", 0), ("300", 300), ("", -1), ("-1", -1), ("1e3", -1), ("x", -1), (str(2**64), -1), (str(2**63), 2**63 - 1)],
)
def test_the_announced_length(value: str, expected: int) -> None:
    """A length that is no number counts as not announced; a huge one stays huge."""
    assert head("chat", [("content-length", value)]).content_length == expected
    assert head("chat", []).content_length == -1


def test_encodings() -> None:
    """Any `content-encoding` but `identity` is named."""
    assert head("chat", []).encoding is None
    assert head("chat", [("content-encoding", "Identity")]).encoding is None
    assert head("chat", [("content-encoding", "gzip")]).encoding == "gzip"


@pytest.mark.parametrize("sent", ["abc", "req_1-2.3:4", "x" * 128])
def test_a_usable_request_id_is_kept(sent: str) -> None:
    """The client's own id comes back."""
    assert head("chat", [("x-request-id", sent)]).request_id == sent


@pytest.mark.parametrize("sent", ["", "x" * 129, "a b", "a\tb", "é", "a,b", "<script>"])
def test_an_unusable_request_id_is_replaced(sent: str) -> None:
    """What could do harm in a log or a header is replaced by an id of ours."""
    made = head("chat", [("x-request-id", sent)]).request_id
    assert made.startswith("req_")
    assert made.isascii()


def test_request_ids_are_unique_and_the_processs_own() -> None:
    """No two requests of a process have one id; two processes with other seeds share none."""
    ids = {head("chat", by=by).request_id for by in [gate(seed=1)] * 1 + [gate(seed=2)] for _ in range(100)}
    assert len(ids) == 200


@pytest.mark.parametrize(
    ("headers", "tool"),
    [
        ([("user-agent", "claude-cli/2.1.329 (external, cli)")], "claude-code"),
        ([("user-agent", "codex_exec/0.169.0")], "codex"),
        ([("user-agent", "OpenAI/JS 5.20.1"), ("x-initiator", "user")], "copilot"),
        ([("x-interaction-type", "conversation-user"), ("user-agent", "OpenAI/JS 5.20.1")], "copilot"),
        ([("user-agent", "GeminiCLI-tui/0.61.0")], "gemini-cli"),
        ([("user-agent", "opencode/1.18.33")], "opencode"),
        ([("user-agent", "OpenAI/Python 3.52.0")], "openai-sdk"),
        ([("user-agent", "Anthropic/Python 2.11.0")], "anthropic-sdk"),
        ([("user-agent", "google-genai-sdk/3.4.0")], "google-genai-sdk"),
        ([("user-agent", "curl/8.1")], "curl"),
        ([("user-agent", "Mozilla/5.0 Cursor/1.0")], "cursor"),
        ([("x-ghost-mode", "true")], "cursor"),
        ([("x-kiro-version", "1")], "kiro"),
        ([("user-agent", "é" * 100)], "unknown"),
        ([], "unknown"),
    ],
)
def test_tools_are_known_by_their_headers(headers: Headers, tool: str) -> None:
    """A header of the tool's own is surer than its user agent."""
    assert head("chat", headers).tool == tool


def test_every_endpoint_has_its_namespace() -> None:
    """The surface names the namespace."""
    expected = {
        "chat": "openai",
        "completions": "openai",
        "embeddings": "openai",
        "responses": "responses",
        "messages": "anthropic",
        "count_tokens": "anthropic",
        "generate": "gemini",
        "gemini_count": "gemini",
        "native": "native",
    }
    assert {endpoint: head(endpoint).namespace for endpoint in ENDPOINTS} == expected


def test_an_endpoint_that_is_none_is_refused() -> None:
    """A number past the list is an error, not some other endpoint."""
    with pytest.raises(ValueError, match="no such endpoint"):
        gate().read(len(ENDPOINTS), "", [])
