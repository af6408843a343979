"""Which headers cross the gateway."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isartor.providers import base
from isartor.providers.base import reply_headers, request_headers

CLIENTS = Path(__file__).parent.parent / "data" / "clients"


@pytest.mark.parametrize(
    "name",
    [
        "accept",
        "anthropic-beta",
        "anthropic-version",
        "http-referer",
        "idempotency-key",
        "openai-beta",
        "openai-organization",
        "openai-project",
        "originator",
        "session-id",
        "thread-id",
        "user-agent",
        "x-client-request-id",
        "x-codex-turn-metadata",
        "x-goog-api-client",
        "x-stainless-retry-count",
        "x-title",
    ],
)
def test_goes_along(name: str) -> None:
    """What means something to a provider goes upstream as it is."""
    assert request_headers([(name, "v")]) == [(name, "v")]


@pytest.mark.parametrize(
    "name",
    [
        "accept-encoding",
        "anthropic-api-key",
        "api-key",
        "authorization",
        "cf-access-jwt-assertion",
        "connection",
        "content-encoding",
        "content-length",
        "cookie",
        "forwarded",
        "host",
        "keep-alive",
        "openai-api-key",
        "origin",
        "proxy-authorization",
        "referer",
        "sec-fetch-site",
        "te",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-api-key",
        "x-forwarded-for",
        "x-goog-api-key",
        "x-goog-iap-jwt-assertion",
        "x-isartor-session-id",
        "x-real-ip",
        "x-request-id",
    ],
)
def test_stays_behind(name: str) -> None:
    """Credentials, hop-by-hop headers, our own, and what the surrounding network adds stay behind."""
    assert request_headers([(name, "v")]) == []


@pytest.mark.parametrize("value", ["application/json", "application/json; charset=utf-8"])
def test_json_content_type_goes_along(value: str) -> None:
    """A content type that says JSON is kept as it is."""
    assert request_headers([("content-type", value)]) == [("content-type", value)]


@pytest.mark.parametrize("value", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_other_content_type_stays_behind(value: str) -> None:
    """Another one is wrong about the body, which is JSON."""
    assert request_headers([("content-type", value)]) == []


def test_named_in_connection() -> None:
    """A header that `Connection` names is for this hop, whatever it is called."""
    headers = [("accept", "a"), ("openai-beta", "b"), ("connection", "close, Accept")]
    assert request_headers(headers) == [("openai-beta", "b")]


def test_repeated_header_keeps_its_lines() -> None:
    """A header that was sent twice goes along twice, in order."""
    headers = [("anthropic-beta", "a"), ("anthropic-beta", "b")]
    assert request_headers(headers) == headers


@pytest.mark.parametrize("path", sorted(CLIENTS.glob("*.json")), ids=lambda path: path.stem)
def test_recorded_clients_lose_no_hint_and_leak_no_key(path: Path) -> None:
    """Of what recorded clients send, only credentials, hop-by-hop and MCP headers stay behind."""
    sent = {name.lower() for name, _ in json.loads(path.read_bytes())["headers"]}
    kept = {name for name, _ in request_headers([(name, "json") for name in sent])}
    stays = {
        "accept-encoding",
        "anthropic-dangerous-direct-browser-access",
        "authorization",
        "cache-control",
        "connection",
        "content-length",
        "host",
        "mcp-method",
        "mcp-protocol-version",
        "mcp-session-id",
        "sec-fetch-mode",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-version",
        "upgrade",
        "x-api-key",
        "x-goog-api-key",
        # opencode's, made up per process, and a scope for the gateway when asked for.
        "x-session-id",
    }
    assert sent - kept <= stays
    assert not kept & stays


@pytest.mark.parametrize(
    "name",
    [
        "anthropic-organization-id",
        "anthropic-ratelimit-tokens-remaining",
        "content-type",
        "openai-processing-ms",
        "openai-version",
        "request-id",
        "retry-after",
        "retry-after-ms",
        "x-ratelimit-limit-requests",
        "x-request-id",
        "x-should-retry",
    ],
)
def test_comes_back(name: str) -> None:
    """Rate limits, request ids and processing facts reach the client."""
    assert reply_headers([(name, "v")]) == [(name, "v")]


@pytest.mark.parametrize(
    "name",
    [
        "alt-svc",
        "access-control-allow-origin",
        "cf-ray",
        "connection",
        "content-encoding",
        "content-length",
        "date",
        "location",
        "server",
        "set-cookie",
        "strict-transport-security",
        "transfer-encoding",
        "x-isartor-layer",
        "x-isartor-deflected",
    ],
)
def test_does_not_come_back(name: str) -> None:
    """Cookies, hop-by-hop headers, the provider's edge and forged headers of ours do not."""
    assert reply_headers([(name, "v")]) == []


@given(st.lists(st.tuples(st.sampled_from(["accept", "x-junk", "x-stainless-os", "cookie"]), st.text())))
def test_verdicts_do_not_depend_on_the_memory(headers: list[tuple[str, str]]) -> None:
    """A remembered verdict is the verdict."""
    wanted = [line for line in headers if line[0] in {"accept", "x-stainless-os"}]
    assert request_headers(headers) == wanted


def test_memory_is_bounded() -> None:
    """Clients that invent header names do not fill the memory."""
    for number in range(5000):
        assert request_headers([(f"x-junk-{number}", "")]) == []
        assert reply_headers([(f"x-junk-{number}", "")]) == []
    assert len(base._request_known) <= base._KNOWN_MAX
    assert len(base._reply_known) <= base._KNOWN_MAX


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ("", ["external_llm_api_key", "ISARTOR__EXTERNAL_LLM_API_KEY", "ISARTOR__EXTERNAL_LLM_API_KEY_FILE"]),
        ("fallback_providers[1]", ["fallback_providers[1].api_key", "ISARTOR__FALLBACK_PROVIDERS"]),
    ],
)
def test_a_missing_key_says_what_to_set(where: str, named: list[str]) -> None:
    """The refusal of a request and the warning at the start name the settings of that very provider."""
    error = base.missing_key("groq", where)
    assert (error.status, error.code) == (503, "no_api_key")
    for text in (error.message, base.key_warning("groq", where)):
        assert all(name in text for name in ("'groq'", *named))


@pytest.mark.parametrize(
    ("where", "name", "key"),
    [
        ("", "provider", "llm_provider"),
        ("", "url", "external_llm_url"),
        ("", "azure_deployment_id", "azure_deployment_id"),
        ("fallback_providers[0]", "url", "fallback_providers[0].url"),
    ],
)
def test_settings_know_their_keys(where: str, name: str, key: str) -> None:
    """Messages name a setting by its full path."""
    assert base.Settings(provider="openai", where=where).key(name) == key
