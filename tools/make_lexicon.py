"""Compiles WordNet's synonyms, antonyms, hypernyms and derivations into the small table that the verifier reads.

    apt install wordnet-base
    python tools/make_lexicon.py

Left out: multi-word nouns, adjectives and adverbs, and words with digits or other signs in them. The layout is described
in `native/core/src/semantic/lexicon.rs`. WordNet 3.0 is copyright Princeton University; its licence, which allows this, is
written beside the table.
"""

from __future__ import annotations

import argparse
import struct
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

SOURCE: Final = Path("/usr/share/wordnet")
TARGET: Final = Path(__file__).parents[1] / "python" / "isartor" / "embedding" / "minilm" / "lexicon.bin"
MAGIC: Final = b"ISARLEX1"
PARTS: Final = {"noun": 0, "verb": 1, "adj": 2, "adv": 3}
LETTERS: Final = {"n": 0, "v": 1, "a": 2, "s": 2, "r": 3}
NONE: Final = 0xFFFFFFFF
HYPERNYMS: Final = {"@", "@i", "&"}
"""A satellite adjective's head stands for its hypernym."""
DERIVED: Final = {"+", "\\", "<"}
MOST_WORDS_OF_A_VERB: Final = 3


def main() -> int:
    """Read, compile, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--source", type=Path, default=SOURCE, help="folder of WordNet's files")
    parser.add_argument("--target", type=Path, default=TARGET, help="file to write")
    options = parser.parse_args()
    if not (options.source / "data.noun").exists():
        sys.exit(f"{options.source} holds no WordNet; on Debian: apt install wordnet-base")
    table = Table(options.source)
    options.target.write_bytes(table.packed())
    print(
        f"{len(table.words)} words, {len(table.synsets)} synsets, {len(table.antonyms)} antonyms, "
        f"{len(table.derived)} derivations, {len(table.forms)} irregular forms, {options.target.stat().st_size} bytes"
    )
    return 0


def usable(word: str, part: int) -> bool:
    """Whether a lemma, lower-cased, goes into the table."""
    pieces = word.split("_")
    most = MOST_WORDS_OF_A_VERB if part == PARTS["verb"] else 1
    return len(pieces) <= most and all(piece.replace("-", "").replace("'", "").isalpha() for piece in pieces)


class Table:
    """Everything that is written, by number of word and of synset."""

    def __init__(self, folder: Path) -> None:
        self.synsets: dict[tuple[int, int], int] = {}
        self.hypernym: list[int] = []
        senses: dict[str, list[tuple[int, int]]] = defaultdict(list)
        lines = [(part, line) for name, part in PARTS.items() for line in data_lines(folder / f"data.{name}")]
        for part, line in lines:
            self.synsets[part, int(line[0])] = len(self.synsets)
        opposite: set[tuple[str, str]] = set()
        derived: set[tuple[str, str]] = set()
        names: dict[tuple[int, int], list[str]] = {}
        for part, line in lines:
            names[part, int(line[0])] = lemmas(line)
        for part, line in lines:
            own = names[part, int(line[0])]
            above = NONE
            for symbol, target, place in pointers(line):
                if symbol in HYPERNYMS and above == NONE:
                    above = self.synsets[target]
                source, goal = place
                if source and goal and symbol in {"!", *DERIVED}:
                    pair = (own[source - 1], names[target][goal - 1])
                    (opposite if symbol == "!" else derived).add(pair)
            self.hypernym.append(above)
        counts = sense_counts(folder / "cntlist.rev")
        for name, part in PARTS.items():
            for word, offsets in index_lines(folder / f"index.{name}"):
                if usable(word, part):
                    for rank, offset in enumerate(offsets, start=1):
                        count = counts.get((word, part, rank), 0)
                        senses[word].append((self.synsets[part, offset], min(count.bit_length(), 7)))
        self.words = sorted(senses, key=str.encode)
        number = {word: place for place, word in enumerate(self.words)}
        self.senses = [senses[word] for word in self.words]
        known = lambda pairs: sorted((number[a], number[b]) for a, b in pairs if a in number and b in number and a != b)  # noqa: E731
        self.antonyms = known(opposite | {(b, a) for a, b in opposite})
        self.derived = known(derived | {(b, a) for a, b in derived})
        self.forms = sorted(
            {
                (form, lemma)
                for name, part in PARTS.items()
                for form, lemma in exceptions(folder / f"{name}.exc")
                if usable(form, part) and "_" not in form and lemma in number and form != lemma
            },
            key=lambda pair: (pair[0].encode(), pair[1].encode()),
        )
        self._number = number

    def packed(self) -> bytes:
        """The file."""
        starts, blob = strings(self.words)
        form_starts, form_blob = strings([form for form, _ in self.forms])
        sense_starts, total = [0], 0
        for senses in self.senses:
            total += len(senses)
            sense_starts.append(total)
        sections = [
            ints(starts),
            blob,
            ints(sense_starts),
            ints([synset | count << 24 for senses in self.senses for synset, count in senses]),
            ints(self.hypernym),
            ints([number for pair in self.antonyms for number in pair]),
            ints([number for pair in self.derived for number in pair]),
            ints(form_starts),
            form_blob,
            ints([self._number[lemma] for _, lemma in self.forms]),
        ]
        return MAGIC + ints([len(section) for section in sections]) + b"".join(sections)


def data_lines(path: Path) -> list[list[str]]:
    return [
        line.partition(" | ")[0].split() for line in path.read_text("latin-1").splitlines() if not line.startswith("  ")
    ]


def lemmas(line: list[str]) -> list[str]:
    count = int(line[3], 16)
    return [line[4 + 2 * place].partition("(")[0].lower() for place in range(count)]


def pointers(line: list[str]) -> list[tuple[str, tuple[int, int], tuple[int, int]]]:
    """Symbol, target synset, and the two words' places (0: the whole synset)."""
    start = 4 + 2 * int(line[3], 16)
    found = []
    for place in range(int(line[start])):
        symbol, offset, part, words = line[start + 1 + 4 * place : start + 5 + 4 * place]
        found.append((symbol, (LETTERS[part], int(offset)), tuple(bytes.fromhex(words))))
    return found


def index_lines(path: Path) -> list[tuple[str, list[int]]]:
    found = []
    for line in path.read_text("latin-1").splitlines():
        if not line.startswith("  "):
            fields = line.split()
            found.append((fields[0], [int(offset) for offset in fields[-int(fields[2]) :]]))
    return found


def sense_counts(path: Path) -> dict[tuple[str, int, int], int]:
    """How often each sense was met in the tagged texts: (word, part, rank) -> count."""
    kinds = {"1": 0, "2": 1, "3": 2, "4": 3, "5": 2}
    found = {}
    for line in path.read_text("latin-1").splitlines():
        key, rank, count = line.split()
        word, _, rest = key.partition("%")
        found[word, kinds[rest[0]], int(rank)] = int(count)
    return found


def exceptions(path: Path) -> list[tuple[str, str]]:
    return [
        (fields[0], lemma)
        for line in path.read_text("latin-1").splitlines()
        if (fields := line.split())
        for lemma in fields[1:]
    ]


def strings(items: list[str]) -> tuple[list[int], bytes]:
    starts, blob = [0], bytearray()
    for item in items:
        blob += item.encode()
        starts.append(len(blob))
    return starts, bytes(blob)


def ints(numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


if __name__ == "__main__":
    sys.exit(main())
