"""The scope of a question: all of a request but its last user text, and only requests that are nothing but text."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from isartor._native import BadRequest, Request
from tests.native import oracle, reading
from tests.native.bodies import TEXTS, changed, containers, copied, write
from tests.native.oracle import Members, Number
from tests.native.reading import AGENTS, chat

ALIASES = {"fast": "gpt-4o-mini"}
STORE = reading.store(aliases=ALIASES, semantic=True)

PLAIN = {
    "chat": '{"model":"fast","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text",'
    '"text":"a"}]},{"role":"assistant","content":"b","name":"n"},{"role":"user","content":[{"type":"text","text":"c"},'
    '{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}],"temperature":1,"stop":["x","y"],"stream":true,'
    '"metadata":{"user_id":"u","k":"v"},"response_format":{"type":"json_schema","json_schema":{"schema":{"properties":'
    '{"a":{},"b":{}}}}},"seed":7,"user":"u"}',
    "responses": '{"model":"m","input":[{"type":"message","id":"i","role":"developer","content":"d"},{"role":"assistant",'
    '"content":[{"type":"output_text","text":"b","annotations":[]}]},{"role":"user","content":[{"type":"input_text",'
    '"text":"hi"}]}],"instructions":"s","reasoning":{"effort":"low"},"text":{"verbosity":"low"},"store":false,"top_p":0.5}',
    "messages": '{"model":"m","max_tokens":100,"system":[{"type":"text","text":"s","cache_control":{}}],"messages":[{"role":'
    '"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":"b"}]},{"role":"user","content":"hi"}],'
    '"thinking":{"type":"adaptive"},"output_config":{"effort":"low"},"metadata":{"user_id":"u"},"stop_sequences":["x"]}',
    "generate": '{"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b"}]},{"parts":[{"text":'
    '"c"},{"text":"hi"}]}],"systemInstruction":{"parts":[{"text":"s"}]},"generationConfig":{"temperature":1,"topK":64,'
    '"responseSchema":{"properties":{"a":{},"b":{}}}},"safetySettings":[{"category":"c","threshold":"t"}]}',
    "native": '{"prompt":"hi","model":"fast"}',
}
"""A body of each surface with everything in it that may be, and the question `hi`."""


class Hole:
    """Stands where the question stood; no body has one."""

    def __repr__(self) -> str:
        """All holes are alike."""
        return "<hole>"


def _holder(endpoint: str, body: Members) -> tuple[list[Any], int]:
    """Return the object that holds the question and the place of that member in it."""
    turns, content = {"generate": ("contents", "parts"), "responses": ("input", "content")}.get(
        endpoint, ("prompt", "") if endpoint == "native" else ("messages", "content")
    )
    holder, name = body, turns
    for inner in (content, "text"):
        value = holder[_place(holder, name)][1]
        if not isinstance(value, list):
            break
        holder, name = value[-1], inner
    return holder, _place(holder, name)


def _place(members: Members, name: str) -> int:
    (place,) = [index for index, (other, _) in enumerate(members) if other == name]
    return place


def _asking(endpoint: str, body: Any, text: Any) -> Any:
    """Return the body with another question in it."""
    body = copied(body)
    holder, place = _holder(endpoint, body)
    holder[place] = (holder[place][0], text)
    return body


def _read(endpoint: str, client: str, body: Any) -> Request | None:
    try:
        return STORE.read(reading.head(endpoint, AGENTS[client]), write(body).encode())
    except BadRequest:
        return None


def _nudged(body: Any, how: random.Random) -> Any:
    """Return the body with one value replaced by another of its kind, or an array's elements in another number."""
    body = copied(body)
    target = how.choice(list(containers(body)))
    if not target:
        return body
    at = how.randrange(len(target))
    named = isinstance(target, Members)
    value = target[at][1] if named else target[at]
    match value:
        case Number():
            value = Number(how.choice(("0", "1", "1.0", "2", "64")))
        case str():
            value = how.choice((*TEXTS, "a", "b", "hi", value))
        case list() if value and not isinstance(value, Members):
            value = [*value, copied(how.choice(value))] if how.random() < 0.5 else value[1:]
    target[at] = (target[at][0], value) if named else value
    return body


