"""`SemanticCache`: who is looked up, what is served, what is indexed when, and what an audit does."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from isartor.errors import IsartorError, NoProviderError, UpstreamError
from isartor.stack.exchange import Hit
from isartor.stack.l1b import audit
from isartor.stack.l1b.compare import Likeness
from isartor.stack.semantic import Rules
from tests.native.reading import chat, complete, completion, events
from tests.stack.fakes import JSON, SSE, FakeProvider, FakeResponse, everything, header, run, settled
from tests.stack.semantic_fakes import SemanticStack

AUDIT = 0.0
"""What the dice say when there is an audit."""


def reply(text: str = "hello") -> FakeResponse:
    return FakeResponse(200, JSON, [completion(text)])


def judged_as(monkeypatch: pytest.MonkeyPatch, likeness: Likeness) -> None:
    """Have every comparison say so."""

    async def compare(*_: Any) -> Likeness:
        await asyncio.sleep(0)
        return likeness

    monkeypatch.setattr(audit, "compare", compare)


async def first(stack: SemanticStack, **members: Any) -> SemanticStack:
    """Have the question `one` answered, stored and indexed."""
    await stack.ready()
    await stack.ask(chat("one", **members))
    assert [question for _, question in stack.index.kept] == ["one"]
    return stack


# -- serving


def test_another_wording_gets_the_stored_reply() -> None:
    """The second wording is a hit of L1b, and the provider hears of the first only."""

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(reply())))
        answer = await stack.ask(chat("two"))
        assert isinstance(answer, Hit)
        assert answer.body == completion()
        assert stack.layer == "l1b"
        assert len(stack.provider.calls) == 1
        assert (stack.sums["looked"], stack.sums["candidates"], stack.sums["served"]) == (2, 1, 1)
        assert stack.sums["similarity"] == pytest.approx(0.9)

    run(test)


def test_each_request_is_embedded_once() -> None:
    """A miss is read before the provider is asked, and the same reading indexes its reply; a hit of L1a is not read."""

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(reply())))
        await stack.ask(chat("one"))
        assert stack.engine.texts == ["one"]

    run(test)


@pytest.mark.parametrize(
    "other",
    [
        chat("two", model="other"),
        chat("two", temperature=0.5),
        chat("two", max_tokens=5),
        {"model": "m", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "two"}]},
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "b"},
                {"role": "user", "content": "two"},
            ],
        },
    ],
)
def test_only_the_last_turn_may_differ(other: dict[str, Any]) -> None:
    """Another model, parameter, system prompt or earlier turn: nothing is in reach."""

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(reply(), reply())))
        await stack.ask(other)
        assert len(stack.provider.calls) == 2
        assert stack.sums["candidates"] == 0

    run(test)


def test_what_has_no_question_goes_past() -> None:
    """A request with tools is neither read nor counted, and its reply is not indexed."""

    async def test() -> None:
        stack = await SemanticStack(FakeProvider(reply())).ready()
        tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
        answer = await stack.ask(chat("one", tools=[tool]))
        assert header(answer, "cache-status") == "isartor; fwd=uri-miss; stored"
        assert stack.engine.texts == []
        assert stack.index.kept == []
        assert stack.sums["looked"] == 0

    run(test)


def test_a_refused_candidate_is_told_in_cache_status() -> None:
    """The request goes on, and `cache-status` says that L1b had something and why it kept it."""

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(reply(), reply(), reply())))
        stack.index.scores = {("one", "two"): 1.0, ("three", "two"): float("-inf")}
        answer = await stack.ask(chat("two"))
        assert header(answer, "cache-status") == "isartor; fwd=uri-miss; stored; detail=semantic-unsure"
        answer = await stack.ask(chat("three"))
        assert header(answer, "cache-status") == "isartor; fwd=uri-miss; stored; detail=semantic-differs"
        assert stack.sums["refused"] == {"differs": 1, "unsure": 1, "unlike": 0, "bar": 0, "budget": 0, "gone": 0}

    run(test)


def test_what_is_said_of_the_store_comes_before_what_is_said_of_l1b() -> None:
    """There is room for one `detail`; that a reply was not stored says more."""

    async def test() -> None:
        partial = FakeResponse(200, JSON, [b'{"choices":[]}'])
        stack = await first(SemanticStack(FakeProvider(reply(), partial)))
        stack.index.scores = {("one", "two"): 1.0}
        status = header(await stack.ask(chat("two")), "cache-status")
        assert status.count("detail=") == 1
        assert "semantic" not in status
        assert len(stack.index.kept) == 1

    run(test)


def test_cache_mode_semantic_answers_through_l1b_alone() -> None:
    """L1a does not answer, the store is used all the same, and the same question again is a hit of L1b."""

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(reply()), exact=False))
        for question in ("one", "two", "two"):
            answer = await stack.ask(chat(question))
            assert isinstance(answer, Hit)
            assert stack.layer == "l1b"
        assert stack.engine.texts == ["one", "one", "two", "two"]

    run(test)


def test_the_same_request_answered_while_this_one_was_read_is_found() -> None:
    """Reading takes a moment; an equal request whose reply came meanwhile is not asked for again."""

    async def test() -> None:
        stack = await SemanticStack(FakeProvider(reply())).ready()
        stack.engine.may_read.clear()
        stack.engine.mute = {"one"}
        waiting = asyncio.ensure_future(stack.ask(chat("one")))
        await settled()
        late = stack.exchange(chat("one"))
        await stack.exact.answer(late)
        assert late.request is not None
        stack.store.store(late.head, late.request, complete())
        stack.engine.may_read.set()
        assert isinstance(await waiting, Hit)
        assert stack.provider.calls == []

    run(test)


def test_identical_requests_in_flight_share_one_call_and_are_indexed_once() -> None:
    """Followers board the first one's call; its reply goes into the index once."""

    async def test() -> None:
        response = FakeResponse(200, JSON, ends=False)
        stack = await SemanticStack(FakeProvider(response)).ready()
        tasks = []
        for _ in range(3):
            tasks.append(asyncio.ensure_future(stack.ask(chat("one"))))
            await settled()
        response.feed(completion())
        response.end()
        answers = await asyncio.gather(*tasks)
        assert [answer.body for answer in answers] == [completion()] * 3
        assert len(stack.index.kept) == 1

    run(test)


