"""Makes a tiny model with random weights for llama.cpp: what it says means nothing, how it says it is real.

    pip install -r tools/requirements.txt
    python tools/make_gguf.py tiny.gguf

A llama of one layer with 64 numbers a token, about 0.3 MB; the same seed gives the same file. The vocabulary is all bytes
and some English words, so that prompts of any script can be read and most replies are words.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

import numpy as np
from gguf import GGUFWriter, TokenType

WIDTH, HEADS, INNER, CONTEXT = 64, 4, 128, 4096
SEED: Final = 20261121
WORDS: Final = tuple(
    """
    the of and to in is you that it he was for on are as with his they at be this have from or one had by word but
    not what all were we when your can said there use an each which she do how their if will up other about out
    many then them these so some her would make like him into time has look two more write go see number no way
    could people my than first water been call who oil its now find long down day did get come made may part
    """.split()  # noqa: SIM905 - to be read
)
TEMPLATE: Final = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:"


def main() -> int:
    """Writes the file that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path, help="where the model goes")
    make(parser.parse_args().target)
    return 0


def make(target: Path) -> None:
    """Writes the model to `target`."""
    writer = GGUFWriter(str(target), "llama")
    writer.add_name("isartor-test")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    size = vocabulary(writer)
    writer.add_vocab_size(size)
    writer.add_chat_template(TEMPLATE)
    random = np.random.default_rng(SEED)

    def matrix(name: str, rows: int, columns: int) -> None:
        values = random.normal(0, columns**-0.5, (rows, columns))
        writer.add_tensor(name, values.astype(np.float32))

    matrix("token_embd.weight", size, WIDTH)
    matrix("output.weight", size, WIDTH)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(WIDTH, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        matrix(f"blk.0.{name}.weight", WIDTH, WIDTH)
    matrix("blk.0.ffn_gate.weight", INNER, WIDTH)
    matrix("blk.0.ffn_up.weight", INNER, WIDTH)
    matrix("blk.0.ffn_down.weight", WIDTH, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def vocabulary(writer: GGUFWriter) -> int:
    """Marks, all bytes, words with the blank before them; how many."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *(f"▁{word}" for word in WORDS)]
    types = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL]
    types += [TokenType.BYTE] * 256 + [TokenType.NORMAL] * len(WORDS)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * 259 + [-float(place) for place in range(len(WORDS))])
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    return len(tokens)


if __name__ == "__main__":
    sys.exit(main())
