"""What every test may ask for."""

from __future__ import annotations

import os

import pytest

from tests.support import command
from tests.support.queue import Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

for name in [name for name in os.environ if name.startswith("QUEUECTL_")]:
    # A developer's own settings are not what is tested.
    del os.environ[name]


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    """A queue on a store of its own. What the test started is ended with it."""
    made = Queue(tmp_path)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def commands_end_with_the_test() -> Iterator[None]:
    """A command that a test started does not outlive it."""
    yield
    command.end_what_was_started()
