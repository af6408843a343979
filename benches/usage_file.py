"""A `usage.jsonl` of any length, made of lines that the gateway's own log has written."""

import random
import time
from pathlib import Path
from typing import Final

import msgspec

from isartor._native import Gate, UsageLog
from isartor.usage.events import Event
from isartor.usage.prices import Prices

MODELS: Final = {
    "openai": ("gpt-4o-mini", "gpt-4o", "o3-mini"),
    "anthropic": ("claude-sonnet-4-20250514", "claude-3-5-haiku-20241022"),
    "gemini": ("gemini-2.0-flash", "gemini-2.5-pro"),
    "groq": ("llama-3.3-70b-versatile", "llama-3.1-8b-instant"),
    "mistral": ("mistral-large-latest", "mistral-small-latest", "codestral-latest"),
}
TOOLS: Final = (
    "claude-cli/2.1.4", "codex_cli_rs/0.98.0", "GeminiCLI/0.30", "opencode/1.4", "OpenAI/Python 2.9", "curl/8.1",
)  # fmt: skip
TENANTS: Final = ("", *(f"team-{name}" for name in "abcdefg"))
# The log puts hits together that are alike if more wait than this.
TEMPLATES: Final = 2000
CHAT: Final = 0
DAYS: Final = 29
STAMP: Final = len('{"timestamp":"')
STAMP_END: Final = STAMP + len("2026-11-21T15:08:10.123Z")


class Sums(msgspec.Struct):
    """What a report has to come to."""

    requests: int = 0
    deflected: int = 0
    tokens: int = 0
    saved_tokens: int = 0
    cost: float = 0.0
    saved_cost: float = 0.0
    errors: int = 0


def lines(chance: random.Random) -> list[bytes]:
    """Different events as the log writes them."""
    gate = Gate(keys=[], hosts=[], any_address=True, origins=[], scope_agent_sessions=False, seed=1)
    log = UsageLog(capacity=TEMPLATES, tenants={})
    prices = Prices()
    origins = [(provider, model) for provider, models in MODELS.items() for model in models]
    for provider, model in origins:
        rates = prices.of(provider, model)
        log.price(
            provider, model,
            input=rates.input, output=rates.output, cached=rates.cached, cache_write=rates.cache_write,
        )  # fmt: skip
    for _ in range(TEMPLATES):
        provider, model = chance.choice(origins)
        head = gate.read(CHAT, "", [("host", "127.0.0.1"), ("user-agent", chance.choice(TOOLS))])
        deflected = chance.random() < 0.4
        failed = not deflected and chance.random() < 0.02
        read = 0 if failed else chance.randrange(20, 40_000)
        log.record(
            head, provider, model, tenant=chance.choice(TENANTS),
            layer=chance.choice(("l1a", "l1b")) if deflected else "l3",
            status=chance.choice((429, 500, 502)) if failed else 200,
            deflected=deflected,
            tally=(read, 0 if failed else chance.randrange(5, 2000), read // 3, 0, 0, chance.random() < 0.1),
            latency_ms=chance.expovariate(1 / 900),
        )  # fmt: skip
    return log.drain(1 << 30).splitlines(keepends=True)


def write(path: Path, count: int) -> Sums:
    """Write `count` events of the last `DAYS` days, in order; give their sums."""
    chance = random.Random(19)
    templates = lines(chance)
    read = [msgspec.json.decode(line, type=Event) for line in templates]
    sums = Sums()
    now = time.time()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    span = DAYS * 86_400
    with path.open("wb", buffering=1 << 20) as file:
        for number in range(count):
            place = chance.randrange(len(templates))
            at = now - span + span * number / count
            stamp = b"%b.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)).encode(), at % 1 * 1000)
            line, event = templates[place], read[place]
            file.write(line[:STAMP] + stamp + line[STAMP_END:])
            sums.requests += event.requests
            sums.errors += event.requests if event.status >= 400 else 0
            if event.deflected:
                sums.deflected += event.requests
                sums.saved_tokens += event.total_tokens
            else:
                sums.tokens += event.total_tokens
            sums.cost += event.estimated_cost_usd
            sums.saved_cost += event.estimated_saved_cost_usd
    return sums
