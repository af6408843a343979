"""The exact key, rule by rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.native import reading
from tests.native.reading import AGENTS, chat, key

FOLDER_A = "/home/dev/.copilot/session-state/907e8512-a9f8-4e38-b641-440b78cc3531/x"
FOLDER_B = "/home/dev/.copilot/session-state/37c9be12-e256-4905-b5e7-27c3ee3de637/x"


@pytest.mark.parametrize(
    "extra",
    [
        {"stream": True},
        {"stream_options": {"include_usage": True}},
        {"user": "u"},
        {"service_tier": "flex"},
        {"store": True},
        {"prompt_cache_key": "k"},
        {"cache_control": {"type": "ephemeral"}},
    ],
    ids=lambda extra: next(iter(extra)),
)
def test_the_named_list_is_ignored_at_the_root_and_nowhere_else(extra: dict[str, Any]) -> None:
    """A listed member at the root changes nothing; the same member inside another one does."""
    assert key("chat", chat(**extra)) == key("chat", chat())
    for place in ("metadata", "logit_bias", "never_heard_of"):
        assert key("chat", chat(**{place: extra})) != key("chat", chat(**{place: {}})), place


def test_of_metadata_only_the_user_id_is_ignored() -> None:
    """`metadata.user_id` may change; any other member of `metadata` may not."""
    one, other = ({"metadata": {"user_id": user, "k": "v"}} for user in "ab")
    assert key("messages", chat(**one)) == key("messages", chat(**other))
    assert key("messages", chat(metadata={"k": "v"})) != key("messages", chat(metadata={"k": "w"}))


def test_markers_are_ignored_where_they_mark_and_nowhere_else() -> None:
    """`cache_control` is ignored on tools, turns, parts and system blocks, and counts in arguments and schemas."""
    marker = {"cache_control": {"type": "ephemeral"}}

    def body(*, tool: Any = {}, turn: Any = {}, part: Any = {}, system: Any = {}, result: Any = {}) -> dict[str, Any]:  # noqa: B006  # never changed
        inner = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r", **result}]}
        return {
            "model": "m",
            "system": [{"type": "text", "text": "s", **system}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi", **part}, inner], **turn}],
            "tools": [{"name": "t", "input_schema": {"type": "object"}, **tool}],
        }

    for place in ("tool", "turn", "part", "system", "result"):
        assert key("messages", body(**{place: marker})) == key("messages", body()), place
    use = {"type": "tool_use", "id": "t", "name": "t", "input": marker}
    assert key("messages", body(part=use)) != key("messages", body(part={**use, "input": {}}))
    schema = {"input_schema": {"type": "object", **marker}}
    assert key("messages", body(tool=schema)) != key("messages", body())


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
TURNED = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("endpoint", "member", "wrap"),
    [
        ("chat", "tools", lambda schema: [{"type": "function", "function": {"name": "f", "parameters": schema}}]),
        ("chat", "functions", lambda schema: [{"name": "f", "parameters": schema}]),
        (
            "chat",
            "response_format",
            lambda schema: {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
        ),
        ("chat", "guided_json", lambda schema: schema),
        ("chat", "structured_outputs", lambda schema: {"json": schema}),
        ("responses", "tools", lambda schema: [{"type": "function", "name": "f", "parameters": schema}]),
        ("responses", "tools", lambda schema: [{"type": "namespace", "tools": [{"name": "f", "parameters": schema}]}]),
        ("responses", "text", lambda schema: {"format": {"type": "json_schema", "name": "n", "schema": schema}}),
        ("messages", "tools", lambda schema: [{"name": "f", "input_schema": schema}]),
        ("messages", "output_config", lambda schema: {"format": {"type": "json_schema", "schema": schema}}),
        ("messages", "output_format", lambda schema: {"type": "json_schema", "schema": schema}),
        ("generate", "tools", lambda schema: [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]),
        (
            "generate",
            "tools",
            lambda schema: [{"function_declarations": [{"name": "f", "parametersJsonSchema": schema}]}],
        ),
        ("generate", "generationConfig", lambda schema: {"responseSchema": schema}),
        ("generate", "generation_config", lambda schema: {"response_json_schema": schema}),
        ("gemini_count", "generateContentRequest", lambda schema: {"generationConfig": {"responseSchema": schema}}),
    ],
)
def test_the_order_of_a_schemas_members_counts(endpoint: str, member: str, wrap: Any) -> None:
    """Models fill a schema's properties in their order, so two orders are two requests, wherever a schema may stand."""
    base: dict[str, Any] = {**chat(), "input": "hi", "contents": [{"parts": [{"text": "hi"}]}]}
    one, other = ({**base, member: wrap(schema)} for schema in (SCHEMA, TURNED))
    assert key(endpoint, one) != key(endpoint, other)
    again = json.dumps(dict(reversed(one.items())))
    assert key(endpoint, again) == key(endpoint, one), "the order at the root does not"


