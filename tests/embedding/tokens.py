"""The tokenizer for these tests: ours, or as long as it is not built, the library that it is made of."""

from __future__ import annotations

import struct
from typing import Any

from isartor import _native

if hasattr(_native, "Tokenizer"):
    Tokenizer: Any = _native.Tokenizer
else:
    import tokenizers

    class Encoded:
        def __init__(self, ids: list[int]) -> None:
            self.ids = struct.pack(f"<{len(ids)}q", *ids)
            self.count = len(ids)

    class Adapter:
        def __init__(self, data: bytes) -> None:
            self._inner = tokenizers.Tokenizer.from_str(data.decode())

        def encode(self, text: str, limit: int) -> Encoded | None:
            ids = self._inner.encode(text).ids
            return Encoded(ids) if len(ids) <= limit else None

    Tokenizer = Adapter
