"""Where settings come from, which of them wins, and what is refused."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isartor.config import Config, Secret, Server, load
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.config.reading import Place


def test_nothing_set_gives_the_defaults(place: Place) -> None:
    """Without a file, environment or options, the configuration is the schema's defaults."""
    assert place.config() == Config()


def test_the_defaults_are_the_promised_ones(place: Place) -> None:
    """The defaults that the documents promise are the defaults."""
    config = place.config()
    assert (config.server.host, config.server.port, config.server.workers) == ("127.0.0.1", 8080, 1)
    assert (config.server.max_body_bytes, config.server.shutdown_grace_secs) == (32 * 1024 * 1024, 30)
    assert (config.cache_mode, config.cache_ttl_secs, config.cache_max_capacity) == ("both", 300, 10_000)
    assert (config.cache_max_bytes, config.cache_max_entry_bytes) == (256 * 1024 * 1024, 8 * 1024 * 1024)
    assert (config.llm_provider, config.l3_timeout_secs, config.stale_if_error_secs) == ("openai", 120, 0)


def test_later_sources_win(place: Place) -> None:
    """The command line beats the environment, which beats the file, which beats the default."""
    file, env = "cache_ttl_secs = 1\ncache_max_capacity = 2\nport = 3", {"ISARTOR__CACHE_MAX_CAPACITY": "4"}
    loaded = place.loaded(file, env | {"ISARTOR__PORT": "5"}, port=6)
    config = loaded.config
    assert (config.cache_ttl_secs, config.cache_max_capacity, config.server.port) == (1, 4, 6)
    assert loaded.origins == {
        "cache_ttl_secs": str(place.file),
        "cache_max_capacity": "ISARTOR__CACHE_MAX_CAPACITY",
        "port": "command line",
    }


def test_the_working_directory_beats_the_home(place: Place) -> None:
    """`~/.isartor/isartor.toml` is read only if the working directory has no `isartor.toml`."""
    (place.home / ".isartor" / "isartor.toml").write_text("port = 1")
    assert place.config().server.port == 1
    assert place.config("cache_ttl_secs = 9").server.port == 8080


def test_a_given_path_is_read_and_must_exist(place: Place, tmp_path: Path) -> None:
    """`path=` is read instead of looking for a file, and a missing one is an error that names it."""
    other = tmp_path / "other.toml"
    with pytest.raises(ConfigError, match=r"other\.toml cannot be read: No such file"):
        load(path=other, environ={}, cwd=place.cwd, home=place.home)
    other.write_text("port = 7")
    assert load(path=other, environ={}, cwd=place.cwd, home=place.home).server.port == 7


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"port = ", "is not valid TOML"),
        (b"a = 1\na = 2", "is not valid TOML"),
        (b"host = '\xff'", "is not UTF-8"),
    ],
)
def test_a_broken_file_is_named(place: Place, content: bytes, message: str) -> None:
    """A file that is no TOML is an error with its path."""
    place.file.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        place.config()
    assert str(place.file) in caught.value.message


def test_a_directory_instead_of_a_file_is_an_error(place: Place) -> None:
    """Something of the file's name that cannot be read is told, not skipped."""
    place.file.mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        place.config()


@pytest.mark.parametrize(
    ("toml", "env"),
    [
        ('host_port = "127.0.0.2:99"', {}),
        ('[server]\nhost = "127.0.0.2"\nport = 99', {}),
        ('host = "127.0.0.2"\nport = 99', {}),
        ("", {"ISARTOR__HOST": "127.0.0.2", "ISARTOR__PORT": "99"}),
        ("", {"ISARTOR__HOST_PORT": "127.0.0.2:99"}),
        ("", {"ISARTOR__SERVER__HOST": "127.0.0.2", "isartor__server__port": " 99 "}),
        ("", {"ISARTOR__SERVER": '{"host": "127.0.0.2", "port": 99}'}),
        ('host_port = "127.0.0.3:1"', {"ISARTOR__HOST": "127.0.0.2", "ISARTOR__PORT": "99"}),
        ('host = "127.0.0.3"\nport = 1', {"ISARTOR__HOST_PORT": "127.0.0.2:99"}),
    ],
)
def test_every_spelling_of_the_address_means_the_same(place: Place, toml: str, env: dict[str, str]) -> None:
    """Host and port may be spelled in every way that the documents show, and a later source wins over any spelling."""
    config = place.config(toml, env)
    assert (config.server.host, config.server.port) == ("127.0.0.2", 99)


