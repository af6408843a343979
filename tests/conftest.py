"""Fixtures of the tests that run the real gateway against the stub provider.

The gateways of a session are shared: what keeps tests apart is that every prompt is unique (`fresh`). A test that needs
its own settings takes `make_gateway`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.stub import Stub
    from tests.wire.gateway import Gateway

RESPONSES_ONLY = "responses-only"
_ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def stub() -> Iterator[Stub]:
    """Run the stub provider of this session."""
    from tests.stub import Stub

    with Stub() as running:
        yield running


def settings_for(provider: str, stub: Stub) -> dict[str, str]:
    """Return the settings with which a gateway uses the stub as this provider."""
    from tests.wire.gateway import UPSTREAM_KEY

    # One question is one call, which is what most tests count; `test_chain` is about more. What is repeated is repeated
    # at once, and one test's failures are no reason to refuse the next one's calls.
    quick = {"retry__max_attempts": "1", "retry__base_delay_ms": "1", "breaker__failure_threshold": "0"}
    return {"llm_provider": provider, "external_llm_url": stub.url, "external_llm_api_key": UPSTREAM_KEY, **quick}


@pytest.fixture(scope="session")
def gateway_of(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Gateway]]:
    """Give the session's gateway for a provider, or for an endpoint's provider; started when first asked for.

    `RESPONSES_ONLY` is a provider that speaks nothing else.
    """
    from tests.wire.ask import PROVIDER_OF
    from tests.wire.gateway import Gateway

    running: dict[str, Gateway] = {}

    def get(name: str) -> Gateway:
        provider = PROVIDER_OF.get(name, name)
        if provider not in running:
            folder = tmp_path_factory.mktemp(provider)
            if provider == RESPONSES_ONLY:
                settings, more = settings_for("openai", stub), {"PYTHONPATH": str(_ROOT)}
                gateway = Gateway(folder, settings, environment=more, module="tests.wire.responses_only")
            else:
                gateway = Gateway(folder, settings_for(provider, stub))
            running[provider] = gateway.start()
        return running[provider]

    yield get
    codes = {name: gateway.stop() for name, gateway in running.items()}
    for name, gateway in running.items():
        assert "Traceback" not in gateway.log, f"the gateway for {name} logged a traceback:\n{gateway.log[-6000:]}"
        assert "panicked" not in gateway.log, gateway.log[-6000:]
    assert set(codes.values()) <= {0}, f"exit codes: {codes}"


@pytest.fixture
def make_gateway(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Gateway]]:
    """Start gateways with settings of the test's own; they are stopped when the test ends."""
    from tests.wire.gateway import Gateway

    running: list[Gateway] = []

    def make(
        provider: str = "openai",
        *,
        start: bool = True,
        arguments: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        **settings: str | None,
    ) -> Gateway:
        merged = {**settings_for(provider, stub), **settings}
        chosen = {key: value for key, value in merged.items() if value is not None}
        gateway = Gateway(tmp_path_factory.mktemp("own"), chosen, arguments, environment)
        running.append(gateway)
        return gateway.start() if start else gateway

    yield make
    for gateway in running:
        gateway.stop()
        assert "Traceback" not in gateway.log, f"the gateway logged a traceback:\n{gateway.log[-6000:]}"


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """Give a plain HTTP client that ignores the machine's proxy settings."""
    import httpx

    with httpx.Client(timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def fresh() -> Callable[..., str]:
    """Make prompts that nothing else uses, with directives for the stub in front."""

    def make(words: str = "") -> str:
        return f"{words} question {uuid.uuid4().hex}".strip()

    return make
