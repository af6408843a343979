"""What tokens cost."""

from __future__ import annotations

from datetime import date

import pytest

from isartor.config.upstream import Price
from isartor.ports import Tally
from isartor.usage.prices import Prices, table

PRICES = Prices()
MILLION = Tally(input=1_000_000)


@pytest.mark.parametrize(
    ("provider", "model", "dollars"),
    [
        ("openai", "gpt-4o-mini", 0.15),
        ("openai", "gpt-4o-mini-2024-07-18", 0.15),
        ("openai", "gpt-4o", 2.5),
        ("azure", "gpt-4o", 2.5),
        ("anthropic", "claude-3-5-sonnet-20241022", 3),
        ("anthropic", "claude-sonnet-4-5-20250929", 3),
        ("anthropic", "claude-opus-4-20250514", 15),
        ("anthropic", "claude-opus-4-5", 5),
        ("gemini", "gemini-2.0-flash-001", 0.1),
        ("mistral", "mistral-small-latest", 0.1),
        ("groq", "llama-3.1-8b-instant", 0.05),
        ("ollama", "anything:7b", 0),
    ],
)
def test_a_model_costs_what_its_provider_asks(provider: str, model: str, dollars: float) -> None:
    """Under its name, and under that of a dated version."""
    assert PRICES.of(provider, model).is_known
    assert PRICES.cost(provider, model, MILLION) == pytest.approx(dollars)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-mini-tts"),
        ("openai", "o3-deep-research"),
        ("groq", "gpt-4o-mini"),
        ("mira", "x"),
        ("openai", ""),
    ],
)
def test_what_is_not_in_the_table_costs_nothing_and_is_known_as_that(provider: str, model: str) -> None:
    """A name that only begins alike is another model, and another provider another price."""
    assert not PRICES.of(provider, model).is_known
    assert PRICES.cost(provider, model, MILLION) == 0


def test_each_kind_of_token_has_its_price() -> None:
    """Cached ones are cheaper, those put into the cache dearer; reasoning is output."""
    tally = Tally(input=1000, cached=700, cache_write=200, output=100, reasoning=60)
    expected = (100 * 3 + 700 * 0.3 + 200 * 3.75 + 100 * 15) / 1e6
    assert PRICES.cost("anthropic", "claude-sonnet-4-5", tally) == pytest.approx(expected)


def test_the_configuration_wins() -> None:
    """The model's own price before the provider's, both before the table."""
    own = Prices(
        {
            "openai": Price(input_cost_per_million_usd=7, output_cost_per_million_usd=8),
            "openai/gpt-4o": Price(input_cost_per_million_usd=1, cached_input_cost_per_million_usd=0.5),
            "openrouter/openai/gpt-4o-mini": Price(input_cost_per_million_usd=9),
        }
    )
    assert own.cost("openai", "gpt-4o-mini", MILLION) == pytest.approx(7)
    assert own.cost("openai", "gpt-4o", MILLION) == pytest.approx(1)
    assert own.cost("openrouter", "openai/gpt-4o-mini", MILLION) == pytest.approx(9)
    half = Tally(input=1_000_000, cached=1_000_000)
    # Without a price for cached tokens they cost as much as any other.
    assert own.cost("openai", "gpt-4o", half) == pytest.approx(0.5)
    assert own.cost("openai", "gpt-4o-mini", half) == pytest.approx(7)
    assert own.cost("anthropic", "claude-3-haiku-20240307", MILLION) == pytest.approx(0.25)


def test_a_provider_cannot_make_a_cost_negative() -> None:
    """More cached tokens than tokens are all that there is to pay for."""
    assert PRICES.cost("openai", "gpt-4o-mini", Tally(input=10, cached=100)) == pytest.approx(100 * 0.075e-6)


def test_the_table_is_one() -> None:
    """With a day, and prices that can be."""
    known = table()
    assert date.fromisoformat(known.as_of) >= date(2026, 1, 1)
    for models in known.providers.values():
        for price in models.values():
            assert 0 <= price.input <= 200
            assert 0 <= price.output <= 600
            assert price.cached is None or 0 <= price.cached <= price.input
            assert price.cache_write is None or price.cache_write >= price.input


def test_there_is_a_bound_to_what_is_remembered() -> None:
    """Clients choose the names of models."""
    prices = Prices()
    for number in range(10_000):
        prices.of("custom", f"model-{number}")
    assert len(prices._found) <= 4096
