"""`Exact`: what is served to whom, and how much is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isartor._native import Exact, Hit, Request, Stats
from tests.native.reading import Headers, chat, complete, completion, encoded, events, gate, head, store


def ask(
    kept: Exact, body: Any = None, headers: Headers | None = None, endpoint: str = "chat", **how: Any
) -> Hit | Request:
    """Look a body up."""
    return kept.lookup(head(endpoint, headers, **how), encoded(body if body is not None else chat()), "/x")


def put(kept: Exact, body: Any = None, headers: Headers | None = None, reply: Any = None, **how: Any) -> str | None:
    """Store a reply to a body."""
    who = head("chat", headers, **how)
    request = kept.read(who, encoded(body if body is not None else chat()))
    return kept.store(who, request, reply if reply is not None else complete())


def header(hit: Hit, name: str) -> str:
    """Return one of a hit's headers."""
    return dict(hit.headers)[name]


def test_what_was_stored_is_served() -> None:
    """A repeat gets the provider's own bytes, with the headers that say where they come from."""
    by = store()
    missed = ask(by)
    assert isinstance(missed, Request)
    assert missed.cache_status == "isartor; fwd=uri-miss"
    assert put(by) is None
    for _ in range(2):  # the second time by the digest of the very bytes
        hit = ask(by, headers=[("x-request-id", "abc")])
        assert isinstance(hit, Hit)
        assert hit.body == completion()
        assert dict(hit.headers) == {
            "content-type": "application/json",
            "x-isartor-layer": "l1a",
            "x-isartor-deflected": "true",
            "x-request-id": "abc",
            "age": "0",
            "cache-status": header(hit, "cache-status"),
            "x-isartor-cache-key": missed.key,
        }
        assert header(hit, "cache-status").startswith("isartor; hit; ttl=")


def test_one_entry_serves_both_forms() -> None:
    """What came as JSON is given as a stream, and the reverse; usage is in a stream only if asked for."""
    for kept in (complete(), complete(events(), form="sse")):
        by = store()
        put(by, reply=kept)
        hit = ask(by)
        assert isinstance(hit, Hit)
        assert json.loads(hit.body)["choices"][0]["message"]["content"] == "hello"
        plain = ask(by, chat(stream=True))
        usage = ask(by, chat(stream=True, stream_options={"include_usage": True}))
        assert isinstance(plain, Hit)
        assert isinstance(usage, Hit)
        assert header(plain, "content-type") == "text/event-stream; charset=utf-8"
        assert plain.body.endswith(b"data: [DONE]\n\n")
        assert b"completion_tokens" in usage.body
        assert b"completion_tokens" not in plain.body


def test_a_stream_without_usage_does_not_answer_who_needs_it() -> None:
    """JSON always carries usage, so a stream that had none cannot stand for it; another stream it can."""
    by = store()
    lines = events().split(b"\n\n")
    bare = b"\n\n".join(line for line in lines if b"completion_tokens" not in line)
    put(by, reply=complete(bare, form="sse"))
    missed = ask(by)
    assert isinstance(missed, Request)
    assert missed.cache_status == "isartor; fwd=vary-miss; detail=without-usage"
    assert isinstance(ask(by, chat(stream=True)), Hit)


def test_a_response_that_the_provider_did_not_keep_answers_only_who_did_not_ask_for_that() -> None:
    """A Responses reply of `store: false` has an id that nobody can continue from."""
    by = store()
    reply = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "m",
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "hi", "annotations": []}],
            }
        ],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    }
    who = head("responses")
    body: dict[str, Any] = {"model": "m", "input": "hi"}
    kept = complete(json.dumps(reply).encode(), "responses")
    assert by.store(who, by.read(who, encoded({**body, "store": False})), kept) is None
    assert isinstance(ask(by, {**body, "store": False}, endpoint="responses"), Hit)
    missed = ask(by, body, endpoint="responses")
    assert isinstance(missed, Request)
    assert missed.cache_status == "isartor; fwd=vary-miss; detail=not-kept-by-provider"
    assert by.store(who, by.read(who, encoded(body)), kept) is None
    assert isinstance(ask(by, body, endpoint="responses"), Hit)


