"""L1b's own objects in a process of their own, without a server around them: `python -m benches.inside WHAT ...`.

`speed` times one question after the other and prints what each part took; `weigh` stores many and prints what they weigh;
`vectors` writes the embeddings of texts to a file. Rows 10 to 12 call it, pinned to the server's CPUs.
"""

import argparse
import gc
import json
import random
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import uvloop

from benches.questions import wordings
from isartor._native import ENDPOINTS, Complete, Exact, Gate, Question, Semantic, Stats, Tokenizer, Verifier, gather
from isartor.embedding import local
from isartor.embedding.local import BUNDLED, LocalEmbedder, Read
from isartor.stack.l1b import calibration
from isartor.stack.l1b.policy import Verified

TOKENS: Final = 25
CHAT: Final = ENDPOINTS.index("chat")
ROUTE: Final = "/v1/chat/completions"
REPLY: Final = "This is the reply to one question, of the length that a short reply has: about a hundred bytes of text."
# How far a vector is turned that stands for a text of its own (`weigh`): its cosine to the original is about 0.9.
TURN: Final = 0.5


class Speed(msgspec.Struct):
    """What each question took, in ms; the whole is measured by itself."""

    stored: int
    tokens: int
    found: int = 0
    """Questions for which the search had a candidate, so that there was a verdict."""
    nearest_is_first: int = 0
    """The candidate was the first wording of the same question."""
    served: int = 0
    whole: list[float] = []
    embed: list[float] = []
    read: list[float] = []
    find: list[float] = []
    verdict: list[float] = []
    """One verdict; a search has at most two."""


class Weight(msgspec.Struct):
    """What entries weigh, the replies apart."""

    entries: int
    rss_bytes: float
    """By which the process grew, per entry."""
    own_bytes: float
    """As `Semantic.size()` counts, per entry."""


class Bench:
    """The objects that a gateway has, as `isartor.wiring` builds them."""

    def __init__(self, capacity: int) -> None:
        self.gate = Gate(keys=[], hosts=[], any_address=False, origins=[], scope_agent_sessions=False, seed=7)
        self.head = self.gate.read(CHAT, "", [])
        self.exact = Exact(
            max_entries=capacity,
            max_bytes=1 << 32,
            ttl_secs=86_400,
            stale_secs=0,
            aliases={},
            stats=Stats(),
            semantic=True,
        )
        lexicon, weights = (BUNDLED / "lexicon.bin").read_bytes(), (BUNDLED / "verifier.bin").read_bytes()
        self.verifier = Verifier(lexicon=lexicon, weights=weights)
        self.semantic = Semantic(exact=self.exact, verifier=self.verifier, dimension=384)
        shipped = calibration.read(BUNDLED / "calibration.json")
        self.policy = Verified(shipped, max_error_rate=0.01, audit_rate=0.02, chance=lambda: 1.0)
        self.embedder: LocalEmbedder = local.bundled(Tokenizer)

    def question(self, text: str, found: Read) -> Question:
        """The text as the verifier has read it."""
        return self.verifier.read(text, found.encoded, found.sentence, found.tokens)  # type: ignore[arg-type] # native

    async def embed(self, text: str) -> Read:
        """What the model says of a text."""
        found = await self.embedder.read(text)
        assert found is not None, "a question is to fit the model's window"
        return found

    def store(self, text: str, reply: Complete) -> None:
        """A reply as the provider gave it."""
        request = self.exact.read(self.head, body(text))
        refused = self.exact.store(self.head, request, reply)
        assert refused is None, refused

    def keep(self, text: str, question: Question, embedding: bytes) -> None:
        """The question of a reply that is stored."""
        kept = self.semantic.keep(self.exact.read(self.head, body(text)), question, embedding)
        assert kept, "the store is to hold every reply"


def body(text: str) -> bytes:
    """A chat request with a system prompt, all in one scope."""
    messages = [{"role": "system", "content": "Answer in one short paragraph."}, {"role": "user", "content": text}]
    return json.dumps({"model": "bench-model", "messages": messages, "temperature": 0.2}).encode()


