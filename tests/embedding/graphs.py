"""Tiny ONNX models and their folders, written byte by byte: an embedding table, and as little around it as can be."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DIMENSION = 4
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "isartor", "gate", "river", "bridge", "north", "south")

_FLOAT, _INT64 = 1, 7


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _tensor(name: str, rows: Sequence[Sequence[float]]) -> bytes:
    raw = struct.pack(f"<{len(rows) * len(rows[0])}f", *(number for row in rows for number in row))
    return _field(1, len(rows)) + _field(1, len(rows[0])) + _field(2, _FLOAT) + _field(8, name) + _field(9, raw)


def _value(name: str, kind: int, shape: Sequence[str | int]) -> bytes:
    dims = b"".join(_field(1, _field(1, dim) if isinstance(dim, int) else _field(2, dim)) for dim in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, dims)))


def _node(kind: str, inputs: Sequence[str], output: str, axes: int | None = None) -> bytes:
    node = b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(3, output) + _field(4, kind)
    if axes is not None:
        # ints, of type INTS; and keepdims = 0
        node += _field(5, _field(1, "axes") + _field(8, axes) + _field(20, 7))
        node += _field(5, _field(1, "keepdims") + _field(3, 0) + _field(20, 2))
    return node


def table() -> list[list[float]]:
    return [[float((7 * row + 3 * column) % 11 - 5) for column in range(DIMENSION)] for row in range(len(WORDS))]


def model(
    output: str = "last_hidden_state",
    *,
    inputs: Sequence[str] = ("input_ids", "attention_mask"),
    rows: list[list[float]] | None = None,
    pooled: bool = False,
) -> bytes:
    """A model whose tokens are the rows of a table; `pooled`: with their sum as its only output."""
    nodes = [_node("Gather", ["words", "input_ids"], "each" if pooled else "picked")]
    tensors = [_tensor("words", rows or table())]
    if "token_type_ids" in inputs:
        tensors.append(_tensor("kinds", [[0.5] * DIMENSION, [9.0] * DIMENSION]))
        nodes.append(_node("Gather", ["kinds", "token_type_ids"], "kind"))
        nodes.append(_node("Add", ["picked", "kind"], output))
    elif pooled:
        nodes.append(_node("ReduceMean", ["each"], output, axes=1))
    else:
        nodes.append(_node("Identity", ["picked"], output))
    shape = ["batch", DIMENSION] if pooled else ["batch", "length", DIMENSION]
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, "tiny")
    graph += b"".join(_field(5, tensor) for tensor in tensors)
    graph += b"".join(_field(11, _value(name, _INT64, ["batch", "length"])) for name in inputs)
    graph += _field(12, _value(output, _FLOAT, shape))
    return _field(1, 8) + _field(8, _field(2, 17)) + _field(7, graph)


def tokenizer(**more: object) -> dict[str, object]:
    special = [
        {"id": number, "content": word, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True}
        for number, word in enumerate(WORDS[:4])
    ]  # fmt: skip
    parts = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]  # fmt: skip
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": parts,
            "pair": [*parts, {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {word: number for number, word in enumerate(WORDS)}},
    } | more  # fmt: skip


def write(path: Path, graph: bytes | None = None, **files: object) -> Path:
    """Make a model folder. `files` go beside the model, `config_json={...}` as `config.json`; `None` leaves one out."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "model.onnx").write_bytes(model() if graph is None else graph)
    wanted = {"tokenizer_json": tokenizer(), "config_json": {"max_position_embeddings": 16}} | files
    for name, content in wanted.items():
        if content is not None:
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            (path / name.replace("_json", ".json")).write_bytes(data)
    return path
