"""What keeps entries apart: sessions, namespaces, tenants, models; and what joins them: aliases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import ANSWERING, MODELS, PROVIDER_OF, body, layer, path, post, said
from tests.wire.gateway import Gateway

GatewayOf = Callable[[str], Gateway]
MakeGateway = Callable[..., Gateway]
Fresh = Callable[..., str]
SESSION_HEADERS = ("x-isartor-session-id", "x-thread-id", "x-session-id", "x-conversation-id")


@pytest.mark.parametrize("header", SESSION_HEADERS)
@pytest.mark.parametrize("endpoint", ANSWERING)
def test_session_headers_are_a_scope(
    header: str, endpoint: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """A request that names a session shares nothing with another session, nor with none."""
    url, prompt = gateway_of(endpoint).url, fresh()
    layers = [
        layer(post(http, url, endpoint, prompt, headers={header: session} if session else None))
        for session in ("a", "b", "", "a", "b", "")
    ]
    assert layers == ["l3"] * 3 + ["l1a"] * 3


@pytest.mark.parametrize("name", ["session_id", "thread_id", "conversation_id"])
@pytest.mark.parametrize("inside", [False, True], ids=["top", "metadata"])
def test_session_fields_are_a_scope(
    name: str, inside: bool, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """The same holds for a session named in the body or in its `metadata`."""
    url, prompt = gateway_of("chat").url, fresh()
    layers = []
    for session in ("a", "b", "a"):
        more = {"metadata": {name: session}} if inside else {name: session}
        layers.append(layer(post(http, url, "chat", prompt, **more)))
    assert layers == ["l3", "l3", "l1a"]


def test_a_session_is_the_same_by_whatever_name(gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """A session and its absence are never mixed up by an empty header."""
    url, prompt = gateway_of("chat").url, fresh()
    replies = [post(http, url, "chat", prompt, headers=headers) for headers in (None, {"x-session-id": ""})]
    assert [layer(reply) for reply in replies] == ["l3", "l1a"]


def test_cursor_and_kiro_have_their_own_namespaces(
    gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """The same body by Cursor, by Kiro and by anyone else are three entries."""
    url, prompt = gateway_of("chat").url, fresh()
    kinds = ({"x-cursor-checksum": "abc"}, {"x-kiro-version": "1"}, {})
    replies = [post(http, url, "chat", prompt, headers=dict(headers)) for headers in (*kinds, *kinds)]
    assert [layer(reply) for reply in replies] == ["l3"] * 3 + ["l1a"] * 3
    assert len({said("chat", reply) for reply in replies}) == 3
    assert len(stub.calls(prompt)) == 3


def test_surfaces_do_not_share(gateway_of: GatewayOf, stub: Stub, http: httpx.Client, fresh: Fresh) -> None:
    """Chat, completions and Responses with the same words are three questions."""
    url, prompt = gateway_of("chat").url, fresh()
    for endpoint in ("chat", "completions", "responses"):
        assert layer(post(http, url, endpoint, prompt)) == "l3"
    assert len(stub.calls(prompt)) == 3


def test_tenants_do_not_share(make_gateway: MakeGateway, http: httpx.Client, fresh: Fresh) -> None:
    """The gateway key is part of the key of an entry: the same body under another key is another entry."""
    prompt, keys = fresh(), set()
    for secret in ("first-key-123", "second-key-123"):
        gateway = make_gateway(gateway_api_key=secret)
        by_header = [
            post(http, gateway.url, "chat", prompt, headers=headers)
            for headers in ({"x-api-key": secret}, {"authorization": f"Bearer {secret}"})
        ]
        assert [layer(reply) for reply in by_header] == ["l3", "l1a"]
        keys.add(by_header[0].headers["x-isartor-cache-key"])
    assert len(keys) == 2


def test_an_alias_shares_the_entry_of_its_model(
    make_gateway: MakeGateway, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """An alias is resolved before the key; the provider sees the model's name, and every other byte as it was sent."""
    gateway = make_gateway(model_aliases__fast="gpt-4.1-nano")
    prompt = fresh('quotes " and \\ and ü')
    raw = (
        '{ "messages" : [ {"content":%s,"role":"user"} ],\n\t"temperature":1.0e0, "model" :  "fast" , '
        '"metadata":{"model":"fast"}, "x_é":"fast" }'
    ) % json.dumps(prompt)
    url = gateway.url + path("chat")
    alias = http.post(url, content=raw.encode(), headers={"content-type": "application/json"})
    direct = http.post(
        url,
        content=raw.replace('"model" :  "fast"', '"model":"gpt-4.1-nano"').encode(),
        headers={"content-type": "application/json"},
    )
    assert (layer(alias), layer(direct)) == ("l3", "l1a")
    (call,) = stub.calls(prompt.rsplit(" ", 1)[-1])
    assert call.body == raw.replace('"model" :  "fast"', '"model" :  "gpt-4.1-nano"').encode()


