"""What the tests of faults have in common."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Where jobs testify to their runs, outside the store."""
    return tmp_path / "ledger"
