"""Whether an action could be undone, in words, before it is done: what dialogs and questions say."""

from __future__ import annotations

from queuectl.domain.job import JobState
from queuectl.domain.units import format_bytes
from queuectl.store.undo import KEPT_MS, MAX_BYTES, MAX_JOBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.operations.context import Context

CAN = f"This can be undone for {KEPT_MS // 60_000} minutes."
CANNOT = "This cannot be undone."
TOO_MUCH = f"{CANNOT[:-1]}: no more than {MAX_JOBS:,} jobs or {format_bytes(MAX_BYTES)} are kept."
_OF_JOBS = frozenset({"cancel", "delete", "retry", "hold", "release", "priority", "edit"})
_OF_DEAD = frozenset({"dlq retry", "dlq purge"})
_DELETES = frozenset({"delete", "dlq purge"})


def outlook(context: Context, name: str, params: Any) -> str | None:
    """Whether the operation `name` could be undone; None for one that changes no jobs."""
    undo, deletes = context.store.undo, name in _DELETES
    if name == "prune":
        return CANNOT
    if name in _OF_DEAD and not getattr(params, "ids", ()):
        errors = list(dict.fromkeys(context.store.dlq.resolve(each) for each in params.error)) or None
        return CAN if undo.keeps_dead(errors, deleted=deletes) else TOO_MUCH
    if name not in _OF_JOBS | _OF_DEAD:
        return None
    ids = params.ids if hasattr(params, "ids") else (params.id,)
    kept = CAN if undo.keeps(ids, deleted=deletes) else TOO_MUCH
    return kept if name != "cancel" else _of_cancel(context, ids, kept)


def _of_cancel(context: Context, ids: tuple[str, ...], kept: str) -> str:
    states = {row.state for row in context.store.job_pages.these(ids).values()}
    if JobState.PROCESSING not in states:
        return kept
    if states == {JobState.PROCESSING} or kept is TOO_MUCH:
        return CANNOT
    return f"What runs is ended for good; what waits can be put back for {KEPT_MS // 60_000} minutes."