def test_one_half_of_host_port_can_be_overridden(place: Place) -> None:
    """A port from the environment leaves the file's host as it is."""
    config = place.config('host_port = "127.0.0.2:99"', {"ISARTOR__PORT": "98"})
    assert (config.server.host, config.server.port) == ("127.0.0.2", 98)


@pytest.mark.parametrize("value", ["[::1]:80", "localhost:80", "a-b.example:80"])
def test_host_port_takes_names_and_addresses(place: Place, value: str) -> None:
    """`host_port` takes a name, an IPv4 address, or an IPv6 address in brackets."""
    config = place.config(f'host_port = "{value}"\nallow_unauthenticated = true')
    assert (config.server.host, config.server.port) == (value.rpartition(":")[0].strip("[]"), 80)


@pytest.mark.parametrize(
    "value", ["80", ":80", "host:", "host:0", "host:65536", "::1:80", "[]:80", "a b:80", "h:8x", ""]
)
def test_a_malformed_host_port_is_refused(place: Place, value: str) -> None:
    """What is not host:port is refused with the value given."""
    with pytest.raises(ConfigError, match="host_port must be host:port") as caught:
        place.config(f'host_port = "{value}"')
    assert repr(value) in caught.value.message


@pytest.mark.parametrize(
    ("toml", "env"),
    [
        ('host_port = "127.0.0.1:1"\n[server]\nport = 2', {}),
        ("", {"ISARTOR__PORT": "1", "ISARTOR__HOST_PORT": "127.0.0.1:2"}),
        ("", {"ISARTOR__PORT": "1", "isartor__port": "2"}),
        ('openai_api_key = "a"\n[fallback]\nopenai_api_key = "b"', {}),
        ("", {"ISARTOR__MODEL_ALIASES": '{"a": "b"}', "ISARTOR__MODEL_ALIASES__A": "c"}),
        ("allow_unauthenticated = true\n[server]\nallow_unauthenticated = false", {}),
    ],
)
def test_a_source_that_contradicts_itself_is_refused(place: Place, toml: str, env: dict[str, str]) -> None:
    """The same key twice with different values in one source is an error that names both places."""
    with pytest.raises(ConfigError, match="differently; give only one") as caught:
        place.config(toml, env)
    assert " and " in caught.value.message


def test_the_same_value_twice_is_fine(place: Place) -> None:
    """Two spellings with the same value are no contradiction."""
    assert place.config('host_port = "127.0.0.1:9"\n[server]\nport = 9').server.port == 9


def test_aliases_are_merged_by_name(place: Place) -> None:
    """The environment adds aliases to the file's and replaces those of the same name."""
    file = '[model_aliases]\nfast = "a"\n"gpt-4.1" = "b"'
    env = {"ISARTOR__MODEL_ALIASES__FAST": "c", "ISARTOR__MODEL_ALIASES": '{"slow": "d"}'}
    assert place.config(file, env).model_aliases == {"fast": "c", "gpt-4.1": "b", "slow": "d"}


