"""Pings by the clock and on demand, and where keys go."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from isartor.config import Config, Secret
from isartor.config.upstream import FallbackProvider, ProviderKey
from isartor.errors import RequestError
from isartor.ports import Ping
from isartor.providers import health
from isartor.providers.base import Settings
from isartor.providers.health import Asked, Watch
from isartor.providers.keys import Key, Pool
from isartor.providers.link import Link
from isartor.wiring import chain_of, watch_of
from tests.providers.links import Scripted

from .upstream import running

GOOD = Ping(reachable=True, status_code=200, latency_ms=1)
BAD = Ping(reachable=True, status_code=401, latency_ms=1, error="the key was refused (status 401)")


class Pinged(Scripted):
    """A provider that answers pings."""

    def __init__(self, name: str, answer: Ping = GOOD, state: str = "active") -> None:
        super().__init__(name, [], [], state=state)
        self.answer = answer
        self.keys: list[str] = []

    async def ping(self, key: Any = None, *, deep: bool = False) -> Ping:
        self.keys.append("" if key is None else key.reveal())
        return self.answer


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def watch(*links: Link, url: str | None = "http://llm.test:8000/v1") -> tuple[Watch, Clock]:
    clock = Clock()
    pairs = [(link, Settings(provider=link.name, url=url)) for link in links]
    return Watch(pairs, interval_secs=60, clock=clock, wall=clock), clock


@running
async def test_providers_of_whom_nothing_was_heard_are_pinged() -> None:
    """Once an interval, unless a request or a ping has told; those without a key are left alone."""
    fresh, silent, keyless = Pinged("a"), Pinged("b", BAD), Pinged("c", state="no_api_key")
    links = [Link(provider) for provider in (fresh, silent, keyless)]
    looks, clock = watch(*links)
    links[0].seen(990)
    await looks.look()
    assert (len(fresh.keys), len(silent.keys), len(keyless.keys)) == (0, 1, 0)
    assert links[1].last_error_message == "the key was refused (status 401)"
    clock.now += 25
    await looks.look()
    assert (len(fresh.keys), len(silent.keys)) == (1, 1)
    assert links[0].last_success == 1025
    # The next round finds that the last answer came a little after the round before had begun.
    clock.now += 59.9
    await looks.look()
    assert (len(fresh.keys), len(silent.keys)) == (2, 2)


@running
async def test_a_round_waits_for_the_one_before() -> None:
    """A provider that hangs gets one ping, not more and more; closing ends it."""
    provider = Pinged("a")
    gate = asyncio.Event()

    async def hang(key: Any = None, *, deep: bool = False) -> Ping:
        provider.keys.append("")
        await gate.wait()
        return GOOD

    provider.ping = hang  # type: ignore[method-assign]
    looks, _ = watch(Link(provider))
    for _ in range(3):
        looks.tick()
        await asyncio.sleep(0)
    await looks.close()
    assert len(provider.keys) == 1


@running
async def test_the_key_that_is_most_likely_good_is_used() -> None:
    """Neither one that is dead nor one that rests, and nobody's turn is taken."""
    keys = [Key(Secret(name)) for name in ("dead", "rests", "good")]
    keys[0].refused(1000)
    provider = Pinged("a")
    link = Link(provider, pool=Pool(keys))
    link.pool.limited(keys[1], 1000, 500)
    looks, _ = watch(link)
    await looks.test(Asked())
    assert provider.keys == ["good"]
    assert link.pool.take(1000) is keys[2]


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://llm.test:8000", True),
        ("http://llm.test:8000/v1/chat/completions?x=1", True),
        ("HTTP://LLM.test:8000", True),
        ("https://llm.test:8000/v1", False),
        ("http://llm.test/v1", False),
        ("http://llm.test:8001/v1", False),
        ("http://llm.test.evil.example:8000/v1", False),
        ("http://llm.test:8000@evil.example/v1", False),
        ("http://evil.example/llm.test:8000", False),
    ],
)
@running
async def test_a_configured_key_goes_to_its_own_host_only(url: str, own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same scheme, host and port; any other address is asked without a key, or refused."""
    stranger = Pinged("x")
    monkeypatch.setattr(health.registry, "build", lambda settings: _built(stranger, settings))
    provider = Pinged("a")
    looks, _ = watch(Link(provider, pool=Pool([Key(Secret("own"))])))
    await looks.test(Asked(url=url))
    await looks.test(Asked(url=url, api_key="typed"))
    assert provider.keys == (["own"] if own else [])
    assert stranger.keys == (["typed"] if own else ["", "typed"])


def _built(provider: Pinged, settings: Settings) -> Pinged:
    assert settings.api_key is None
    return provider


@running
async def test_a_provider_of_the_chain_is_found_by_its_name() -> None:
    """And keeps its own key and address."""
    first, second = Pinged("a"), Pinged("b")
    looks, _ = watch(Link(first, pool=Pool([Key(Secret("a1"))])), Link(second, pool=Pool([Key(Secret("b1"))])))
    await looks.test(Asked(provider="b"))
    assert (first.keys, second.keys) == ([], ["b1"])


@running
async def test_what_cannot_be_tested_is_a_bad_request() -> None:
    """An unknown id, an address that is none, one with credentials in it."""
    looks, _ = watch(Link(Pinged("a")))
    for asked in (Asked(provider="opnai"), Asked(url="nothing"), Asked(url="http://u:p@h/"), Asked(url="http://[")):
        with pytest.raises(RequestError):
            await looks.test(asked)


@running
async def test_offline_mode_holds_for_tests() -> None:
    """No address that somebody types in is asked if the transport may not go there."""
    config = Config(offline_mode=True, external_llm_api_key=Secret("k"))
    chain = chain_of(config, None)
    looks = watch_of(config, chain)
    for asked in (Asked(), Asked(provider="groq"), Asked(url="https://llm.example", api_key="k")):
        ping = await looks.test(asked)
        assert (ping.reachable, ping.status_code) == (False, None)
        assert "ffline" in str(ping.error)
    await chain.close()


def test_the_links_have_their_settings() -> None:
    """In the order of the chain, with what reports say of them."""
    config = Config(
        external_llm_url="https://a.example/v1?key=x",
        provider_keys=(ProviderKey(key=Secret("k")),),
        fallback_providers=(FallbackProvider(provider="groq"), FallbackProvider(provider="ollama")),
    )
    chain = chain_of(config, None)
    assert [link.about for link in chain.links] == [
        {"config_url": "https://a.example/v1"},
        {"config_index": 0},
        {"config_index": 1},
    ]
