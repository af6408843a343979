"""Which bodies are the same question, told by the key that replies carry; and that nobody gets another's answer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import ANSWERING, body, is_error, path, post
from tests.wire.gateway import Gateway
from tests.wire.raw import head, wire

GatewayOf = Callable[[str], Gateway]
Fresh = Callable[..., str]

SAME: tuple[tuple[str, str], ...] = (
    ('{"content":"\\u00e9"}', '{"content":"é"}'),
    ('{"content":"\\ud83d\\ude42"}', '{"content":"🙂"}'),
    ('{"content":"a\\/b"}', '{"content":"a/b"}'),
    ('{"x":1.0}', '{"x":1}'),
    ('{"x":1e2}', '{"x":100}'),
    ('{"x":0.50}', '{"x":5e-1}'),
    ('{"x":[1, 2]}', '{"x":[1,2]}'),
    ('{"x":1,"y":{"a":1,"b":2}}', '{"y":{"b":2,"a":1},"x":1}'),
)
DIFFERENT: tuple[tuple[str, str], ...] = (
    ('{"content":"e\\u0301"}', '{"content":"é"}'),
    ('{"content":"a "}', '{"content":"a"}'),
    ('{"content":"A"}', '{"content":"a"}'),
    ('{"content":"\\u0000"}', '{"content":""}'),
    ('{"x":1}', '{"x":"1"}'),
    ('{"x":1}', '{"x":true}'),
    ('{"x":0}', '{"x":false}'),
    ('{"x":null}', "{}"),
    ('{"x":""}', '{"x":null}'),
    ('{"x":[]}', '{"x":{}}'),
    ('{"x":[1,2]}', '{"x":[2,1]}'),
    ('{"x":[[1],2]}', '{"x":[1,[2]]}'),
    ('{"x":9007199254740993}', '{"x":9007199254740992}'),
    ('{"x":123456789012345678901}', '{"x":123456789012345678902}'),
    ('{"x":0.1}', '{"x":0.10000001}'),
    ('{"x":{"a":1}}', '{"x":{"a":{}},"y":1}'),
    ('{"ab":"c"}', '{"a":"bc"}'),
    ('{"x":"a","y":"b"}', '{"x":"b","y":"a"}'),
    ('{"x":1,"x":2}', '{"x":1}'),
    ('{"x":1,"x":2}', '{"x":2}'),
    ('{"x":1,"x":2}', '{"x":2,"x":1}'),
    ('{"stream_":true}', "{}"),
    ('{"User":"a"}', "{}"),
    ('{"metadata":{"user_id":"a","purpose":"x"}}', '{"metadata":{"user_id":"a","purpose":"y"}}'),
    (
        '{"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"a":{},"b":{}}}}}]}',
        '{"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"b":{},"a":{}}}}}]}',
    ),
    ('{"x":{"stream":true}}', '{"x":{"stream":false}}'),
    ('{"x":{"user":"a"}}', '{"x":{"user":"b"}}'),
)


def key(http: httpx.Client, url: str, prompt: str, more: str) -> str:
    """Return the key of a chat request whose body has these members as well."""
    start = json.dumps(body("chat", prompt))[:-1]
    content = start + (", " + more[1:] if more != "{}" else "}")
    reply = http.post(url + path("chat"), content=content.encode(), headers={"content-type": "application/json"})
    assert reply.status_code == 200, reply.text
    return reply.headers["x-isartor-cache-key"]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_question(one: str, other: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """How a value is written in JSON does not matter."""
    url, prompt = gateway_of("chat").url, fresh()
    assert key(http, url, prompt, one) == key(http, url, prompt, other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_question(one: str, other: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """Values, types, order in lists and schemas, nesting, and repeated members do matter."""
    url, prompt = gateway_of("chat").url, fresh()
    assert key(http, url, prompt, one) != key(http, url, prompt, other)


def test_turns_cannot_be_shifted(gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """The same words cut into other turns, roles or parts are other questions."""
    url, word = gateway_of("chat").url, fresh()
    conversations = (
        [{"role": "user", "content": word + "ab"}],
        [{"role": "user", "content": word + "a"}, {"role": "user", "content": "b"}],
        [{"role": "user", "content": word}, {"role": "user", "content": "ab"}],
        [{"role": "system", "content": word + "a"}, {"role": "user", "content": "b"}],
        [{"role": "user", "content": word + "a"}, {"role": "assistant", "content": "b"}],
        [{"role": "user", "content": [{"type": "text", "text": word + "a"}, {"type": "text", "text": "b"}]}],
        [{"role": "user", "content": word + "a\nuser: b"}],
    )
    keys = {
        http.post(url + path("chat"), json={"model": "gpt-4o-mini", "messages": turns}).headers["x-isartor-cache-key"]
        for turns in conversations
    }
    assert len(keys) == len(conversations)


@pytest.mark.parametrize("endpoint", ANSWERING)
def test_everybody_gets_the_own_answer(endpoint: str, gateway_of: GatewayOf, stub: Stub, fresh: Fresh) -> None:
    """Two hundred different questions at once, in both forms and each asked twice, are never mixed up."""
    url, prompts = gateway_of(endpoint).url, [fresh() for _ in range(100)] * 2
    with httpx.Client(timeout=60, trust_env=False) as http, ThreadPoolExecutor(16) as pool:
        replies = list(
            pool.map(lambda n: post(http, url, endpoint, prompts[n], stream=n % 3 == 0), range(len(prompts)))
        )
    for prompt, reply in zip(prompts, replies, strict=True):
        calls = stub.calls(prompt)
        assert reply.status_code == 200
        assert any(call.tag.encode() in reply.content for call in calls)


def test_requests_on_one_connection_keep_their_order(gateway_of: GatewayOf, stub: Stub, fresh: Fresh) -> None:
    """Requests that a client sends without waiting get their replies in order."""
    url, prompts = gateway_of("chat").url, [fresh() for _ in range(20)]
    with wire(url) as connection:
        for prompt in prompts:
            content = json.dumps(body("chat", prompt)).encode()
            connection.send(head("POST", path("chat"), url, f"Content-Length: {len(content)}") + content)
        for prompt in prompts:
            _, _, content = connection.reply()
            assert stub.calls(prompt)[0].tag.encode() in content


def test_a_client_that_asks_before_it_sends(gateway_of: GatewayOf, fresh: Fresh) -> None:
    """`Expect: 100-continue` is told to go on, and then answered."""
    url, content = gateway_of("chat").url, json.dumps(body("chat", fresh())).encode()
    with wire(url) as connection:
        connection.send(head("POST", path("chat"), url, f"Content-Length: {len(content)}", "Expect: 100-continue"))
        assert connection.head()[0] == 100
        connection.send(content)
        assert connection.reply()[0] == 200


def test_a_chunked_request(gateway_of: GatewayOf, stub: Stub, fresh: Fresh) -> None:
    """A body of unknown length is read, and hits what the same body with a length has stored."""
    url, prompt = gateway_of("chat").url, fresh()
    content = json.dumps(body("chat", prompt)).encode()
    with wire(url) as connection:
        for framing in ("Transfer-Encoding: chunked", f"Content-Length: {len(content)}"):
            connection.send(head("POST", path("chat"), url, framing))
            if framing.startswith("T"):
                for at in range(0, len(content), 7):
                    piece = content[at : at + 7]
                    connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                connection.send(b"0\r\n\r\n")
            else:
                connection.send(content)
            status, _, _ = connection.reply()
            assert status == 200
    assert len(stub.calls(prompt)) == 1


@pytest.mark.parametrize("endpoint", ["chat", "messages", "generate"])
def test_a_compressed_request(endpoint: str, gateway_of: GatewayOf, http: httpx.Client, fresh: Fresh) -> None:
    """A compressed body is refused as such, not as bad JSON."""
    content = gzip.compress(json.dumps(body(endpoint, fresh())).encode())
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    reply = http.post(gateway_of(endpoint).url + path(endpoint), content=content, headers=headers)
    assert reply.status_code == 415
    assert is_error(endpoint, reply.json())
