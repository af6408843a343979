"""Writes the generated parts of the documents anew (`make docs`)."""

from __future__ import annotations

from tests.docs.generated import PARTS, current, renewed
from tests.docs.pages import ROOT


def main() -> None:
    for part in PARTS:
        path = ROOT / part.page
        before = path.read_text(encoding="utf-8")
        after = renewed(before, part)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"{part.page}: {part.name} written ({len(current(after, part).splitlines())} lines)")


if __name__ == "__main__":
    main()
