"""`AllowedModels`: which models a gateway key may ask for."""

from __future__ import annotations

import pytest

from isartor.errors import ForbiddenError
from isartor.stack.limits import AllowedModels
from tests.native.reading import chat
from tests.stack.fakes import FakeProvider, Stack, run
from tests.stack.limits.making import key

KEYS = (key("a", models=("gpt-4o-mini", "claude-*")), key("b"))


@pytest.mark.parametrize(
    ("tenant", "model", "passes"),
    [
        ("a", "gpt-4o-mini", True),
        ("a", "gpt-4o-mini-2024", False),
        ("a", "GPT-4o-mini", False),
        ("a", "claude-opus-5-5", True),
        ("a", "my-claude-x", False),
        ("b", "anything", True),
        ("", "anything", True),
    ],
)
def test_a_model_is_one_of_the_list(tenant: str, model: str, *, passes: bool) -> None:
    """By its whole name, or by its beginning before a `*`; a key without a list, and no key, may ask for all."""

    async def test() -> None:
        stack = Stack(FakeProvider())
        given = stack.exchange(chat(model=model))
        given.tenant = tenant
        await stack.exact.answer(given)
        layer = AllowedModels(KEYS, "default")
        if passes:
            await layer.answer(given)
            return
        with pytest.raises(ForbiddenError) as caught:
            await layer.answer(given)
        error = caught.value
        assert (error.status, error.code, error.param) == (403, "model_not_allowed", "model")
        for word in (f"'{tenant}'", f"'{model}'", "gpt-4o-mini, claude-*"):
            assert word in error.message

    run(test)


@pytest.mark.parametrize(("default", "passes"), [("claude-x", True), ("other", False)])
def test_without_a_model_it_is_the_providers_own(default: str, *, passes: bool) -> None:
    """Which one answers is known before it is asked."""

    async def test() -> None:
        stack = Stack(FakeProvider())
        given = stack.exchange({"prompt": "x"}, endpoint="native")
        given.tenant = "a"
        await stack.exact.answer(given)
        layer = AllowedModels(KEYS, default)
        if passes:
            await layer.answer(given)
            return
        with pytest.raises(ForbiddenError):
            await layer.answer(given)

    run(test)


def test_without_a_list_there_is_no_layer() -> None:
    """It is false when no key has one."""
    assert AllowedModels(KEYS, "m")
    assert not AllowedModels([key("b")], "m")
