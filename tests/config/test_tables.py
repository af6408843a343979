"""Tables that a user writes more than once: how they are given, merged, refused and kept secret."""

from __future__ import annotations

import json
import pickle
import traceback
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isartor.config import Config, Secret, pool, secrets
from isartor.config.upstream import FallbackProvider, Price, ProviderKey, Quota
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from tests.config.reading import Place

KEY = "s3cret-value-of-the-key"

CHAIN = """
llm_provider = "openai"
external_llm_api_key = "sk-0"
key_rotation_strategy = "priority"

[[provider_keys]]
key = "sk-1"
label = "first"

[[provider_keys]]
key = "sk-2"
priority = 2

[[fallback_providers]]
provider = "groq"
model = "llama-3.1-8b-instant"
api_key = "gsk"

[[fallback_providers]]
provider = "azure"
url = "https://mine.openai.azure.com"
azure_deployment_id = "d"
key_cooldown_secs = 5

[[fallback_providers.provider_keys]]
key = "az-1"
"""


def test_a_chain_is_read_from_the_file(place: Place) -> None:
    """Keys, fallback providers and the keys of these keep their order and get their defaults."""
    config = place.config(CHAIN)
    assert config.provider_keys == (
        ProviderKey(key=Secret("sk-1"), label="first"),
        ProviderKey(key=Secret("sk-2"), priority=2),
    )
    assert config.fallback_providers == (
        FallbackProvider(provider="groq", model="llama-3.1-8b-instant", api_key=Secret("gsk")),
        FallbackProvider(
            provider="azure",
            url="https://mine.openai.azure.com",
            azure_deployment_id="d",
            key_cooldown_secs=5,
            provider_keys=(ProviderKey(key=Secret("az-1")),),
        ),
    )
    assert config.inactive == ()


@pytest.mark.parametrize("name", ["ISARTOR__FALLBACK_PROVIDERS", "ISARTOR_FALLBACK_PROVIDERS"])
def test_the_environment_gives_arrays_as_json(place: Place, name: str) -> None:
    """A variable with an array of tables replaces the file's array, an empty one too."""
    entries = [{"provider": "nvidia", "model": "m", "api_key": "k", "provider_keys": []}]
    config = place.config(CHAIN, {name: json.dumps(entries), "ISARTOR_PROVIDER_KEYS": "[]"})
    assert config.fallback_providers == (FallbackProvider(provider="nvidia", model="m", api_key=Secret("k")),)
    assert config.provider_keys == ()


def test_quotas_are_merged_key_by_key(place: Place) -> None:
    """A variable sets one limit of one provider and leaves the file's other limits and providers."""
    file = '[quota.openai]\ndaily_token_limit = 5\naction_on_limit = "block"\n[quota.groq]\nweekly_token_limit = 7'
    env = {"ISARTOR__QUOTA__OPENAI__DAILY_TOKEN_LIMIT": "6", "ISARTOR__QUOTA__XAI": '{"monthly_cost_limit_usd": 1.5}'}
    assert place.config(file, env).quota == {
        "openai": Quota(daily_token_limit=6, action_on_limit="block"),
        "groq": Quota(weekly_token_limit=7),
        "xai": Quota(monthly_cost_limit_usd=1.5),
    }


def test_prices_are_for_providers_and_models(place: Place) -> None:
    """A price may be a provider's or one model's, whose name may hold dots and slashes."""
    file = '[usage_pricing."together/meta/llama-3.1"]\ninput_cost_per_million_usd = 1'
    env = {
        "ISARTOR__USAGE_PRICING__OPENAI__OUTPUT_COST_PER_MILLION_USD": "2.5",
        "ISARTOR__USAGE_PRICING": '{"openai/gpt-4.1": {"cached_input_cost_per_million_usd": 0}}',
    }
    assert place.config(file, env).usage_pricing == {
        "together/meta/llama-3.1": Price(input_cost_per_million_usd=1),
        "openai": Price(output_cost_per_million_usd=2.5),
        "openai/gpt-4.1": Price(cached_input_cost_per_million_usd=0),
    }


