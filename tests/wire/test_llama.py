"""llama.cpp's own server as the provider: a real implementation of OpenAI's format, with a tiny model of random weights."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed; `make test-llama` builds it and runs this")
pytest.importorskip("gguf", reason="gguf is not installed; `make test-llama` installs it and runs this")

import anthropic
import openai
from google import genai
from google.genai import types as genai_types

from tests.wire.gateway import Gateway, free_port

ROOT = Path(__file__).parents[2]
MODEL = "tiny"


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a llama.cpp server with the tiny model."""
    folder = tmp_path_factory.mktemp("llama")
    model, port = folder / "tiny.gguf", free_port()
    subprocess.run([sys.executable, ROOT / "tools" / "make_gguf.py", model], check=True)
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(model), "--port", str(port), "--n_ctx", "1024"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{address}/v1/models", timeout=5).raise_for_status()
                break
            except httpx.HTTPError:
                assert server.poll() is None, (folder / "log").read_text(errors="replace")
                assert time.monotonic() < deadline, "the llama.cpp server did not start"
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def gateway(llama: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway in front of it that keeps nothing."""
    settings = {"llm_provider": "custom", "external_llm_url": llama, "cache_mode": "exact", "external_llm_model": MODEL}
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), settings).start()
    try:
        yield gateway
    finally:
        gateway.stop()


def test_chat(gateway: Gateway) -> None:
    """The OpenAI SDK gets text, a stop reason and the server's own count of tokens."""
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="k", max_retries=0) as client:
        reply = client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "say something"}], max_tokens=8
        )
        assert reply.choices[0].message.content
        assert reply.choices[0].finish_reason in {"length", "stop"}
        assert reply.usage is not None
        assert reply.usage.prompt_tokens > 0
        chunks = list(
            client.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": "stream something"}], max_tokens=8, stream=True
            )
        )
    assert chunks[-1].choices[0].finish_reason in {"length", "stop"}


def test_messages(gateway: Gateway) -> None:
    """The Anthropic SDK gets the same through translation, as a whole and as a stream."""
    with anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0) as client:
        reply = client.messages.create(
            model=MODEL, max_tokens=8, messages=[{"role": "user", "content": "answer in any words"}], system="be brief"
        )
        assert reply.content[0].type == "text"
        assert reply.stop_reason in {"max_tokens", "end_turn"}
        assert reply.usage.input_tokens > 0
        with client.messages.stream(
            model=MODEL, max_tokens=8, messages=[{"role": "user", "content": "answer in a stream"}]
        ) as stream:
            final = stream.get_final_message()
    assert final.content
    assert final.stop_reason in {"max_tokens", "end_turn"}


def test_responses(gateway: Gateway) -> None:
    """So does the Responses API."""
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="k", max_retries=0) as client:
        reply = client.responses.create(model=MODEL, input="what now", max_output_tokens=16)
        assert reply.output_text
        with client.responses.stream(model=MODEL, input="what next", max_output_tokens=16) as stream:
            last = list(stream)[-1]
    assert last.type in {"response.completed", "response.incomplete"}
    assert last.response.output_text


def test_generate(gateway: Gateway) -> None:
    """So does Gemini's."""
    options = genai_types.HttpOptions(base_url=gateway.url, retry_options=genai_types.HttpRetryOptions(attempts=1))
    client = genai.Client(api_key="k", http_options=options)
    config = genai_types.GenerateContentConfig(max_output_tokens=8)
    reply = client.models.generate_content(model=MODEL, contents="tell me", config=config)
    assert reply.candidates
    assert reply.usage_metadata is not None
    pieces = list(client.models.generate_content_stream(model=MODEL, contents="tell me more", config=config))
    assert pieces[-1].candidates
    assert pieces[-1].candidates[0].finish_reason is not None


def test_what_the_server_refuses(gateway: Gateway) -> None:
    """A prompt that is too long for the model is the client's error, in the client's own words."""
    with anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0) as client:
        with pytest.raises(anthropic.BadRequestError) as refused:
            client.messages.create(model=MODEL, max_tokens=8, messages=[{"role": "user", "content": "the " * 4000}])
    assert "context" in str(refused.value)
