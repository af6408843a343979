"""Rules between settings and rules of form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isartor.config.checks import is_loopback
from isartor.errors import ConfigError

if TYPE_CHECKING:
    from tests.config.reading import Place


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "::1", "[::1]", "::ffff:127.0.0.1"]
)
def test_this_machine_alone(place: Place, host: str) -> None:
    """A listener on a loopback address needs no key."""
    assert is_loopback(host)
    assert place.config(host=host).gateway_api_key is None


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "gateway.example", "::ffff:10.0.0.1", "127.0.0.1.example"]
)
def test_an_outside_address_needs_a_key(place: Place, host: str) -> None:
    """Any other address without a gateway key is refused, with the three ways out; each of them is one."""
    with pytest.raises(ConfigError) as caught:
        place.config("", {"ISARTOR__HOST": host})
    for way in ("gateway_api_key", "127.0.0.1", "allow_unauthenticated = true"):
        assert way in caught.value.message
    assert caught.value.param == "host"
    assert place.config('gateway_api_key = "k"', {"ISARTOR__HOST": host}).server.host == host
    assert place.config("allow_unauthenticated = true", {"ISARTOR__HOST": host}).warnings


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:8000",
        "https://api.example/v1/chat/completions",
        "http://[::1]:1/",
        "https://a.example/x?api-version=1",
    ],
)
def test_a_providers_address_is_taken_as_it_is(place: Place, url: str) -> None:
    """A URL with any path or query is kept unchanged."""
    assert place.config(f'external_llm_url = "{url}"').external_llm_url == url


@pytest.mark.parametrize(
    "url", ["api.example", "ftp://a", "http://", "http:///x", "http://a:port/", "http://[::1", "https://a b/"]
)
def test_a_malformed_address_is_refused(place: Place, url: str) -> None:
    """What is no http or https URL with a host is refused."""
    with pytest.raises(ConfigError, match="external_llm_url"):
        place.config(f'external_llm_url = "{url}"')


@pytest.mark.parametrize(
    "url", ["https://user:hunter2@a.example/", "ftp://user:hunter2@a.example", "ftp://a/?key=hunter2"]
)
def test_credentials_in_an_address_are_not_repeated(place: Place, url: str) -> None:
    """An error about a URL shows neither its user part nor its query."""
    with pytest.raises(ConfigError) as caught:
        place.config(f'external_llm_url = "{url}"')
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("aliases", "message"),
    [
        ({"a": "a"}, "must not name the alias 'a' as its own model"),
        ({"a": "b", "b": "a"}, "is an alias"),
        ({"a": "b", "b": "c"}, "is an alias"),
        ({"a": ""}, "must give each alias a name and a model"),
        ({"": "a"}, "must give each alias a name and a model"),
    ],
)
def test_an_alias_leads_to_a_real_model(place: Place, aliases: dict[str, str], message: str) -> None:
    """An alias of nothing, of itself or of another alias is refused, because an alias is resolved once."""
    toml = "[model_aliases]\n" + "\n".join(f'"{name}" = "{model}"' for name, model in aliases.items())
    with pytest.raises(ConfigError, match="model_aliases") as caught:
        place.config(toml)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        (
            "allowed_origins",
            ["https://app.example", "vscode-webview://abc", "http://localhost:3000"],
            "https://a.example/",
        ),
        ("allowed_origins", [], "*"),
        ("allowed_hosts", ["llm.example", "10.0.0.1", "[::1]"], "llm.example:80"),
        ("allowed_hosts", [], "http://llm.example"),
        ("allowed_hosts", [], "*.example"),
        ("offline_allowed_hosts", ["llm.example", "*.example"], "https://llm.example"),
    ],
)
def test_lists_of_origins_and_hosts(place: Place, key: str, good: list[str], bad: str) -> None:
    """Origins have a scheme and no path, hosts neither scheme nor port; a wrong one is shown."""
    config = place.config(f"{key} = {good}".replace("'", '"'))
    assert tuple(good) == (getattr(config.server, key, None) or getattr(config, key, ()))
    with pytest.raises(ConfigError, match=key) as caught:
        place.config(f'{key} = ["{bad}"]')
    assert bad in caught.value.message


@pytest.mark.parametrize(
    "toml",
    ['llm_provider = "Open AI"', 'llm_provider = ""', 'host = "http://a"', 'host = ""', 'external_llm_model = "a\\nb"'],
)
def test_names_have_their_form(place: Place, toml: str) -> None:
    """Providers, hosts and models that cannot be are refused."""
    with pytest.raises(ConfigError):
        place.config(toml)


def test_a_server_for_embeddings_needs_an_address(place: Place) -> None:
    """`provider = "tei"` without an address is an error, unless there is no semantic cache."""
    file = '[semantic_cache]\nprovider = "tei"'
    with pytest.raises(ConfigError, match="needs semantic_cache.remote_url"):
        place.config(file)
    assert place.config('cache_mode = "exact"\n' + file).semantic_cache.provider == "tei"
    with pytest.raises(ConfigError, match="must be a URL that starts with http"):
        place.config(file + '\nremote_url = "tei:80"')


def test_a_bare_threshold_is_warned_of(place: Place) -> None:
    """`semantic_cache.policy = "threshold"` is pointed out at the start, where there is a semantic cache."""
    file = '[semantic_cache]\npolicy = "threshold"'
    assert "similarity alone decides" in place.config(file).warnings[0]
    assert place.config('cache_mode = "exact"\n' + file).warnings == ()
    assert place.config('cache_mode = "semantic"').warnings == ()
