"""Actions on jobs: those of a table that are marked or under the cursor, or the one of a page.

Dangerous actions are confirmed first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from queuectl.domain.job import JobState
from queuectl.domain.spec import MAX_PRIORITY
from queuectl.domain.text import one_line
from queuectl.operations import find
from queuectl.operations.commandline.render import command_line
from queuectl.operations.operation import Danger
from queuectl_tui.console import console_of
from queuectl_tui.screens.confirm import NAMED, Answer, Confirm
from queuectl_tui.screens.job_acts import CANCEL, DELETE, EDIT, HOLD, KILL, PRIORITY, RELEASE, RETRY, history_goes

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from textual.dom import DOMNode

    from queuectl_tui.console import Console
    from queuectl_tui.screens.job_acts import Act
    from queuectl_tui.writer import ActionDone

_FEW = 5


class ShownJob(Protocol):
    """A job as a table or a page shows it."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def state(self) -> str:
        """Its state."""

    @property
    def queue(self) -> str:
        """Its queue."""

    @property
    def command(self) -> str:
        """Its command."""

    @property
    def priority(self) -> int:
        """Its priority."""


class Target(Protocol):
    """The jobs that actions are on, and the place where their results are reported."""

    @property
    def is_held(self) -> bool:
        """Whether one job is selected, and it is held."""

    def may_write(self) -> bool:
        """Return whether the console may write; if not, report why."""

    def current(self) -> ShownJob | None:
        """Return the one job that is selected; None after a report why there is none."""

    async def selected(self) -> Sequence[ShownJob] | None:
        """Return all jobs that are selected; None after a report why there are none."""

    def refuse(self, text: str) -> None:
        """Report why a key does nothing, and drop the keys typed after it."""

    def say(self, text: str) -> None:
        """Report something."""

    def began(self, ids: Sequence[str], act: Act) -> None:
        """Show that an action on these jobs has begun."""

    def ended(self, ids: Sequence[str], done: ActionDone) -> None:
        """Show how an action on these jobs ended."""