def reply() -> Complete:
    """A reply of about a hundred bytes of text."""
    choice = {"index": 0, "message": {"role": "assistant", "content": REPLY}, "finish_reason": "stop"}
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "bench-model",
        "choices": [choice],
    }
    # Without usage a stored reply would not do for every request.
    document["usage"] = {"prompt_tokens": 42, "completion_tokens": 17, "total_tokens": 59}
    complete = gather(CHAT, "json", json.dumps(document).encode(), 1 << 20)
    assert isinstance(complete, Complete), complete
    return complete


def pairs(seed: int, tokenizer: Tokenizer) -> Iterator[tuple[str, str]]:
    """Two wordings of each question, every one of exactly `TOKENS` tokens, the model's two marks included."""

    def fits(text: str) -> bool:
        encoded = tokenizer.encode(text, TOKENS)
        return encoded is not None and encoded.count == TOKENS

    return wordings(seed, fits)


def tokenizer() -> Tokenizer:
    """The bundled model's."""
    return Tokenizer((BUNDLED / "tokenizer.json").read_bytes())


def texts(files: list[Path]) -> list[str]:
    """The distinct texts of files of pairs and of intents, but for held-out pairs."""
    found: dict[str, None] = {}
    for file in files:
        for line in file.read_bytes().splitlines():
            row = msgspec.json.decode(line)
            if row.get("half") != "held-out":
                found |= dict.fromkeys(row[name] for name in ("text", "a", "b") if name in row)
    return list(found)


