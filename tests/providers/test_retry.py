"""What to do when a provider did not answer well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isartor.config.upstream import Retry
from isartor.errors import IsartorError, NoProviderError, NotImplementedFormatError, RequestError, UpstreamError
from isartor.providers.retry import (
    Again,
    GiveUp,
    Kind,
    NextKey,
    NextProvider,
    Outcome,
    Place,
    backoff,
    classify,
    decide,
    of_error,
    of_reply,
)
from isartor.providers.waits import retry_after
from tests.providers.links import CUT, OFFLINE, REFUSED, TIMEOUT, TLS, Reply

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, None, Kind.FINAL),
        (400, "insufficient_quota", Kind.SPENT),
        (400, "API_KEY_INVALID", Kind.DEAD),
        (400, "API_KEY_EXPIRED", Kind.DEAD),
        (401, None, Kind.DEAD),
        (402, None, Kind.SPENT),
        (403, "permission_error", Kind.DEAD),
        (404, "model_not_found", Kind.FINAL),
        (408, None, Kind.FAILED),
        (413, None, Kind.FINAL),
        (413, "rate_limit_exceeded", Kind.FINAL),
        (422, None, Kind.FINAL),
        (429, None, Kind.LIMITED),
        (429, "RESOURCE_EXHAUSTED", Kind.LIMITED),
        (429, "insufficient_quota", Kind.SPENT),
        (429, "something new", Kind.LIMITED),
        (500, None, Kind.FAILED),
        (500, "server_error", Kind.FAILED),
        (501, None, Kind.BROKEN),
        (529, "overloaded_error", Kind.FAILED),
        (599, None, Kind.FAILED),
    ],
)
def test_classify(status: int, code: str | None, kind: Kind) -> None:
    """Status and structured code say what an error reply amounts to; the code wins."""
    assert classify(status, code) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TIMEOUT, Kind.FAILED),
        (REFUSED, Kind.FAILED),
        (CUT, Kind.FAILED),
        (TLS, Kind.BROKEN),
        (UpstreamError("redirect", code="upstream_redirect"), Kind.BROKEN),
        (UpstreamError("in the stream", status=429, code="rate_limit_error", retryable=True), Kind.LIMITED),
        (UpstreamError("in the stream", status=400, code="bad", retryable=True), Kind.FINAL),
        (OFFLINE, Kind.UNABLE),
        (NoProviderError("no key", code="no_api_key"), Kind.UNABLE),
        (NotImplementedFormatError("not spoken"), Kind.UNABLE),
        (RequestError("cannot be said in this format"), Kind.FINAL),
        (IsartorError("ours"), Kind.FINAL),
    ],
)
def test_errors(error: IsartorError, kind: Kind) -> None:
    """What was raised is judged by its class, status and `retryable`, never by its words."""
    assert of_error(error).kind is kind


def test_reply() -> None:
    """A reply's headers say when to come back, and whether at all."""
    assert of_reply(Reply(503, [("retry-after", "3")]), NOW) == Outcome(Kind.FAILED, 3.0)
    assert of_reply(Reply(503, [("x-should-retry", "false")]), NOW) == Outcome(Kind.FAILED, None, again=False)
    assert of_reply(Reply(400, [("retry-after", "3")]), NOW) == Outcome(Kind.FINAL)


OPENAI = {"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "6m0s"}


@pytest.mark.parametrize(
    ("headers", "secs"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 7.5 "}, 7.5),
        ({"retry-after": "-7"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "x", "retry-after": "2"}, 2.0),
        (OPENAI, None),
        (OPENAI | {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"}, 62.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "120ms"}, 0.12),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW + 9) * 1000)}, 9.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW + 9))}, 9.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "9"}, 9.0),
        (
            {
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2027-01-15T08:00:12Z",
                "anthropic-ratelimit-requests-remaining": "1",
                "anthropic-ratelimit-requests-reset": "2027-01-15T09:00:00Z",
            },
            12.0,
        ),
        ({"x-ratelimit-reset-tokens": "5s"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], secs: float | None) -> None:
    """The wait is what the provider tells in whichever way; a limit that has something left tells nothing."""
    assert retry_after(headers.items(), NOW) == (None if secs is None else pytest.approx(secs))


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset", "x-ratelimit-remaining"]), st.text()
    )
)
def test_headers_never_raise(headers: dict[str, str]) -> None:
    """Whatever a provider writes there, it is a time not before now, or nothing."""
    secs = retry_after(headers.items(), NOW)
    assert secs is None or secs >= 0


def test_backoff() -> None:
    """1 s, doubling to 8 s, a quarter more or less."""
    retry = Retry()
    assert [backoff(tries, retry, 0.5) for tries in range(1, 7)] == [1, 2, 4, 8, 8, 8]
    assert (backoff(1, retry, 0), backoff(1, retry, 1)) == (0.75, 1.25)


OUTCOMES = st.builds(Outcome, st.sampled_from(Kind), st.none() | st.floats(0, 1e6), st.booleans())
PLACES = st.builds(
    Place,
    tries=st.integers(1, 30),
    spare=st.booleans(),
    wait=st.none() | st.floats(0, 1e6),
    guessed=st.booleans(),
    more=st.booleans(),
    resting=st.booleans(),
)


@given(OUTCOMES, PLACES, st.integers(1, 20), st.floats(0, 1))
def test_decision(outcome: Outcome, at: Place, most: int, roll: float) -> None:
    """The rules that hold everywhere."""
    retry = Retry(max_attempts=most)
    decision = decide(outcome, at, retry, lambda: roll)
    kind = outcome.kind
    if kind is Kind.FINAL:
        assert decision == GiveUp()
    if isinstance(decision, NextKey):
        assert at.spare
        assert kind in {Kind.DEAD, Kind.LIMITED, Kind.SPENT}
    if isinstance(decision, NextProvider):
        assert at.more
        assert kind is not Kind.DEAD or at.wait is not None
    if isinstance(decision, GiveUp):
        assert not at.more or kind in {Kind.FINAL, Kind.DEAD}
    if isinstance(decision, Again):
        assert at.tries < most
        assert not at.resting
        assert outcome.again
        assert kind not in {Kind.FINAL, Kind.BROKEN, Kind.UNABLE}
        assert 0 <= decision.after <= max(retry.max_retry_after_secs, 8) + 2
        if kind is Kind.FAILED and outcome.after is not None:
            assert decision.after >= outcome.after
