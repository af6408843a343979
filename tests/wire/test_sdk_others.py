"""Embeddings, token counting and lists of models through the SDKs; formats that the provider does not speak."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import openai
import pytest

from tests.stub import Stub
from tests.wire import sdk
from tests.wire.ask import is_error, layer, post
from tests.wire.gateway import Gateway
from tests.wire.sdk import Ask

GatewayOf = Callable[[str], Gateway]
Fresh = Callable[..., str]


def test_embeddings_hit(gateway_of: GatewayOf, stub: Stub, fresh: Fresh) -> None:
    """An embedding is computed once; base64, which the SDK asks for, and floats are different questions."""
    seen: dict[str, str] = {}
    prompt = fresh()
    with sdk.openai_sync(Ask(gateway_of("openai").url, prompt), seen) as client:
        vectors, layers = [], []
        for form in ({}, {}, {"encoding_format": "float"}, {"dimensions": 8}):
            reply = client.embeddings.create(model="text-embedding-3-small", input=[prompt, "b"], **form)
            vectors.append([item.embedding for item in reply.data])
            layers.append(seen["x-isartor-layer"])
    assert layers == ["l3", "l1a", "l3", "l3"]
    assert vectors[0] == vectors[1]
    assert len({str(vector) for vector in vectors[1:]}) == 3
    assert len(stub.calls(prompt)) == 3


def test_anthropic_count_tokens(gateway_of: GatewayOf, fresh: Fresh) -> None:
    """Counting tokens works and repeats from the cache."""
    seen: dict[str, str] = {}
    prompt = fresh()
    with sdk.anthropic_sync(Ask(gateway_of("anthropic").url, prompt), seen) as client:
        turn = [{"role": "user", "content": prompt}]
        counts = [client.messages.count_tokens(model="claude-opus-5-5", messages=turn).input_tokens for _ in "ab"]  # type: ignore[arg-type]
    assert counts[0] == counts[1] > 1000
    assert seen["x-isartor-layer"] == "l1a"


def test_gemini_count_tokens(gateway_of: GatewayOf, fresh: Fresh) -> None:
    """Counting tokens works and repeats from the cache."""
    prompt = fresh()
    with sdk.genai_client(Ask(gateway_of("gemini").url, prompt)) as client:
        counts = [client.models.count_tokens(model="gemini-2.5-flash", contents=prompt).total_tokens for _ in "ab"]
    assert counts[0] == counts[1]
    assert counts[0] is not None
    assert counts[0] > 2000


def test_openai_models(make_gateway: Callable[..., Gateway]) -> None:
    """The list has the configured model and every alias; an unknown id is NotFound."""
    gateway = make_gateway(external_llm_model="gpt-4o-mini", model_aliases__fast="gpt-4.1-nano")
    with sdk.openai_sync(Ask(gateway.url, ""), {}) as client:
        names = {model.id: model.owned_by for model in client.models.list()}
        assert {"gpt-4o-mini", "fast"} <= names.keys()
        assert names["fast"] == "alias:openai"
        assert client.models.retrieve("fast").id == "fast"
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("no-such-model")


def test_anthropic_models(make_gateway: Callable[..., Gateway]) -> None:
    """With `anthropic-version` the list has Anthropic's shape, as its SDK reads it."""
    gateway = make_gateway("anthropic", external_llm_model="claude-opus-5-5", model_aliases__fast="claude-haiku-5")
    with sdk.anthropic_sync(Ask(gateway.url, ""), {}) as client:
        page = client.models.list()
        assert {"claude-opus-5-5", "fast"} <= {model.id for model in page}
        assert page.has_more is False
        assert client.models.retrieve("fast").id == "fast"


def test_gemini_models(make_gateway: Callable[..., Gateway]) -> None:
    """`GET /v1beta/models` and the path that the Gemini SDK asks both list models in Gemini's shape."""
    gateway = make_gateway("gemini", external_llm_model="gemini-2.5-flash")
    names = [one["name"] for one in httpx.get(gateway.url + "/v1beta/models", trust_env=False).json()["models"]]
    assert "models/gemini-2.5-flash" in names
    with sdk.genai_client(Ask(gateway.url, "")) as client:
        assert "models/gemini-2.5-flash" in [model.name for model in client.models.list()]


FOREIGN = [(endpoint, provider) for endpoint in ("completions", "embeddings") for provider in ("anthropic", "gemini")]


@pytest.mark.parametrize(("endpoint", "provider"), FOREIGN)
def test_an_operation_that_cannot_be_translated(
    endpoint: str, provider: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """It is a 501 in the client's own shape, and nothing is sent on."""
    prompt = fresh()
    reply = post(http, gateway_of(provider).url, endpoint, prompt)
    assert reply.status_code == 501
    assert is_error(endpoint, reply.json(), 501)
    assert stub.calls(prompt) == []


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("path", ["/api/chat", "/api/v1/chat"])
def test_native(provider: str, path: str, gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """The native surface answers with layer, message and model, and repeats from the cache."""
    url, prompt = gateway_of(provider).url + path, fresh()
    miss, hit = (http.post(url, json={"prompt": prompt}) for _ in "ab")
    assert (layer(miss), layer(hit)) == ("l3", "l1a")
    assert miss.json()["message"] == hit.json()["message"]
    assert "stub answer" in hit.json()["message"]
    assert {"layer", "message", "model"} <= hit.json().keys()
    assert len(stub.calls(prompt)) == 1


def test_native_model(gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """A named model goes to the provider and is part of the key."""
    url, prompt = gateway_of("openai").url + "/api/chat", fresh()
    replies = [http.post(url, json={"prompt": prompt, "model": model}) for model in ("gpt-4.1", "gpt-4o", "gpt-4.1")]
    assert [layer(reply) for reply in replies] == ["l3", "l3", "l1a"]
    assert [call.json["model"] for call in stub.calls(prompt)] == ["gpt-4.1", "gpt-4o"]


@pytest.mark.parametrize("given", [{}, {"prompt": ""}, {"prompt": 3}, []])
def test_native_bad_input(given: object, gateway_of: GatewayOf, http: httpx.Client) -> None:
    """A body without a prompt is a 400 in the native shape."""
    reply = http.post(gateway_of("openai").url + "/api/chat", json=given)
    assert reply.status_code == 400
    assert is_error("native", reply.json())
