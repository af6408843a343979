"""Rules for keys and chains, and what is pointed out about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isartor.errors import ConfigError

if TYPE_CHECKING:
    from tests.config.reading import Place

KEY = "s3cret-value-of-the-key"


def _keys(*tables: str, name: str = "provider_keys") -> str:
    return "".join(f"[[{name}]]\n{table}\n" for table in tables)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            _keys(f'key = "{KEY}"', 'key = "b"', f'key = "{KEY}"'),
            "provider_keys[2].key is that of provider_keys[0] too; a key must be given once",
        ),
        (
            _keys('key = "a"\nlabel = "x"', 'key = "b"\nlabel = "x"'),
            "provider_keys[1].label is that of provider_keys[0] too; a label must be unique",
        ),
        (
            _keys('key = "a"\nlabel = "x"', 'key = "b"\nlabel = "x"', name="gateway_keys"),
            "gateway_keys[1].label is that of gateway_keys[0] too",
        ),
        (
            f'gateway_api_key = "{KEY}"\n' + _keys(f'key = "{KEY}"\nlabel = "x"', name="gateway_keys"),
            "gateway_keys[0].key is gateway_api_key too",
        ),
        (_keys('key = "a"\nlabel = " x"', name="gateway_keys"), "gateway_keys[0].label must be a name on one line"),
        (
            _keys('key = "a"\nlabel = "x"\nallowed_models = ["gpt", "*-4"]', name="gateway_keys"),
            "gateway_keys[0].allowed_models must be a model's name, or how it begins with * at the end, got '*-4'",
        ),
        (
            'llm_provider = "copilot"\n' + _keys('key = "a"'),
            "cannot be used with copilot, which takes one key: external",
        ),
        (
            '[[fallback_providers]]\nprovider = "copilot"\n[[fallback_providers.provider_keys]]\nkey = "a"',
            "cannot be used with copilot, which takes one key: fallback_providers[0].api_key",
        ),
        ('[[fallback_providers]]\nprovider = "Open AI"', "fallback_providers[0].provider must be a provider's name"),
        ('[[fallback_providers]]\nprovider = "a"\nurl = "a"', "fallback_providers[0].url must be a URL"),
        (
            f'[[fallback_providers]]\nprovider = "a"\nurl = "https://u:{KEY}@h"',
            "must not contain a user name or password; the provider's key goes into fallback_providers[0].api_key",
        ),
        ("[quota.OpenAI]\ndaily_token_limit = 1", "quota: the name of a table must be a provider's name in lower case"),
        ('[usage_pricing."/m"]\n', "usage_pricing: the name of a table must be a provider's name in lower case, or"),
        ('[usage_pricing."openai/"]\n', "usage_pricing: the name of a table"),
        ("[concurrency]\nmin = 9\nmax = 8", "concurrency.min must be at most concurrency.max (8), got 9"),
        ("[concurrency]\nmin = 999", "concurrency.min must be at most concurrency.max (400), got 999"),
        ("[retry]\nbase_delay_ms = 9\nmax_delay_ms = 8", "retry.base_delay_ms must be at most retry.max_delay_ms (8)"),
    ],
)
def test_a_rule_that_is_broken_is_told(place: Place, toml: str, message: str) -> None:
    """Keys and labels are there once, names have their form, and no key is shown."""
    with pytest.raises(ConfigError) as caught:
        place.config(toml)
    assert message in caught.value.message
    assert KEY not in caught.value.message


def test_a_variables_place_is_named(place: Place) -> None:
    """A rule broken by a variable names the variable and the entry in it."""
    with pytest.raises(ConfigError, match=r"ISARTOR__PROVIDER_KEYS\[1\]\.key is that of"):
        place.config("", {"ISARTOR__PROVIDER_KEYS": '[{"key": "a"}, {"key": "a"}]'})


def test_a_lower_maximum_needs_no_second_setting(place: Place) -> None:
    """The smaller of two limits follows the larger, if only that is set."""
    config = place.config("concurrency.max = 2\nretry.max_delay_ms = 100")
    assert (config.concurrency.min, config.retry.base_delay_ms) == (2, 100)


@pytest.mark.parametrize(
    ("toml", "warning"),
    [
        ("[quota.groq]\ndaily_token_limit = 1", "quota.groq has no effect: the providers in use are openai"),
        ("[quota.openai]\naction_on_limit = 'block'", "quota.openai sets no limit"),
        (
            "[quota.openai]\ndaily_token_limit = 1\naction_on_limit = 'fallback'",
            'quota.openai.action_on_limit = "fallback" is "block" here: no provider comes after openai',
        ),
        (
            "[usage_pricing.groq]\ninput_cost_per_million_usd = 1",
            "usage_pricing.groq has no effect: the providers in use are openai",
        ),
        ("hedge_after_ms = 100", "hedge_after_ms has no effect without fallback_providers"),
    ],
)
def test_a_setting_without_effect_is_pointed_out(place: Place, toml: str, warning: str) -> None:
    """What is set and does nothing is a warning, and is none once it does something."""
    (found,) = place.config(toml).warnings
    assert warning in found
    more = '\n[[fallback_providers]]\nprovider = "groq"\n' + _keys('key = "a"')
    if "sets no" not in warning:
        assert place.config(toml + more).warnings == ()
