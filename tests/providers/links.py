"""Providers that do as they are told, on a clock that only moves when somebody sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from isartor.config.secret import Secret
from isartor.config.upstream import Retry
from isartor.errors import NoProviderError, QuotaError, UpstreamError, UpstreamTimeoutError
from isartor.ports import Call, Headers, Tally
from isartor.providers.breaker import Breaker
from isartor.providers.chain import Chain
from isartor.providers.keys import Key, Pool
from isartor.providers.link import Link

CALL = Call(endpoint="chat", model="asked", stream=False, body=b'{"model": "asked", "x": 1e0}', tokens=10)


class Clock:
    """Time, and who has waited how long."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self._asleep: list[tuple[float, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_800_000_000 + self.now

    async def sleep(self, secs: float) -> None:
        """Moves the clock at once."""
        self.waits.append(secs)
        self.now += secs
        await asyncio.sleep(0)

    async def slow_sleep(self, secs: float) -> None:
        """Waits for `pass_`."""
        self.waits.append(secs)
        future = asyncio.get_running_loop().create_future()
        self._asleep.append((self.now + secs, future))
        await future

    async def pass_(self, secs: float) -> None:
        """Lets time go by."""
        await settle()
        self.now += secs
        for until, future in self._asleep:
            if until <= self.now and not future.done():
                future.set_result(None)
        await settle()


async def settle() -> None:
    """Lets every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


class Reply:
    """A reply; `closed` tells how often it was."""

    def __init__(
        self, status: int = 200, headers: Headers | None = None, *, code: str | None = None, cut: bool = False
    ) -> None:
        self.status = status
        self.headers: Headers = headers or []
        self.code = code
        self.cut = cut
        self.closed = 0

    def ready(self) -> bytes | None:
        return None

    async def read(self) -> bytes | None:
        if self.cut:
            raise UpstreamError("broke off", code="upstream_cut", retryable=True)
        return None

    def rest(self) -> bytes | None:
        return None

    async def read_all(self, limit: int) -> bytes:
        return await self.read() or b""

    async def close(self) -> None:
        self.closed += 1


Act = Callable[[], Reply] | Exception | asyncio.Event


class Scripted:
    """A provider that goes through `script`, and does the last of it ever after."""

    quirks: frozenset[str] = frozenset()

    def __init__(self, name: str, script: Sequence[Act], log: list[tuple[str, str]], *, state: str = "active") -> None:
        self.name = name
        self.model = f"{name}-model"
        self.endpoints = frozenset({"chat"})
        self.script = list(script)
        self.calls: list[Call] = []
        self.replies: list[Reply] = []
        self.cancelled = 0
        self.closed = False
        self._log = log
        self._state = state

    async def call(self, call: Call) -> Reply:
        self.calls.append(call)
        self._log.append((self.name, call.key.reveal() if call.key is not None else ""))
        act = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(act, asyncio.Event):
            try:
                await act.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            act = Reply
        if isinstance(act, Exception):
            raise act
        reply = act()
        self.replies.append(reply)
        return reply

    def status(self) -> Any:
        return {"provider": self.name, "model": self.model, "endpoint": f"{self.name}.test", "state": self._state}

    async def close(self) -> None:
        self.closed = True


class Tickets:
    """A budget that keeps its books, and forbids what it is told to."""

    def __init__(self, **forbidden: QuotaError) -> None:
        self.forbidden = forbidden
        self.reserved: list[tuple[str, str, str, int]] = []
        self.settled: list[Tally | None] = []

    def reserve(self, *, provider: str, model: str, tenant: str, tokens: int) -> Tickets:
        if provider in self.forbidden:
            raise self.forbidden[provider]
        self.reserved.append((provider, model, tenant, tokens))
        return self

    def settle(self, tally: Tally | None) -> None:
        self.settled.append(tally)


class World:
    """A chain over scripted providers named `a`, `b`, `c`; keys are `a1`, `a2`, ..."""

    def __init__(
        self,
        *scripts: Sequence[Act],
        keys: int = 1,
        cooldown: float = 60,
        threshold: int = 5,
        states: Sequence[str] = (),
        rotation: Any = "round_robin",
        slow: bool = False,
        retry: Retry | None = None,
        **options: Any,
    ) -> None:
        self.clock = Clock()
        self.log: list[tuple[str, str]] = []
        self.providers = []
        links = []
        for place, script in enumerate(scripts):
            name = "abc"[place]
            state = states[place] if place < len(states) else "active"
            provider = Scripted(name, script, self.log, state=state)
            pool = Pool(
                [Key(Secret(f"{name}{number + 1}"), label=f"{name}{number + 1}") for number in range(keys)],
                rotation=rotation,
                cooldown_secs=cooldown,
            )
            model = f"{name}-model" if place else None
            links.append(Link(provider, model=model, pool=pool, breaker=Breaker(threshold, 30)))
            self.providers.append(provider)
        self.chain = Chain(
            links,
            clock=self.clock,
            wall=self.clock.wall,
            sleep=self.clock.slow_sleep if slow else self.clock.sleep,
            roll=lambda: 0.5,
            retry=retry or Retry(),
            **options,
        )

    @property
    def asked(self) -> str:
        """Keys in the order in which they were used."""
        return " ".join(key or name for name, key in self.log)

    def open_replies(self) -> list[Reply]:
        """Replies that nobody has closed."""
        return [reply for provider in self.providers for reply in provider.replies if not reply.closed]


def said(status: int, code: str | None = None, **headers: str) -> Callable[[], Reply]:
    """An error reply."""
    lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return lambda: Reply(status, lines, code=code)


OK = Reply
TIMEOUT = UpstreamTimeoutError("too slow", retryable=True)
REFUSED = UpstreamError("not reached", code="upstream_unreachable", retryable=True)
CUT = UpstreamError("broke off", code="upstream_cut", retryable=True)
TLS = UpstreamError("no trust", code="upstream_tls")
OFFLINE = NoProviderError("offline", code="offline_mode_active")
NO_KEY = NoProviderError("no key", code="no_api_key")