async def speed(entries: int, asked: int, files: list[Path]) -> Speed:
    """Store `entries` questions, then time `asked` others that the embedder has never seen."""
    bench, complete = Bench(entries + 10), reply()
    made = list(islice(pairs(11, tokenizer()), entries))
    first = [one for one, _ in made[:asked]]
    real = [text for text in texts(files) if text not in set(first)][: entries // 2]
    stored = (first + real + [one for one, _ in made[asked:]])[:entries]
    for text in stored:
        found = await bench.embed(text)
        bench.store(text, complete)
        bench.keep(text, bench.question(text, found), found.sentence)
    out = Speed(len(stored), TOKENS)
    assert bench.semantic.size()["entries"] == bench.exact.size()["entries"] == len(stored)
    new = [second for _, second in made[:asked]]
    assert not set(new) & set(stored), "no timed text was seen before"
    warm = [second for _, second in made[asked : asked + 20]]
    await expect_itself(bench, first[0])
    candidates = []
    gc.collect()
    gc.freeze()
    for place, text in enumerate(warm + new):
        request = bench.exact.read(bench.head, body(text))
        begun = time.perf_counter()
        found = await bench.embed(text)
        embedded = time.perf_counter()
        question = bench.question(text, found)
        read = time.perf_counter()
        candidate = bench.semantic.find(bench.head, request, question, found.sentence)
        judged = time.perf_counter()
        decision = None if candidate is None else bench.policy.decide(candidate)
        ended = time.perf_counter()
        if place < len(warm):
            continue
        out.whole.append(1e3 * (ended - begun))
        out.embed.append(1e3 * (embedded - begun))
        out.read.append(1e3 * (read - embedded))
        out.find.append(1e3 * (judged - read))
        if candidate is not None:
            out.found += 1
            out.nearest_is_first += candidate.question == stored[place - len(warm)]
            out.served += decision is not None and not decision.reason
            candidates.append((text, candidate.question))
    for text, other in candidates:
        one, two = [bench.question(each, await bench.embed(each)) for each in (text, other)]
        begun = time.perf_counter()
        bench.verifier.judge(one, two)
        out.verdict.append(1e3 * (time.perf_counter() - begun))
    await bench.embedder.close()
    return out


async def expect_itself(bench: Bench, text: str) -> None:
    """A stored question finds itself."""
    found = await bench.embed(text)
    request = bench.exact.read(bench.head, body(text))
    candidate = bench.semantic.find(bench.head, request, bench.question(text, found), found.sentence)
    assert candidate is not None
    assert candidate.question == text, "a stored question is to find itself"
    assert candidate.similarity > 0.99, "and be like itself"


async def weigh(entries: int, embedded: int) -> Weight:
    """Store replies, weigh, keep their questions, weigh again."""
    bench, complete = Bench(entries + 1000), reply()
    sample = [text for text, _ in islice(pairs(13, tokenizer()), embedded)]
    reads = [await bench.embed(text) for text in sample]
    await bench.embedder.close()
    noise = np.random.default_rng(5)

    def turned(place: int) -> tuple[str, Question, bytes]:
        # A text of its own, and a vector of its own near that of a real text: embedding a hundred thousand takes minutes.
        found, text = reads[place % embedded], sample[place % embedded]
        vector = np.frombuffer(found.sentence, dtype="<f4") + noise.normal(0, TURN / 384**0.5, 384)
        sentence = (vector / np.linalg.norm(vector)).astype("<f4").tobytes()
        question = bench.verifier.read(text, found.encoded, sentence, found.tokens)  # type: ignore[arg-type] # native
        return f"{text} {place}", question, sentence

    for place in range(entries):
        bench.store(f"{sample[place % embedded]} {place}", complete)
    # What the loop below needs itself is there before anything is weighed.
    for place in range(200):
        bench.exact.read(bench.head, body(turned(place)[0]))
    gc.collect()
    before = rss_bytes()
    for place in range(entries):
        bench.keep(*turned(place))
    gc.collect()
    after = rss_bytes()
    size = bench.semantic.size()
    assert size["entries"] == bench.exact.size()["entries"] == entries
    return Weight(entries, (after - before) / entries, size["bytes"] / entries)


def rss_bytes() -> int:
    """Resident memory of this process."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


async def vectors(files: list[Path], out: Path, limit: int, entries: int) -> dict[str, int]:
    """Write `entries.f32` and `queries.f32` to `out`.

    Queries are the second texts of paraphrases. Entries are all other texts; past these, mixtures of two of them.
    """
    rows = [msgspec.json.decode(line) for file in files for line in file.read_bytes().splitlines()]
    asked = list(dict.fromkeys(row["b"] for row in rows if row["same"]))
    firsts = {row["a"] for row in rows}
    asked = [text for text in asked if text not in firsts]
    random.Random(3).shuffle(asked)
    # One in five of them is asked; the others are stored with the rest.
    asked = asked[: min(limit, len(asked)) // 5]
    queries = set(asked)
    others = list(dict.fromkeys(row[side] for row in rows for side in "ab"))
    others = [text for text in others if text not in queries]
    # The other half of each pair that is asked has to be there, however few texts are wanted.
    halves = {row["a"] for row in rows if row["same"] and row["b"] in queries}
    others.sort(key=lambda text: text not in halves)
    others = others[: max(limit - len(asked), len(halves))]
    embedder = local.bundled(Tokenizer, tokens=False)
    found = {}
    for text in [*others, *asked]:
        read = await embedder.read(text)
        if read is not None:
            found[text] = read.sentence
    await embedder.close()
    real = np.frombuffer(b"".join(found[text] for text in others if text in found), dtype="<f4").reshape(-1, 384)
    chance = np.random.default_rng(7)
    more = max(entries - len(real), 0)
    one, two = chance.integers(len(real), size=(2, more))
    mixed = real[one] + chance.uniform(0.2, 0.8, (more, 1)).astype("<f4") * real[two]
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    every = np.concatenate([real, mixed])[:entries].astype("<f4")
    chance.shuffle(every)
    (out / "entries.f32").write_bytes(every.tobytes())
    (out / "queries.f32").write_bytes(b"".join(found[text] for text in asked if text in found))
    return {"real": len(real), "mixed": more, "queries": sum(text in found for text in asked)}


def main() -> None:
    """Parse, do, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["speed", "weigh", "vectors"])
    parser.add_argument("--entries", type=int, required=True)
    parser.add_argument("--count", type=int, required=True, help="questions asked, or texts really embedded")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--files", type=Path, nargs="*", default=[])
    args = parser.parse_args()
    if args.what == "speed":
        found: object = uvloop.run(speed(args.entries, args.count, args.files))
    elif args.what == "weigh":
        found = uvloop.run(weigh(args.entries, args.count))
    else:
        found = uvloop.run(vectors(args.files, args.out, args.count, args.entries))
    sys.stdout.write(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    main()
