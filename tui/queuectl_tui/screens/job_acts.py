"""The kinds of actions on jobs, and the states of jobs that each applies to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.job import FINAL, READY, WAITING, JobState
from queuectl.domain.record import record
from queuectl_tui.keymap import hint

if TYPE_CHECKING:
    from queuectl_tui.keymap import KeyHint


@record
class Act:
    """One kind of action on jobs."""

    operation: str
    states: frozenset[JobState]
    """States of jobs that it applies to; others are skipped."""
    done: str
    """Past participle, as `retried`."""
    do: str
    """The label of the button."""
    passive: str | None = None
    """What is done to a job, after "cannot be", where it is not `done`."""


RETRY = Act(
    operation="retry",
    states=frozenset({JobState.COMPLETED, JobState.FAILED, JobState.DEAD, JobState.CANCELLED}),
    done="retried",
    do="Retry",
)
CANCEL = Act(operation="cancel", states=WAITING | {JobState.PROCESSING}, done="cancelled", do="Cancel jobs")
KILL = Act(operation="cancel", states=frozenset({JobState.PROCESSING}), done="killed", do="Cancel jobs")
DELETE = Act(operation="delete", states=FINAL, done="deleted", do="Delete")
HOLD = Act(operation="hold", states=READY, done="held", do="Hold")
RELEASE = Act(operation="release", states=frozenset({JobState.HELD}), done="released", do="Release")
EDIT = Act(operation="edit", states=frozenset(JobState) - {JobState.PROCESSING}, done="changed", do="Change")
PRIORITY = Act(
    operation="priority", states=WAITING, done="reprioritised", do="Change", passive="given another priority"
)


def history_goes(number: int) -> str:
    """Return what else deleting this number of jobs deletes."""
    return f"{'Its' if number == 1 else 'Their'} output and history are deleted too."


def act_hints(state: JobState, *, many: bool = False) -> list[KeyHint]:
    """Return the keys of the actions on a job in this state; with `many`, on several jobs in any states."""
    hints = []
    if many or state in RETRY.states:
        hints.append(hint("list.retry", "run now" if state is JobState.FAILED and not many else None))
    if many or state in CANCEL.states:
        hints.append(hint("list.cancel"))
    if many or state in KILL.states:
        hints.append(hint("list.kill"))
    if many or state in DELETE.states:
        hints.append(hint("list.delete"))
    if many or state in HOLD.states | RELEASE.states:
        hints.append(hint("list.hold", "release" if state in RELEASE.states and not many else None))
    if not many and state in EDIT.states:
        hints.append(hint("list.edit"))
    if many or state in PRIORITY.states:
        hints.append(hint("list.priority"))
    return hints