@pytest.mark.parametrize("member", [{"conversation": "conv_1"}, {"background": True}])
def test_stateful_requests_are_never_kept(member: dict[str, Any]) -> None:
    """A request that changes something at the provider goes there every time."""
    by = store()
    who = head("responses")
    request = by.lookup(who, encoded({"model": "m", "input": "hi", **member}), "/")
    assert isinstance(request, Request)
    name = next(iter(member))
    assert not request.cacheable
    assert request.cache_status == f"isartor; fwd=bypass; detail={name}"
    assert by.store(who, request, complete()) == name
    assert by.size()["entries"] == 0


def test_no_store_keeps_nothing() -> None:
    """`no-store` lets a stored reply answer, but keeps none."""
    by = store()
    quiet: Headers = [("cache-control", "no-store")]
    request = ask(by, headers=quiet)
    assert isinstance(request, Request)
    assert not request.cacheable
    assert put(by, headers=quiet) == "no-store"
    assert by.size()["entries"] == 0
    put(by)
    assert isinstance(ask(by, headers=quiet), Hit)


def test_no_cache_and_max_age() -> None:
    """`no-cache` gets no stored reply; `max-age` gets none that is older."""
    by = store()
    put(by)
    fresh = ask(by, headers=[("cache-control", "no-cache")])
    assert isinstance(fresh, Request)
    assert fresh.cache_status == "isartor; fwd=request"
    assert isinstance(ask(by, headers=[("cache-control", "max-age=60")]), Hit)
    assert isinstance(ask(by, headers=[("cache-control", "max-age=-1")]), (Hit, Request)), "never a crash"


def test_time_to_live_of_zero_keeps_nothing() -> None:
    """With `cache_ttl_secs = 0` a reply is old at once."""
    by = store(ttl_secs=0)
    assert put(by) is not None
    assert isinstance(ask(by), Request)


def test_what_is_fresh_is_not_purged() -> None:
    """Purging takes only what can never be served again."""
    by = store()
    put(by)
    assert by.purge() == 0
    assert by.size()["entries"] == 1


def test_a_fresh_entry_may_stand_in_too() -> None:
    """When the provider fails, whatever is there answers, marked; without `stale_if_error_secs` nothing does."""
    who = head("chat", [("cache-control", "no-cache")])
    for stale_secs, expected in ((60, True), (0, False)):
        by = store(stale_secs=stale_secs)
        put(by)
        hit = by.stale(who, by.read(who, encoded(chat())), "/x")
        assert (hit is not None) == expected
        if hit is not None:
            assert "detail=stale-if-error" in header(hit, "cache-status")
    assert by.stale(who, by.read(who, encoded(chat("never asked"))), "/x") is None


def test_the_number_of_entries_is_bounded() -> None:
    """However many replies come, no more than `max_entries` stay."""
    by = store(max_entries=50)
    for number in range(500):
        assert put(by, chat(f"q{number}")) is None
    assert 0 < by.size()["entries"] <= 50
    assert sum(isinstance(ask(by, chat(f"q{number}")), Hit) for number in range(500)) <= 50


@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_a_small_store_holds_what_it_may(most: int) -> None:
    """The limit is the number that is held, down to one."""
    by = store(max_entries=most)
    for number in range(20):
        assert put(by, chat(f"q{number}")) is None
    assert by.size()["entries"] == most


def test_the_bytes_of_entries_are_bounded() -> None:
    """However large the replies are, no more than `max_bytes` stay; one that is larger than all is refused."""
    by = store(max_bytes=200_000)
    large = complete(completion("x" * 20_000))
    for number in range(100):
        put(by, chat(f"q{number}"), reply=large)
        assert by.size()["bytes"] <= 200_000
    assert 0 < by.size()["entries"] <= 9
    assert put(by, chat("huge"), reply=complete(completion("x" * 300_000))) == "too-large"
    assert isinstance(ask(by, chat("huge")), Request)


