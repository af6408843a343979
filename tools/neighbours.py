"""Subjects with many intents next to each other: pairs to train on, and traffic to try a verifier in."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort

from isartor._native import Tokenizer, Verifier

MODEL: Final = Path(__file__).parents[1] / "python" / "isartor" / "embedding" / "minilm"
WINDOW: Final = 256
NEAREST: Final = 6
"""Texts of other intents that each text of a cluster is held against: those most similar."""
POSITIVES, NEGATIVES = 0.3, 0.4
"""How often an epoch sees a pair of a cluster: of one intent, of two. Else those many pairs would be all it learns."""
STRANGE: Final = 0.5
"""Questions of two subjects are less similar than this, or they may be the same question."""
LIKELY: Final = 0.5
"""Least similarity of stored questions that simulated traffic looks at."""
ORDERS: Final = 4


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


class Embedder:
    """Questions as the model sees them: cut into tokens, as one vector, and a vector for each token."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer((MODEL / "tokenizer.json").read_bytes())
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(str(MODEL / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self._known: dict[str, tuple[Any, np.ndarray, np.ndarray]] = {}

    def __call__(self, text: str) -> tuple[Any, np.ndarray, np.ndarray]:
        if text not in self._known:
            encoded = self._tokenizer.encode(text, WINDOW)
            if encoded is None:
                sys.exit(f"longer than the model's window: {text[:80]}")
            ids = np.frombuffer(encoded.ids, dtype=np.int64)[None]
            sentence, tokens = self._session.run(
                ["sentence", "tokens"], {"input_ids": ids, "attention_mask": np.ones_like(ids)}
            )
            self._known[text] = encoded, sentence[0], tokens[0]
            if len(self._known) % 5000 == 0:
                say(f"  {len(self._known)} questions embedded")
        return self._known[text]


def clustered(path: Path, embed: Embedder) -> list[dict[str, Any]]:
    """Pairs of clusters: all of one intent; of two intents the most similar and some others; some of two subjects."""
    random = np.random.default_rng(0)
    subjects: dict[str, list[tuple[str, str]]] = {}
    for line in read(path):
        subjects.setdefault(line["domain"], []).extend((text, line["intent"]) for text in line["texts"])
    found: dict[tuple[str, str], dict[str, Any]] = {}

    def add(a: str, b: str, often: float, *, same: bool) -> None:
        if a != b:
            found.setdefault((min(a, b), max(a, b)), {"a": a, "b": b, "same": same, "often": often})

    everything = [text for own in subjects.values() for text, _ in own]
    for own in subjects.values():
        vectors = np.array([embed(text)[1] for text, _ in own])
        intents = np.array([intent for _, intent in own])
        similar = vectors @ vectors.T
        for place, (text, intent) in enumerate(own):
            for other in np.flatnonzero(intents == intent):
                add(text, own[other][0], POSITIVES, same=True)
            others = np.flatnonzero(intents != intent)
            nearest = others[np.argsort(-similar[place, others])[:NEAREST]]
            for other in (*nearest, random.choice(others)):
                add(text, own[other][0], NEGATIVES, same=False)
            stranger = everything[random.integers(len(everything))]
            if embed(text)[1] @ embed(stranger)[1] < STRANGE:
                add(text, stranger, NEGATIVES, same=False)
    return list(found.values())


class Traffic:
    """Questions of neighbouring intents, asked one after the other of a cache that is empty at first."""

    def __init__(self, path: Path, embed: Embedder, weights: bytes) -> None:
        verifier = Verifier(lexicon=(MODEL / "lexicon.bin").read_bytes(), weights=weights)
        asked = [(line["domain"], line["intent"], text) for line in read(path) for text in line["texts"]]
        self._intents = [(domain, intent) for domain, intent, _ in asked]
        self._questions, vectors = [], []
        for _, _, text in asked:
            encoded, sentence, tokens = embed(text)
            self._questions.append(
                verifier.read(text, encoded, sentence.tobytes(), np.ascontiguousarray(tokens).tobytes())
            )
            vectors.append(sentence)
        similar = np.array(vectors) @ np.array(vectors).T
        self._likely = [order[row[order] >= LIKELY] for row in similar for order in [np.argsort(-row)]]
        self._judge = verifier.judge
        self._known: dict[tuple[int, int], float] = {}

    def wrong_share(self, threshold: float) -> float:
        """The share of wrong ones among the served, over some random orders of the questions.

        Served is the better of the two nearest stored ones, if it scores `threshold`; else the question is stored.
        """
        served = wrong = 0
        for seed in range(ORDERS):
            stored = np.zeros(len(self._intents), bool)
            for question in np.random.default_rng(seed).permutation(len(self._intents)):
                nearest = [other for other in self._likely[question] if stored[other]][:2]
                score, best = max(((self._score(question, other), other) for other in nearest), default=(-np.inf, 0))
                if score >= threshold:
                    served += 1
                    wrong += self._intents[best] != self._intents[question]
                else:
                    stored[question] = True
        return wrong / max(served, 1)

    def _score(self, one: int, other: int) -> float:
        pair = (min(one, other), max(one, other))
        if pair not in self._known:
            self._known[pair] = self._judge(self._questions[pair[0]], self._questions[pair[1]]).score
        return self._known[pair]
