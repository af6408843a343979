"""What clients send and get is taken down for the request log."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from isartor.config import Config, Secret
from isartor.config.upstream import GatewayKey
from isartor.ports import Headers
from isartor.server.app import App, application
from isartor.server.replies import ProtocolClosed
from isartor.server.witness import Witness
from isartor.wiring import Gateway
from tests.server.fakes import FakeProto, FakeScope


class Watched:
    """An application with a request log."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        config = msgspec.structs.replace(
            Config(), demo=True, enable_request_logs=True, request_log_path=str(folder), **settings
        )
        self.gateway = Gateway(config)
        self.app = application(self.gateway)
        assert isinstance(self.app, Witness)
        self.file = folder / "requests.log"

    def call(self, target: str, body: Any = b"", headers: Headers | None = None, proto: Any = None) -> FakeProto:
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        proto = proto or FakeProto(content)
        lines = [*(headers or []), ("content-length", str(len(content)))]
        asyncio.run(self.app.__rsgi__(FakeScope("POST" if content else "GET", target, lines), proto))
        return proto

    def lines(self) -> list[dict[str, Any]]:
        assert self.gateway.requests is not None
        self.gateway.requests.flush()
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "metadata": {"token": "hidden"}}


def test_without_a_request_log_nothing_stands_between() -> None:
    """The application is the application."""
    assert type(application(Gateway(msgspec.structs.replace(Config(), demo=True)))) is App


def test_a_reply_is_taken_down(watched: Watched) -> None:
    """What the client got is in the line, and what it sent, secrets removed; a hit is there as well."""
    headers = [("user-agent", "codex_cli_rs/1"), ("authorization", "Bearer hidden")]
    reply = watched.call("/v1/chat/completions?key=hidden", CHAT, headers)
    watched.call("/api/v1/cache/store", {"prompt": "q", "response": "a"})
    watched.call("/api/chat", {"prompt": "q"})
    first, _, hit = watched.lines()
    assert json.loads(first["response_body"]) == reply.json
    assert json.loads(first["request_body"])["messages"] == CHAT["messages"]
    assert (first["tool"], first["client"], first["endpoint_family"]) == ("codex", "openai", "openai")
    assert (first["final_layer"], hit["final_layer"]) == ("l3", "l1a")
    assert (first["model"], first["provider"], first["response_status"]) == ("m", "demo", 200)
    assert "hidden" not in watched.file.read_text()


def test_a_stream_is_taken_down_as_it_was_sent(watched: Watched) -> None:
    """Up to the cap, and its size is told."""
    reply = watched.call("/v1/chat/completions", CHAT | {"stream": True})
    (line,) = watched.lines()
    sent = b"".join(reply.pieces)
    assert line["response_body"].encode() == sent
    assert line["response_body_note"] == f"stream of {len(sent)} bytes"


def test_errors_and_unknown_routes_are_taken_down(watched: Watched) -> None:
    """With what the client sent, if it was read."""
    watched.call("/v1/messages", b"no json")
    watched.call("/v1/nothing")
    watched.call("/v1beta/models/gemini-x:generateContent", {"contents": 5})
    lines = watched.lines()
    assert [line["response_status"] for line in lines] == [400, 404, 400]
    assert [line["endpoint_family"] for line in lines] == ["anthropic", "openai", "gemini"]
    assert lines[0]["request_body"] == "no json"
    assert lines[2]["model"] == "gemini-x"


def test_the_gateways_own_pages_are_not_taken_down(watched: Watched) -> None:
    """Whoever looks at the log would fill it."""
    for path in ("/health", "/healthz", "/metrics", "/debug/usage", "/debug/stats/prompts", "/api/admin/requests"):
        assert watched.call(path).status == 200
    assert watched.lines() == []


class Leaving(FakeProto):
    """A client that leaves before the reply, or inside of it."""

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        raise ProtocolClosed

    def response_stream(self, status: int, headers: Headers) -> Any:
        transport = super().response_stream(status, headers)

        class Closed:
            async def send_bytes(self, piece: bytes) -> None:
                await transport.send_bytes(piece)
                raise ProtocolClosed

        return Closed()


@pytest.mark.parametrize(("stream", "note"), [(False, "the client had left"), (True, "until the client left")])
def test_a_client_that_leaves_is_told(watched: Watched, stream: bool, note: str) -> None:
    """Beside the reply that it did not take."""
    body = json.dumps(CHAT | {"stream": stream}).encode()
    watched.call("/v1/chat/completions", body, proto=Leaving(body))
    (line,) = watched.lines()
    assert note in line["response_body_note"]


def test_the_log_is_an_operators_page(watched: Watched) -> None:
    """`/api/admin/requests` shows the latest, newest first, and no more than asked for."""
    for number in range(5):
        watched.call("/api/chat", {"prompt": f"q{number}"})
    watched.lines()
    page = watched.call("/api/admin/requests?limit=2").json
    assert page["enabled"] is True
    assert [json.loads(entry["request_body"])["prompt"] for entry in page["entries"]] == ["q4", "q3"]


def test_the_tenant_is_told(tmp_path: Path) -> None:
    """By the label of its gateway key."""
    watched = Watched(tmp_path, gateway_keys=(GatewayKey(key=Secret("k1"), label="team"),))
    watched.call("/api/chat", {"prompt": "q"}, [("x-api-key", "k1")])
    assert watched.lines()[0]["tenant"] == "team"
