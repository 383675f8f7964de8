"""The numbered migrations of a backend, and the refusal of a store that a newer version has migrated."""

from __future__ import annotations

import os

from queuectl.domain.errors import StoreTooNew
from queuectl.store.database import SCHEMA_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def migrations(backend: str) -> list[tuple[int, str]]:
    """Return number and file of every migration of `backend` (sqlite, postgres), in order.

    `0001_queue.sql` is number 1.
    """
    directory = os.path.join(os.path.dirname(__file__), backend, "migrations")
    names = sorted(name for name in os.listdir(directory) if name.endswith(".sql"))
    return [(int(name[:4]), os.path.join(directory, name)) for name in names]


def scripts_after(backend: str, version: int) -> Iterator[str]:
    """Yield the SQL of each migration above `version`, in order. Run all of them in one transaction."""
    for number, file in migrations(backend):
        if number > version:
            with open(file, encoding="utf-8") as script:
                yield script.read()


def too_new(address: str, version: int) -> StoreTooNew:
    """Return the error for the store at `address`, whose schema version is above the one known here."""
    return StoreTooNew(
        f"the store {address} was made by a newer queuectl (schema {version}, this one knows {SCHEMA_VERSION})",
        hint="upgrade queuectl",
    )