@pytest.mark.parametrize(
    ("toml", "env", "message"),
    [
        ("cache_ttl_sec = 3", {}, "isartor.toml: cache_ttl_sec is not a known setting; did you mean cache_ttl_secs?"),
        ("[server]\nprt = 3", {}, "isartor.toml: server.prt is not a known setting; did you mean server.port?"),
        ("[cache]\ncache_ttl_secs = 3", {}, "isartor.toml: cache is not a known setting"),
        ("[server]\ncache_mode = 'both'", {}, "server.cache_mode is not a known setting; did you mean cache_mode?"),
        ("demo = true", {}, "isartor.toml: demo is not a known setting"),
        ("", {"ISARTOR__PRT": "1"}, "ISARTOR__PRT is not a known setting; did you mean ISARTOR__PORT?"),
        ("", {"ISARTOR__DEMO": "1"}, "ISARTOR__DEMO is not a known setting"),
        ("", {"ISARTOR__LAYER2__SIDECAR": "1"}, "did you mean ISARTOR__LAYER2__SIDECAR_URL?"),
        ("", {"ISARTOR__SERVER": '{"prt": 1}'}, "ISARTOR__SERVER: server.prt is not a known setting"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(place: Place, toml: str, env: dict[str, str], message: str) -> None:
    """An unknown key is an error with its place, its full path and the key that was probably meant."""
    with pytest.raises(ConfigError) as caught:
        place.config(toml, env)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("toml", "env", "message"),
    [
        ('port = "80"', {}, "port must be an integer from 1 to 65535, got '80'"),
        ("port = 0", {}, "port must be an integer from 1 to 65535, got 0"),
        ("port = true", {}, "port must be an integer from 1 to 65535, got True"),
        ("", {"ISARTOR__PORT": "1e3"}, "ISARTOR__PORT must be an integer from 1 to 65535, got '1e3'"),
        ("l3_timeout_secs = 0", {}, "l3_timeout_secs must be a number above 0, up to 86400, got 0"),
        ("l3_timeout_secs = nan", {}, "l3_timeout_secs must be a number above 0"),
        ("quota.openai.daily_cost_limit_usd = inf", {}, "daily_cost_limit_usd must be a number above 0, got inf"),
        ("usage_pricing.openai.input_cost_per_million_usd = inf", {}, "must be a number of at least 0, got inf"),
        ("cache_ttl_secs = 0", {}, "cache_ttl_secs must be an integer of at least 1, got 0"),
        ('cache_mode = "fuzzy"', {}, "cache_mode must be one of exact, semantic, both, got 'fuzzy'"),
        ("semantic_cache.max_error_rate = 0", {}, "semantic_cache.max_error_rate must be a number above 0, up to 0.5"),
        ("[semantic_cache]\naudit_rate = 2", {}, "semantic_cache.audit_rate must be a number from 0 to 1, got 2"),
        ("semantic_cache = 3", {}, "semantic_cache must be a table"),
        ("[semantic_cache]\npolice = 2", {}, "semantic_cache.police is not a known setting; did you mean semantic_c"),
        ("policy = 2", {}, "policy is not a known setting; did you mean semantic_cache.policy?"),
        (
            "",
            {"ISARTOR__SEMANTIC_BACKEND": "qdrant"},
            "ISARTOR__SEMANTIC_BACKEND must be one of candle, embedded, onnx, tei, sidecar",
        ),
        ("", {"ISARTOR__OFFLINE_MODE": "maybe"}, "ISARTOR__OFFLINE_MODE must be true or false, got 'maybe'"),
        ("offline_mode = 1", {}, "offline_mode must be true or false, got 1"),
        ("server = 3", {}, "server must be a table"),
        ("[[server]]\nport = 3", {}, "server must be a table"),
        ('allowed_origins = "https://a"', {}, "allowed_origins must be an array of strings"),
        ("", {"ISARTOR__ALLOWED_ORIGINS": "[1]"}, "must be an array of strings, got [1]"),
        ("", {"ISARTOR__MODEL_ALIASES": "fast"}, "must be a table of strings, got 'fast'"),
        ("gateway_api_key = 5", {}, "gateway_api_key must be a string, got something else"),
        ("port = 99999999999999999999999", {}, "port must be an integer"),
    ],
)
def test_a_value_of_the_wrong_kind_is_explained(place: Place, toml: str, env: dict[str, str], message: str) -> None:
    """A wrong value is an error with the key, the rule and the value given."""
    with pytest.raises(ConfigError) as caught:
        place.config(toml, env)
    assert message in caught.value.message


def test_the_environment_gives_typed_values(place: Place) -> None:
    """Numbers, booleans, arrays (JSON or commas) and tables are read from the environment's text."""
    env = {
        "ISARTOR__L3_TIMEOUT_SECS": "0.5",
        "ISARTOR__OFFLINE_MODE": "YES",
        "ISARTOR__ALLOWED_ORIGINS": '["https://a.example"]',
        "ISARTOR__ALLOWED_HOSTS": "a.example, b.example",
        "ISARTOR__LOG_LEVEL": "Debug",
    }
    config = place.config("", env)
    assert (config.l3_timeout_secs, config.offline_mode, config.log_level) == (0.5, True, "debug")
    assert config.server.allowed_origins == ("https://a.example",)
    assert config.server.allowed_hosts == ("a.example", "b.example")


def test_an_empty_variable_counts_as_not_set(place: Place) -> None:
    """An empty variable, as container set-ups often pass one, changes nothing."""
    env = {"ISARTOR__PORT": "", "ISARTOR__GATEWAY_API_KEY": " ", "ISARTOR__NO_SUCH_KEY": ""}
    assert place.config('gateway_api_key = "k"', env).gateway_api_key == Secret("k")


def test_empty_strings_in_the_file_unset(place: Place) -> None:
    """An empty key, URL or model in the file means none, as the reference's default does."""
    config = place.config(
        'gateway_api_key = ""\nexternal_llm_api_key = ""\nexternal_llm_url = ""\nexternal_llm_model = ""'
    )
    assert config == Config()


def test_other_variables_of_the_product_are_no_keys(place: Place) -> None:
    """Variables that other parts read, or that lack the prefix, are left alone."""
    env = {
        "ISARTOR__FIRST_RUN_COMPLETE": "1",
        "ISARTOR_GATEWAY_URL": "http://x",
        "ISARTOR_INTERNAL_DETACHED_CHILD": "1",
    }
    assert place.config("", env) == Config()


def test_a_variable_with_one_underscore_is_pointed_out(place: Place) -> None:
    """`ISARTOR_PORT` is not read, and a warning says what the name should be."""
    config = place.config("", {"ISARTOR_PORT": "9", "ISARTOR_LAYER2_SIDECAR_URL": "x"})
    assert config.server.port == 8080
    assert config.warnings == ("ISARTOR_PORT is not read; the variable is ISARTOR__PORT, with two underscores",)


SEED_FILE = """
llm_provider = "openai"
key_rotation_strategy = "round_robin"
inference_engine = "sidecar"

[server]
host = "127.0.0.1"
port = 8080

[exact_cache]
provider = "memory"
redis_url = "redis://127.0.0.1:6379"

[semantic_cache]
provider = "candle"

[slm_router]
provider = "embedded"
classifier_mode = "tiered"

[fallback]
openai_api_key = "sk-file"
anthropic_api_key = "sk-ant"

[[provider_keys]]
key = "sk-primary"
priority = 1

[[fallback_providers]]
provider = "nvidia"
model = "meta/llama"

[classifier_routing.matrix.complex]
code_generation = "groq/llama"

[quota.openai]
daily_token_limit = 500000

[layer2]
sidecar_url = "http://127.0.0.1:8081"
"""


def test_a_file_written_for_the_reference_loads(place: Place) -> None:
    """Every documented key is accepted; those without effect here are listed once, harmless values are not."""
    config = place.config(SEED_FILE)
    assert config.inactive == (
        "anthropic_api_key",
        "classifier_routing.matrix",
        "inference_engine",
        "layer2.classifier_mode",
        "layer2.sidecar_url",
        "openai_api_key",
        "redis_url",
        "router_backend",
    )


def test_the_environment_may_set_keys_without_effect(place: Place) -> None:
    """Documented variables of later layers load too, and values that describe this version are not listed."""
    env = {
        "ISARTOR__CACHE_BACKEND": "memory",
        "ISARTOR__ENABLE_MONITORING": "False",
        "ISARTOR__CLASSIFIER_ROUTING__RULES": "[]",
        "ISARTOR__CLASSIFIER_ROUTING__MATRIX__COMPLEX": "groq/llama",
        "ISARTOR__EMBEDDED__MODEL_PATH": "/m",
    }
    assert place.config("", env).inactive == (
        "classifier_routing.matrix",
        "classifier_routing.rules",
        "embedded.model_path",
    )


def test_the_semantic_cache_has_a_section_and_the_references_spellings(place: Place) -> None:
    """`semantic_cache.*` comes from its section, dotted keys, and variables of either spelling."""
    file = "similarity_threshold = 0.9\nembedding_sidecar.model_name = 'm'\n[semantic_cache]\nprovider = 'onnx'"
    env = {"ISARTOR__SEMANTIC_CACHE__POLICY": "Verified", "ISARTOR__SEMANTIC_CACHE__AUDIT_RATE": "1"}
    config = place.config(file, env | {"ISARTOR__EMBEDDING_SIDECAR__TIMEOUT_SECONDS": "3"})
    assert (config.similarity_threshold, config.semantic_cache.provider) == (0.9, "onnx")
    assert (config.semantic_cache.policy, config.semantic_cache.audit_rate) == ("verified", 1)
    assert (config.embedding_sidecar.model_name, config.embedding_sidecar.timeout_seconds) == ("m", 3)
    config = place.config("", {"ISARTOR__SEMANTIC_BACKEND": "tei", "ISARTOR__TEI_URL": "http://tei:8080"})
    assert (config.semantic_cache.provider, config.semantic_cache.remote_url) == ("tei", "http://tei:8080")


@pytest.mark.parametrize(("provider", "key"), [("openai", "a"), ("anthropic", "b")])
def test_a_fallback_key_is_used_for_its_provider(place: Place, provider: str, key: str) -> None:
    """`[fallback]` keys stand in for the provider's key when it is the one in use, and the other has no effect."""
    toml = f'llm_provider = "{provider}"\n[fallback]\nopenai_api_key = "a"\nanthropic_api_key = "b"'
    config = place.config(toml)
    assert config.external_llm_api_key == Secret(key)
    assert len(config.inactive) == 1


def test_the_providers_own_key_beats_a_fallback_key(place: Place) -> None:
    """`external_llm_api_key` wins over the `[fallback]` key."""
    config = place.config('external_llm_api_key = "mine"\nopenai_api_key = "other"')
    assert config.external_llm_api_key == Secret("mine")
    assert config.inactive == ("openai_api_key",)


def test_usual_provider_variables_are_not_read(place: Place) -> None:
    """A key that lies in `OPENAI_API_KEY` is not spent."""
    assert place.config("", {"OPENAI_API_KEY": "sk", "ANTHROPIC_API_KEY": "sk"}).external_llm_api_key is None


def test_a_smaller_cache_needs_no_second_setting(place: Place) -> None:
    """The limit of one entry follows a cache that is smaller than its default; set too large, it is an error."""
    assert place.config("cache_max_bytes = 1000").cache_max_entry_bytes == 1000
    with pytest.raises(ConfigError, match=r"cache_max_entry_bytes must be at most cache_max_bytes \(10\), got 11"):
        place.config("cache_max_bytes = 10\ncache_max_entry_bytes = 11")


def test_only_an_option_sets_demo(place: Place) -> None:
    """The demo provider comes from the command line alone."""
    assert place.config(demo=True).demo


def test_a_configuration_reaches_another_process(place: Place) -> None:
    """A configuration with its secrets survives pickling, which is how workers get it where nothing forks."""
    config = place.config('gateway_api_key = "k"')
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 # our own bytes


def test_a_configuration_cannot_be_changed_or_written_out(place: Place) -> None:
    """The structs are frozen, and an encoder refuses a secret."""
    config = place.config('gateway_api_key = "hidden-key"')
    with pytest.raises(AttributeError):
        config.server.port = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        msgspec.json.encode(config)
    assert "hidden-key" not in repr(config) + str(config)


def test_a_folder_that_may_not_be_searched_is_skipped(place: Place) -> None:
    """A home that this user cannot look into has no configuration file."""
    if os.geteuid() == 0:
        pytest.skip("root may look everywhere")
    (place.home / ".isartor").chmod(0)
    assert place.config() == Config()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=st.text(st.characters(codec="ascii", exclude_characters="\0="), max_size=30),
    value=st.text(st.characters(exclude_characters="\0"), max_size=40),
)
def test_any_variable_gives_a_configuration_or_an_error_on_one_line(place: Place, name: str, value: str) -> None:
    """Whatever a variable is called and holds, loading ends in a configuration or in a `ConfigError` of one line."""
    try:
        config = place.config("", {f"ISARTOR__{name}": value})
    except ConfigError as error:
        assert "\n" not in error.message or "\n" in name
    else:
        assert isinstance(config, Config)


_KEYS = st.sampled_from(
    [*Config.__struct_fields__, *Server.__struct_fields__, "host_port", "fallback", "quota", "layer2"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tree=st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_any_table_gives_a_configuration_or_an_error(
    place: Place, tree: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stands under known keys, loading ends in a configuration or in a `ConfigError`."""
    place.file.touch()
    monkeypatch.setattr("tomllib.loads", lambda _: tree)
    try:
        config = place.config()
    except ConfigError as error:
        assert error.message
    else:
        assert isinstance(config, Config)
