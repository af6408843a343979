"""How well an audit's comparison tells replies that say the same from those that do not.

    python -m benches.semantic.replies

Reads `replies.jsonl`: two questions, a reply to each, and whether the replies say the same. The questions are hard to
tell apart on purpose. A question's hash puts its pairs into one half or the other: weights are fitted on the first,
and the second is only counted, with the weights and limits that the code has.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from array import array
from pathlib import Path

from isartor._native import Tokenizer
from isartor.embedding import local
from isartor.stack.l1b import compare
from isartor.stack.l1b.calibration import wilson
from isartor.stack.l1b.compare import Likeness, Reply

_FILE = Path(__file__).with_name("replies.jsonl")
# Ridge on the standardised weights.
_RIDGE = 1.0


async def read() -> list[tuple[compare.Lean, bool, bool, bool]]:
    """Lean, conflict, label, and whether it belongs to the half for tuning."""
    model = local.bundled(Tokenizer)
    found = []
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        stored, fresh = Reply(row["question"], row["a"]), Reply(row["other"], row["b"])
        vectors = []
        for texts in ([stored.question], [fresh.question], compare.chunks(stored.text), compare.chunks(fresh.text)):
            each = [array("f", (await model.embed(text)).sentence) for text in texts]
            vectors.append(compare.vector_of(each))
        tuning = hashlib.sha256(row["question"].encode()).digest()[0] % 2 == 0
        found.append((compare.lean(*vectors), compare.conflict(stored, fresh), row["same"], tuning))
    await model.close()
    return found


def fit(rows: list[tuple[compare.Lean, bool]]) -> tuple[float, float, float]:
    """Weights of `Lean`'s members and the bias: ridge logistic regression by gradient descent."""
    count = len(rows)
    mean = [sum(lean[k] for lean, _ in rows) / count for k in (0, 1)]
    deviation = [math.sqrt(sum((lean[k] - mean[k]) ** 2 for lean, _ in rows) / count) for k in (0, 1)]
    weights, bias = [0.0, 0.0], 0.0
    for _ in range(20_000):
        slope, level = [_RIDGE * weight for weight in weights], 0.0
        for lean, same in rows:
            z = [(lean[k] - mean[k]) / deviation[k] for k in (0, 1)]
            off = 1 / (1 + math.exp(-(weights[0] * z[0] + weights[1] * z[1] + bias))) - same
            slope = [slope[k] + off * z[k] for k in (0, 1)]
            level += off
        weights = [weights[k] - 0.02 * slope[k] for k in (0, 1)]
        bias -= 0.02 * level
        if abs(level) + abs(slope[0]) + abs(slope[1]) < 1e-7:
            break
    raw = [weights[k] / deviation[k] for k in (0, 1)]
    return raw[0], raw[1], bias - raw[0] * mean[0] - raw[1] * mean[1]


def share(part: int, whole: int) -> str:
    """A share with its interval."""
    low, high = wilson(part, whole)
    return f"{part}/{whole} = {part / whole:.3f} ({low:.3f} to {high:.3f})" if whole else "none"


def main() -> None:
    """Fit on one half, count on both."""
    rows = asyncio.run(read())
    along, length, bias = fit([(lean, same) for lean, _, same, tuning in rows if tuning])
    print(f"fitted: along {along:.2f}, length {length:.2f}, bias {bias:.3f}")
    for tuning, name in ((True, "tuning half"), (False, "other half")):
        judged = [(compare.judged(lean, conflict=clash), same) for lean, clash, same, half in rows if half == tuning]
        print(f"{name}: {len(judged)} pairs, {sum(same for _, same in judged)} of them say the same")
        for likeness, label in ((Likeness.AGREE, True), (Likeness.DISAGREE, False)):
            said = [same == label for found, same in judged if found is likeness]
            of = sum(same == label for _, same in judged)
            print(f"  {likeness.value}: precision {share(sum(said), len(said))}, recall {share(sum(said), of)}")
            wrongly = len(said) - sum(said)
            print(f"    said of those of which it is not true: {share(wrongly, len(judged) - of)}")


if __name__ == "__main__":
    main()
