"""Common fixtures of the tests of faults."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """The file in which jobs record their runs, outside the store."""
    return tmp_path / "ledger"
