"""Trains the verifier's weights and its calibration from labelled pairs of questions.

    pip install -r tools/requirements.txt
    python tools/train_verifier.py

Training: the pairs in `tools/pairs/*.jsonl`, and pairs made of `tools/clusters/train.jsonl`: subjects with many intents
next to each other, each asked in six ways. Calibration: the half of `benches/semantic/pairs.jsonl` marked `tuning`, and
`tools/clusters/calibration.jsonl`, subjects of their own; neither is trained on. The other half of the pairs is never
read here but to make sure that no training pair has a text of it. Written: `verifier.bin` and `calibration.json` beside
the bundled model.

1. Tokens are reduced to 32 numbers by the directions in which they vary most; features of each pair are computed. Pairs
   of the clusters that facts decide are left out.
2. One network is trained, and with it a better reduction; then another, for half as long, to which the pairs of two
   intents that the first took for alike are shown more often than the others.
3. With that reduction fixed, and its numbers rounded as they will be kept, features are computed anew, several networks
   are trained from different starting points, and trees are grown on the features; the verdict is the sum of the networks'
   mean and the trees' sum, on the same scale.
4. A logistic and a curve of wrong answers over the score are fitted on the calibration pairs. What that comes to
   in traffic where every question has near neighbours is simulated with the calibration clusters, and printed.

Takes about half an hour on two cores and 10 GB of memory. What a network computes is described in
`native/core/src/semantic/verdict/model.rs`.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import time
from pathlib import Path
from typing import Any, Final

import jax
import jax.numpy as jnp
import lightgbm as lgb
import numpy as np
from neighbours import MODEL, Embedder, Traffic, clustered, read, say

from isartor._native import FEATURES, Verifier
from isartor.stack.l1b.calibration import Calibration, Fit, Tally, curve_of, digest_of, fitted, write

ROOT: Final = Path(__file__).parents[1]
PAIRS: Final = ROOT / "tools" / "pairs"
CLUSTERS: Final = ROOT / "tools" / "clusters"
SHIPPED: Final = ROOT / "benches" / "semantic" / "pairs.jsonl"
WIDTH, SIZE, HIDDEN, WIDE = 384, 32, 24, 32
LONGEST: Final = 64
"""Tokens of a question that training looks at; hardly one has more."""
WIDTHS: Final = (16, 24, 40, LONGEST)
CLIP: Final = 4.0
SHARPNESS: Final = 4.0
WRONG_WEIGHT: Final = 2.5
"""A wrong pair that is let through costs more than a right one that is not."""

HARD: Final = -3.0
"""Negatives that score more are seen in every epoch, the others `EASY` as often."""
EASY: Final = 0.2
NETWORKS: Final = 0.65
"""The networks' share of the verdict; the forest has the rest."""

SAMPLE: Final = 8
"""Every so many-th pair says how far scores spread."""
BAGS: Final = 2
"""Forests that are averaged."""

Arrays = dict[str, Any]