def test_gateway_keys_have_limits_and_a_budget(place: Place) -> None:
    """A gateway key may have models, rates and quotas; its budget blocks unless it says otherwise."""
    file = '[[gateway_keys]]\nkey = "k"\nlabel = "a"\nallowed_models = ["gpt-*"]\ndaily_token_limit = 9'
    (key,) = place.config(file + "\nrequests_per_minute = 3\ntokens_per_minute = ''").gateway_keys
    assert (key.label, key.allowed_models, key.daily_token_limit) == ("a", ("gpt-*",), 9)
    assert (key.requests_per_minute, key.tokens_per_minute, key.action_on_limit) == (3, None, "block")


def test_a_gateway_key_lets_listen_outside(place: Place) -> None:
    """One gateway key with a label is enough for an address that others can reach, and nothing is warned of."""
    config = place.config('host = "0.0.0.0"\n[[gateway_keys]]\nkey = "k"\nlabel = "a"')
    assert config.warnings == ()


def test_limits_that_can_be_unset(place: Place) -> None:
    """An optional number is set by file or environment, and unset by an empty string."""
    config = place.config("[rate_limit]\nrequests_per_minute = ''", {"ISARTOR__RATE_LIMIT__TOKENS_PER_MINUTE": "7"})
    assert (config.rate_limit.requests_per_minute, config.rate_limit.tokens_per_minute) == (None, 7)
    with pytest.raises(ConfigError, match="requests_per_minute must be an integer above 0, got 0"):
        place.config("[rate_limit]\nrequests_per_minute = 0")


@pytest.mark.parametrize(
    ("toml", "env", "message"),
    [
        (
            '[[fallback_providers]]\nprovider = "a"\n[[fallback_providers]]\nmodle = "x"',
            {},
            "isartor.toml: fallback_providers[1].modle is not a known setting; did you mean fallback_providers[1].model?",
        ),
        (
            '[[fallback_providers]]\nprovider = "a"\n[[fallback_providers.provider_keys]]\nkye = "x"',
            {},
            "provider_keys[0].kye is not a known setting; did you mean fallback_providers[0].provider_keys[0].key?",
        ),
        (
            "[quota.openai]\ndaily_tokens = 1",
            {},
            "quota.openai.daily_tokens is not a known setting; did you mean quota",
        ),
        ("[quota]\ndaily_token_limit = 1", {}, "quota.daily_token_limit must be a table with daily_token_limit, "),
        ("[[quota]]\nx = 1", {}, "quota must be tables by name"),
        ("[provider_keys]\nkey = 'a'", {}, "provider_keys must be an array of tables"),
        (f'provider_keys = ["{KEY}"]', {}, "provider_keys[0] must be a table with key, priority, label"),
        ("[[provider_keys]]\npriority = 1", {}, "provider_keys[0].key (or key_file) is missing"),
        ("[[provider_keys]]\nkey = ''", {}, "provider_keys[0].key (or key_file) is missing"),
        ("[[gateway_keys]]\nkey = 'a'", {}, "gateway_keys[0].label is missing"),
        (
            f"[[provider_keys]]\nkey = '{KEY}'\npriority = 0",
            {},
            "provider_keys[0].priority must be an integer of at least 1, got 0",
        ),
        (f"[[provider_keys]]\nkey = ['{KEY}']", {}, "provider_keys[0].key must be a string, got something else"),
        ("[quota.a]\naction_on_limit = 'stop'", {}, "must be one of warn, block, fallback, got 'stop'"),
        ("", {"ISARTOR__PROVIDER_KEYS": KEY}, "ISARTOR__PROVIDER_KEYS must be an array of tables as JSON"),
        ("", {"ISARTOR__PROVIDER_KEYS": f'["{KEY}"'}, "ISARTOR__PROVIDER_KEYS must be an array of tables as JSON"),
        (
            "",
            {"ISARTOR__PROVIDER_KEYS": f'[{{"key": "a"}}, {{"kee": "{KEY}"}}]'},
            "ISARTOR__PROVIDER_KEYS[1].kee is not a known setting; did you mean provider_keys[1].key?",
        ),
        (
            "",
            {"ISARTOR__QUOTA__OPENAI__DAILY_TOKENS": "1"},
            "did you mean ISARTOR__QUOTA__OPENAI__DAILY_TOKEN_LIMIT?",
        ),
        ("", {"ISARTOR__QUOTA__OPENAI": "5"}, "ISARTOR__QUOTA__OPENAI (quota.openai) must be a JSON object with daily"),
        ("", {"ISARTOR__QUOTA__OPENAI": "{5"}, "ISARTOR__QUOTA__OPENAI (quota.openai) must be a JSON object"),
        (
            "",
            {"ISARTOR__QUOTA__OPENAI__DAILY_TOKEN_LIMIT": "many"},
            "quota.openai.daily_token_limit) must be an integer above 0, got 'many'",
        ),
        ("", {"ISARTOR__PROVIDER_KEYS__0__KEY": KEY}, "provider_keys.0.key) is not a known setting"),
    ],
)
def test_a_wrong_table_is_explained_unseen(place: Place, toml: str, env: dict[str, str], message: str) -> None:
    """An error in a table has the full path of its key, and shows nothing that could be a secret."""
    with pytest.raises(ConfigError) as caught:
        place.config(toml, env)
    assert message in caught.value.message
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "toml",
    [
        '[[provider_keys]]\nkey_file = "k"',
        '[[gateway_keys]]\nlabel = "a"\nkey_file = "~/k"',
        '[[fallback_providers]]\nprovider = "a"\napi_key_file = "k"',
        '[[fallback_providers]]\nprovider = "a"\n[[fallback_providers.provider_keys]]\nkey = ""\nkey_file = "k"',
    ],
)
def test_every_secret_of_a_table_can_stand_in_a_file(place: Place, toml: str) -> None:
    """Secrets in tables have their `_file` twin; relative paths start at the configuration file."""
    for folder in (place.cwd, place.home):
        (folder / "k").write_text(KEY + "\n")
    assert secrets(place.config(toml)) == (Secret(KEY),)


