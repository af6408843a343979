"""The exact key against the oracle, over generated bodies."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.native import oracle, reading
from tests.native.bodies import bodies, changed, shuffled, write

ALIASES = {"hi": "gpt-4o-mini", "user": "\ufffd"}
STORE = reading.store(aliases=ALIASES)
seeds = st.integers(0, 2**32)
clients = st.sampled_from(sorted(reading.AGENTS))


def _key(endpoint: str, client: str, body: str) -> str | None:
    return reading.key_or_none(STORE, reading.head(endpoint, reading.AGENTS[client]), body.encode())


def _agree(endpoint: str, client: str, one: str, other: str) -> None:
    """The keys are equal if and only if the forms are."""
    keys = _key(endpoint, client, one), _key(endpoint, client, other)
    if None in keys:
        return  # a body that is refused has no key
    rules = oracle.Rules(client=client, aliases=ALIASES)
    same = oracle.form(one, rules) == oracle.form(other, rules)
    assert (keys[0] == keys[1]) == same, f"{endpoint}, {client}\n{one}\n{other}"


@settings(max_examples=400)
@given(bodies, clients, seeds)
def test_the_spelling_of_a_body_never_changes_the_key(given_body: Any, client: str, seed: int) -> None:
    """White space, escapes and the spelling of numbers are not in the key."""
    endpoint, body = given_body
    plain, fancy = write(body), write(body, random.Random(seed))
    assert oracle.form(plain) == oracle.form(fancy)
    assert _key(endpoint, client, plain) == _key(endpoint, client, fancy), f"{plain}\n{fancy}"


@settings(max_examples=500)
@given(bodies, clients, seeds)
def test_the_order_of_members_changes_the_key_in_schemas_only(given_body: Any, client: str, seed: int) -> None:
    """Bodies that differ in the order of members have one key, unless the order stands in a JSON schema."""
    endpoint, body = given_body
    _agree(endpoint, client, write(body), write(shuffled(body, random.Random(seed))))


@settings(max_examples=1000)
@given(bodies, clients, seeds, st.integers(1, 3))
def test_keys_are_equal_if_and_only_if_the_forms_are(given_body: Any, client: str, seed: int, steps: int) -> None:
    """One to three changes anywhere change the key exactly when the oracle says that they mean something."""
    endpoint, body = given_body
    how = random.Random(seed)
    other = body
    for _ in range(steps):
        other = changed(other, how)
    _agree(endpoint, client, write(body), write(other, how))


@settings(max_examples=150)
@given(bodies, bodies, clients)
def test_unrelated_bodies_agree_with_the_oracle_too(one: Any, other: Any, client: str) -> None:
    """Two bodies made independently have equal keys exactly when their forms are equal."""
    if one[0] == other[0]:
        _agree(one[0], client, write(one[1]), write(other[1]))


@pytest.mark.parametrize("seed", range(60))
def test_many_small_changes_of_one_body(seed: int) -> None:
    """A long walk of single changes from one body: each step agrees with the oracle."""
    how = random.Random(seed)
    body: Any = oracle.parse(
        '{"model":"m","messages":[{"role":"system","content":"/session-state/907e8512-a9f8-4e38-b641-440b78cc3531"},'
        '{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}],'
        '"tools":[{"function":{"name":"f","parameters":{"properties":{"a":{},"b":{}}}},"cache_control":{}}],'
        '"metadata":{"user_id":"u","k":"v"},"stream":true,"temperature":1}'
    )
    client = sorted(reading.AGENTS)[seed % len(reading.AGENTS)]
    for _ in range(100):
        other = changed(body, how)
        _agree("chat", client, write(body), write(other))
        if _key("chat", client, write(other)) is not None and how.random() < 0.3:
            body = other