# -- cache controls


def test_no_cache_is_not_looked_up_but_its_reply_is_indexed() -> None:
    """The provider is asked; its reply answers other wordings from then on."""

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(reply(), reply("new"))))
        await stack.ask(chat("two"), [("cache-control", "no-cache")])
        await settled()
        assert len(stack.provider.calls) == 2
        assert stack.sums["looked"] == 1
        assert [question for _, question in stack.index.kept] == ["one", "two"]
        assert (await stack.ask(chat("three"))).body == completion("new")

    run(test)


def test_only_if_cached_may_be_answered_and_is_never_audited() -> None:
    """Who wants nothing but a stored reply gets one of another wording, whatever the dice say; otherwise 504."""

    async def test() -> None:
        stack = SemanticStack(FakeProvider(reply()), chance=AUDIT)
        await first(stack)
        only = [("cache-control", "only-if-cached")]
        assert isinstance(await stack.ask(chat("two"), only), Hit)
        stack.index.scores = {("one", "three"): 0.0}
        with pytest.raises(IsartorError) as caught:
            await stack.ask(chat("three"), only)
        assert caught.value.status == 504

    run(test)


def test_no_store_may_be_answered_and_leaves_nothing() -> None:
    """A stored reply may answer it; one that the provider gives is neither stored nor indexed, nor compared."""

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(reply(), reply()), chance=AUDIT))
        assert isinstance(await stack.ask(chat("two"), [("cache-control", "no-store")]), Hit)
        stack.index.scores = {("one", "three"): 0.0}
        await stack.ask(chat("three"), [("cache-control", "no-store")])
        assert len(stack.index.kept) == 1
        assert stack.sums["audits"]["chosen"] == 0

    run(test)


