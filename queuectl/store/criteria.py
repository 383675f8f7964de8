"""The parameters of the fragment `matches` in queries.sql, from a filter."""

from __future__ import annotations

import json

from queuectl.domain.clock import Clock
from queuectl.store.patterns import escape_like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from queuectl.domain.filter import Filter
    from queuectl.store.database import Database


def criteria(chosen: Filter, database: Database) -> dict[str, Any]:
    """Return the parameters for all conditions but the states; ages are of now, by the clock of the store."""
    now = 0 if chosen.older_ms is None and chosen.newer_ms is None else Clock(database).now()
    return {
        "queues": _array(chosen.queues),
        "not_queues": _array(chosen.not_queues),
        "tag": _tag(chosen.tag),
        "not_tag": _tag(chosen.not_tag),
        "id": _part(chosen.id),
        "search": _part(chosen.text),
        "error": None if chosen.error is None else f"{escape_like(chosen.error)}%",
        "older": None if chosen.older_ms is None else now - chosen.older_ms,
        "newer": None if chosen.newer_ms is None else now - chosen.newer_ms,
        "worker": chosen.worker,
        "exits": _array(chosen.exits),
    }


def _array(values: Sequence[str | int]) -> str | None:
    return json.dumps(values) if values else None


def _part(text: str | None) -> str | None:
    return None if text is None else f"%{escape_like(text)}%"


def _tag(tag: str | None) -> str | None:
    return None if tag is None else f" {tag} "