def test_numbers_count_by_their_exact_value() -> None:
    """`1`, `1.0` and `10e-1` are one number; `0.1` and the double next to it are two, and so are large neighbours."""

    def at(number: str) -> str:
        return key("chat", json.dumps(chat(temperature=0)).replace("0}", f"{number}}}"))

    assert len({at(number) for number in ("1", "1.0", "1e0", "10E-1", "0.1e+1")}) == 1
    assert at("0") == at("-0") == at("0.0e9")
    different = ("0.1", "0.1000000000000000055", "0.10000000000000001", "18446744073709551616", "18446744073709551617")
    assert len({at(number) for number in different}) == len(different)
    assert at("1") != at("-1")


def test_a_number_is_not_its_text() -> None:
    """`1`, `"1"`, `true` and `[1]` are four things."""
    assert len({key("chat", chat(x=value)) for value in (1, "1", True, [1], None, {"1": 1})}) == 6


def test_unheard_of_models_stay_apart() -> None:
    """A lone surrogate in a model's name, which no text can show, still makes another model."""
    bodies = [f'{{"model":"{name}","messages":[{{"role":"user"}}]}}' for name in ("\\ud83d", "\\ud83e", "\ufffd")]
    assert len({key("chat", body) for body in bodies}) == 3


def test_a_member_that_stands_twice_is_not_forgotten() -> None:
    """Readers differ in which of two members of one name they take, so both count, and their order."""
    start = '{"messages":[{"role":"user"}],'
    models = ('"model":"a","model":"b"}', '"model":"c","model":"b"}', '"model":"b","model":"a"}', '"model":"b"}')
    assert len({key("chat", start + model) for model in models}) == 4


# -- aliases


def test_an_alias_has_the_key_of_its_model() -> None:
    """An alias, its model, and the alias spelled with escapes share one key; the view and the body name the model."""
    store = reading.store(aliases={"fast": "gpt-4o-mini"})
    alias, model = (reading.read("chat", {**chat(), "model": name}, store=store) for name in ("fast", "gpt-4o-mini"))
    assert alias.key == model.key
    assert alias.model == model.model == "gpt-4o-mini"
    escaped = rb'{ "messages":[{"role":"user","content":"hi"}], "model" : "f\u0061st" }'
    request = reading.read("chat", escaped, store=store)
    assert request.key == alias.key
    assert request.upstream_body(escaped) == escaped.replace(rb"f\u0061st", b"gpt-4o-mini")


def test_a_body_without_an_alias_goes_on_as_the_same_object() -> None:
    """Where no alias was resolved, the upstream body is the very bytes that came."""
    body = reading.encoded(chat())
    assert reading.read("chat", body).upstream_body(body) is body


def test_a_name_that_no_alias_stands_for_is_a_model() -> None:
    """Without the alias, the two names are two models."""
    assert key("chat", {**chat(), "model": "fast"}) != key("chat", {**chat(), "model": "gpt-4o-mini"})


# -- Copilot


def stamped(time: str) -> str:
    """Return a user message as Copilot sends it."""
    return f"<current_datetime>{time}</current_datetime>\n\nsay hi"


