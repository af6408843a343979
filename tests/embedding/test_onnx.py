"""Model folders: what is read from them, and the line that a bad one gets."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from isartor.embedding import folder
from isartor.embedding.local import BUNDLED
from isartor.embedding.onnx import Model, Vectors
from isartor.errors import EmbeddingError
from tests.embedding import graphs
from tests.embedding.tokens import Tokenizer

if TYPE_CHECKING:
    from pathlib import Path


def loaded(path: Path, **more: Any) -> Model:
    return Model(path, Tokenizer, **more)


def said(model: Model, text: str) -> Vectors:
    return model.run(model.encode(text))


def floats(data: bytes) -> Any:
    return np.frombuffer(data, "<f4")


@pytest.fixture(scope="module")
def bundled() -> Model:
    return loaded(BUNDLED, window=256)


@pytest.fixture(scope="module")
def table() -> Any:
    return np.array(graphs.table())


def unit(vector: Any) -> Any:
    return vector / np.linalg.norm(vector)


def test_the_bundled_model(bundled: Model) -> None:
    """The bundled model gives 384 numbers of length 1 per text and 384 per token, the same ones each time."""
    assert bundled.dimension == 384
    encoded = bundled.encode("How do I enable two-factor login?")
    first, second = bundled.run(encoded), bundled.run(encoded)
    assert first == second
    assert np.linalg.norm(floats(first.sentence)) == pytest.approx(1, abs=1e-5)
    tokens = floats(first.tokens).reshape(encoded.count, 384)
    assert unit(tokens.mean(axis=0)) @ floats(first.sentence) == pytest.approx(1, abs=1e-4)
    assert bundled.run(encoded, tokens=False) == (first.sentence, b"")


def test_the_bundled_model_knows_meaning(bundled: Model) -> None:
    """A paraphrase is nearer than another subject."""
    a, b, c = (floats(said(bundled, text).sentence) for text in (
        "How do I change my password?", "What is the way to reset my password?", "The train to Munich leaves at nine."
    ))  # fmt: skip
    assert a @ b > 0.7
    assert a @ c < 0.3


def test_the_window_is_exact(bundled: Model) -> None:
    """A text of just the window's tokens is taken; one more word, and it is refused, never cut."""
    encoded = bundled.encode("river " * 254)
    assert encoded.count == 256
    assert len(bundled.run(encoded).tokens) == 256 * 384 * 4
    assert bundled.encode("river " * 255) is None
    # One word of ten megabytes would be a single unknown token.
    assert bundled.encode("x" * 10_000_000) is None


@pytest.mark.parametrize(
    "text", ["", " ", "\x00\x01\x02", "שלום עולם", "مرحبا hello 你好", "e\u0301" * 40, "👩‍👩‍👧‍👦" * 9, "\ufffd\u202e"]
)
def test_odd_texts(bundled: Model, text: str) -> None:
    """Whatever characters a text has, its vector is one of length 1."""
    assert np.linalg.norm(floats(said(bundled, text).sentence)) == pytest.approx(1, abs=1e-5)


def test_a_foreign_model_is_pooled_here(tmp_path: Path, table: Any) -> None:
    """A model with nothing but `last_hidden_state` is pooled over its tokens and brought to length 1."""
    model = loaded(graphs.write(tmp_path))
    vectors = said(model, "gate river")
    tokens = table[[2, 5, 6, 3]]
    assert model.dimension == graphs.DIMENSION
    assert floats(vectors.tokens).reshape(4, -1) == pytest.approx(tokens)
    assert floats(vectors.sentence) == pytest.approx(unit(tokens.mean(axis=0)), abs=1e-6)


def test_a_foreign_model_with_types(tmp_path: Path, table: Any) -> None:
    """A model that asks for `token_type_ids` gets zeros."""
    graph = graphs.model(inputs=("input_ids", "attention_mask", "token_type_ids"))
    vectors = said(loaded(graphs.write(tmp_path, graph)), "gate")
    assert floats(vectors.tokens).reshape(3, -1) == pytest.approx(table[[2, 5, 3]] + 0.5)


def test_a_foreign_model_that_pools_itself(tmp_path: Path, table: Any) -> None:
    """`sentence_embedding` is taken as it is but for its length; there are no tokens then."""
    model = loaded(graphs.write(tmp_path, graphs.model("sentence_embedding", pooled=True)))
    vectors = said(model, "gate river")
    assert not model.gives_tokens
    assert vectors.tokens == b""
    assert floats(vectors.sentence) == pytest.approx(unit(table[[2, 5, 6, 3]].mean(axis=0)), abs=1e-6)


def test_pooling_by_the_first_token(tmp_path: Path, table: Any) -> None:
    """`1_Pooling/config.json` decides how tokens are pooled."""
    path = graphs.write(tmp_path)
    (path / "1_Pooling").mkdir()
    (path / "1_Pooling" / "config.json").write_text(
        '{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}'
    )
    assert floats(said(loaded(path), "gate").sentence) == pytest.approx(unit(table[2]), abs=1e-6)
    (path / "1_Pooling" / "config.json").write_text('{"pooling_mode_max_tokens": true}')
    with pytest.raises(EmbeddingError, match=r"1_Pooling/config\.json: expected pooling_mode_mean_tokens"):
        loaded(path)


def test_optimum_layout(tmp_path: Path) -> None:
    """The model may be in `onnx/model.onnx`."""
    path = graphs.write(tmp_path)
    (path / "onnx").mkdir()
    (path / "model.onnx").rename(path / "onnx" / "model.onnx")
    assert loaded(path).dimension == graphs.DIMENSION