class JobActor:
    """Runs the actions of one table or page."""

    def __init__(self, host: DOMNode, target: Target) -> None:
        """Act on the jobs of `target`, with dialogs over `host`."""
        self._host = host
        self._target = target

    @property
    def _console(self) -> Console:
        return console_of(self._host)

    def act(self, act: Act) -> None:
        """Retry, cancel, delete, hold or release the selected jobs."""
        self._start(self._act(act))

    def hold_or_release(self) -> None:
        """Hold the selected jobs, or release the only one if it is held."""
        self.act(RELEASE if self._target.is_held else HOLD)

    def kill(self) -> None:
        """Cancel running jobs with a chosen signal."""
        self._start(self._kill())

    def prioritise(self) -> None:
        """Ask for a priority and set it."""
        self._start(self._prioritise())

    def edit(self) -> None:
        """Edit the one selected job and put it back in the queue."""
        if not self._target.may_write() or (job := self._target.current()) is None:
            return
        if job.state not in EDIT.states:
            self._target.refuse(_unfit(EDIT, job))
            return
        ids = (job.id,)
        self._console.pages.edit_job(job.id, then=lambda done: self._target.ended(ids, done))

    def report(self) -> None:
        """Copy a failure report on the one selected job."""
        from queuectl_tui.failure_report import report

        job = self._target.current()
        if job is None:
            return
        job_id = job.id

        def copy(text: str) -> None:
            self._host.app.copy_to_clipboard(text)
            self._target.say(f"copied a report on {job_id}")

        self._console.reader.ask(lambda context: report(context, job_id), copy, "report")

    def _start(self, action: Coroutine[Any, Any, None]) -> None:
        self._host.run_worker(action, group="act")

    async def _fitting(self, act: Act) -> tuple[Sequence[ShownJob], int] | None:
        """Return the selected jobs that the action applies to, and how many others there are."""
        if not self._target.may_write() or not (jobs := await self._target.selected()):
            return None
        fitting = [job for job in jobs if job.state in act.states]
        if not fitting:
            what = (
                _unfit(act, jobs[0]) if len(jobs) == 1 else f"none of the marked jobs can be {act.passive or act.done}"
            )
            self._target.refuse(what)
            return None
        return fitting, len(jobs) - len(fitting)

    async def _act(self, act: Act) -> None:
        if (found := await self._fitting(act)) is None:
            return
        jobs, left_out = found
        operation = find(act.operation)
        ids = [job.id for job in jobs]
        running = sum(job.state == JobState.PROCESSING for job in jobs)
        danger = Danger.NONE if act is CANCEL and not running else operation.danger
        if len(ids) > 1 or danger is not Danger.NONE:
            lines = _consequences(act, len(ids), running, left_out)
            lines += await self._console.outlook(operation, operation.params(ids=tuple(ids)))
            typed = len(ids) if act is DELETE and len(ids) > 1 else None
            answer = await self.confirm(
                act,
                operation.params(ids=tuple(ids)),
                jobs,
                lines,
                danger=danger,
                typed=typed,
                few=_FEW if typed is None else 0,
            )
            if not answer:
                return
            if answer == Answer.FEW:
                ids = ids[:_FEW]
        self.run(act, operation.params(ids=tuple(ids)))

    async def _kill(self) -> None:
        if (found := await self._fitting(KILL)) is None:
            return
        from queuectl_tui.screens.signals import SignalPicker

        jobs, _ = found
        ids = [job.id for job in jobs]
        number = await self._host.app.push_screen_wait(SignalPicker(f"{names_of(ids)}: {jobs[0].command}"))
        if number is None:
            return
        operation = find("cancel")
        params = operation.params(ids=tuple(ids), signal=number)
        if len(ids) > 1:
            lines = ["Their whole process trees get the signal, and KILL after kill_grace."]
            lines += await self._console.outlook(operation, params)
            if not await self.confirm(KILL, params, jobs, lines, danger=Danger.STOPS, typed=len(ids)):
                return
        self.run(KILL, params)

    async def _prioritise(self) -> None:
        if (found := await self._fitting(PRIORITY)) is None:
            return
        from queuectl_tui.screens.number import NumberPrompt

        jobs, _ = found
        ids = [job.id for job in jobs]
        operation = find("priority")

        def line(number: int) -> str:
            return command_line(operation, operation.params(ids=tuple(ids[:NAMED]), priority=number))

        asked = NumberPrompt(
            "Priority", f"Priority of {names_of(ids)}: higher runs first", value=jobs[0].priority, low=-MAX_PRIORITY,
            high=MAX_PRIORITY, line=line, do="Change",
        )  # fmt: skip
        number = await self._host.app.push_screen_wait(asked)
        if number is not None:
            self.run(PRIORITY, operation.params(ids=tuple(ids), priority=number))

    async def confirm(
        self,
        act: Act,
        params: Any,
        jobs: Sequence[ShownJob],
        lines: Sequence[str],
        *,
        danger: Danger,
        typed: int | None = None,
        few: int = 0,
    ) -> Answer | None:
        """Ask whether to act on the jobs of `params`, of which `jobs` are some; `few` offers only the first so many."""
        total = len(params.ids)
        what = f"{total:,} jobs" if total > 1 else f"job {one_line(params.ids[0], 40)}"
        asked = Confirm(
            f"{act.do.removesuffix(' jobs')} {what}?",
            lines,
            command_line(find(act.operation), params),
            danger,
            typed,
            do=act.do,
            names=[f"{job.id}  {job.state}  {job.queue}  {job.command}" for job in jobs[:NAMED]],
            total=total,
            few=few,
        )
        answer: Answer | None = await self._host.app.push_screen_wait(asked)
        return answer

    def run(self, act: Act, params: Any) -> None:
        """Run an action on the jobs of `params`."""
        ids = params.ids
        self._target.began(ids, act)
        self._console.act(
            find(act.operation),
            params,
            about=f"{act.done} {names_of(ids)}",
            then=lambda done: self._target.ended(ids, done),
        )


class JobKeys:
    """The keys of the actions on jobs, for a view or a page that has an actor."""

    actor: JobActor

    def action_retry(self) -> None:
        """Retry the selected jobs."""
        self.actor.act(RETRY)

    def action_cancel(self) -> None:
        """Cancel the selected jobs: waiting ones at once, running ones after confirmation."""
        self.actor.act(CANCEL)

    def action_kill(self) -> None:
        """Cancel running jobs with a chosen signal."""
        self.actor.kill()

    def action_delete(self) -> None:
        """Delete finished jobs."""
        self.actor.act(DELETE)

    def action_hold(self) -> None:
        """Hold jobs, or release the one held job that is selected."""
        self.actor.hold_or_release()

    def action_priority(self) -> None:
        """Change the priority."""
        self.actor.prioritise()

    def action_edit(self) -> None:
        """Edit the job and put it back in the queue."""
        self.actor.edit()

    def action_report(self) -> None:
        """Copy a failure report."""
        self.actor.report()


def names_of(ids: Sequence[str]) -> str:
    """Return the ids as a text: one, or the first few and how many others."""
    if len(ids) == 1:
        return one_line(ids[0], 40)
    few = " ".join(one_line(id_, 20) for id_ in ids[:NAMED])
    return few if len(ids) <= NAMED else f"{few} and {len(ids) - NAMED:,} more"


def _unfit(act: Act, job: ShownJob) -> str:
    return f"{one_line(job.id, 40)} is {job.state} and cannot be {act.passive or act.done}"


def _consequences(act: Act, number: int, running: int, left_out: int) -> list[str]:
    lines = []
    if left_out:
        lines.append(f"{left_out} of the marked jobs are in another state and are skipped.")
    if running and act is CANCEL:
        which = "It is" if number == 1 else f"{running} of them are"
        lines.append(f"{which} running: the whole process tree ends.")
    if act is DELETE:
        lines.append(history_goes(number))
    return lines
