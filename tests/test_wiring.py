"""The one place where configuration becomes objects."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from isartor.config import Config
from isartor.config.secret import Secret
from isartor.config.upstream import FallbackProvider, ProviderKey
from isartor.stack.exact import ExactCache
from isartor.stack.gate import Gatekeeper
from isartor.wiring import Gateway, chain_of, tenant_of
from tests.native.reading import Headers

WELCOME, NO_KEY, WRONG_KEY, FOREIGN_ORIGIN, FOREIGN_HOST = range(5)


def gateway(server: dict[str, Any] | None = None, **settings: Any) -> Gateway:
    """Build a gateway with the demo provider."""
    config = msgspec.structs.replace(Config(), demo=True, **settings)
    return Gateway(msgspec.structs.replace(config, server=msgspec.structs.replace(config.server, **(server or {}))))


def verdict(built: Gateway, host: str, headers: Headers | None = None) -> int:
    """Return the gate's verdict on a Host."""
    return built.gate.read(0, "", [("host", host), *(headers or [])]).verdict


def test_the_stack_is_built_in_order() -> None:
    """Gate, exact cache, semantic cache, cloud, each from its own part of the configuration."""
    layers = gateway().pipeline.layers
    assert [layer.name for layer in layers] == ["l0", "l1a", "l1b", "l3"]
    assert isinstance(layers[0], Gatekeeper)
    assert isinstance(layers[1], ExactCache)


def test_on_the_loopback_only_its_names_are_hosts() -> None:
    """With or without a key, a rebound name stays out."""
    for key in (None, Secret("k")):
        built = gateway(gateway_api_key=key)
        sent = [("x-api-key", "k")]
        for host in ("localhost", "127.0.0.1:8080", "[::1]:8080", "LocalHost:1"):
            assert verdict(built, host, sent) == WELCOME, host
        for host in ("evil.example", "192.168.1.2", "localhost.evil.example"):
            assert verdict(built, host, sent) == FOREIGN_HOST, host


def test_listed_hosts_are_ours() -> None:
    """`allowed_hosts` adds names, in any case."""
    built = gateway({"allowed_hosts": ("Gateway.Internal",)})
    assert verdict(built, "gateway.internal:8080") == WELCOME
    assert verdict(built, "other.internal") == FOREIGN_HOST


def test_outside_a_key_or_an_address_lets_in() -> None:
    """Bound to the outside, any name reaches it with a key; without one only addresses do."""
    server = {"host": "0.0.0.0"}  # noqa: S104  # not bound
    with_key = gateway(server, gateway_api_key=Secret("k"))
    assert verdict(with_key, "gw.example", [("x-api-key", "k")]) == WELCOME
    assert verdict(with_key, "gw.example") == NO_KEY
    without = gateway(server)
    assert verdict(without, "10.1.2.3:8080") == WELCOME
    assert verdict(without, "evil.example") == FOREIGN_HOST


def test_listed_origins_may_call() -> None:
    """`allowed_origins` reaches the gate."""
    built = gateway({"allowed_origins": ("https://app.example",)})
    assert verdict(built, "localhost", [("origin", "https://app.example")]) == WELCOME
    assert verdict(built, "localhost", [("origin", "https://evil.example")]) == FOREIGN_ORIGIN


def test_a_tenant_tells_nothing_of_its_key() -> None:
    """The same key is the same tenant in every process; two keys are two; the key is not in it."""
    assert tenant_of("one") == tenant_of("one")
    assert tenant_of("one") != tenant_of("two")
    assert len(tenant_of("x" * 1000)) == 16
    assert b"one" not in tenant_of("one")


def test_limits_are_shared_between_workers() -> None:
    """Each worker takes its part of the store, and at least one entry."""
    for capacity, workers, most in ((100, 4, 25), (1, 4, 1)):
        built = gateway({"workers": workers}, cache_max_capacity=capacity)
        from tests.native.reading import chat, complete, encoded

        head = built.gate.read(0, "", [])
        for number in range(200):
            built.store.store(head, built.store.read(head, encoded(chat(f"q{number}"))), complete())
        assert 0 < built.store.size()["entries"] <= most


@pytest.mark.parametrize(("mode", "hits"), [("exact", True), ("both", True), ("off", False), ("semantic", False)])
def test_the_cache_mode_decides_whether_l1a_answers(mode: str, *, hits: bool) -> None:
    """`exact` and `both` answer from L1a; the other modes do not even look."""
    try:
        built = gateway(cache_mode=mode)
    except ValueError:
        pytest.skip(f"there is no mode {mode} yet")
    state = built.pages._health.health()["layers"]["l1a"]
    assert (state == "active") == hits


def test_the_clocks_run_and_stop() -> None:
    """What runs by the clock starts with the loop, goes on, and is gone after the end."""

    async def test() -> None:
        loop = asyncio.get_running_loop()
        built = gateway()
        built.start(loop)
        timers = list(built.__dict__["_timers"])
        assert len(timers) >= 2
        assert all(timer.when() > loop.time() for timer in timers)
        built.stop(loop)
        assert all(timer.cancelled() for timer in built.__dict__["_timers"])

    asyncio.run(test())


def test_aliases_reach_every_part() -> None:
    """The store, the routes and the list of models know the same aliases."""
    built = gateway(model_aliases={"fast": "gpt-4o-mini"})
    head = built.gate.read(0, "", [])
    request = built.store.read(head, b'{"model":"fast","messages":[{"role":"user","content":"hi"}]}')
    assert request.model == "gpt-4o-mini"
    assert built.aliases == {"fast": "gpt-4o-mini"}


def test_a_refused_key_is_looked_for_where_it_stands() -> None:
    """The message names the setting that holds the provider's keys, whichever it is."""
    several = (ProviderKey(key=Secret("b")), ProviderKey(key=Secret("c")))
    config = Config(
        provider_keys=several,
        fallback_providers=(
            FallbackProvider(provider="groq", api_key=Secret("a")),
            FallbackProvider(provider="mistral", provider_keys=several, api_key=Secret("a")),
            FallbackProvider(provider="cohere"),
        ),
    )
    assert [link.setting for link in chain_of(config, None).links] == [
        "provider_keys",
        "fallback_providers[0].api_key",
        "fallback_providers[1].api_key and fallback_providers[1].provider_keys",
        "fallback_providers[2].api_key",
    ]
