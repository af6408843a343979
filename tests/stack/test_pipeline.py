"""`Pipeline` and `ExactCache`: the layers, in their order."""

from __future__ import annotations

import pytest

from isartor._native import Hit
from isartor.errors import NoProviderError, RequestError
from isartor.stack.exact import ExactCache
from isartor.stack.exchange import Answer, Exchange, Whole
from isartor.stack.gate import Gatekeeper
from isartor.stack.limits import AllowedModels
from isartor.stack.pipeline import Pipeline
from tests.native import reading
from tests.native.reading import chat, complete, completion
from tests.stack.fakes import FakeProvider, Stack, run
from tests.stack.semantic_fakes import SemanticStack


class Noted:
    """A layer that notes who came, and has the reply or not."""

    def __init__(self, name: str, came: list[str], answer: Answer | None = None) -> None:
        """`came`: where it notes."""
        self.name = name
        self._came = came
        self._answer = answer

    async def answer(self, exchange: Exchange) -> Answer | None:
        """Note it."""
        self._came.append(f"{self.name} as {exchange.layer}")
        return self._answer


def pipeline(came: list[str], *, exact: Answer | None = None, cloud: Answer | None = None) -> Pipeline:
    """Make a stack of noted layers."""
    layers = {"gate": Noted("l0", came), "exact": Noted("l1a", came, exact), "cloud": Noted("l3", came, cloud)}
    return Pipeline(**layers)  # type: ignore[arg-type]  # fakes


def test_the_layers_are_the_documented_list() -> None:
    """L0, L1a, L1b, L3: the layers that this version has, in the order of the design; L1b may be off."""
    stack = SemanticStack(FakeProvider())
    gate = Gatekeeper(max_body_bytes=1, body_timeout_secs=1)
    real = Pipeline(gate=gate, exact=stack.exact, semantic=stack.semantic, cloud=stack.cloud)
    assert [layer.name for layer in real.layers] == ["l0", "l1a", "l1b", "l3"]
    allowed = AllowedModels([], "m")
    limited = Pipeline(gate=gate, exact=stack.exact, allowed=allowed, semantic=stack.semantic, cloud=stack.cloud)
    assert limited.layers.index(allowed) == 2  # the model is known, and nothing has been searched yet
    without = Pipeline(gate=gate, exact=stack.exact, cloud=stack.cloud)
    assert [layer.name for layer in without.layers] == ["l0", "l1a", "l3"]


def test_the_first_reply_wins() -> None:
    """A layer that has the reply ends the way; the exchange says how far it came."""

    async def test() -> None:
        reply = Whole(200, [], b"x")
        stack = Stack(FakeProvider())
        for options, expected in (
            ({"exact": reply, "cloud": reply}, ["l0 as l0", "l1a as l1a"]),
            ({"cloud": reply}, ["l0 as l0", "l1a as l1a", "l3 as l3"]),
        ):
            came: list[str] = []
            exchange = stack.exchange(chat())
            assert await pipeline(came, **options).answer(exchange) is reply
            assert came == expected
            assert exchange.layer == expected[-1].split()[0]

    run(test)


def test_no_reply_at_all_is_an_error() -> None:
    """A stack in which nobody answers says so; it makes nothing up."""

    async def test() -> None:
        with pytest.raises(NoProviderError) as caught:
            await pipeline([]).answer(Stack(FakeProvider()).exchange(chat()))
        assert caught.value.status == 503

    run(test)


def test_l1a_gives_the_hit_or_leaves_the_view() -> None:
    """A hit ends the way; a miss leaves what the layers below need."""

    async def test() -> None:
        stack = Stack(FakeProvider())
        missed = stack.exchange(chat())
        assert await stack.exact.answer(missed) is None
        assert missed.request is not None
        stack.store.store(missed.head, missed.request, complete())
        again = stack.exchange(chat())
        hit = await stack.exact.answer(again)
        assert isinstance(hit, Hit)
        assert hit.body == completion()

    run(test)


def test_with_the_cache_off_l1a_reads_and_never_answers() -> None:
    """A stored reply is not looked at; the view is still there."""

    async def test() -> None:
        stack = Stack(FakeProvider())
        first = stack.exchange(chat())
        await stack.exact.answer(first)
        assert first.request is not None
        stack.store.store(first.head, first.request, complete())
        off = ExactCache(stack.store, enabled=False)
        again = stack.exchange(chat())
        assert await off.answer(again) is None
        assert again.request is not None
        assert again.request.key == first.request.key

    run(test)


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize(
    ("body", "param", "start"),
    [
        (b"{", None, "not valid JSON"),
        (b'{"model":"m","messages":[{"role":tru}]}', "messages[0].role", "messages[0].role: not valid JSON"),
        (b'{"model":"m","messages":[]}', "messages", "messages: must not be empty."),
        (b"[]", None, "the body must be an object"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_400_that_names_the_place(
    body: bytes, param: str | None, start: str, *, enabled: bool
) -> None:
    """The message starts with the path of the member at fault, which is also the error's `param`."""

    async def test() -> None:
        layer = ExactCache(reading.store(), enabled=enabled)
        with pytest.raises(RequestError) as caught:
            await layer.answer(Stack(FakeProvider()).exchange(body))
        assert (caught.value.status, caught.value.param) == (400, param)
        assert caught.value.message.startswith(start)
        assert caught.value.message.endswith(".")

    run(test)