@pytest.mark.parametrize(
    ("files", "window"),
    [
        ({}, 16),
        ({"tokenizer_config_json": {"model_max_length": 12}}, 12),
        ({"tokenizer_config_json": {"model_max_length": int(1e30)}}, 16),
        ({"sentence_bert_config_json": {"max_seq_length": 9}, "tokenizer_config_json": {"model_max_length": 12}}, 9),
        ({"config_json": {"max_position_embeddings": 514, "model_type": "roberta", "pad_token_id": 1}}, 512),
        ({"config_json": None, "tokenizer_json": graphs.tokenizer(truncation={"max_length": 7, "strategy": "LongestFirst", "stride": 0, "direction": "Right"})}, 7),
    ],
)  # fmt: skip
def test_window_of_a_folder(tmp_path: Path, files: Any, window: int) -> None:
    """The window is the smallest limit that any of the folder's files gives, and a longer text is never cut."""
    model = loaded(graphs.write(tmp_path, **files))
    assert model.window == window
    if window < 100:
        assert model.encode("river " * (window - 2)).count == window
    assert model.encode("river " * (window - 1)) is None


def test_truncation_and_padding_are_taken_out(tmp_path: Path) -> None:
    """What the tokenizer is made from neither cuts nor fills up."""
    cut = {"max_length": 7, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    found = folder.read(graphs.write(tmp_path, tokenizer_json=graphs.tokenizer(truncation=cut)))
    assert b'"truncation":null' in found.tokenizer


def refuse(path: Path, pattern: str, **more: Any) -> None:
    with pytest.raises(EmbeddingError, match=pattern) as caught:
        loaded(path, **more)
    assert "\n" not in caught.value.message
    assert str(path) in caught.value.message


@pytest.mark.parametrize(
    ("gone", "pattern"),
    [("model.onnx", r"model\.onnx: no such file; expected"), ("tokenizer.json", r"tokenizer\.json: no such file; expected"),
     ("config.json", r"config\.json: expected max_position_embeddings")],
)  # fmt: skip
def test_a_missing_file_is_named(tmp_path: Path, gone: Any, pattern: str) -> None:
    """A folder without one of the files gets one line that names it."""
    path = graphs.write(tmp_path)
    (path / gone).unlink()
    refuse(path, pattern)


def test_no_folder(tmp_path: Path) -> None:
    """Neither a missing folder nor a file is a model folder."""
    refuse(tmp_path / "nothing", "expected a folder with")
    (tmp_path / "file").write_text("x")
    refuse(tmp_path / "file", "expected a folder with")


@pytest.mark.parametrize("data", [b"", b"garbage\n" * 40, b"\xff\xff\xff\xff"])
def test_garbage_is_named(tmp_path: Path, data: Any) -> None:
    """A file with garbage in it gets one line that names it."""
    refuse(graphs.write(tmp_path, data), r"model\.onnx: not an ONNX model")
    for name in ("tokenizer_json", "config_json"):
        refuse(graphs.write(tmp_path, **{name: data}), rf"{name.replace('_', '.')}: expected a JSON object")
    refuse(graphs.write(tmp_path, tokenizer_json={"model": {"type": "Nonsense"}}), r"tokenizer\.json: not a tokenizer")
    refuse(graphs.write(tmp_path, tokenizer_json={}), r"tokenizer\.json: expected a tokenizer")


def test_a_cut_model_is_named(tmp_path: Path) -> None:
    """A download that broke off gets one line that names the file."""
    refuse(graphs.write(tmp_path, (BUNDLED / "model.onnx").read_bytes()[:100_000]), r"model\.onnx: not an ONNX model")


@pytest.mark.parametrize(
    ("graph", "pattern"),
    [
        (graphs.model("logits"), r"expected an output .*last_hidden_state, got logits"),
        (graphs.model(inputs=("input_ids",)), r"expected the inputs .*got input_ids$"),
        (graphs.model(inputs=("input_ids", "attention_mask", "pixels")), r"expected the inputs .*pixels"),
        (graphs.model(rows=[[0.0] * 4] * 10), "expected a vector of finite numbers, not all zero"),
        (graphs.model(rows=[[float("nan")] * 4] * 10), "expected a vector of finite numbers, not all zero"),
        (graphs.model(rows=[[1.0] * 4] * 2), "a run with 3 tokens failed"),
        (graphs.model("last_hidden_state", pooled=True), r"expected last_hidden_state of 1 x tokens x dimension, got 1 x 4"),
        (graphs.model("sentence_embedding"), r"expected sentence_embedding of 1 x dimension, got 1 x 3 x 4"),
    ],
)  # fmt: skip
def test_a_wrong_model_is_named(tmp_path: Path, graph: Any, pattern: str) -> None:
    """A model with other inputs or outputs, or one that gives nonsense, gets one line with what was expected."""
    refuse(graphs.write(tmp_path, graph), pattern)


def test_a_window_too_small(tmp_path: Path) -> None:
    """A window in which not even a word fits is refused at start."""
    refuse(graphs.write(tmp_path, config_json={"max_position_embeddings": 2}), "a single word has more than 2 tokens")


def test_the_runtime_reports_to_nobody(tmp_path: Path) -> None:
    """Official builds of ONNX Runtime send telemetry to their maker and leave an id in the temporary folder: not here."""
    program = (
        "from isartor._native import Tokenizer; from isartor.embedding.local import BUNDLED;"
        "from isartor.embedding.onnx import Model; Model(BUNDLED, Tokenizer, window=256)"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