def test_only_its_tenant_removes_an_entry() -> None:
    """Removing by key and clearing touch the caller's own entries and no others."""
    by = store()
    two = gate(keys=[("one", b"1" * 16), ("two", b"2" * 16)])
    one: Headers = [("x-api-key", "one")]
    other: Headers = [("x-api-key", "two")]
    for number in range(3):
        put(by, chat(f"q{number}"), one, by=two)
    key = by.read(head("chat", one, by=two), encoded(chat("q0"))).key
    stranger, owner = head("chat", other, by=two), head("chat", one, by=two)
    assert not by.remove(stranger.tenant, key)
    assert by.clear(stranger.tenant) == 0
    assert by.remove(owner.tenant, key)
    assert not by.remove(owner.tenant, key)
    assert isinstance(ask(by, chat("q0"), one, by=two), Request)
    assert by.clear(owner.tenant) == 2
    assert by.size() == {"entries": 0, "bytes": 0}


@pytest.mark.parametrize("key", ["", "x", "0" * 63, "0" * 65, "g" * 64, "é" * 32, "0" * 64, "+f" * 32])
def test_a_key_that_is_none_removes_nothing(key: str) -> None:
    """Whatever is sent as a key, nothing happens and nothing breaks."""
    by = store()
    put(by)
    assert not by.remove(head("chat").tenant, key)
    assert by.size()["entries"] == 1


def test_looking_again_finds_what_came_meanwhile() -> None:
    """A request that waited for another one's reply finds it, in its own form."""
    by = store()
    who = head("chat")
    waiting = by.lookup(who, encoded(chat(stream=True)), "/x")
    assert isinstance(waiting, Request)
    assert by.again(who, waiting, "/x") is None
    put(by)
    hit = by.again(who, waiting, "/x")
    assert hit is not None
    assert header(hit, "content-type").startswith("text/event-stream")


def test_a_flight_is_shared_by_one_key_and_one_form() -> None:
    """Requests share a call if key and form of the reply are the same; the key stands in front."""
    bodies = [chat(), chat(stream=True), chat(stream=True, stream_options={"include_usage": True}), chat("other")]
    requests = [store().read(head("chat"), encoded(body)) for body in bodies]
    assert len({request.flight for request in requests}) == 4
    assert all(request.flight[:32].hex() == request.key for request in requests)
    assert store().read(head("chat"), encoded(chat(user="u"))).flight == requests[0].flight


def test_hits_are_counted_and_quiet_ones_are_not() -> None:
    """A hit counts as a deflected prompt; a look by hand does not."""
    stats = Stats()
    by = store(stats=stats)
    put(by)
    by.lookup(head("chat"), encoded(chat()), "/x", quiet=True)
    assert stats.totals()["total_prompts"] == 0
    ask(by)
    totals = stats.totals()
    assert (totals["total_prompts"], totals["total_deflected_prompts"]) == (1, 1)
    assert stats.recent(5)[0]["final_layer"] == "l1a"
    stats.record(head("chat"), route="/x", layer="l3", status=200)
    assert stats.totals()["total_deflected_prompts"] == 1
    assert [one["final_layer"] for one in stats.recent(5)] == ["l3", "l1a"]
    assert stats.agents()["unknown"]["requests"] == 2


def test_at_most_the_latest_requests_are_kept() -> None:
    """Statistics do not grow with the number of requests."""
    stats = Stats()
    for _ in range(1000):
        stats.record(head("chat"), route="/x", layer="l3", status=200)
    assert len(stats.recent(10_000)) == 200
    assert stats.totals()["total_prompts"] == 1000


def test_a_reply_asked_for_before_an_invalidation_is_not_kept_after_it() -> None:
    """Whoever invalidates means the answers that are on their way as well; later requests do not wait for those."""
    cache, who = store(), head("chat")
    body = encoded(chat())
    before = cache.read(who, body)
    cache.remove(who.tenant, "00" * 32)
    after = cache.read(who, body)
    assert before.flight != after.flight
    assert before.key == after.key
    made = complete()
    assert cache.store(who, before, made) == "invalidated"
    assert cache.store(who, after, made) is None
