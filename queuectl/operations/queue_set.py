"""Set the limit, the weight and the defaults of a queue, and delete its settings."""

from __future__ import annotations

from queuectl.domain.errors import NotFound, Refused, UsageError
from queuectl.domain.queue_settings import QueueSettings, check_limit, check_weight, is_unset
from queuectl.domain.record import field, record, replace
from queuectl.domain.spec import PRIORITIES, check_max_retries, check_priority, check_queue, check_timeout
from queuectl.operations.commandline.quoting import quoted
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.queues import ENDED, read_one, states_by_queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from queuectl.operations.context import Context
    from queuectl.operations.queues import QueueRecord

_NONE = "none"
_DIGITS = 12


@record
class SetQueue:
    """Parameters of `queue set`."""

    name: str = field("the queue, which need not have jobs yet", metavar="NAME", completes="queues", positional=True)
    limit: str | None = field("run at most N of its jobs at a time, or none for no limit", default=None, metavar="N")
    weight: int | None = field(
        "its share of busy workers, 1 to 1000: of due jobs of equal priority, one of the queue with the fewest running "
        "jobs for its weight starts first (default: 1)",
        default=None,
        metavar="N",
    )
    max_retries: str | None = field(
        "retries of jobs that are enqueued without --max-retries, or none for max_retries of the configuration",
        default=None,
        metavar="N",
    )
    timeout: str | None = field(
        "time limit of attempts of jobs without --timeout, or none for job_timeout of the configuration",
        default=None,
        metavar="DURATION",
    )
    priority: str | None = field(
        f"priority of jobs that are enqueued without --priority, {PRIORITIES}, or none for 0", default=None, metavar="N"
    )


@record
class DeleteQueue:
    """Parameters of `queue delete`."""

    name: str = field("the queue", metavar="NAME", completes="queues", positional=True)


def set_queue(context: Context, params: SetQueue) -> QueueRecord:
    """Change settings of a queue; running workers apply them at their next claim."""
    name = check_queue(params.name)
    changes = _changes(params)
    if not changes:
        raise UsageError("nothing to set", hint=f"queuectl queue set {name} --limit 4, or queuectl queue set --help")
    changed = change_queues(context, [name], lambda of: replace(of, **changes), "queue set", _detail(changes))
    for before, after in changed:
        if _opens(before, after):
            context.ring_for_queues([name])
    return read_one(context, name)


def delete(context: Context, params: DeleteQueue) -> QueueRecord:
    """Delete the settings of a queue that has no waiting or running jobs. Raises NotFound, Refused."""
    name = params.name
    was = read_one(context, name)
    if is_unset(was.settings):
        raise NotFound(f"queue {name} has no settings", hint="queuectl queue list lists the queues")

    def deleted(of: QueueSettings) -> QueueSettings:
        if of.pause is not None:
            raise Refused(f"queue {name} is paused", hint=f"resume it first: queuectl queue resume {quoted(name)}")
        # Read here, in the transaction that deletes.
        counts = states_by_queue(context).get(name, {})
        active = sum(count for state, count in counts.items() if state not in ENDED)
        if active:
            raise Refused(
                f"queue {name} has jobs that wait or run: {active:,}",
                hint=f"to list them: queuectl list --queue {quoted(name)}; to remove a limit: queue set --limit none",
            )
        return QueueSettings(name=of.name)

    change_queues(context, [name], deleted, "queue delete")
    return was


def _changes(params: SetQueue) -> dict[str, object]:
    """Return the fields of the settings that the options change."""
    whole: tuple[tuple[str, str, str | None, Callable[[int], int]], ...] = (
        ("limit", "--limit", params.limit, check_limit),
        ("max_retries", "--max-retries", params.max_retries, check_max_retries),
        ("priority", "--priority", params.priority, check_priority),
    )
    changes: dict[str, object] = {
        field_: None if text == _NONE else check(_number(option, text))
        for field_, option, text, check in whole
        if text is not None
    }
    if params.weight is not None:
        changes["weight"] = check_weight(params.weight)
    if params.timeout is not None:
        changes["timeout_ms"] = None if params.timeout == _NONE else check_timeout(params.timeout)
    return changes


def _number(option: str, text: str) -> int:
    if not text.removeprefix("-").isdecimal() or len(text) > _DIGITS:
        raise UsageError(f"{option} must be a whole number or none, not {text[:40]!r}")
    return int(text)


def _detail(changes: dict[str, object]) -> str:
    return " ".join(f"{name}={_NONE if value is None else value}" for name, value in changes.items())


def change_queues(
    context: Context,
    names: Sequence[str],
    change: Callable[[QueueSettings], QueueSettings],
    verb: str,
    detail: str | None = None,
) -> list[tuple[QueueSettings, QueueSettings]]:
    """Change queues as `Queues.change` does, so that it can be undone; `verb` is the name of the command."""
    now = context.now()
    with context.store.undo.keeping(verb, now=now):
        return context.store.queues.change(names, change, verb=verb.replace(" ", "_"), detail=detail, now=now)


def _opens(before: QueueSettings, after: QueueSettings) -> bool:
    """Return whether workers may start jobs of the queue that they could not start before."""
    return before.limit is not None and (after.limit is None or after.limit > before.limit)


SET = Operation(
    name="queue set",
    heading=Heading.QUEUES,
    see=("queue list", "queue delete"),
    summary="Limit a queue, weight it, or give its jobs defaults",
    params=SetQueue,
    run=set_queue,
    makes_store=True,
    description=(
        "A limit counts running jobs over all workers and hosts. A lower one ends nothing that runs. Defaults for "
        "retries and priority apply to jobs that are enqueued from now on; the time limit also to those that wait."
    ),
    examples=("queue set video --limit 2", "queue set mail --weight 3 --timeout 5m", "queue set video --limit none"),
)
DELETE = Operation(
    name="queue delete",
    heading=Heading.QUEUES,
    see=("queue set", "queue list"),
    summary="Delete the settings of a queue that has no jobs to run",
    params=DeleteQueue,
    run=delete,
    examples=("queue delete video",),
)
