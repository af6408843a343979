"""What models take is told by their names."""

from __future__ import annotations

import pytest

from isartor.formats.anthropic import abilities


@pytest.mark.parametrize(
    ("model", "adaptive", "sampling", "both", "system"),
    [
        ("claude-3-opus-20240229", False, True, True, False),
        ("claude-3-7-sonnet-latest", False, True, True, False),
        ("claude-sonnet-4-20250514", False, True, True, False),
        ("claude-opus-4-1-20250805", False, True, False, False),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", False, True, False, False),
        ("claude-haiku-4-5", False, True, False, False),
        ("anthropic/claude-opus-4.6", True, True, False, False),
        ("claude-opus-4-7", True, False, False, False),
        ("claude-opus-4-8@20260528", True, False, False, True),
        ("claude-sonnet-5", True, False, False, True),
        ("claude-opus-5-5", True, False, False, True),
        ("claude-mythos-preview", True, False, False, False),
        ("deepseek-chat", False, True, True, False),
        ("", False, True, True, False),
    ],
)
def test_of(model: str, adaptive: bool, sampling: bool, both: bool, system: bool) -> None:
    """Families and versions, whatever stands before and after them."""
    able = abilities.of(model)
    assert (able.adaptive, able.sampling, able.both, able.system) == (adaptive, sampling, both, system)


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-3-7-sonnet-latest", 64_000),
        ("claude-opus-4-1", 32_000),
        ("claude-sonnet-4-5", 64_000),
        ("claude-opus-5-5", 128_000),
        ("claude-fable-5-1", 128_000),
        ("kimi-k2", None),
    ],
)
def test_limits(model: str, limit: int | None) -> None:
    """The longest reply of a model."""
    assert abilities.of(model).limit == limit


@pytest.mark.parametrize(
    ("model", "efforts"),
    [
        ("claude-sonnet-4-5", ()),
        ("claude-opus-4-5", ("low", "medium", "high")),
        ("claude-sonnet-4-6", ("low", "medium", "high", "max")),
        ("claude-opus-4-7", ("low", "medium", "high", "xhigh", "max")),
    ],
)
def test_efforts(model: str, efforts: tuple[str, ...]) -> None:
    """Newer models know more words for effort."""
    assert abilities.of(model).efforts == efforts
