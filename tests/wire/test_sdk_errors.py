"""Errors reach an application as the exception that its SDK documents, with the message that says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import anthropic
import openai
import pytest
from google.genai import errors as gerrors

from tests.stub import Stub
from tests.wire import sdk
from tests.wire.gateway import Gateway
from tests.wire.sdk import ENDPOINTS

GatewayOf = Callable[[str], Gateway]
MakeGateway = Callable[..., Gateway]
Fresh = Callable[..., str]
EXPECTED: dict[str, dict[int, type[Exception]]] = {
    "openai": {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        403: openai.PermissionDeniedError,
        404: openai.NotFoundError,
        429: openai.RateLimitError,
        500: openai.InternalServerError,
        503: openai.InternalServerError,
    },
    "anthropic": {
        400: anthropic.BadRequestError,
        401: anthropic.AuthenticationError,
        403: anthropic.PermissionDeniedError,
        404: anthropic.NotFoundError,
        429: anthropic.RateLimitError,
        500: anthropic.InternalServerError,
        529: anthropic.InternalServerError,
    },
    "gemini": {
        400: gerrors.ClientError,
        401: gerrors.ClientError,
        403: gerrors.ClientError,
        404: gerrors.ClientError,
        429: gerrors.ClientError,
        500: gerrors.ServerError,
        503: gerrors.ServerError,
    },
}
STREAM_ERRORS: dict[str, tuple[type[Exception], ...]] = {
    "openai": (openai.APIError, sdk.StreamFailed),
    "anthropic": (anthropic.APIError,),
    "gemini": (gerrors.APIError,),
}
SERVER_ERRORS: dict[str, type[Exception]] = {
    "openai": openai.InternalServerError,
    "anthropic": anthropic.InternalServerError,
    "gemini": gerrors.ServerError,
}
DEAD_KEY = (401, 403)
CASES = [
    (endpoint, status)
    for endpoint in ENDPOINTS
    for status in EXPECTED[sdk.asker(endpoint, stream=False).provider]
    if status not in DEAD_KEY
]


def status_of(error: Exception) -> int:
    """Return the HTTP status that an SDK's exception carries."""
    return int(getattr(error, "status_code", 0) or getattr(error, "code", 0))


@pytest.mark.parametrize(("endpoint", "status"), CASES)
@pytest.mark.parametrize("stream", [False, True])
def test_upstream_errors(endpoint: str, status: int, stream: bool, gateway_of: GatewayOf, fresh: Fresh) -> None:
    """A provider's refusal arrives as the SDK's own exception with the provider's message, streamed or not."""
    ask = sdk.asker(endpoint, stream=stream)
    with pytest.raises(EXPECTED[ask.provider][status]) as caught:
        ask(gateway_of(ask.provider).url, fresh(f"[[status={status}]]"))
    assert status_of(caught.value) == status
    assert f"stub error {status}" in str(caught.value)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("status", DEAD_KEY)
@pytest.mark.parametrize("stream", [False, True])
def test_a_dead_key_of_the_gateway(
    endpoint: str, status: int, stream: bool, gateway_of: GatewayOf, fresh: Fresh
) -> None:
    """The provider refuses the gateway's key: a 502 that says so, so that nobody thinks their own key is bad."""
    ask = sdk.asker(endpoint, stream=stream)
    with pytest.raises(SERVER_ERRORS[ask.provider]) as caught:
        ask(gateway_of(ask.provider).url, fresh(f"[[status={status}]]"))
    assert status_of(caught.value) == 502
    assert "external_llm_api_key" in str(caught.value)
    assert ask(gateway_of(ask.provider).url, fresh()).layer == "l3"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_unknown_model(endpoint: str, gateway_of: GatewayOf, fresh: Fresh) -> None:
    """A model that the provider does not know is the SDK's NotFound."""
    ask = sdk.asker(endpoint, stream=False)
    with pytest.raises(EXPECTED[ask.provider][404]):
        ask(gateway_of(ask.provider).url, fresh(), model="no-such-model")


@pytest.mark.parametrize("endpoint", ["chat", "messages"])
@pytest.mark.parametrize("stream", [False, True])
def test_retry_after(endpoint: str, stream: bool, gateway_of: GatewayOf, fresh: Fresh) -> None:
    """A 429 keeps the provider's `retry-after`."""
    ask = sdk.asker(endpoint, stream=stream)
    with pytest.raises(EXPECTED[ask.provider][429]) as caught:
        ask(gateway_of(ask.provider).url, fresh("[[status=429]][[retry_after=7]]"))
    error = caught.value
    assert isinstance(error, openai.RateLimitError | anthropic.RateLimitError)
    assert error.response.headers["retry-after"] == "7"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_wrong_gateway_key(endpoint: str, locked: dict[str, Gateway], fresh: Fresh) -> None:
    """A wrong key is the SDK's authentication error, and the right one opens, by whatever header the SDK sends it."""
    ask = sdk.asker(endpoint, stream=False)
    base = locked[ask.provider].url
    with pytest.raises(EXPECTED[ask.provider][401]) as caught:
        ask(base, fresh(), key="not-the-key")
    assert status_of(caught.value) == 401
    assert ask(base, fresh(), key="open-sesame-123").layer == "l3"


@pytest.fixture(scope="module")
def locked(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Gateway]]:
    """Gateways with a key, one per provider."""
    from tests.conftest import settings_for

    gateways = {
        name: Gateway(
            tmp_path_factory.mktemp("locked"),
            settings_for(name, stub) | {"gateway_api_key": "open-sesame-123"},
        ).start()
        for name in ("openai", "anthropic", "gemini")
    }
    yield gateways
    for gateway in gateways.values():
        gateway.stop()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("stream", [False, True])
def test_no_provider(endpoint: str, stream: bool, keyless: dict[str, Gateway], fresh: Fresh) -> None:
    """Without a provider key a miss is a 503 in the SDK's own terms, never a made-up answer."""
    ask = sdk.asker(endpoint, stream=stream)
    with pytest.raises(SERVER_ERRORS[ask.provider]) as caught:
        ask(keyless[ask.provider].url, fresh())
    assert status_of(caught.value) == 503


@pytest.fixture(scope="module")
def keyless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Gateway]]:
    """Gateways without a provider key."""
    gateways = {
        name: Gateway(tmp_path_factory.mktemp("keyless"), {"llm_provider": name}).start()
        for name in ("openai", "anthropic", "gemini")
    }
    yield gateways
    for gateway in gateways.values():
        gateway.stop()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_error_event_raises(endpoint: str, gateway_of: GatewayOf, fresh: Fresh) -> None:
    """The provider's error event inside a 200 stream reaches the application as an exception where its SDK has one."""
    ask = sdk.asker(endpoint, stream=True)
    base = gateway_of(ask.provider).url
    prompt = fresh("[[error_event=3]]")
    with pytest.raises(STREAM_ERRORS[ask.provider]):
        ask(base, prompt)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_cut_stream_raises(endpoint: str, gateway_of: GatewayOf, fresh: Fresh) -> None:
    """A stream that the provider cut ends in the SDK's exception, not in a short answer."""
    ask = sdk.asker(endpoint, stream=True)
    base = gateway_of(ask.provider).url
    with pytest.raises(STREAM_ERRORS[ask.provider]):
        ask(base, fresh("[[cut=4]]"))
