"""The exact key of what real clients send: what their runs share, and that nothing else in their bodies is ignored."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from isartor._native import ENDPOINTS, Gate
from tests.native import oracle, reading
from tests.native.reading import Recorded
from tests.wire.recorded import PAIRS as RUNS

FORMS = (
    ("sdk-anthropic-1", "sdk-anthropic-2"),
    ("sdk-anthropic-4", "sdk-anthropic-5"),
    ("sdk-genai-1", "sdk-genai-2"),
    ("sdk-openai-1", "sdk-openai-2"),
    ("sdk-openai-4", "sdk-openai-5"),
    ("sdk-openai-7", "sdk-openai-8"),
)
"""The same request as JSON and as a stream."""
STORE = reading.store()
NAMES = [one.name for one in reading.recorded()]


def _by_name(name: str) -> Recorded:
    return next(one for one in reading.recorded() if one.name == name)


def _key(one: Recorded, body: Any = None) -> str | None:
    raw = one.raw if body is None else msgspec.json.encode(body)
    return reading.key_or_none(STORE, one.head, raw)


def test_every_recorded_prompt_is_read() -> None:
    """The recorded prompts are there, and none is refused."""
    assert len(NAMES) >= 45
    assert all(_key(one) is not None for one in reading.recorded())


@pytest.mark.parametrize(("first", "second"), RUNS + FORMS, ids="/".join)
def test_runs_of_one_prompt_share_the_key(first: str, second: str) -> None:
    """Two runs of the same prompt, and the two forms of one request, have one key."""
    assert _key(_by_name(first)) == _key(_by_name(second))


def test_no_other_two_recorded_prompts_share_a_key() -> None:
    """What was not asked for twice has a key of its own."""
    together = {frozenset(pair) for pair in RUNS + FORMS}
    by_key: dict[str | None, set[str]] = {}
    for one in reading.recorded():
        by_key.setdefault(_key(one), set()).add(one.name)
    shared = {frozenset(names) for names in by_key.values() if len(names) > 1}
    assert shared == together


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_agrees_on_every_pair_of_recorded_bodies(name: str) -> None:
    """Read as the same client, two recorded bodies have one key exactly when their forms are equal."""
    one = _by_name(name)
    for other in reading.recorded():
        key = reading.key_or_none(STORE, one.head, other.raw)
        if key is not None:
            same = _form(one.name, one.client) == _form(other.name, one.client)
            assert (key == _key(one)) == same, other.name


@functools.cache
def _form(name: str, client: str) -> Any:
    return oracle.form(_by_name(name).raw, oracle.Rules(client=client))


@pytest.mark.parametrize(
    "name", [first for first, _ in RUNS if not first.startswith(("gemini", "opencode-1", "opencode-2"))]
)
def test_what_a_client_makes_up_is_ignored_for_that_client_only(name: str) -> None:
    """Without the client's headers, two runs of its prompt differ, unless the named list covers all they differ in."""
    first, second = (_by_name(one) for one in next(pair for pair in RUNS if pair[0] == name))
    nobody = Gate(keys=[], hosts=[], any_address=False, origins=[], scope_agent_sessions=False, seed=1).read(
        ENDPOINTS.index("responses" if "input" in first.body else "messages"), "", []
    )
    keys = {reading.key_or_none(STORE, nobody, one.raw) for one in (first, second)}
    covered = oracle.form(first.raw) == oracle.form(second.raw)
    assert covered == name.startswith("claude")
    assert (len(keys) == 1) == covered


# -- one change at a time

_GONE = object()


def _escaped(place: str | int) -> str:
    return place.replace("~", "~0").replace("/", "~1").replace("#", "~2") if isinstance(place, str) else "#"


def _put(container: Any, place: str | int, value: Any) -> None:
    if value is _GONE:
        del container[place]
    else:
        container[place] = value


def _restore(container: Any, whole: Any) -> None:
    """Give a container its elements back, or its members in their old order."""
    container.clear()
    if isinstance(container, dict):
        container.update(whole)
    else:
        container.extend(whole)


def _walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _walk(member, f"{path}/{_escaped(name)}")
    elif isinstance(value, list):
        for element in value:
            yield from _walk(element, f"{path}/#")


def _others(value: Any) -> tuple[Any, ...]:
    """Return values of the same and of other types that are not equal to this one."""
    match value:
        case bool() | None:
            return ("x", 7, *(word for word in (None, True, False) if word is not value))
        case int() | float():
            return (value + 1, str(value), None, [value])
        case str():
            return (value + " ", value[1:] if value else "x", None, [value])
        case list():
            return ([*value, None], {}, None)
        case _:
            return ({**value, "never heard of": None}, [], None)


@pytest.mark.parametrize("name", NAMES)
def test_any_change_of_any_member_changes_the_key(name: str) -> None:
    """Each value of a recorded body, changed, given another type or deleted, changes the key, the named list excepted."""
    one = _by_name(name)
    body = json.loads(one.raw)
    before = _key(one)
    tried = 0
    for path, container in list(_walk(body)):
        if not isinstance(container, dict | list):
            continue
        whole = container.copy()
        for place in list(whole) if isinstance(whole, dict) else range(len(whole)):
            where = f"{path}/{_escaped(place)}"
            counts = oracle.counts(where, one.client)
            for other in (*_others(whole[place]), _GONE):
                _put(container, place, other)
                after = _key(one, body)
                _restore(container, whole)
                tried += 1
                assert after is None or (after != before) == counts, f"{where}: {whole[place]!r} → {other!r}"
    assert tried > 0
    assert _key(one, body) == before


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_elements_counts_and_that_of_members_only_in_schemas(name: str) -> None:
    """Each array of a recorded body, turned round, changes the key; each object does in a schema only."""
    one = _by_name(name)
    body = json.loads(one.raw)
    before = _key(one)
    for path, container in list(_walk(body)):
        if not isinstance(container, dict | list) or not oracle.counts(path, one.client):
            continue
        whole = container.copy()
        if isinstance(whole, dict):
            turned: Any = dict(reversed(whole.items()))
            counts = oracle.in_schema(path) and len(whole) > 1
        else:
            turned = whole[::-1]
            counts = turned != whole
        _restore(container, turned)
        after = _key(one, body)
        _restore(container, whole)
        assert (after != before) == counts, path


def test_codex_references_keep_their_ids() -> None:
    """The id of an input item is made up by Codex; that of a reference is all there is of it."""
    one = _by_name("codex-1")
    for kind, counts in (("message", False), ("function_call", False), ("item_reference", True)):
        keys = {
            _key(one, {**one.body, "input": [*one.body["input"], {"type": kind, "id": identity}]})
            for identity in ("a", "b")
        }
        assert (len(keys) == 2) == counts, kind