def copilot(prompt: str, system: str = "s", ttl: int = 300, agent: str = "copilot") -> str:
    """Return the key of a request of Copilot's."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": prompt}]
    return key("chat", {"model": "m", "messages": messages}, AGENTS[agent], store=reading.store(ttl_secs=ttl))


@pytest.mark.parametrize("ttl", [1, 60, 300, 7000])
def test_time_stamps_are_rounded_down_to_the_ttl(ttl: int) -> None:
    """Two stamps share a key exactly when they fall into the same `cache_ttl_secs`."""
    from datetime import UTC, datetime

    start = 1_795_180_500 // ttl * ttl
    times = [start - 0.001, start, start + ttl / 2, start + ttl - 0.001, start + ttl]
    keys = [
        copilot(stamped(datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")), ttl=ttl)
        for time in times
    ]
    assert keys[1] == keys[2] == keys[3]
    assert len({keys[0], keys[1], keys[4]}) == 3


def test_a_time_stamp_keeps_its_place_on_earth() -> None:
    """The same moment at another offset from UTC is another request."""
    assert copilot(stamped("2026-11-20T13:05:00Z")) != copilot(stamped("2026-11-20T14:05:00+01:00"))
    assert copilot(stamped("2026-11-20T13:05:00Z")) == copilot(stamped("2026-11-20T13:05:00+00:00"))


@pytest.mark.parametrize("agent", [name for name in AGENTS if name != "copilot"])
def test_nobody_elses_texts_are_touched(agent: str) -> None:
    """Time stamps and folders in the texts of other clients count as they are."""
    assert copilot(stamped("2026-11-20T13:05:00Z"), agent=agent) != copilot(
        stamped("2026-11-20T13:05:01Z"), agent=agent
    )
    assert copilot("hi", FOLDER_A, agent=agent) != copilot("hi", FOLDER_B, agent=agent)


def test_a_stamp_of_the_users_own_counts_to_the_second() -> None:
    """Only the stamp in front is Copilot's; one further in was written by the user."""
    one, other = (f"how old is <current_datetime>2026-11-20T13:05:0{second}Z</current_datetime>?" for second in (1, 2))
    assert copilot(one) != copilot(other)
    assert copilot(stamped("2026-11-20T13:05:00Z") + one) != copilot(stamped("2026-11-20T13:05:00Z") + other)


@pytest.mark.parametrize(
    "time", ["", "now", "2026-13-20T13:05:00Z", "2026-11-20T25:05:00Z", " 2026-11-20T13:05:00Z", "2026-11-20"]
)
def test_what_is_no_time_stamp_stays_as_it_is(time: str) -> None:
    """A tag without a time in it is text like any other."""
    assert copilot(stamped(time)) != copilot(stamped("2026-11-20T13:05:00Z"))
    assert copilot(stamped(time)) != copilot(stamped("yesterday"))


def test_the_session_folder_counts_in_the_users_words() -> None:
    """Copilot's session folder is ignored in the system text only, and only as a whole id."""
    assert copilot("hi", FOLDER_A) == copilot("hi", FOLDER_B)
    assert copilot(FOLDER_A) != copilot(FOLDER_B)
    assert copilot("hi", FOLDER_A[:-3]) != copilot("hi", FOLDER_B[:-4])
    both = FOLDER_A + FOLDER_B
    assert copilot("hi", both) != copilot("hi", FOLDER_B + FOLDER_B), "only the first id is the session's"
    id_a = FOLDER_A.split("/")[5]
    assert copilot("hi", f"{FOLDER_A} {id_a}") != copilot("hi", f"{FOLDER_A} <session>"), "no text stands for the mask"


def test_a_reply_that_names_the_session_is_not_kept() -> None:
    """What was masked in the key may stand in the reply; that reply belongs to one session."""
    store = reading.store()
    messages = [{"role": "system", "content": FOLDER_A}, {"role": "user", "content": "hi"}]
    who = reading.head("chat", AGENTS["copilot"])
    request = store.read(who, reading.encoded({"model": "m", "messages": messages}))
    bound = reading.complete(reading.completion(f"see {FOLDER_A}"))
    assert store.store(who, request, bound) == "session-bound"
    assert store.store(who, request, reading.complete()) is None