def test_a_file_named_in_a_variable_is_found(place: Place) -> None:
    """A relative path in JSON starts at the working directory."""
    (place.cwd / "k").write_text(KEY)
    assert secrets(place.config("", {"ISARTOR__PROVIDER_KEYS": '[{"key_file": "k"}]'})) == (Secret(KEY),)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            '[[provider_keys]]\nkey_file = "gone"',
            "provider_keys[0].key_file names {cwd}/gone, which cannot be read: No",
        ),
        ('[[provider_keys]]\nkey_file = ""', "provider_keys[0].key_file must be the path of a file"),
        ('[[provider_keys]]\nkey_file = "a\\u0000b"', "which cannot be read"),
        (f'[[provider_keys]]\nkey = "{KEY}"\nkey_file = "k"', "provider_keys[0] has both key and key_file"),
        (f'[[provider_keys]]\nkey_file = "k"\nkey = "{KEY}"', "provider_keys[0] has both key and key_file"),
        ('[[provider_keys]]\nkey = "a"\nlabel_file = "k"', "label_file is not a known setting"),
    ],
)
def test_an_unusable_file_of_a_table_is_named(place: Place, toml: str, message: str) -> None:
    """A secret's file that is missing or given twice is an error with the key's full path."""
    with pytest.raises(ConfigError) as caught:
        place.config(toml)
    assert message.format(cwd=place.cwd) in caught.value.message
    assert KEY not in caught.value.message


def test_only_the_files_that_count_are_read(place: Place) -> None:
    """An array that is overridden may name files that are gone."""
    file = '[[provider_keys]]\nkey_file = "gone"'
    assert place.config(file, {"ISARTOR__PROVIDER_KEYS": '[{"key": "a"}]'}).provider_keys[0].key == Secret("a")