@pytest.mark.parametrize("endpoint", ANSWERING)
@pytest.mark.parametrize("stream", [False, True])
def test_aliases_everywhere(
    endpoint: str, stream: bool, make_gateway: MakeGateway, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """Aliases work on every surface, in the body or in Gemini's path."""
    provider = PROVIDER_OF[endpoint]
    gateway = aliased(make_gateway, provider)
    prompt = fresh()
    replies = [
        post(http, gateway.url, endpoint, prompt, stream=stream, model=model) for model in ("fast", MODELS[provider])
    ]
    assert [layer(reply) for reply in replies] == ["l3", "l1a"]
    (call,) = stub.calls(prompt)
    expected = body(endpoint, prompt, stream=stream, model=MODELS[provider])
    assert call.json == expected
    if endpoint == "generate":
        assert f"/{MODELS[provider]}:" in call.path


def aliased(make_gateway: MakeGateway, provider: str) -> Gateway:
    """Return a gateway that calls its model `fast`."""
    return make_gateway(provider, model_aliases__fast=MODELS[provider])


IGNORED = (
    ("chat", {"user": "a"}),
    ("chat", {"service_tier": "flex"}),
    ("chat", {"store": True}),
    ("chat", {"prompt_cache_key": "k"}),
    ("responses", {"prompt_cache_key": "k"}),
    ("messages", {"cache_control": {"type": "ephemeral"}}),
    ("messages", {"service_tier": "standard_only"}),
)
COUNTING = (
    ("chat", {"temperature": 0.2}),
    ("chat", {"temperature": 0}),
    ("chat", {"seed": 1}),
    ("chat", {"n": 2}),
    ("chat", {"stop": ["x"]}),
    ("chat", {"logit_bias": {"1": 2}}),
    ("chat", {"tools": []}),
    ("chat", {"metadata": {"purpose": "x"}}),
    ("chat", {"from_the_future": None}),
    ("responses", {"instructions": "be kind"}),
    ("responses", {"previous_response_id": "resp_1"}),
    ("messages", {"max_tokens": 501}),
    ("messages", {"system": "be kind"}),
    ("messages", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    ("generate", {"generationConfig": {"temperature": 0.1}}),
    ("generate", {"safetySettings": []}),
)


@pytest.mark.parametrize(("endpoint", "more"), IGNORED)
def test_what_cannot_change_the_answer_is_ignored(
    endpoint: str, more: dict[str, object], gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """The named list of fields is no part of the key."""
    url, prompt = gateway_of(endpoint).url, fresh()
    assert layer(post(http, url, endpoint, prompt)) == "l3"
    assert layer(post(http, url, endpoint, prompt, **more)) == "l1a"


@pytest.mark.parametrize(("endpoint", "more"), COUNTING)
def test_what_can_change_the_answer_counts(
    endpoint: str, more: dict[str, object], gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """Everything else is, even a field that nobody has heard of."""
    url, prompt = gateway_of(endpoint).url, fresh()
    assert layer(post(http, url, endpoint, prompt)) == "l3"
    assert layer(post(http, url, endpoint, prompt, **more)) == "l3"


@pytest.mark.parametrize("header", ["anthropic-beta", "anthropic-version"])
def test_headers_that_change_the_answer_count(
    header: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh
) -> None:
    """A header that switches the provider's behaviour on is part of the question."""
    url, prompt = gateway_of("messages").url, fresh()
    layers = [layer(post(http, url, "messages", prompt, headers={header: value})) for value in ("a-1", "b-2", "a-1")]
    assert layers == ["l3", "l3", "l1a"]


def test_key_order_and_white_space_do_not_count(gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """The same JSON written differently is the same question."""
    url, prompt = gateway_of("chat").url + path("chat"), fresh()
    given = body("chat", prompt, temperature=0.5, top_p=1)
    forms = [
        json.dumps(given),
        json.dumps(dict(reversed(given.items())), indent=3),
        json.dumps(given, separators=(",", ":")).replace('"top_p":1', '"top_p":1.0').replace("0.5", "5e-1"),
    ]
    replies = [http.post(url, content=form, headers={"content-type": "application/json"}) for form in forms]
    assert [layer(reply) for reply in replies] == ["l3", "l1a", "l1a"]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ('{"model":"gpt-4o","model":"fast",', '{"model":"gpt-4o","model":"gpt-4.1-nano",'),
        ('{"model":"fast","model":"gpt-4o",', '{"model":"fast","model":"gpt-4o",'),
        ('{"mod\\u0065l":"fast",', '{"mod\\u0065l":"gpt-4.1-nano",'),
        ('{"model":"f\\u0061st",', '{"model":"gpt-4.1-nano",'),
        ('{"x":{"model":"fast"},"model":"fast",', '{"x":{"model":"fast"},"model":"gpt-4.1-nano",'),
    ],
)
def test_an_alias_is_resolved_where_the_provider_reads_it(
    given: str, sent: str, alias_gateway: Gateway, stub: Stub, http: httpx.Client, fresh: Fresh
) -> None:
    """Repeated, escaped and nested members: the one that counts is replaced, and only that one."""
    prompt = fresh()
    rest = f'"messages":[{{"role":"user","content":"{prompt}"}}]}}'
    reply = http.post(alias_gateway.url + path("chat"), content=(given + rest).encode())
    assert reply.status_code == 200, reply.text
    (call,) = stub.calls(prompt)
    assert call.body.decode() == sent + rest


@pytest.fixture(scope="module")
def alias_gateway(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Run a gateway that calls a model `fast`."""
    from tests.conftest import settings_for

    folder = tmp_path_factory.mktemp("alias")
    gateway = Gateway(folder, settings_for("openai", stub) | {"model_aliases__fast": "gpt-4.1-nano"}).start()
    yield gateway
    gateway.stop()
