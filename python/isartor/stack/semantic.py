"""L1b: the reply to a question that was asked before in other words.

The native side says which requests have a question, which entries are in reach of it and what the verifier thinks of
the nearest; the policy decides (`l1b/policy.py`). A request is embedded once: what is not answered here keeps its
reading, and with it the provider's reply is indexed, after it was stored and never before.

Whatever fails here costs a hit and never a request. Cost: reading a question 2 ms, in a thread; the rest below 0.2 ms.

Two things that look like special cases and are none: a request with `only-if-cached` may be answered here, but is never
audited; one with `no-cache` is not looked up, but the reply that it brings is indexed.
"""

from __future__ import annotations

import asyncio
import logging
import random
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from isartor._native import Semantic
from isartor.stack.l1b.audit import Auditor
from isartor.stack.l1b.compare import Likeness
from isartor.stack.l1b.figures import Figures
from isartor.stack.l1b.outcomes import Outcomes
from isartor.stack.l1b.policy import Action, Outcome, Policy, Threshold, Verified

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from isartor._native import Candidate, Complete, Exact, Hit, Quarantined, Request
    from isartor.stack.exchange import Exchange
    from isartor.stack.l1b.engine import Engine, Loaded, Reading
    from isartor.stack.l1b.policy import Decision, Source

log = logging.getLogger("isartor.semantic")