@pytest.mark.parametrize(
    "env",
    [
        {"ISARTOR__PROVIDER_KEYS": '[{"key": "a"}]', "ISARTOR_PROVIDER_KEYS": '[{"key": "b"}]'},
        {"ISARTOR__QUOTA__A__DAILY_TOKEN_LIMIT": "1", "ISARTOR__QUOTA__A": '{"daily_token_limit": 2}'},
    ],
)
def test_a_table_that_contradicts_itself_is_refused(place: Place, env: dict[str, str]) -> None:
    """The same key of a table given twice in one source, differently, is an error."""
    with pytest.raises(ConfigError, match="differently; give only one"):
        place.config("", env)


def test_parts_of_a_table_add_up(place: Place) -> None:
    """Two variables may each set another key of the same table."""
    env = {"ISARTOR__QUOTA__A__DAILY_TOKEN_LIMIT": "1", "ISARTOR__QUOTA__A": '{"weekly_token_limit": 2}'}
    assert place.config("", env).quota == {"a": Quota(daily_token_limit=1, weekly_token_limit=2)}


def test_the_single_key_joins_the_pool_first() -> None:
    """`external_llm_api_key` beside `provider_keys` is the first of them, and is there once."""
    first, second = ProviderKey(key=Secret("a"), label="x"), ProviderKey(key=Secret("b"), priority=3)
    assert pool(None, (first, second)) == (first, second)
    assert pool(Secret("c"), (first,)) == (ProviderKey(key=Secret("c")), first)
    assert pool(Secret("b"), (first, second)) == (first, second)
    assert pool(None, ()) == ()


def test_a_fallback_provider_without_a_key_gets_its_own_providers(place: Place) -> None:
    """A `[fallback]` key goes to the entry of its provider that has none, and to no other."""
    file = '[fallback]\nanthropic_api_key = "b"\n[[fallback_providers]]\nprovider = "anthropic"\n'
    other = '[[fallback_providers]]\nprovider = "groq"\n[[fallback_providers]]\nprovider = "anthropic"\napi_key = "c"'
    config = place.config(file + other)
    assert [entry.api_key for entry in config.fallback_providers] == [Secret("b"), None, Secret("c")]
    assert (config.external_llm_api_key, config.inactive) == (None, ())


def test_tables_reach_another_process_and_stay_secret(place: Place) -> None:
    """A configuration with tables survives pickling, and shows no secret in any of its texts."""
    config = place.config(CHAIN.replace('"sk-', f'"{KEY}-') + f'[[gateway_keys]]\nkey = "{KEY}"\nlabel = "a"')
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 # our own bytes
    assert KEY not in repr(config) + str(config)
    assert len(secrets(config)) == 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ISARTOR__PROVIDER_KEYS", "[" * 100_000),
        ("ISARTOR__QUOTA__A", '{"a":' * 100_000),
        ("ISARTOR__SERVER", '{"a":' * 100_000),
        ("ISARTOR__ALLOWED_HOSTS", "[" * 100_000),
    ],
)
def test_a_bottomless_value_is_an_error_as_any_other(place: Place, name: str, value: str) -> None:
    """JSON and TOML nested without end are refused, in one line."""
    with pytest.raises(ConfigError, match=name):
        place.config("", {name: value})
    with pytest.raises(ConfigError, match="is nested too deeply"):
        place.config("provider_keys = " + "[" * 100_000)


_NAMES = ["provider_keys", "fallback_providers", "gateway_keys", "quota", "usage_pricing"]
_FIELDS = ["key", "key_file", "label", "provider", "api_key", "provider_keys", "priority", "daily_token_limit", "a"]
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.sampled_from(_NAMES), value=_VALUES)
def test_any_value_of_a_table_gives_a_configuration_or_an_error(place: Place, name: str, value: object) -> None:
    """Whatever stands in the variable of a table, loading ends in a configuration or in a `ConfigError`."""
    try:
        config = place.config("", {f"ISARTOR__{name.upper()}": json.dumps(value)})
    except ConfigError as error:
        assert error.message
    else:
        assert isinstance(config, Config)
