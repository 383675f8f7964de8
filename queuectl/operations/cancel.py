"""Cancel jobs that wait or run."""

from __future__ import annotations

import signal

from queuectl.domain.errors import UsageError
from queuectl.domain.record import field, record
from queuectl.operations.acting import Named, VerbParams, act, ask_before, needs_yes
from queuectl.operations.operation import Danger, Heading, Operation
from queuectl.runtime.doorbell import bell_of_worker
from queuectl.store import selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.changed import Changed
    from queuectl.operations.context import Context


def parse_signal(text: str) -> int:
    """Return the number of the signal `TERM`, `SIGTERM` or `15`. Raises UsageError."""
    word = text.strip().upper()
    numbers = {each.value for each in signal.Signals}
    if word.isascii() and word.isdigit() and len(word) < 4 and int(word) in numbers:
        return int(word)
    name = word if word.startswith("SIG") else f"SIG{word}"
    try:
        return signal.Signals[name].value
    except KeyError:
        raise UsageError(f"{text[:40]!r} is not a signal", hint="write TERM, INT, KILL … or its number") from None


@record
class Cancel(VerbParams):
    """Parameters of `cancel`."""

    signal: int = field(
        "the first signal for the processes of a running job (default: TERM)",
        default=signal.SIGTERM.value,
        metavar="NAME",
        completes="signals",
        parse=parse_signal,
    )


def cancel(context: Context, params: Cancel) -> Changed:
    """Cancel all of the named jobs or none, or those of a selection that wait or run.

    Jobs that wait are cancelled at once; the workers of those that run are woken and end them.
    """

    def by_ids(ids: list[str], now: int) -> Named:
        owners, unchanged = context.store.jobs.cancel(*ids, signal=params.signal, now=now)
        return Named(changed=len(ids) - unchanged, bells=tuple(map(bell_of_worker, owners)))

    return act(context, params, selection.CANCEL, by_ids, signal=params.signal)


CANCEL = Operation(
    name="cancel",
    heading=Heading.JOBS,
    see=("hold", "retry", "worker stop"),
    summary="Cancel jobs that wait or run",
    params=Cancel,
    run=cancel,
    danger=Danger.STOPS,
    question=ask_before(selection.CANCEL, "Cancel"),
    needs_yes=needs_yes(selection.CANCEL),
    description=(
        "A job that waits is cancelled at once. A running job and all its processes get the signal, and KILL after "
        "kill_grace; the job is cancelled once they have ended (queuectl wait ID waits for that). If one of the named "
        "jobs has completed or is dead, none is cancelled; of a selection such jobs are skipped."
    ),
    examples=(
        "cancel job1",
        "cancel job1 job2 --signal INT",
        "cancel --queue mail --state pending",
        "cancel --all --dry-run",
    ),
)