class Corpus:
    """All questions of some pairs, embedded, and the pairs by number."""

    def __init__(self, pairs: list[dict[str, Any]], embed: Embedder) -> None:
        self.texts = sorted({pair[side] for pair in pairs for side in "ab"})
        number = {text: place for place, text in enumerate(self.texts)}
        self.a = np.array([number[pair["a"]] for pair in pairs])
        self.b = np.array([number[pair["b"]] for pair in pairs])
        self.same = np.array([pair["same"] for pair in pairs])
        self.often = np.array([pair.get("often", 1.0) for pair in pairs])
        self.encoded, self.sentences, self.tokens = zip(*map(embed, self.texts), strict=True)
        self.inner = np.zeros((len(self.texts), LONGEST, WIDTH), np.float16)
        self.mask = np.zeros((len(self.texts), LONGEST), np.float32)
        for place, tokens in enumerate(self.tokens):
            own = tokens[1:-1][:LONGEST]  # without the model's two marks
            self.inner[place, : len(own)] = own
            self.mask[place, : len(own)] = 1

    def keep(self, kept: np.ndarray) -> None:
        """Leaves the other pairs out."""
        self.a, self.b, self.same, self.often = self.a[kept], self.b[kept], self.same[kept], self.often[kept]

    def look(self, weights: bytes, *, every: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Each pair's features, whether facts forbid it, and its score; or those of `every` so many-th pair."""
        verifier = Verifier(lexicon=(MODEL / "lexicon.bin").read_bytes(), weights=weights)
        questions = [
            verifier.read(text, encoded, sentence.tobytes(), np.ascontiguousarray(tokens).tobytes())
            for text, encoded, sentence, tokens in zip(
                self.texts, self.encoded, self.sentences, self.tokens, strict=True
            )
        ]
        chosen = zip(self.a[::every], self.b[::every], strict=True)
        verdicts = [verifier.judge(questions[a], questions[b]) for a, b in chosen]
        features = np.array([[value for _, value in verdict.features] for verdict in verdicts], np.float32)
        scores = np.array([verdict.score for verdict in verdicts])
        return features, np.isneginf(scores), scores


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--networks", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--target", type=Path, default=MODEL)
    parser.add_argument("--calibrate-only", action="store_true", help="keep verifier.bin, fit calibration.json anew")
    options = parser.parse_args()
    tuning = [pair for pair in read(SHIPPED) if pair["half"] == "tuning"]
    embed = Embedder()
    if options.calibrate_only:
        weights = (options.target / "verifier.bin").read_bytes()
        traffic = Traffic(CLUSTERS / "calibration.jsonl", embed, weights)
        calibrate(Corpus(tuning, embed), traffic, weights, options.target / "calibration.json")
        return 0
    pairs = [json.loads(line) for path in sorted(PAIRS.glob("*.jsonl")) for line in path.read_text().splitlines()]
    of_clusters = clustered(CLUSTERS / "train.jsonl", embed)
    shipped = {text for pair in read(SHIPPED) for text in (pair["a"], pair["b"])}
    if any(pair["a"] in shipped or pair["b"] in shipped for pair in pairs + of_clusters):
        sys.exit(f"a training pair has a text of {SHIPPED.name}")
    say(f"{len(pairs)} training pairs, {len(of_clusters)} of clusters")
    corpus = Corpus(pairs + of_clusters, embed)
    everything = corpus.inner[corpus.mask > 0].astype(np.float32)[::7]
    _, spread, directions = np.linalg.svd(everything - everything.mean(0), full_matrices=False)
    start = {"W": directions.T[:, :SIZE] / spread.mean() * np.sqrt(len(everything)), "b": np.zeros(SIZE)}
    nothing, plain = np.zeros(len(FEATURES)), np.ones(len(FEATURES))
    features, forbidden, _ = corpus.look(pack(start, nothing, plain, [network(jax.random.PRNGKey(0))]))
    own = np.arange(len(corpus.same)) < len(pairs)
    kept = own | ~forbidden  # of the clusters nothing is learned that facts decide
    corpus.keep(kept)
    own, features = own[kept], features[kept]
    say(f"{kept.sum()} pairs that facts do not decide")
    mean, deviation = scale(features)
    for epochs in (options.epochs, options.epochs // 2):
        first = fit(corpus, normal(features, mean, deviation), seed=1, epochs=epochs, start=start, freeze=False)
        start = {"W": np.array(first["W"]), "b": np.array(first["b"])}
        features, _, scores = corpus.look(pack(start, mean, deviation, [first]))
        mean, deviation = scale(features)
        hard = ~own & ~corpus.same & (scores > HARD)
        corpus.often[~own & ~corpus.same] = EASY
        corpus.often[hard] = 1
        say(f"{hard.sum()} hard negatives; {corpus.often.sum():.0f} pairs an epoch")
    ready = normal(features, mean, deviation)
    networks = [
        fit(corpus, ready, seed=10 + number, epochs=options.epochs, start=start, freeze=True)
        for number in range(options.networks)
    ]
    forest = grow(features, corpus.same, corpus.often)
    weights = pack(start, mean, deviation, networks)
    _, _, scores = corpus.look(weights, every=SAMPLE)
    weights = pack(start, mean, deviation, networks, forest, mix(scores, forest, features[::SAMPLE]))
    (options.target / "verifier.bin").write_bytes(weights)
    say(f"verifier.bin: {len(weights)} bytes")
    traffic = Traffic(CLUSTERS / "calibration.jsonl", embed, weights)
    calibrate(Corpus(tuning, embed), traffic, weights, options.target / "calibration.json")
    return 0


def scale(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return features.mean(0), features.std(0) + 1e-6


def normal(features: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    return np.clip((features - mean) / deviation, -CLIP, CLIP)


# -- the network


def network(key: Any) -> Arrays:
    """Random beginnings."""
    keys = jax.random.split(key, 4)

    def matrix(key: Any, rows: int, columns: int) -> Any:
        return jax.random.normal(key, (rows, columns)) / np.sqrt(rows)

    return {
        "t": jnp.array(1.0),
        "m1": matrix(keys[0], 4 * SIZE + 2, HIDDEN),
        "c1": jnp.zeros(HIDDEN),
        "m2": matrix(keys[1], HIDDEN, HIDDEN),
        "c2": jnp.zeros(HIDDEN),
        "m3": matrix(keys[2], 4 * HIDDEN + len(FEATURES), WIDE),
        "c3": jnp.zeros(WIDE),
        "m4": matrix(keys[3], WIDE, 1) * 0.3,
        "c4": jnp.zeros(1),
    }


def reduce(weights: Arrays, tokens: Any) -> Any:
    """Tokens as they are kept, of unit length."""
    kept = tokens @ weights["W"] + weights["b"]
    return kept / jnp.sqrt((kept**2).sum(-1, keepdims=True) + 1e-6)


def rounded(tokens: Any) -> Any:
    """Numbers as four bits hold them."""
    largest = jnp.clip(jnp.ceil(jnp.abs(tokens).max(-1, keepdims=True) * 255), 1) / 255
    return jnp.round(tokens / largest * 7) / 7 * largest


def answered(weights: Arrays, own: Any, mask: Any, other: Any, other_mask: Any) -> Any:
    similar = jnp.where(other_mask[:, None, :] > 0, jnp.einsum("bid,bjd->bij", own, other), -1e9)
    mixture = jnp.einsum("bij,bjd->bid", jax.nn.softmax(similar * jnp.exp(weights["t"]) * SHARPNESS, -1), other)
    parts = [own, mixture, jnp.abs(own - mixture) * 2, own * mixture * 4, similar.max(-1, keepdims=True)]
    found = jnp.concatenate([*parts, (own * mixture).sum(-1, keepdims=True)], -1)
    found = jax.nn.relu(found @ weights["m1"] + weights["c1"])
    found = jax.nn.relu(found @ weights["m2"] + weights["c2"]) * mask[..., None]
    return jnp.concatenate([found.max(1), found.sum(1) / (mask.sum(1, keepdims=True) + 1e-6)], -1)


def odds(weights: Arrays, batch: tuple[Any, ...], key: Any, drop: float, *, keep: bool) -> Any:
    """Log odds of a batch. `keep`: tokens come reduced already."""
    a, mask_a, b, mask_b, features = batch
    if not keep:
        a, b = reduce(weights, a), reduce(weights, b)
    if drop:
        keys = jax.random.split(key, 3)
        a = a * jax.random.bernoulli(keys[0], 1 - drop, a.shape) / (1 - drop)
        b = b * jax.random.bernoulli(keys[1], 1 - drop, b.shape) / (1 - drop)
    of_a, of_b = answered(weights, a, mask_a, b, mask_b), answered(weights, b, mask_b, a, mask_a)
    joined = jnp.concatenate([jnp.maximum(of_a, of_b), (of_a + of_b) / 2, features], -1)
    if drop:
        joined = joined * jax.random.bernoulli(keys[2], 0.9, joined.shape) / 0.9
    return (jax.nn.relu(joined @ weights["m3"] + weights["c3"]) @ weights["m4"] + weights["c4"])[:, 0]


def fit(corpus: Corpus, features: np.ndarray, *, seed: int, epochs: int, start: Arrays, freeze: bool) -> Arrays:
    """Trains one network; with `freeze` the reduction stays as it is. AdamW with a cosine schedule."""
    key = jax.random.PRNGKey(seed)
    weights = network(key)
    tokens = corpus.inner
    if freeze:
        tokens = np.concatenate(
            [np.array(rounded(reduce(start, part.astype(np.float32)))) for part in np.array_split(tokens, 40)]
        )
    else:
        weights |= {"W": jnp.array(start["W"], jnp.float32), "b": jnp.array(start["b"], jnp.float32)}
    batch_size, rate = 128, 2e-3
    steps = int(epochs * corpus.often.sum() / batch_size)

    def loss(weights: Arrays, batch: tuple[Any, ...], same: Any, key: Any) -> Any:
        found = odds(weights, batch, key, 0.15, keep=freeze)
        return jnp.mean(jnp.logaddexp(0, -found * (2 * same - 1)) * jnp.where(same > 0, 1.0, WRONG_WEIGHT))

    @jax.jit
    def step(
        weights: Arrays, moments: tuple[Arrays, Arrays], number: Any, batch: tuple[Any, ...], same: Any, key: Any
    ) -> Any:
        slope = jax.grad(loss)(weights, batch, same, key)
        first = jax.tree.map(lambda old, new: 0.9 * old + 0.1 * new, moments[0], slope)
        second = jax.tree.map(lambda old, new: 0.999 * old + 0.001 * new * new, moments[1], slope)
        pace = rate * jnp.minimum(1, (number + 1) / 50) * 0.5 * (1 + jnp.cos(jnp.pi * jnp.minimum(number / steps, 1)))
        one, two = 1 - 0.9 ** (number + 1), 1 - 0.999 ** (number + 1)
        weights = jax.tree.map(
            lambda old, m, v: old - pace * ((m / one) / (jnp.sqrt(v / two) + 1e-8) + 0.01 * old), weights, first, second
        )
        return weights, (first, second)

    moments = (jax.tree.map(jnp.zeros_like, weights), jax.tree.map(jnp.zeros_like, weights))
    random = np.random.default_rng(seed)
    number = 0
    for epoch in range(epochs):
        for chosen, width in batches(corpus, random, batch_size):
            a, b = (corpus.a, corpus.b) if random.random() < 0.5 else (corpus.b, corpus.a)
            batch = (
                tokens[a[chosen], :width].astype(np.float32),
                corpus.mask[a[chosen], :width],
                tokens[b[chosen], :width].astype(np.float32),
                corpus.mask[b[chosen], :width],
                features[chosen],
            )
            same = corpus.same[chosen].astype(np.float32)
            weights, moments = step(weights, moments, number, batch, same, jax.random.fold_in(key, number))
            number += 1
        if epoch % 6 == 5:
            say(f"  seed {seed}: epoch {epoch + 1} of {epochs}")
    return {name: np.array(value) for name, value in weights.items()}


def batches(corpus: Corpus, random: np.random.Generator, size: int) -> list[tuple[np.ndarray, int]]:
    """All pairs in batches of about the same length, each with the number of tokens that are looked at."""
    lengths = corpus.mask.sum(1).astype(int)
    longest = np.maximum(lengths[corpus.a], lengths[corpus.b])
    found = []
    seen = random.permutation(np.flatnonzero(random.random(len(corpus.often)) < corpus.often))
    for part in np.array_split(seen, max(len(seen) // (size * 12), 1)):
        ordered = part[np.argsort(longest[part], kind="stable")]
        for begin in range(0, len(ordered) - size + 1, size):
            chosen = ordered[begin : begin + size]
            found.append((chosen, next(width for width in WIDTHS if width >= longest[chosen].max())))
    return [found[place] for place in random.permutation(len(found))]


# -- the files


def pack(
    start: Arrays,
    mean: np.ndarray,
    deviation: np.ndarray,
    networks: list[Arrays],
    forest: tuple[list[int], list[list[float]]] | None = None,
    mixed: tuple[float, float] = (1.0, 1.0),
) -> bytes:
    """The file of weights."""
    roots, nodes = forest or ([], [])
    header = {
        "width": WIDTH,
        "size": SIZE,
        "hidden": HIDDEN,
        "wide": WIDE,
        "networks": len(networks),
        "trees": len(roots),
        "nodes": len(nodes),
        "mix": mixed,
        "features": list(FEATURES),
    }
    arrays = [start["W"], start["b"], mean, deviation]
    for trained in networks:
        arrays += [trained["t"], *(trained[f"{kind}{place}"] for place in (1, 2, 3, 4) for kind in "mc")]
    arrays += [np.array(roots), np.array(nodes)]
    text = json.dumps(header, separators=(",", ":")).encode()
    numbers = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in arrays)
    return b"ISARVER1" + struct.pack("<I", len(text)) + text + numbers


def grow(features: np.ndarray, same: np.ndarray, often: np.ndarray) -> tuple[list[int], list[list[float]]]:
    """Trees on the features: places of their roots, and nodes (feature or -1, threshold or value, left, right)."""
    roots: list[int] = []
    nodes: list[list[float]] = []

    def put(node: dict[str, Any]) -> int:
        place = len(nodes)
        nodes.append([-1.0, node.get("leaf_value", 0.0) / BAGS, 0.0, 0.0])
        if "split_feature" in node:
            nodes[place] = [node["split_feature"], node["threshold"], 0.0, 0.0]
            nodes[place][2] = put(node["left_child"])
            nodes[place][3] = put(node["right_child"])
        return place

    for seed in range(BAGS):
        grown = lgb.LGBMClassifier(
            n_estimators=250, learning_rate=0.06, num_leaves=15, min_child_samples=20, subsample=0.8, subsample_freq=1,
            colsample_bytree=0.5, reg_lambda=5, random_state=seed, n_jobs=1, verbose=-1,
        ).fit(features, same, sample_weight=often)  # fmt: skip
        roots += [put(tree["tree_structure"]) for tree in grown.booster_.dump_model()["tree_info"]]
    return roots, nodes


def mix(scores: np.ndarray, forest: tuple[list[int], list[list[float]]], features: np.ndarray) -> tuple[float, float]:
    """Both parts brought to the same spread on the training pairs, each with its share."""
    roots, nodes = forest
    sums = np.zeros(len(features))
    table = np.array(nodes)
    for root in roots:
        at = np.full(len(features), root)
        while (inner := table[at, 0] >= 0).any():
            left = features[np.arange(len(at)), table[at, 0].astype(int)] <= table[at, 1]
            at = np.where(inner, np.where(left, table[at, 2], table[at, 3]), at).astype(int)
        sums += table[at, 1]
    finite = np.isfinite(scores)
    return NETWORKS, (1 - NETWORKS) * float(scores[finite].std() / sums[finite].std())


def calibrate(corpus: Corpus, traffic: Traffic, weights: bytes, target: Path) -> None:
    """Fits the line and the curve, and says what they are, also in traffic where every question has near neighbours."""
    _, _, scores = corpus.look(weights)
    tally = Tally()
    for score, same in zip(scores, corpus.same, strict=True):
        tally.add(float(score), right=bool(same))
    line = fitted(Fit(1.0, 0.0), tally, strength=0.1)
    digest = digest_of((MODEL / "lexicon.bin").read_bytes(), weights)
    scored = [(float(score), bool(same)) for score, same in zip(scores, corpus.same, strict=True)]
    curve = curve_of(scored)
    found = Calibration(
        slope=round(line.slope, 4),
        intercept=round(line.intercept, 4),
        model=digest,
        pairs=len(scores),
        date=time.strftime("%Y-%m-%d"),
        curve=tuple((round(score, 3), round(share, 5)) for score, share in curve),
    )
    write(target, found)
    for rate in (0.005, 0.01, 0.02, 0.05):
        least = next((score for score, share in curve if share <= rate), np.inf)
        taken = scores >= least
        say(
            f"error rate {rate}: score {least:.2f}, {(taken & corpus.same).sum() / corpus.same.sum():.3f} of the right ones, "
            f"{(taken & ~corpus.same).sum() / (~corpus.same).sum():.4f} of the wrong ones (tuning half); traffic among "
            f"near neighbours: {traffic.wrong_share(least):.4f} of the served are wrong"
        )


if __name__ == "__main__":
    sys.exit(main())
