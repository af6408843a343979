"""What tokens cost: a dated table for the models of the default providers, and what the configuration says instead.

The first that there is counts: the configuration's price of `provider/model`, its price of the provider, the table's of
the model at that provider, of which it may be a dated version (`gpt-4o-mini-2024-07-18` costs what `gpt-4o-mini` does).
For everything else a token costs nothing, and reports name the model as one without a price.

The table has what the providers' public lists asked for a million tokens of text on the day that it names: no
surcharges for long prompts, no rebates for batches, no fees for searches. Copilot and Ollama do not ask by the token.
"""

from __future__ import annotations

import importlib.resources
import re
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isartor.config.upstream import Price
    from isartor.ports import Tally

_MILLION: Final = 1_000_000
# What names of models have at their end where only a version differs.
_VERSION: Final = re.compile(r"(-\d{4}-\d{2}-\d{2}|-\d{3,8}|-latest|-preview[-\d]*|-exp[-\d]*|@.*|:.*)$")
# Model names are the clients' to choose.
_REMEMBERED: Final = 4096
# Azure asks what the maker of its models does.
_LENDERS: Final = {"azure": "openai"}


class Rates(msgspec.Struct, frozen=True):
    """US dollars for one token."""

    input: float = 0.0
    output: float = 0.0
    cached: float = 0.0
    """One that the provider had in its prompt cache."""
    cache_write: float = 0.0
    """One that it put there."""
    is_known: bool = True

    def cost(self, tally: Tally) -> float:
        """US dollars for a reply."""
        read, written, cached, cache_write, _, _ = tally
        fresh = read - cached - cache_write
        fresh = max(fresh, 0)
        return fresh * self.input + cached * self.cached + cache_write * self.cache_write + written * self.output


UNKNOWN: Final = Rates(is_known=False)


class _Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """US dollars for a million tokens, as the providers' own price lists have it."""

    input: float
    output: float
    cached: float | None = None
    """None: as input."""
    cache_write: float | None = None
    """None: as input."""

    def rates(self) -> Rates:
        cached = self.input if self.cached is None else self.cached
        cache_write = self.input if self.cache_write is None else self.cache_write
        return Rates(self.input / _MILLION, self.output / _MILLION, cached / _MILLION, cache_write / _MILLION)


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `prices.json`."""

    as_of: str
    """The day on which it was last looked through."""
    providers: dict[str, dict[str, _Listed]]


def table() -> Table:
    """The price table that comes with Isartor."""
    text = importlib.resources.files("isartor.usage").joinpath("prices.json").read_bytes()
    return msgspec.json.decode(text, type=Table)


class Prices:
    """Finds the price of a provider's model."""

    def __init__(self, overrides: Mapping[str, Price] | None = None) -> None:
        """`overrides`: prices of a `provider` or a `provider/model`, from the configuration."""
        known = table()
        self.as_of = known.as_of
        self._table = {
            provider: {model: listed.rates() for model, listed in models.items()}
            for provider, models in known.providers.items()
        }
        self._overrides = {name: _configured(price) for name, price in (overrides or {}).items()}
        self._found: dict[tuple[str, str], Rates] = {}

    def of(self, provider: str, model: str) -> Rates:
        """What a token of that model costs there; `UNKNOWN` if nobody has said."""
        name = provider, model
        found = self._found.get(name)
        if found is None:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            found = self._found[name] = self._find(provider, model)
        return found

    def cost(self, provider: str, model: str, tally: Tally) -> float:
        """US dollars for a reply."""
        return self.of(provider, model).cost(tally)

    def _find(self, provider: str, model: str) -> Rates:
        override = self._overrides.get(f"{provider}/{model}") or self._overrides.get(provider)
        if override is not None:
            return override
        models = self._table.get(_LENDERS.get(provider, provider), {})
        return models.get(model) or models.get(_VERSION.sub("", model)) or models.get("*") or UNKNOWN


def _configured(price: Price) -> Rates:
    cached = price.cached_input_cost_per_million_usd
    listed = _Listed(price.input_cost_per_million_usd, price.output_cost_per_million_usd, cached)
    return listed.rates()