def test_a_failing_provider_gets_no_help_from_other_wordings() -> None:
    """`stale_if_error_secs` is about the same request; a refused candidate stays refused when the provider fails."""

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(reply(), UpstreamError("down")), stale_secs=100))
        stack.index.scores = {("one", "two"): 0.0}
        with pytest.raises(UpstreamError):
            await stack.ask(chat("two"))

    run(test)


# -- what is indexed


@pytest.mark.parametrize(
    "response",
    [
        FakeResponse(500, JSON, [b'{"error":{"message":"no","type":"x","param":null,"code":null}}']),
        FakeResponse(200, JSON, [b'{"choices":[]}']),
        FakeResponse(200, JSON, [completion(), UpstreamError("cut")]),
        FakeResponse(200, JSON, [b"<html>"]),
    ],
)
def test_a_reply_that_was_not_stored_is_not_indexed(response: FakeResponse) -> None:
    """An error, an incomplete reply, one that broke off: none of them is ever proposed."""

    async def test() -> None:
        stack = await SemanticStack(FakeProvider(response)).ready()
        try:
            await stack.ask(chat("one"))
        except UpstreamError:
            pass
        assert stack.entries == 0
        assert stack.index.kept == []

    run(test)


def test_a_stream_is_indexed_when_it_is_complete() -> None:
    """Before its end a stream is in no index; afterwards other wordings get it."""

    async def test() -> None:
        response = FakeResponse(200, SSE, ends=False)
        stack = await SemanticStack(FakeProvider(response)).ready()
        usage = {"stream": True, "stream_options": {"include_usage": True}}
        answer = await stack.ask(chat("one", **usage))
        data = events()
        response.feed(data[:-20])
        await settled()
        assert stack.index.kept == []
        response.feed(data[-20:])
        response.end()
        await everything(answer)
        assert [question for _, question in stack.index.kept] == ["one"]
        assert isinstance(await stack.ask(chat("two", **usage)), Hit)

    run(test)


def test_while_it_loads_requests_go_on_and_their_replies_are_indexed_later() -> None:
    """Nobody waits for the model; what the provider answers meanwhile is found once the model is there."""

    async def test() -> None:
        stack = SemanticStack(FakeProvider(reply()))
        stack.semantic.start(asyncio.get_running_loop())
        await settled()
        assert stack.semantic.state == "loading"
        answer = await stack.ask(chat("one"))
        assert header(answer, "cache-status") == "isartor; fwd=uri-miss; stored"
        assert stack.sums["skipped"]["loading"] == 1
        await stack.ready()
        await settled()
        assert stack.semantic.state == "active"
        assert isinstance(await stack.ask(chat("two")), Hit)

    run(test)


def test_without_a_model_everything_else_goes_on() -> None:
    """A model that cannot be loaded leaves a gateway without L1b, and a state that says why."""

    async def test() -> None:
        stack = SemanticStack(FakeProvider(reply(), reply()))
        stack.engine.hopeless = True
        await stack.ready()
        await stack.ask(chat("one"))
        await stack.ask(chat("two"))
        assert stack.semantic.state == "unavailable: no model"
        assert stack.sums["skipped"]["unavailable"] == 2
        assert stack.semantic.quarantine(bytes(16), "0" * 64) is None
        assert stack.semantic.entries(bytes(16), 5) == []
        await stack.semantic.close()
        assert stack.engine.closed

    run(test)


def test_a_question_that_cannot_be_read_goes_on() -> None:
    """No reading: no search, no index, no error."""

    async def test() -> None:
        stack = await SemanticStack(FakeProvider(reply())).ready()
        stack.engine.mute = {"one"}
        await stack.ask(chat("one"))
        assert stack.index.kept == []
        assert stack.sums["looked"] == 0

    run(test)


