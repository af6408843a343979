"""`told`: how clients are told of their limits."""

from __future__ import annotations

import json

import pytest

from isartor.ports import Headers, Tally
from isartor.stack.limits import Allowance, told
from tests.stack.limits.making import Clock, allowance

SINCE_1970 = 1_800_000_000.25


def used(*, tokens: int | None = 6000) -> Allowance:
    """Return an allowance of which 2 of 4 requests, and 1,500 of 6,000 tokens, have been used."""
    given = allowance(Clock(), requests=4, tokens=tokens)
    given.admit()
    given.admit()
    reserved = given.reserve(10)
    if reserved is not None:
        reserved.settle(Tally(input=1500))
    return given


def headers(surface: str, given: Headers | None = None, by: Allowance | None = None) -> dict[str, str]:
    """Return the headers of a reply."""
    found = told.headers(surface, by or used(), given or [], clock=lambda: SINCE_1970)
    assert len(dict(found)) == len(found)
    return dict(found)


@pytest.mark.parametrize("surface", ["openai_chat", "openai_responses"])
def test_openai(surface: str) -> None:
    """Six headers, times as durations."""
    assert headers(surface) == {
        "x-ratelimit-limit-requests": "4",
        "x-ratelimit-remaining-requests": "2",
        "x-ratelimit-reset-requests": "30s",
        "x-ratelimit-limit-tokens": "6000",
        "x-ratelimit-remaining-tokens": "4500",
        "x-ratelimit-reset-tokens": "15s",
    }


def test_anthropic() -> None:
    """Six headers, times as moments of RFC 3339."""
    assert headers("anthropic") == {
        "anthropic-ratelimit-requests-limit": "4",
        "anthropic-ratelimit-requests-remaining": "2",
        "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:31Z",
        "anthropic-ratelimit-tokens-limit": "6000",
        "anthropic-ratelimit-tokens-remaining": "4500",
        "anthropic-ratelimit-tokens-reset": "2027-01-15T08:00:16Z",
    }


def test_native() -> None:
    """Three headers, of the limit that is nearer to its end."""
    assert headers("native") == {"ratelimit-limit": "4", "ratelimit-remaining": "2", "ratelimit-reset": "30"}


def test_gemini_has_no_headers() -> None:
    """What is there stays."""
    assert headers("gemini", [("a", "b")]) == {"a": "b"}


def test_only_limits_that_there_are() -> None:
    """Without a limit of tokens nothing is said of them."""
    assert set(headers("openai_chat", by=used(tokens=None))) == {
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    }


@pytest.mark.parametrize(
    ("remaining", "shown"), [("1", ("100", "1", "6m0s")), ("99", ("4", "2", "30s")), ("?", ("4", "2", "30s"))]
)
def test_of_two_limits_the_stricter_is_told(remaining: str, shown: tuple[str, ...]) -> None:
    """All three of a provider's headers stay, or all three of ours take their place; the others are let be."""
    names = [f"x-ratelimit-{what}-requests" for what in ("limit", "remaining", "reset")]
    theirs = [*zip(names, ("100", remaining, "6m0s"), strict=True), ("x-ratelimit-limit-images", "5")]
    found = headers("openai_chat", theirs, used(tokens=None))
    assert tuple(found[name] for name in names) == shown
    assert found["x-ratelimit-limit-images"] == "5"


@pytest.mark.parametrize(
    ("secs", "text"),
    [(0, "0ms"), (0.0004, "0ms"), (0.25, "250ms"), (1, "1s"), (8.64, "8.64s"), (60, "1m0s"), (90.5, "1m30.5s")],
)
def test_durations(secs: float, text: str) -> None:
    """As OpenAI writes them."""
    given = allowance(Clock(), requests=60_000_000)
    assert given.requests is not None
    given.requests.add(round(secs * 1_000_000))
    assert headers("openai_chat", by=given)["x-ratelimit-reset-requests"] == text


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("rate_limited", ["QuotaFailure", "RetryInfo"]),
        ("quota_exceeded", ["QuotaFailure", "RetryInfo"]),
        ("gateway_busy", ["RetryInfo"]),
    ],
)
def test_googles_details(code: str, kinds: list[str]) -> None:
    """Whose limit it is, and a delay as a duration; what the body says already stays."""
    body = b'{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}'
    error = json.loads(told.google(body, "m", code, 12.34))["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert [detail["@type"].removeprefix("type.googleapis.com/google.rpc.") for detail in error["details"]] == kinds
    assert error["details"][-1]["retryDelay"] == "12.34s"


def test_googles_details_join_those_there_are() -> None:
    """A violated field is still named."""
    error = json.loads(told.google(b'{"error":{"details":[{"@type":"x"}]}}', "m", "other", 60))["error"]
    assert [detail["@type"] for detail in error["details"]] == ["x", "type.googleapis.com/google.rpc.RetryInfo"]
    assert error["details"][1]["retryDelay"] == "60s"
