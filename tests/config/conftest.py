"""Fixtures of the configuration tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.config.reading import Place

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty working directory and home."""
    return Place(tmp_path)
