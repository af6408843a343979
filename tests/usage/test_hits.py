"""Hits in the usage log: what a stored reply saves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isartor._native import Complete, Exact, Hit, UsageLog
from tests.native.reading import chat, complete, completion, encoded, events, gate, head, store

TENANT = bytes(range(16))


def log(capacity: int = 100) -> UsageLog:
    return UsageLog(capacity=capacity, tenants={TENANT: "team-a"})


def lines(of: UsageLog) -> list[dict[str, Any]]:
    return [json.loads(line) for line in of.drain(1 << 20).splitlines()]


def put(kept: Exact, reply: Complete | None = None, body: Any = None, **source: Any) -> None:
    who = head("chat")
    request = kept.read(who, encoded(body if body is not None else chat()))
    source = {"provider": "openai", "model": "gpt-4o-mini", **source}
    assert kept.store(who, request, reply or complete(), **source) is None


def ask(kept: Exact, body: Any = None, **how: Any) -> Any:
    return kept.lookup(head("chat", [("user-agent", "codex/1")]), encoded(body or chat()), "/x", **how)


def test_a_hit_saves_what_the_stored_reply_took() -> None:
    """By the provider's own count and the price of each kind of token; nothing is spent."""
    told = log()
    told.price("openai", "gpt-4o-mini", input=1e-6, output=2e-6, cached=0.5e-6, cache_write=0)
    kept = store(usage=told)
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    put(kept, complete(completion(usage=usage)))
    assert told.pending == 0
    assert isinstance(ask(kept), Hit)
    [line] = lines(told)
    latency = line.pop("latency_ms")
    assert 0 <= latency < 10_000
    assert len(line.pop("timestamp")) == len("2026-11-21T15:08:10.007Z")
    assert line == {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "cached_tokens": 60,
        "cache_write_tokens": 0,
        "reasoning_tokens": 5,
        "estimated": False,
        "estimated_cost_usd": 0,
        "estimated_saved_cost_usd": pytest.approx((40 + 60 * 0.5 + 20 * 2) / 1e6),
        "final_layer": "l1a",
        "deflected": True,
        "tenant": "",
        "tool": "codex",
        "status": 200,
    }


def test_a_reply_without_usage_is_estimated_and_marked() -> None:
    """A stream may tell no tokens: then it is its text that counts, four characters to a token."""
    told = log()
    kept = store(usage=told)
    text = "x" * 400
    silent = b"\n\n".join(event for event in events(text).split(b"\n\n") if b'"choices":[]' not in event)
    put(kept, complete(silent, form="sse"), tokens=33)
    assert isinstance(ask(kept, chat(stream=True)), Hit)
    [line] = lines(told)
    assert (line["prompt_tokens"], line["completion_tokens"], line["estimated"]) == (33, 100, True)


def test_the_tenant_of_a_hit_is_known_by_its_key() -> None:
    """As its label; one that has none is the empty one."""
    told = log()
    kept = store(usage=told)
    by = gate(keys=[("secret", TENANT), ("other", b"\0" * 16)])
    for key in ("secret", "other"):
        who = head("chat", [("authorization", f"Bearer {key}")], by=by)
        body = encoded(chat())
        kept.store(who, kept.read(who, body), complete())
        assert isinstance(kept.lookup(who, body, "/x"), Hit)
    assert [line["tenant"] for line in lines(told)] == ["team-a", ""]


def test_only_hits_that_count_are_recorded() -> None:
    """A miss is told of by whoever answers it; a quiet lookup by nobody."""
    told = log()
    kept = store(usage=told)
    ask(kept)
    put(kept)
    ask(kept, quiet=True)
    assert (told.recorded, told.pending) == (0, 0)
    # Without a model it is the one that the request names, and the other form of a reply is the same reply.
    put(kept, model="", provider="", body=chat("other"))
    for stream in (False, True):
        ask(kept, chat("other", stream=stream))
    assert [(line["provider"], line["model"]) for line in lines(told)] == [("", "m"), ("", "m")]


def test_a_store_without_a_log_records_nothing() -> None:
    """Usage may be switched off."""
    kept = store()
    put(kept)
    assert isinstance(ask(kept), Hit)


def test_events_that_find_no_room_are_counted() -> None:
    """The buffer is bounded, and a hit is served all the same."""
    told = log(capacity=3)
    kept = store(usage=told)
    put(kept)
    for _ in range(5):
        assert isinstance(ask(kept), Hit)
    assert (told.recorded, told.lost, told.pending) == (5, 2, 3)


def test_many_hits_at_once_share_a_line() -> None:
    """So that the file does not grow by megabytes a second; no request and no token is lost."""
    told = log(capacity=10_000)
    kept = store(usage=told)
    put(kept)
    put(kept, complete(completion("other", usage={"prompt_tokens": 5, "completion_tokens": 7})), body=chat("other"))
    for number in range(3000):
        ask(kept, chat("other") if number % 3 else chat())
    shared = lines(told)
    assert sorted((line["requests"], line["prompt_tokens"], line["completion_tokens"]) for line in shared) == [
        (1000, 1000, 2000),
        (2000, 10_000, 14_000),
    ]


def test_cache_writes_of_a_reply_are_told() -> None:
    """Anthropic counts them beside the input, here they are a part of it."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 30,
            "output_tokens": 5,
        },
    }
    reply = complete(json.dumps(message).encode(), endpoint="messages")
    assert reply.tally(0) == (60, 5, 30, 20, 0, False)


def test_what_the_provider_told_counts_before_what_the_reply_says() -> None:
    """A translated reply, or a native one, tells less than the provider did."""
    told = log()
    kept = store(usage=told)
    put(kept, tally=(100, 20, 60, 10, 5, False))
    ask(kept)
    [line] = lines(told)
    names = (
        "prompt_tokens",
        "completion_tokens",
        "cached_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "estimated",
    )
    assert tuple(line[name] for name in names) == (100, 20, 60, 10, 5, False)