def test_a_fault_of_the_index_is_no_fault_of_the_request(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the index raises, in a search or when it keeps, is counted and logged once a minute."""

    async def test() -> None:
        stack = await SemanticStack(FakeProvider(*[reply() for _ in range(5)])).ready()
        stack.index.broken = ValueError("expected 384 numbers, got 4")
        for number in range(5):
            assert (await stack.ask(chat(str(number)))).body == completion()
        assert stack.sums["skipped"]["fault"] == 10

    with caplog.at_level(logging.ERROR):
        run(test)
    assert len([record for record in caplog.records if "semantic cache failed" in record.message]) == 1


def test_the_log_has_numbers_and_no_texts(caplog: pytest.LogCaptureFixture) -> None:
    """The debug line of a candidate tells likeness and decision, and nothing of what was said."""

    async def test() -> None:
        stack = await SemanticStack(FakeProvider(reply("SECRET REPLY"))).ready()
        await stack.ask(chat("SECRET ONE"))
        await stack.ask(chat("SECRET TWO"))

    with caplog.at_level(logging.DEBUG, logger="isartor.semantic"):
        run(test)
    lines = [record for record in caplog.records if record.message == "semantic candidate"]
    assert len(lines) == 1
    assert (lines[0].__dict__["similarity"], lines[0].__dict__["action"]) == (0.9, "serve")
    assert "SECRET" not in str([record.__dict__ for record in caplog.records])


# -- audits


def test_an_audit_goes_to_the_provider_and_is_compared() -> None:
    """The client gets the fresh reply, which is stored and indexed as any other; the same text is agreement."""

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(reply("stored"), reply("stored")), chance=AUDIT))
        answer = await stack.ask(chat("two"))
        await settled()
        assert header(answer, "x-isartor-layer") == "l3"
        assert header(answer, "cache-status") == "isartor; fwd=uri-miss; stored; detail=semantic-audit"
        assert stack.sums["audits"] == {"chosen": 1, "agree": 1, "disagree": 0, "unclear": 0, "skipped": 0}
        assert [question for _, question in stack.index.kept] == ["one", "two"]
        assert stack.index.quarantined == []
        assert stack.sums["served"] == 0

    run(test)


def test_the_very_same_question_is_not_audited() -> None:
    """Where L1a does not answer, a repeat is L1b's; its second reply would say nothing of wordings."""

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(reply()), exact=False, chance=AUDIT))
        assert isinstance(await stack.ask(chat("one")), Hit)

    run(test)


def test_a_disagreement_takes_the_entry_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The pair is never proposed again, the entry is gone, the fresh reply stays, and the outcome is written down."""
    judged_as(monkeypatch, Likeness.DISAGREE)

    async def test() -> None:
        file = tmp_path / "outcomes.jsonl"
        stack = await first(SemanticStack(FakeProvider(reply(), reply("new")), chance=AUDIT, outcomes=file))
        key = stack.index.kept[0][0].key
        await stack.ask(chat("two"))
        await settled()
        assert stack.index.quarantined == [key]
        assert [pair[1] for pair in stack.index.barred] == [key]
        assert [question for _, question in stack.index.kept] == ["two"]
        line = json.loads(file.read_text())
        assert (line["right"], line["source"], line["similarity"], line["score"]) == (False, "audit", 0.9, 10.0)

    run(test)


def test_what_cannot_be_told_apart_teaches_nothing(tmp_path: Path) -> None:
    """An unclear comparison, and a reply that is more than text, are counted and change nothing."""

    async def test() -> None:
        file = tmp_path / "outcomes.jsonl"
        provider = FakeProvider(reply("a"), reply("b"), reply("c"))
        stack = await first(SemanticStack(provider, chance=AUDIT, outcomes=file))
        stack.index.replies = {"two": None}
        await stack.ask(chat("two"))
        await stack.ask(chat("three"))
        await settled()
        assert stack.sums["audits"]["unclear"] == 2
        assert stack.index.quarantined == []
        assert not file.exists()

    run(test)


@pytest.mark.parametrize(
    "failure",
    [
        UpstreamError("down"),
        NoProviderError("no key"),
        FakeResponse(401, JSON, [b'{"error":{"message":"no","type":"x","param":null,"code":null}}']),
        FakeResponse(503, JSON, [b'{"error":{"message":"no","type":"x","param":null,"code":null}}']),
    ],
)
def test_an_audit_never_costs_an_answer(failure: FakeResponse | IsartorError) -> None:
    """If the provider has none, the reply that the audit withheld is served after all."""

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(reply(), failure), chance=AUDIT))
        answer = await stack.ask(chat("two"))
        assert isinstance(answer, Hit)
        assert answer.body == completion()
        assert (stack.sums["served"], stack.sums["stood_in"]) == (1, 1)

    run(test)


def test_at_most_four_comparisons_run_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth is skipped and counted; no client waits for any of them."""
    go = asyncio.Event()

    async def compare(*_: Any) -> Likeness:
        await go.wait()
        return Likeness.AGREE

    monkeypatch.setattr(audit, "compare", compare)

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(*[reply(str(n)) for n in range(7)]), chance=AUDIT))
        for number in range(6):
            await stack.ask(chat(f"other {number}"))
        assert stack.sums["audits"]["skipped"] == 2
        go.set()
        await settled()
        assert stack.sums["audits"]["agree"] == 4

    run(test)