GROWTH_SECS: Final = 60.0
"""How often is read what other workers have learned."""
_LOG_SECS: Final = 60.0
# Replies that wait for their question's reading, because it was not looked up.
_LATE: Final = 64


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of the policy."""

    policy: str = "verified"
    max_error_rate: float = 0.01
    audit_rate: float = 0.02
    similarity_threshold: float = 0.85


class Asked(msgspec.Struct):
    """What L1b has found out about a request, for the layers below."""

    question: str
    reading: Reading | None = None
    """`None` if it could not be read, or was not."""
    late: bool = False
    """It may be read later: it was not looked up."""
    detail: str = ""
    """Why L1b did not answer, as `cache-status` says it; empty if it had nothing to offer."""
    candidate: Candidate | None = None
    """The one that an audit is about."""
    decision: Decision | None = None


class _Ready(msgspec.Struct, frozen=True):
    native: Semantic
    policy: Policy
    outcomes: Outcomes


class SemanticCache:
    """Embeds, finds, and serves what the policy lets pass."""

    name: ClassVar[str] = "l1b"

    def __init__(  # noqa: PLR0913 - each is a part, all but two by name
        self,
        store: Exact,
        engine: Engine,
        *,
        rules: Rules,
        exact: bool,
        outcomes: Path | None = None,
        chance: Callable[[], float] = random.random,
        native: Callable[..., Semantic] = Semantic,
    ) -> None:
        """`exact`: L1a answers too. `outcomes`: the file of what is learned."""
        self._store = store
        self._engine = engine
        self._rules = rules
        self._exact = exact
        self._file = outcomes
        self._chance = chance
        self._make_native = native
        self._auditor = Auditor(engine.embed)
        self._ready: _Ready | None = None
        self._loading: asyncio.Task[None] | None = None
        self._late: set[asyncio.Task[None]] = set()
        self._figures = Figures()
        self._log_again = float("-inf")

    def __repr__(self) -> str:
        """State and policy."""
        return f"<SemanticCache {self.state}: {self._ready and self._ready.policy!r}>"

    # -- the life of it

    @property
    def state(self) -> str:
        """`loading`, `active`, or `unavailable: ` and why."""
        return "loading" if self._engine.state == "active" and self._ready is None else self._engine.state

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins to load."""
        self._loading = loop.create_task(self._load())

    async def loaded(self) -> None:
        """Waits until it is active, or will never be."""
        if self._loading is not None:
            await asyncio.shield(self._loading)

    async def close(self) -> None:
        """Ends what runs."""
        tasks = [*self._late, *([self._loading] if self._loading else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._auditor.close()
        await self._engine.close()

    def tick(self) -> None:
        """Learns what other workers have learned, and forgets what has gone. Call it every `GROWTH_SECS`."""
        if self._ready is not None:
            self._ready.native.sweep()
            for outcome in self._ready.outcomes.grown():
                self._ready.policy.learn(outcome)
            self._figures.unreadable = self._ready.outcomes.unreadable

    async def _load(self) -> None:
        loaded = await self._engine.load()
        if loaded is None:
            return
        try:
            policy = self._policy(loaded)
            outcomes = Outcomes(self._file, model=loaded.model)
            for outcome in await asyncio.to_thread(outcomes.load):
                policy.learn(outcome)
            native = self._make_native(exact=self._store, verifier=loaded.verifier, dimension=self._engine.dimension)
        except Exception:
            self._engine.state = "unavailable: it failed to start; see the log"
            log.exception("the semantic cache is off")
            return
        self._figures.unreadable = outcomes.unreadable
        self._ready = _Ready(native, policy, outcomes)

    def _policy(self, loaded: Loaded) -> Policy:
        rules = self._rules
        if rules.policy == "threshold":
            return Threshold(
                loaded.calibration,
                threshold=rules.similarity_threshold,
                audit_rate=rules.audit_rate,
                chance=self._chance,
            )
        return Verified(
            loaded.calibration,
            max_error_rate=rules.max_error_rate,
            audit_rate=rules.audit_rate,
            chance=self._chance,
            fit=loaded.line,
        )

    # -- the way of a request

    async def answer(self, exchange: Exchange) -> Hit | None:
        """The stored reply to other words, if it may be served."""
        request = exchange.request
        question = None if request is None else request.question
        if request is None or question is None:
            return None
        try:
            return await self._answer(exchange, request, question)
        except Exception as error:  # noqa: BLE001  # a fault of this layer must never become a request's
            self._fault(error)
            return None

    async def _answer(self, exchange: Exchange, request: Request, question: str) -> Hit | None:
        asked = exchange.asked = Asked(question)
        ready, figures = self._ready, self._figures
        if ready is None or exchange.head.no_cache:
            self._put_off(asked, looks=not exchange.head.no_cache)
            return None
        asked.reading = reading = await self._engine.read(question)
        if self._exact and (hit := self._store.again(exchange.head, request, exchange.route.path)) is not None:
            # The very same request was answered while this one was being read.
            return hit
        if reading is None:
            return None
        figures.looked += 1
        candidate = ready.native.find(exchange.head, request, reading.question, reading.embedding)
        if candidate is None:
            return None
        figures.candidates += 1
        # Who wants nothing but a stored reply, or has nothing stored, is no occasion to ask the provider; nor is the
        # very same question: a second reply to it would tell how much the model's answers vary.
        audits = request.cacheable and not exchange.head.only_if_cached and candidate.key != request.key
        decision = ready.policy.decide(candidate, audits=audits)
        _say(candidate, decision)
        if decision.action is Action.SERVE:
            hit = self._serve(exchange, request, candidate, decision)
            figures.refused["gone"] += hit is None
            return hit
        self._withhold(asked, candidate, decision, audits=audits)
        return None

    def _put_off(self, asked: Asked, *, looks: bool) -> None:
        """The question is read once its reply is there; `looks`: it would have been looked up."""
        state = self.state
        asked.late = state in {"loading", "active"}
        if looks:
            self._figures.skipped["loading" if asked.late else "unavailable"] += 1

    def _withhold(self, asked: Asked, candidate: Candidate, decision: Decision, *, audits: bool) -> None:
        """Leaves word of why the candidate was not served, and the candidate itself if it is to be compared."""
        asked.detail = f"detail=semantic-{decision.reason}"
        if decision.action is not Action.AUDIT:
            self._figures.refused[decision.reason] += 1
        if decision.action is Action.AUDIT or (decision.action is Action.SHADOW and audits):
            self._counts(decision)["chosen"] += 1
            asked.candidate, asked.decision = candidate, decision

    def stand_in(self, exchange: Exchange) -> Hit | None:
        """The reply that an audit has withheld, when the provider has none: an audit must not cost an answer."""
        asked, request = exchange.asked, exchange.request
        if asked is None or request is None or asked.candidate is None or asked.decision is None:
            return None
        if asked.decision.action is not Action.AUDIT:
            return None
        hit = self._serve(exchange, request, asked.candidate, asked.decision)
        self._figures.stood_in += hit is not None
        return hit

    def _serve(self, exchange: Exchange, request: Request, candidate: Candidate, decision: Decision) -> Hit | None:
        assert self._ready is not None
        hit = self._ready.native.serve(exchange.head, request, candidate, exchange.route.path)
        if hit is not None:
            exchange.layer = self.name
            self._ready.policy.served(decision)
            self._figures.served += 1
            self._figures.similarity += candidate.similarity
            self._figures.risk += decision.risk
        return hit

    # -- after the provider's reply was stored

    def kept(self, exchange: Exchange, complete: Complete) -> None:
        """Indexes a reply that has just been stored, and compares it with the one that it was to audit."""
        asked, request = exchange.asked, exchange.request
        if asked is None or request is None:
            return
        try:
            if asked.reading is not None:
                self._index(request, asked.reading)
            elif asked.late and len(self._late) < _LATE:
                self._soon(self._index_late(request, asked))
            if asked.candidate is not None and asked.decision is not None:
                candidate, decision, asked.candidate = asked.candidate, asked.decision, None
                fresh = complete.text()
                self._audit(exchange.head.tenant, request, candidate, decision, (asked.question, fresh))
        except Exception as error:  # noqa: BLE001  # the reply is the client's, whatever becomes of it here
            self._fault(error)

    def _index(self, request: Request, reading: Reading) -> None:
        if self._ready is not None:
            self._figures.indexed += self._ready.native.keep(request, reading.question, reading.embedding)

    async def _index_late(self, request: Request, asked: Asked) -> None:
        await self.loaded()
        asked.reading = await self._engine.read(asked.question)
        if asked.reading is not None:
            self._index(request, asked.reading)

    def _audit(
        self,
        tenant: bytes,
        request: Request,
        candidate: Candidate,
        decision: Decision,
        fresh: tuple[str, str | None],
    ) -> None:
        def done(found: Likeness) -> None:
            ready = self._ready
            if ready is None or found is Likeness.UNCLEAR:
                return
            source: Source = "audit" if decision.action is Action.AUDIT else "shadow"
            right = found is Likeness.AGREE
            self._learn(candidate.similarity, candidate.verdict.score, source, right=right)
            if not right:
                ready.native.bar(request, candidate)
                if source == "audit":
                    ready.native.quarantine(tenant, candidate.key)

        stored = (candidate.question, candidate.reply_text())
        self._auditor.begin(stored, fresh, self._counts(decision), done)

    def _counts(self, decision: Decision) -> Counter[str]:
        return self._figures.audits if decision.action is Action.AUDIT else self._figures.shadows

    def _learn(self, similarity: float, score: float, source: Source, *, right: bool) -> None:
        if self._ready is not None:
            outcome = Outcome(similarity=similarity, score=score, right=right, source=source)
            self._ready.policy.learn(outcome)
            self._ready.outcomes.add(outcome)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._late.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fault(error)

    # -- what people say of it (`isartor.server.fellows.Reports`)

    def quarantine(self, tenant: bytes, key: str) -> Quarantined | None:
        """Takes the entry under that key away, whatever wording the key is of."""
        return None if self._ready is None else self._ready.native.quarantine(tenant, key)

    def entries(self, tenant: bytes, limit: int) -> list[dict[str, Any]]:
        """What is stored for a tenant, newest first."""
        return [] if self._ready is None else self._ready.native.entries(tenant, limit)

    def report(self, pair: tuple[float, float]) -> None:
        """Learns that the reply to one question of the pair was no answer to the other: similarity and score."""
        self._figures.reports += 1
        self._learn(*pair, "report", right=False)

    def sums(self) -> dict[str, Any]:
        """What has been counted, as numbers that may be added to those of other workers."""
        sums = self._figures.sums()
        for counts in self._engine.counts:
            sums["skipped"]["too_long"] += counts.too_long
            sums["skipped"]["busy"] += counts.busy
            sums["skipped"]["failed"] += counts.failed
            sums["skipped"]["resting"] += counts.skipped
        if self._ready is not None:
            sums |= self._ready.native.size()
        return sums

    def _fault(self, error: BaseException) -> None:
        self._figures.skipped["fault"] += 1
        now = monotonic()
        if now >= self._log_again:
            self._log_again = now + _LOG_SECS
            log.error("the semantic cache failed and was skipped", exc_info=error)


def _say(candidate: Candidate, decision: Decision) -> None:
    if log.isEnabledFor(logging.DEBUG):
        extra = {
            "similarity": round(candidate.similarity, 4),
            "probability": round(decision.probability, 4),
            "action": decision.action.value,
            "reason": decision.reason,
        }
        log.debug("semantic candidate", extra=extra)
