"""`--workers 2`: two processes behind one port that act as one gateway."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stub import Stub
from tests.wire.ask import layer, post, said
from tests.wire.gateway import Gateway

Fresh = Callable[..., str]
WORKERS = 2
_CONNECTIONS = 200
_PATIENCE_SECS = 10.0


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the gateway puts what is temporary."""
    return tmp_path


@pytest.fixture
def gateway(make_gateway: Callable[..., Gateway], temporary: Path) -> Iterator[Gateway]:
    """Run a gateway of several workers."""
    running = make_gateway(arguments=("--workers", str(WORKERS)), environment={"TMPDIR": str(temporary)})
    # One that answers does not mean that both do; until then one of them may get everything.
    until(lambda: len(list(temporary.glob("*/*.json"))) == WORKERS)
    yield running


def until(holds: Callable[[], bool]) -> None:
    """Look again until it holds."""
    end = time.monotonic() + _PATIENCE_SECS
    while not holds():
        assert time.monotonic() < end, "it took too long"


def ask(gateway: Gateway, prompt: str) -> httpx.Response:
    """Ask on a connection of its own, which any worker may take."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        return post(client, gateway.url, "chat", prompt)


def ask_all(gateway: Gateway, stub: Stub, prompt: str, calls: int) -> list[httpx.Response]:
    """Ask until the provider was called so many times: each worker asks it once."""
    replies = []
    while len(stub.calls(prompt)) < calls:
        assert len(replies) < _CONNECTIONS, "one worker gets all connections"
        replies.append(ask(gateway, prompt))
    return replies


def invalidate(gateway: Gateway, **what: Any) -> Any:
    """Remove entries; return what was said."""
    reply = httpx.post(gateway.url + "/api/v1/cache/invalidate", json=what, timeout=30, trust_env=False)
    assert reply.status_code == 200, reply.text
    return reply.json()


def get(gateway: Gateway, path: str) -> Any:
    """Read a page on a connection of its own."""
    return httpx.get(gateway.url + path, timeout=30, trust_env=False).json()


def everyone_says(gateway: Gateway, path: str, holds: Callable[[Any], bool]) -> None:
    """Wait until many connections in a row, and so every worker, say so."""
    until(lambda: all(holds(get(gateway, path)) for _ in range(16)))


@pytest.mark.parametrize("by", ["all", "key"])
def test_what_is_invalidated_is_gone_from_every_worker(by: str, gateway: Gateway, stub: Stub, fresh: Fresh) -> None:
    """When the call comes back no worker serves the old reply, and the count is that of all workers."""
    prompt, other = fresh(), fresh()
    old = ask_all(gateway, stub, prompt, WORKERS)
    assert [layer(reply) for reply in old].count("l3") == WORKERS
    kept = ask_all(gateway, stub, other, WORKERS)
    what = {"all": True} if by == "all" else {"key": old[0].headers["x-isartor-cache-key"]}
    assert invalidate(gateway, **what) == {"invalidated": 2 * WORKERS if by == "all" else WORKERS}
    new = ask_all(gateway, stub, prompt, 2 * WORKERS) + [ask(gateway, prompt) for _ in range(8)]
    assert {said("chat", reply) for reply in new}.isdisjoint({said("chat", reply) for reply in old})
    assert invalidate(gateway, key="no such key") == {"invalidated": 0}
    if by == "key":
        assert layer(ask(gateway, other)) == "l1a"
        assert said("chat", ask(gateway, other)) in {said("chat", reply) for reply in kept}


def test_statistics_add_up(gateway: Gateway, stub: Stub, fresh: Fresh) -> None:
    """Every worker tells of every request, wherever it was answered."""
    prompt = fresh()
    sent = len(ask_all(gateway, stub, prompt, WORKERS)) + len([ask(gateway, prompt) for _ in range(20)])
    everyone_says(gateway, "/debug/stats/prompts", lambda said: said["total_prompts"] == sent)
    prompts = get(gateway, "/debug/stats/prompts?limit=200")
    assert prompts["by_layer"] == {"l1a": sent - WORKERS, "l3": WORKERS}
    assert prompts["total_deflected_prompts"] == sent - WORKERS
    times = [answered["timestamp"] for answered in prompts["recent"]]
    assert len(times) == sent
    assert times == sorted(times, reverse=True)
    [tool] = get(gateway, "/debug/stats/agents")["agents"].values()
    assert (tool["requests"], tool["l1a_hits"], tool["l1a_misses"]) == (sent, sent - WORKERS, WORKERS)
    health = get(gateway, "/health")
    assert health["prompt_total_requests"] == sent
    everyone_says(gateway, "/health", lambda said: said["cache"]["entries"] == WORKERS)


def test_a_worker_that_dies_is_replaced_and_its_counts_stay(gateway: Gateway, stub: Stub, fresh: Fresh) -> None:
    """The new one has an empty cache, takes part in everything, and nothing that was counted is lost."""
    prompt = fresh()
    sent = len(ask_all(gateway, stub, prompt, WORKERS))
    everyone_says(gateway, "/health", lambda said: said["prompt_total_requests"] == sent)
    before = gateway.workers()
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(gateway.workers()) == WORKERS and before[0] not in gateway.workers())
    gateway.wait_ready()
    everyone_says(gateway, "/health", lambda said: said["prompt_total_requests"] == sent)
    everyone_says(gateway, "/health", lambda said: said["cache"]["entries"] == WORKERS - 1)
    sent += len(ask_all(gateway, stub, prompt, WORKERS + 1))
    assert invalidate(gateway, all=True) == {"invalidated": WORKERS}
    everyone_says(gateway, "/health", lambda said: said["prompt_total_requests"] == sent)
    everyone_says(gateway, "/health", lambda said: said["cache"]["entries"] == 0)


def test_nothing_is_left_behind(gateway: Gateway, temporary: Path, stub: Stub, fresh: Fresh) -> None:
    """What the workers share is removed when they have ended."""
    ask_all(gateway, stub, fresh(), WORKERS)
    assert list(temporary.iterdir())
    assert gateway.stop() == 0
    assert list(temporary.iterdir()) == []
