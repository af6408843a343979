"""The request log of a real gateway with two workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.wire.gateway import UPSTREAM_KEY

if TYPE_CHECKING:
    import httpx

    from tests.wire.gateway import Gateway

KEY = "gateway-secret-0123456789"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_every_request_is_in_the_log_and_no_secret(
    make_gateway: Callable[..., Gateway], http: httpx.Client, fresh: Callable[..., str], workers: str
) -> None:
    """After a stop each request has its line, whole or streamed, answered or refused; the keys of both sides have not."""
    gateway = make_gateway(workers=workers, gateway_api_key=KEY, enable_request_logs="true")
    headers = {"authorization": f"Bearer {KEY}", "user-agent": "codex_cli_rs/0.1"}
    questions = [fresh() for _ in range(20)]
    for number, question in enumerate(questions):
        body = {"model": "m", "stream": number % 2 == 1, "messages": [{"role": "user", "content": question}]}
        reply = http.post(f"{gateway.url}/v1/chat/completions?key={KEY}", json=body, headers=headers)
        assert reply.status_code == 200
    assert http.post(gateway.url + "/v1/messages", json={"api_key": KEY}).status_code == 401
    assert gateway.stop() == 0
    text = (gateway.folder / ".isartor" / "request_logs" / "requests.log").read_text()
    assert KEY not in text
    assert UPSTREAM_KEY not in text
    lines = [json.loads(line) for line in text.splitlines()]
    refused = [line for line in lines if line["response_status"] == 401]
    answered = [line for line in lines if line["response_status"] == 200]
    assert (len(refused), len(answered)) == (1, 20)
    asked = {json.loads(line["request_body"])["messages"][0]["content"] for line in answered}
    assert asked == set(questions)
    assert {(line["tool"], line["provider"], line["final_layer"]) for line in answered} == {("codex", "openai", "l3")}
    streamed = [line for line in answered if "stream of" in line.get("response_body_note", "")]
    assert len(streamed) == 10
    assert all(line["response_body"].endswith("data: [DONE]\n\n") for line in streamed)
