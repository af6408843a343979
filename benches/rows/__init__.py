"""One file per row of the table of requirements; each has `DEFINITION` and `run(lab)`, in this order."""

from collections.abc import Callable
from typing import Final

from benches.lab import Lab
from benches.results import Definition, Result
from benches.rows import (
    chain,
    first_byte,
    hit_both,
    hit_large,
    hit_small,
    hit_stream,
    memory,
    pass_through,
    quality,
    question,
    search,
    semantic_memory,
    start,
    streams,
    traffic,
    translated,
    translated_stream,
    usage_log,
    usage_report,
)

MODULES: Final = (
    hit_small, hit_large, hit_stream, pass_through, first_byte, streams, memory, start,
    quality, question, search, semantic_memory, hit_both, traffic,
    chain, translated, translated_stream, usage_log, usage_report,
)  # fmt: skip
DEFINITIONS: Final[dict[int, Definition]] = {module.DEFINITION.row: module.DEFINITION for module in MODULES}
RUN: Final[dict[int, Callable[[Lab], Result]]] = {module.DEFINITION.row: module.run for module in MODULES}