@pytest.mark.parametrize("endpoint", PLAIN)
@pytest.mark.parametrize("seed", range(24))
def test_scopes_are_equal_if_and_only_if_all_but_the_question_is(endpoint: str, seed: int) -> None:
    """Random changes anywhere change the scope exactly when the oracle says that more than the question differs."""
    how = random.Random(seed)
    client = sorted(AGENTS)[seed % len(AGENTS)]
    rules = oracle.Rules(client=client, aliases=ALIASES)
    body: Any = oracle.parse(PLAIN[endpoint])
    tried = 0
    for _ in range(150):
        other = changed(body, how) if how.random() < 0.3 else _nudged(body, how)
        one, two = _read(endpoint, client, body), _read(endpoint, client, other)
        assert one is not None
        assert one.scope_digest is not None
        if two is None or two.scope_digest is None:
            assert two is None or two.question_refused
            continue
        tried += 1
        forms = [oracle.form(write(tree), rules) for tree in (body, other)]
        # `form` reads text, so the hole is made in the tree that it is given.
        holed = [oracle._form(_asking(endpoint, tree, Hole()), "", rules, "") for tree in (body, other)]  # noqa: SLF001
        context = f"{endpoint}, {client}\n{write(body)}\n{write(other)}"
        assert (one.scope_digest == two.scope_digest) == (holed[0] == holed[1]), context
        assert (one.key == two.key) == (forms[0] == forms[1]), context
        holder, place = _holder(endpoint, other)
        assert two.question == holder[place][1], context
        if how.random() < 0.4:
            body = other
    assert tried > 20, "most changes leave a question"


@pytest.mark.parametrize("endpoint", PLAIN)
def test_another_question_is_another_key_in_the_same_scope(endpoint: str) -> None:
    """Whatever the user asks, in whatever spelling, the scope stays and the exact key does not."""
    body = oracle.parse(PLAIN[endpoint])
    first = _read(endpoint, "other", body)
    assert first is not None
    for text in ("ho", "hi ", "?", '"hi"', "\0", "é", "\U0001f600", "x" * 16_384):
        # White space, and every other letter as an escape.
        spelled = json.dumps(json.loads(write(_asking(endpoint, body, text))), indent=1)
        request = STORE.read(reading.head(endpoint), spelled.encode())
        assert request.question == text
        assert request.scope_digest == first.scope_digest
        assert request.key != first.key


@pytest.mark.parametrize("endpoint", PLAIN)
def test_every_single_change_beside_the_question_changes_the_scope(endpoint: str) -> None:
    """Each value of a body, changed or deleted, changes the scope or ends the matching, the named list excepted."""
    body = json.loads(PLAIN[endpoint])
    head = reading.head(endpoint)
    first = STORE.read(head, reading.encoded(body))
    kept = 0
    for path, container, place in list(_values(body)):
        if not oracle.counts(path, "other"):
            continue
        old = container[place]
        for new in ("other", 5, None, [], {}, [old], "gone"):
            if new == old:
                continue
            container[place] = new
            if new == "gone":
                del container[place]
            try:
                request = STORE.read(head, reading.encoded(body))
            except BadRequest:
                request = None
            if request is not None and request.scope_digest == first.scope_digest:
                # Unless the whole form is the same (`metadata` without its `user_id`), it was the question.
                assert request.key == first.key or (old == "hi" and request.question == new == "other"), path
            kept += request is not None and request.question is not None
            if new == "gone":
                container.insert(place, old) if isinstance(container, list) else container.update({place: old})
            else:
                container[place] = old
    assert kept > 0


