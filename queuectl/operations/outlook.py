"""Predict, before an action, whether it could be undone: a sentence for dialogs and questions."""

from __future__ import annotations

from queuectl.domain.job import JobState
from queuectl.domain.units import format_bytes
from queuectl.operations.selector import chosen
from queuectl.store.selection import CANCEL, DELETE, HOLD, PRIORITY, RELEASE, RETRY
from queuectl.store.undo import KEPT_MS, MAX_BYTES, MAX_JOBS, MAX_STATES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from queuectl.operations.context import Context
    from queuectl.store.selection import Selection, Verb

CAN = f"This can be undone for {KEPT_MS // 60_000} minutes."
CANNOT = "This cannot be undone."
TOO_MUCH = f"{CANNOT[:-1]}: no more than {MAX_JOBS:,} jobs or {format_bytes(MAX_BYTES)} are kept."
_RUNNING = f"Running jobs are ended for good; for waiting jobs this can be undone for {KEPT_MS // 60_000} minutes."
_OF_JOBS = frozenset({"cancel", "delete", "retry", "hold", "release", "priority", "edit"})
_OF_DEAD = frozenset({"dlq retry", "dlq purge"})
SELECTING = {verb.name: verb for verb in (CANCEL, RETRY, HOLD, RELEASE, PRIORITY, DELETE)}
"""Verbs that take a selector, by the name of their operation."""
_OF_QUEUES = frozenset({"queue pause", "queue resume", "queue set", "queue delete"})
_DELETES = frozenset({"delete", "dlq purge"})


def outlook(context: Context, name: str, params: Any) -> str | None:
    """Return whether the operation `name` could be undone, in a sentence; None if it changes no jobs and no queues."""
    undo, deletes = context.store.undo, name in _DELETES
    if name == "prune":
        return CANNOT
    if name in _OF_QUEUES:
        return CAN
    if name in _OF_DEAD and not getattr(params, "ids", ()):
        errors = list(dict.fromkeys(context.store.dlq.resolve(each) for each in params.error)) or None
        return CAN if undo.keeps_dead(errors, deleted=deletes) else TOO_MUCH
    if name not in _OF_JOBS | _OF_DEAD:
        return None
    if name in SELECTING and not params.ids:
        selection = context.store.select(chosen(context, params))
        return outlook_of_selection(context, SELECTING[name], selection, selection.counts())
    ids = params.ids if hasattr(params, "ids") else (params.id,)
    sentence = CAN if undo.keeps(ids, deleted=deletes) else TOO_MUCH
    return sentence if name != "cancel" else _of_cancel(context, ids, sentence)


def outlook_of_selection(
    context: Context, verb: Verb, selection: Selection, counts: Sequence[tuple[str, JobState, int]]
) -> str:
    """Return the same for a verb on a selection, which has these numbers of jobs by queue and state."""
    fit = sum(n for _, state, n in counts if state in verb.fits)
    most = MAX_JOBS if verb.keeps_images else MAX_STATES
    if fit > most:
        return f"{CANNOT[:-1]}: no more than {most:,} jobs are kept."
    if verb.keeps_images and fit:
        pages = selection.pages(among=verb.fits)
        if not context.store.undo.fits(pages, deleted=verb.name in _DELETES):
            return TOO_MUCH
    if any(state in verb.ends for _, state, _ in counts):
        return _RUNNING if fit else CANNOT
    return CAN


def _of_cancel(context: Context, ids: tuple[str, ...], sentence: str) -> str:
    states = {row.state for row in context.store.job_pages.these(ids).values()}
    if JobState.PROCESSING not in states:
        return sentence
    if states == {JobState.PROCESSING} or sentence is TOO_MUCH:
        return CANNOT
    return _RUNNING
