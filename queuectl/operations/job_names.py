"""Names such as `@last`, which commands that read take in place of an ID, and the job of a command without an ID.

A job whose own id is such a name, which older versions allowed, comes first everywhere: it can be read and deleted.
"""

from __future__ import annotations

from queuectl.domain.errors import NotFound, UsageError
from queuectl.domain.record import replace
from queuectl.domain.text import one_line
from queuectl.operations.selector import narrowed
from queuectl.store.enqueuers import FAILED, LAST, NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from queuectl.operations.context import Context
    from queuectl.operations.operation import Operation

ABOUT = (
    "@last is the newest job that you enqueued, @failed the newest of yours that is failed or dead. On a terminal, "
    "@last is the default."
)
"""For the help of commands that read."""
_MEANING = {LAST: "the newest job that you enqueued", FAILED: "the newest of your jobs that is failed or dead"}
_WIDTH = 60


def id_of(context: Context, given: str) -> str:
    """Return the id that a word of a command stands for. Raises NotFound for a name without a job."""
    if not _is_name(context, given):
        return given
    found = context.store.enqueuers.named(given)
    if found is None:
        state = " that is failed or dead" if given == FAILED else ""
        raise NotFound(
            f"{given}: {context.store.enqueuers.user} has enqueued no job{state}",
            hint=f"{given} is {_MEANING[given]}; queuectl list lists the jobs of all users",
        )
    if context.watched:
        context.say(f"job {found}: {_command(context, found)}")
    return found


def id_or_last(context: Context, given: str | None, operation: Operation) -> str:
    """Return the id that `given` stands for; without one, for a person, that of the last job.

    Raises:
        UsageError: nothing is given, and no person sees which job it would be.
        NotFound: there is no such job.
    """
    if given is None and not context.watched:
        # Loaded here: only an error needs it.
        from queuectl.operations.commandline.grammar import usage

        raise UsageError("ID is missing", hint=usage(operation))
    return id_of(context, given or LAST)


def with_ids(context: Context, params: Any) -> Any:
    """Return the params of a command that reads with the ids that its words stand for.

    Without IDs and without options that select jobs, the last job is taken for a person. Raises NotFound.
    """
    given = params.ids
    if not given and context.watched and not (params.all or narrowed(params)):
        given = (LAST,)
    return replace(params, ids=tuple(id_of(context, each) for each in given))


def refuse_names(context: Context, verb: str, ids: Sequence[str]) -> None:
    """Raise UsageError for a name where a verb changes jobs: which job it stands for may have changed meanwhile."""
    for given in ids:
        if _is_name(context, given):
            found = context.store.enqueuers.named(given)
            hint = f"{given} is {_MEANING[given]}, and there is none"
            if found is not None:
                from queuectl.operations.commandline.quoting import quoted

                hint = f"it stands for job {found} now ({_command(context, found)}): queuectl {verb} {quoted(found)}"
            raise UsageError(f"{given} is for commands that read; {verb} takes the ID of the job", hint=hint)


def _is_name(context: Context, given: str) -> bool:
    return given in NAMES and not context.store.jobs.taken([given])


def _command(context: Context, id_: str) -> str:
    return one_line(context.store.jobs.get(id_).job.command, _WIDTH)