def _values(value: Any, path: str = "") -> Any:
    if isinstance(value, dict | list):
        for place in list(value) if isinstance(value, dict) else range(len(value)):
            inner = f"{path}/{place if isinstance(value, dict) else '#'}"
            yield inner, value, place
            yield from _values(value[place], inner)


def test_dropped_members_are_not_in_the_scope() -> None:
    """Requests that differ only in members that cannot change the answer share a scope."""
    scopes = {
        _scope(chat(**extra))
        for extra in ({}, {"stream": True}, {"user": "u"}, {"store": True}, {"service_tier": "flex"}, {"tools": []})
    }
    assert len(scopes) == 2, "an empty list of tools counts, as it does in the key"
    assert _scope(chat(metadata={"user_id": "a"})) == _scope(chat(metadata={"user_id": "b"}))
    assert _scope({**chat(), "model": "fast"}) == _scope({**chat(), "model": "gpt-4o-mini"})


def _scope(body: dict[str, Any], headers: reading.Headers | None = None) -> str:
    scope = reading.read("chat", body, headers, store=STORE).scope_digest
    assert scope is not None
    return scope


def test_sessions_and_tenants_have_scopes_of_their_own() -> None:
    """What parts keys outside the body parts scopes too, and a scope is never a key."""
    by = reading.gate(keys=[("one", b"1" * 16)])
    tenant = reading.read("chat", chat(), [("x-api-key", "one")], store=STORE, by=by).scope_digest
    heads: list[reading.Headers] = [[], [("x-thread-id", "a")], [("x-thread-id", "b")], [("x-kiro-version", "1")]]
    assert len({tenant, reading.key("chat", chat()), *(_scope(chat(), headers) for headers in heads)}) == 6


def test_the_model_in_geminis_path_is_in_the_scope() -> None:
    """Gemini names its model in the path."""
    body = json.loads(PLAIN["generate"])
    scopes = {reading.read("generate", body, store=STORE, path_model=model).scope_digest for model in ("a", "b")}
    assert len(scopes - {None}) == 2


def test_a_store_reads_no_questions_unless_asked_to() -> None:
    """Without `semantic` there is no question, and the key is the same."""
    plain, full = (reading.read("chat", chat(), store=by) for by in (reading.store(), STORE))
    assert (plain.question, plain.scope_digest, plain.question_refused) == (None, None, "off")
    assert (full.question, full.question_refused) == ("hi", None)
    assert plain.key == full.key


ASKING = {
    "claude-20": "the title of a session",
    "gemini-1": "how hard a prompt is",
    "gemini-3": "how hard a prompt is",
    "opencode-1": "the title of a conversation",
    "opencode-3": "the title of a conversation",
    "sdk-anthropic-1": "a plain message",
    "sdk-anthropic-2": "a plain message",
    "sdk-genai-1": "a plain message",
    "sdk-genai-2": "a plain message",
    "sdk-openai-1": "a plain message",
    "sdk-openai-2": "a plain message",
    "sdk-openai-7": "a plain message",
    "sdk-openai-8": "a plain message",
}
"""Recorded requests that may match semantically; every other one is refused."""
OTHER_ENDPOINTS = ("claude-24", "claude-32", "sdk-anthropic-6", "sdk-genai-4", "sdk-openai-12")


@pytest.mark.parametrize("one", reading.recorded(), ids=lambda one: one.name)
def test_of_real_clients_only_plain_prompts_may_match(one: reading.Recorded) -> None:
    """Agents declare tools, so their turns match only exactly; SDK calls and agents' side questions may match."""
    request = STORE.read(one.head, one.raw)
    expected = None if one.name in ASKING else "endpoint" if one.name in OTHER_ENDPOINTS else "tools"
    assert request.question_refused == expected
    assert (request.question is None) == (request.scope_digest is None) == (expected is not None)
    if one.name in ASKING:
        assert request.question
        turns = one.body.get("messages") or one.body.get("contents") or one.body["input"]
        assert json.dumps(request.question)[1:-1] in json.dumps(turns)
