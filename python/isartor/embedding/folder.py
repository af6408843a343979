"""What a model folder says about itself: where its files are, how long a text may be, how tokens are pooled.

The layouts are those that sentence-transformers and Optimum write: `model.onnx` or `onnx/model.onnx`, `tokenizer.json`
beside or above it, and a handful of small JSON files, each of which may be missing.

Every error is one line that names the file and what was expected there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec

from isartor.errors import EmbeddingError

if TYPE_CHECKING:
    from pathlib import Path

Pooling = Literal["mean", "cls"]

_MODELS: Final = ("model.onnx", "onnx/model.onnx")
# Tokenizers without a limit of their own write 10^30.
_NO_LIMIT: Final = 1_000_000
# Their positions begin after the padding token's, so the table is longer than the window.
_OFFSET_POSITIONS: Final = frozenset({"camembert", "mpnet", "roberta", "xlm-roberta"})


class Folder(NamedTuple):
    """A model folder that has been looked through."""

    model: Path
    tokenizer: bytes
    """`tokenizer.json` without truncation and padding."""
    window: int
    """Most tokens of a text, special ones included."""
    pooling: Pooling
    """How token vectors become a sentence's, for a model that does not do it itself."""


def read(path: Path, window: int | None = None) -> Folder:
    """Look through the folder at `path`. `window` stands in for what the folder says. Raises `EmbeddingError`."""
    if not path.is_dir():
        raise EmbeddingError(f"{path}: expected a folder with model.onnx and tokenizer.json")
    model = next((path / name for name in _MODELS if (path / name).is_file()), None)
    if model is None:
        raise EmbeddingError(f"{path / 'model.onnx'}: no such file; expected the model here or in onnx/model.onnx")
    tokenizer = _json(path / "tokenizer.json")
    if tokenizer is None:
        raise EmbeddingError(f"{path / 'tokenizer.json'}: no such file; expected the model's tokenizer")
    if "model" not in tokenizer:
        raise EmbeddingError(f"{path / 'tokenizer.json'}: expected a tokenizer with a member `model`")
    found = window or _window(path, tokenizer)
    # A text is never cut: two that differ only behind the cut would be the same.
    tokenizer |= {"truncation": None, "padding": None}
    return Folder(model, msgspec.json.encode(tokenizer), found, _pooling(path))


def _window(path: Path, tokenizer: dict[str, Any]) -> int:
    config = _json(path / "config.json") or {}
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and config.get("model_type") in _OFFSET_POSITIONS:
        padding = config.get("pad_token_id")
        positions -= (padding if isinstance(padding, int) else 1) + 1
    limits = (
        (tokenizer.get("truncation") or {}).get("max_length"),
        (_json(path / "sentence_bert_config.json") or {}).get("max_seq_length"),
        (_json(path / "tokenizer_config.json") or {}).get("model_max_length"),
        positions,
    )
    known = [int(limit) for limit in limits if isinstance(limit, int | float) and 0 < limit < _NO_LIMIT]
    if not known:
        raise EmbeddingError(
            f"{path / 'config.json'}: expected max_position_embeddings, or model_max_length in tokenizer_config.json:"
            " how long a text may be"
        )
    return min(known)


def _pooling(path: Path) -> Pooling:
    file = path / "1_Pooling" / "config.json"
    config = _json(file)
    if config is None or config.get("pooling_mode_mean_tokens"):
        return "mean"
    if config.get("pooling_mode_cls_token"):
        return "cls"
    raise EmbeddingError(f"{file}: expected pooling_mode_mean_tokens or pooling_mode_cls_token to be true")


def _json(file: Path) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EmbeddingError(f"{file}: cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise EmbeddingError(f"{file}: expected a JSON object: {error}") from error
