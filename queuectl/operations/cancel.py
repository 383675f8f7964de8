"""Cancel jobs that wait or run."""

from __future__ import annotations

import signal

from queuectl.domain.errors import UsageError
from queuectl.domain.record import field, record
from queuectl.operations.changed import Changed
from queuectl.operations.job_ids import JobIds
from queuectl.operations.operation import Danger, Heading, Operation
from queuectl.runtime.doorbell import bell_of_worker

TYPE_CHECKING = False
if TYPE_CHECKING:
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
class Cancel(JobIds):
    """Parameters of `cancel`."""

    signal: int = field(
        "the first signal for the processes of a running job (default: TERM)",
        default=signal.SIGTERM.value,
        metavar="NAME",
        completes="signals",
        parse=parse_signal,
    )


def cancel(context: Context, params: Cancel) -> Changed:
    """Cancel all of the jobs or none.

    Jobs that wait are cancelled at once; the workers of those that run are woken and end them.
    """
    ids, now = params.unique, context.now()
    with context.store.undo.keeping("cancel", now=now) as undo_entry:
        owners = context.store.jobs.cancel(*ids, signal=params.signal, now=now)
    context.ring(*map(bell_of_worker, owners))
    return Changed(context, ids, undo_entry)


CANCEL = Operation(
    name="cancel",
    heading=Heading.JOBS,
    see=("hold", "retry", "worker stop"),
    summary="Cancel jobs that wait or run",
    params=Cancel,
    run=cancel,
    danger=Danger.STOPS,
    description=(
        "A job that waits is cancelled at once. A running job and all its processes get the signal, and KILL after "
        "kill_grace; the job is cancelled once they have ended (queuectl wait ID waits for that). If one of the jobs "
        "cannot be cancelled, none is."
    ),
    examples=("cancel job1", "cancel job1 job2 --signal INT"),
)
