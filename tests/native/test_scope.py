"""What parts requests besides their bodies: tenant, namespace, endpoint, session, headers, query, model in the path."""

from __future__ import annotations

from typing import Any

import pytest

from isartor._native import ENDPOINTS
from tests.native.reading import AGENTS, Headers, chat, gate, head, key, store

BODY: dict[str, Any] = {**chat(), "prompt": "hi", "input": "hi", "contents": [{"parts": [{"text": "hi"}]}]}
SESSION_HEADERS = ("x-isartor-session-id", "x-thread-id", "x-session-id", "x-conversation-id")
AGENT_HEADERS = {
    "claude": ("x-claude-code-session-id", "x-session-id"),
    "codex": ("session-id", "thread-id", "x-session-id"),
    "opencode": ("x-session-id", "x-session-affinity", "session-id"),
}


def test_every_endpoint_has_keys_of_its_own() -> None:
    """The same body on two endpoints is two requests."""
    assert len({key(endpoint, BODY) for endpoint in ENDPOINTS}) == len(ENDPOINTS) == 9


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("header", "namespace"),
    [
        ("x-cursor-checksum", "cursor"),
        ("x-cursor-client-version", "cursor"),
        ("x-ghost-mode", "cursor"),
        ("x-kiro-version", "kiro"),
        ("x-kiro-client-id", "kiro"),
    ],
)
def test_cursor_and_kiro_have_namespaces_of_their_own(endpoint: str, header: str, namespace: str) -> None:
    """Their headers change the namespace, and so the key, on every endpoint."""
    assert head(endpoint, [(header, "x")]).namespace == namespace
    assert key(endpoint, BODY, [(header, "x")]) != key(endpoint, BODY)
    assert key(endpoint, BODY, [(header, "x")]) == key(endpoint, BODY, [(header, "y")])


def test_tenants_never_share() -> None:
    """Two gateway keys are two tenants; how a key was sent does not matter."""
    keys = [("one", b"1" * 16), ("two", b"2" * 16)]
    by = gate(keys=keys)
    sent: dict[str, Headers] = {"one": [("x-api-key", "one")], "two": [("authorization", "Bearer two")]}
    assert head("chat", sent["one"], by=by).tenant == b"1" * 16
    assert head("chat", sent["two"], by=by).tenant == b"2" * 16
    assert key("chat", BODY, sent["one"], by=by) != key("chat", BODY, sent["two"], by=by)
    assert key("chat", BODY, sent["one"], by=by) == key("chat", BODY, [("authorization", "bearer one")], by=by)
    assert key("chat", BODY) not in {key("chat", BODY, headers, by=by) for headers in sent.values()}


@pytest.mark.parametrize("name", SESSION_HEADERS)
def test_a_session_header_names_a_scope(name: str) -> None:
    """Two sessions never share, nor does one with none; a long id counts to its end."""
    long = "x" * 2000
    headers: list[Headers] = [[], [(name, "a")], [(name, "b")], [(name, long + "a")], [(name, long + "b")]]
    assert len({key("chat", BODY, one) for one in headers}) == len(headers)


def test_two_session_headers_are_two_scopes() -> None:
    """The same id in another header, or in two, is another scope; their order means nothing."""
    ids: list[Headers] = [[(name, "a")] for name in SESSION_HEADERS]
    ids.append([("x-thread-id", "a"), ("x-session-id", "a")])
    assert len({key("chat", BODY, headers) for headers in ids}) == len(ids)
    assert key("chat", BODY, ids[-1]) == key("chat", BODY, ids[-1][::-1])


@pytest.mark.parametrize("name", ["session_id", "thread_id", "conversation_id"])
def test_a_session_in_the_body_names_a_scope(name: str) -> None:
    """At the root or in `metadata`."""
    for wrap in (lambda session: {name: session}, lambda session: {"metadata": {name: session}}):
        assert len({key("chat", {**BODY, **wrap(session)}) for session in "ab"} | {key("chat", BODY)}) == 3


