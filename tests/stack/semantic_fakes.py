"""Stand-ins for the model and the index of L1b: what is judged how, the test says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from isartor._native import Exact, Head, Hit, Request
from isartor.embedding.guard import Counts
from isartor.ports import Headers
from isartor.stack.cloud import Cloud
from isartor.stack.exact import ExactCache
from isartor.stack.exchange import Answer, Exchange
from isartor.stack.l1b.calibration import Calibration
from isartor.stack.l1b.engine import Engine, Loaded, Reading
from isartor.stack.semantic import Rules, SemanticCache
from tests.native import reading
from tests.stack.fakes import FakeProvider, Stack

MODEL = "0123456789abcdef"
EXACT_LINE = Calibration(slope=1.0, intercept=0.0)
"""The probability is the logistic of the score."""


@dataclass
class FakeVerdict:
    """What the verifier says."""

    score: float = 10.0


@dataclass
class FakeCandidate:
    """A stored reply."""

    key: str
    question: str
    request: Request
    similarity: float = 0.9
    verdict: FakeVerdict = field(default_factory=FakeVerdict)
    reply: str | None = "stored"

    def reply_text(self) -> str | None:
        """See `isartor._native.Candidate`."""
        return self.reply


@dataclass
class FakeQuarantined:
    """See `isartor._native.Quarantined`."""

    key: str
    pair: tuple[float, float] | None


class FakeIndex:
    """`isartor._native.Semantic` without likeness: every other question of the scope is a candidate, the latest first.

    `scores` has what the verifier says of two questions in alphabetical order; 10 if nothing.
    """

    def __init__(self) -> None:
        """Holds nothing."""
        self.scores: dict[tuple[str, str], float] = {}
        self.replies: dict[str, str | None] = {}
        self.kept: list[tuple[Request, str]] = []
        self.barred: list[tuple[str, str]] = []
        self.quarantined: list[str] = []
        self.broken: Exception | None = None
        self.store: Exact | None = None

    def __call__(self, *, exact: Exact, verifier: Any, dimension: int) -> FakeIndex:
        """Be made."""
        assert dimension == 4
        self.store = exact
        return self

    def find(self, head: Head, request: Request, question: str, embedding: bytes) -> FakeCandidate | None:
        """See `isartor._native.Semantic`."""
        if self.broken is not None:
            raise self.broken
        assert embedding == question.encode()
        for stored, other in reversed(self.kept):
            pair = min(question, other), max(question, other)
            if stored.scope_digest == request.scope_digest and (request.key, stored.key) not in self.barred:
                verdict = FakeVerdict(self.scores.get(pair, 10.0))
                reply = self.replies.get(other, "stored")
                return FakeCandidate(stored.key, other, stored, verdict=verdict, reply=reply)
        return None

    def serve(self, head: Head, request: Request, candidate: FakeCandidate, route: str) -> Hit | None:
        """See `isartor._native.Semantic`; the headers are those of an exact hit."""
        assert self.store is not None
        return self.store.again(head, candidate.request, route)

    def keep(self, request: Request, question: str, embedding: bytes) -> bool:
        """See `isartor._native.Semantic`."""
        if self.broken is not None:
            raise self.broken
        self.kept.append((request, question))
        return True

    def bar(self, request: Request, candidate: FakeCandidate) -> None:
        """See `isartor._native.Semantic`."""
        self.barred.append((request.key, candidate.key))

    def quarantine(self, tenant: bytes, key: str) -> FakeQuarantined | None:
        """See `isartor._native.Semantic`."""
        assert self.store is not None
        self.quarantined.append(key)
        self.kept = [(request, question) for request, question in self.kept if request.key != key]
        return FakeQuarantined(key, (0.9, 5.0)) if self.store.remove(tenant, key) else None

    def entries(self, tenant: bytes, limit: int) -> list[dict[str, Any]]:
        """See `isartor._native.Semantic`."""
        return [{"key": request.key} for request, _ in self.kept][:limit]

    def sweep(self) -> None:
        """See `isartor._native.Semantic`."""

    def size(self) -> dict[str, int]:
        """See `isartor._native.Semantic`."""
        return {"entries": len(self.kept), "scopes": 1, "bytes": 7}


class FakeEngine:
    """`isartor.stack.l1b.engine.Engine` that reads at once, unless the test says otherwise."""

    def __init__(self, calibration: Calibration = EXACT_LINE) -> None:
        """Loads when the test lets it."""
        self.state = "loading"
        self.dimension = 4
        self.counts: tuple[Counts, ...] = (Counts(),)
        self.texts: list[str] = []
        self.mute: set[str] = set()
        self.may_load = asyncio.Event()
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.hopeless = False
        self.closed = False
        self._calibration = calibration

    async def load(self) -> Loaded | None:
        """See `Engine`."""
        await self.may_load.wait()
        if self.hopeless:
            self.state = "unavailable: no model"
            return None
        self.state = "active"
        return Loaded(cast("Any", None), MODEL, self._calibration, self._calibration.fit)

    async def read(self, text: str) -> Reading | None:
        """See `Engine`."""
        self.texts.append(text)
        await self.may_read.wait()
        return None if text in self.mute else Reading(cast("Any", text), text.encode())

    async def embed(self, text: str) -> bytes | None:
        """See `Engine`."""
        await self.may_read.wait()
        return None

    async def close(self) -> None:
        """See `Engine`."""
        self.closed = True


class SemanticStack(Stack):
    """L1a, L1b and L3 over one store."""

    def __init__(
        self,
        provider: FakeProvider,
        *,
        exact: bool = True,
        chance: float = 1.0,
        outcomes: Path | None = None,
        calibration: Calibration = EXACT_LINE,
        rules: Rules | None = None,
        **store: Any,
    ) -> None:
        """`chance`: what the dice always say; below `audit_rate` it is an audit."""
        super().__init__(provider)
        self.store = reading.store(semantic=True, **store)
        self.engine = FakeEngine(calibration)
        self.index = FakeIndex()
        self.chance = chance
        self.semantic = SemanticCache(
            self.store,
            cast("Engine", self.engine),
            rules=rules or Rules(),
            exact=exact,
            outcomes=outcomes,
            chance=lambda: self.chance,
            native=cast("Any", self.index),
        )
        self.exact = ExactCache(self.store, enabled=exact)
        self.cloud = Cloud(provider, self.store, keeps=True, limit=1 << 20, semantic=self.semantic)

    async def ready(self) -> SemanticStack:
        """Load."""
        self.semantic.start(asyncio.get_running_loop())
        self.engine.may_load.set()
        await self.semantic.loaded()
        return self

    async def send(self, exchange: Exchange) -> Answer:
        """Send one request through all layers."""
        for layer in (self.exact, self.semantic, self.cloud):
            exchange.layer = layer.name
            answer: Answer | None = await layer.answer(exchange)  # type: ignore[attr-defined]  # all have it
            if answer is not None:
                self.layer = exchange.layer
                return answer
        raise AssertionError

    @property
    def sums(self) -> dict[str, Any]:
        """What it has counted."""
        return self.semantic.sums()


def headers(**more: str) -> Headers:
    """Return request headers."""
    return [(name.replace("_", "-"), value) for name, value in more.items()]