def test_what_the_bar_keeps_out_is_compared_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a wrong audit the bar is up: the next one like it is refused, but its replies are compared too."""
    judged_as(monkeypatch, Likeness.DISAGREE)

    async def test() -> None:
        stack = await first(SemanticStack(FakeProvider(*[reply() for _ in range(4)]), chance=AUDIT))
        await stack.ask(chat("two"))
        await settled()
        judged_as(monkeypatch, Likeness.AGREE)
        answer = await stack.ask(chat("three"))
        await settled()
        assert header(answer, "cache-status").endswith("detail=semantic-bar")
        assert stack.sums["shadows"]["agree"] == 1
        assert stack.sums["audits"]["chosen"] == 1

    run(test)


def test_threshold_looks_at_likeness_alone_and_is_audited_too() -> None:
    """`policy = "threshold"` serves what the verifier excludes; audits count its errors."""

    async def test() -> None:
        rules = Rules(policy="threshold", similarity_threshold=0.85)
        stack = await first(SemanticStack(FakeProvider(reply("stored"), reply("stored")), rules=rules))
        stack.index.scores = {("one", "two"): float("-inf"), ("one", "three"): 9.0}
        assert isinstance(await stack.ask(chat("two")), Hit)
        assert stack.sums["risk"] == pytest.approx(1.0)
        stack.chance = AUDIT
        await stack.ask(chat("three"))
        await settled()
        assert stack.sums["audits"]["agree"] == 1
        high = await first(
            SemanticStack(FakeProvider(reply(), reply()), rules=Rules(policy="threshold", similarity_threshold=0.95))
        )
        assert header(await high.ask(chat("two")), "cache-status").endswith("detail=semantic-unlike")

    run(test)


# -- reports and what workers share


def test_a_report_teaches(tmp_path: Path) -> None:
    """A pair that a user found wrong is an outcome, and is written down."""

    async def test() -> None:
        file = tmp_path / "outcomes.jsonl"
        stack = await first(SemanticStack(FakeProvider(reply()), outcomes=file))
        found = stack.semantic.quarantine(bytes(16), stack.index.kept[0][0].key)
        assert found is not None
        assert found.pair is not None
        stack.semantic.report(found.pair)
        assert stack.sums["reports"] == 1
        assert json.loads(file.read_text())["source"] == "report"

    run(test)


def test_what_one_worker_learns_the_others_learn(tmp_path: Path) -> None:
    """Outcomes of others count from the next look into the file on, and after a restart."""

    async def test() -> None:
        file = tmp_path / "outcomes.jsonl"
        here = await SemanticStack(FakeProvider(reply(), reply()), outcomes=file).ready()
        there = await SemanticStack(FakeProvider(), outcomes=file).ready()
        await here.ask(chat("one"))
        for _ in range(200):
            there.semantic.report((0.9, 5.0))
        here.index.scores = {("one", "two"): 5.0}
        here.semantic.tick()
        assert header(await here.ask(chat("two")), "cache-status").endswith("detail=semantic-unsure")
        later = await SemanticStack(FakeProvider(reply(), reply()), outcomes=file).ready()
        await later.ask(chat("one"))
        later.index.scores = {("one", "two"): 5.0}
        assert header(await later.ask(chat("two")), "cache-status").endswith("detail=semantic-unsure")

    run(test)