@pytest.mark.parametrize(("agent", "name"), [(agent, name) for agent, names in AGENT_HEADERS.items() for name in names])
def test_agents_sessions_are_no_scope_unless_asked_for(agent: str, name: str) -> None:
    """Ids that agents make up per process are ignored, and count with `scope_agent_sessions`."""
    one, other = ([*AGENTS[agent], (name, identity)] for identity in "ab")
    assert key("messages", BODY, one) == key("messages", BODY, other)
    scoped = gate(scope_agent_sessions=True)
    assert key("messages", BODY, one, by=scoped) != key("messages", BODY, other, by=scoped)


@pytest.mark.parametrize("agent", AGENT_HEADERS)
def test_our_own_session_header_counts_for_agents_too(agent: str) -> None:
    """`x-isartor-session-id` is sent on purpose, by whomever."""
    one, other = ([*AGENTS[agent], ("x-isartor-session-id", identity)] for identity in "ab")
    assert key("messages", BODY, one) != key("messages", BODY, other)


@pytest.mark.parametrize("name", ["session-id", "thread-id", "x-session-affinity"])
def test_headers_of_agents_mean_nothing_from_others(name: str) -> None:
    """An agent's affinity header is no scope when somebody else sends it."""
    assert key("chat", BODY, [(name, "a")]) == key("chat", BODY, [(name, "b")])


@pytest.mark.parametrize(
    "name",
    [
        *("anthropic-beta", "anthropic-version", "anthropic-never-heard-of", "openai-beta", "openai-organization"),
        *("openai-project", "openai-never-heard-of", "x-openai-never-heard-of", "x-codex-beta-features"),
    ],
)
def test_headers_that_a_provider_reads_count(name: str) -> None:
    """A header that may change the answer is in the key, known or not."""
    headers: list[Headers] = [[], [(name, "a")], [(name, "b")]]
    assert len({key("messages", BODY, one) for one in headers}) == 3


@pytest.mark.parametrize(
    "name",
    [
        *("accept", "accept-encoding", "user-agent", "x-stainless-lang", "x-client-request-id", "x-request-id"),
        *("anthropic-dangerous-direct-browser-access", "x-codex-turn-metadata", "x-app", "content-length"),
    ],
)
def test_headers_that_change_nothing_do_not_count(name: str) -> None:
    """Two clients that differ in how they speak HTTP share."""
    assert key("messages", BODY, [(name, "1")]) == key("messages", BODY, [(name, "2")])


def test_the_query_counts_but_for_what_is_known() -> None:
    """`beta=true`, a key and `alt` change nothing of the answer; anything else might."""
    assert key("messages", BODY, query="beta=true") == key("messages", BODY)
    assert key("chat", BODY, query="beta=true") != key("chat", BODY)
    assert key("generate", BODY, query="alt=sse&key=x") == key("generate", BODY)
    assert key("generate", BODY, query="never=heard") != key("generate", BODY)
    assert key("chat", BODY, query="api-version=1") != key("chat", BODY, query="api-version=2")


def test_the_model_in_the_path_counts() -> None:
    """Gemini names its model in the path; the form of the reply, also there, does not count."""
    assert key("generate", BODY, path_model="a") != key("generate", BODY, path_model="b")
    assert key("generate", BODY, path_stream=True) == key("generate", BODY)


def test_bytes_that_were_answered_once_are_known_again_in_their_scope_only() -> None:
    """The short cut for bodies that came before obeys the same scopes as the key."""
    from isartor._native import Hit
    from tests.native.reading import complete, encoded

    kept = store()
    body = encoded(BODY)
    who = head("chat", [("x-session-id", "a")])
    request = kept.lookup(who, body, "/")
    assert not isinstance(request, Hit)
    assert kept.store(who, request, complete()) is None
    assert isinstance(kept.lookup(who, body, "/"), Hit)
    for other in (
        [],
        [("x-session-id", "b")],
        [("x-session-id", "a"), ("openai-beta", "x")],
        [("x-session-id", "a"), ("x-ghost-mode", "1")],
    ):
        assert not isinstance(kept.lookup(head("chat", other), body, "/"), Hit), other
