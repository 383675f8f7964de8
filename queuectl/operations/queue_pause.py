"""Pause and resume queues."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.phrases import first_of
from queuectl.domain.queue_settings import ALL, Pause
from queuectl.domain.record import field, record, replace
from queuectl.domain.spec import check_queue
from queuectl.domain.text import unwelcome
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.queue_set import change_queues
from queuectl.operations.queues import read, read_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from queuectl.domain.queue_settings import QueueSettings
    from queuectl.operations.context import Context
    from queuectl.operations.queues import QueueRecord

MAX_REASON = 200
_NAMED = 5


@record
class PauseQueues:
    """Parameters of `queue pause`."""

    queues: tuple[str, ...] = field("the queues", default=(), metavar="NAME", completes="queues", positional=True)
    all: bool = field("pause every queue, also those that do not exist yet", default=False)
    reason: str | None = field("why, for others who look at the queue", default=None, metavar="TEXT")


@record
class ResumeQueues:
    """Parameters of `queue resume`."""

    queues: tuple[str, ...] = field("the queues", default=(), metavar="NAME", completes="queues", positional=True)
    all: bool = field("end the pause of all queues; those that were paused by name stay paused", default=False)


def pause(context: Context, params: PauseQueues) -> list[QueueRecord]:
    """Start no more jobs of these queues, until they are resumed."""
    names = _names(params.queues, all_=params.all)
    check_reason(params.reason)
    now = context.now()

    def paused(of: QueueSettings) -> QueueSettings:
        return replace(of, pause=paused_for(of.pause, params.reason, by=context.actor, now=now))

    changed = change_queues(context, names, paused, "queue pause", params.reason)
    _say_unchanged(context, names, changed, "paused already")
    if params.all:
        return read(context)
    found = [read_one(context, name) for name in names]
    for each in found:
        if not (each.running or each.waiting or each.held or each.ended):
            context.say(f"note: queue {each.name} has no jobs")
    return found


def resume(context: Context, params: ResumeQueues) -> list[QueueRecord]:
    """End the pause of these queues."""
    names = _names(params.queues, all_=params.all)
    changed = change_queues(context, names, lambda of: replace(of, pause=None), "queue resume")
    _say_unchanged(context, names, changed, "not paused")
    if params.all:
        found = read(context)
        by_name = [each.name for each in found if each.settings.pause is not None]
        if by_name:
            context.say(f"still paused by name: {first_of(by_name, _NAMED)}; to resume one: queuectl queue resume NAME")
        context.ring_for_queues(each.name for each in found if each.state == "open")
        return found
    pause_of_all = context.store.queues.get(ALL).pause
    if pause_of_all is not None:
        context.say(f"all queues are paused by {pause_of_all.by}; to resume them: queuectl queue resume --all")
    context.ring_for_queues(names)
    return [read_one(context, name) for name in names]


def paused_for(there: Pause | None, reason: str | None, *, by: str, now: int) -> Pause:
    """Return the pause that begins now, or the one that is there, which gets another reason if one is given."""
    if there is not None and reason in {None, there.reason}:
        return there
    return Pause(at=now if there is None else there.at, by=by, reason=reason)


def check_reason(text: str | None) -> None:
    """Refuse a reason that cannot be shown in a line. Raises UsageError."""
    if text is not None and (unwelcome(text) or not 0 < len(text.strip()) <= MAX_REASON):
        raise UsageError(f"the reason must have 1 to {MAX_REASON} printable characters")


def _names(queues: Sequence[str], *, all_: bool) -> list[str]:
    if all_:
        if queues:
            raise UsageError("give names or --all, not both")
        return [ALL]
    if not queues:
        raise UsageError("NAME is missing", hint="name the queues, or give --all")
    return [check_queue(name) for name in dict.fromkeys(queues)]


def _say_unchanged(
    context: Context, names: Iterable[str], changed: Iterable[tuple[QueueSettings, QueueSettings]], how: str
) -> None:
    done = {after.name for _, after in changed}
    for name in names:
        if name not in done:
            context.say(f"all queues are {how}" if name == ALL else f"queue {name} is {how}")


PAUSE = Operation(
    name="queue pause",
    heading=Heading.QUEUES,
    see=("queue resume", "queue list", "hold"),
    summary="Start no more jobs of a queue until it is resumed",
    params=PauseQueues,
    run=pause,
    makes_store=True,
    description=(
        "Running jobs go on, and jobs can be enqueued. A pause survives restarts; queue list, explain and the log of a "
        "pool that starts name who paused the queue, when and why. A drain does not wait for jobs of paused queues."
    ),
    examples=("queue pause mail --reason 'the relay is down'", "queue pause --all"),
)
RESUME = Operation(
    name="queue resume",
    heading=Heading.QUEUES,
    see=("queue pause", "queue list"),
    summary="Start jobs of a paused queue again",
    params=ResumeQueues,
    run=resume,
    examples=("queue resume mail", "queue resume --all"),
)
