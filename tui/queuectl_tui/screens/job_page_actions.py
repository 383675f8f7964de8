"""Actions of a job's page, on the keys of the lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import work

from queuectl.domain.errors import Refused
from queuectl.domain.job import JobState
from queuectl.domain.text import one_line
from queuectl.operations import find
from queuectl.operations.commandline.render import command_line
from queuectl.operations.operation import Danger
from queuectl_tui.keymap import bindings, hint, these
from queuectl_tui.screens.job_actions import CANCEL, DELETE, EDIT, HOLD, KILL, PRIORITY, RELEASE, RETRY
from queuectl_tui.screens.job_screen_base import OneJobScreen
from queuectl_tui.widgets.echo_line import EchoLine
from queuectl_tui.widgets.log_pane import LogPane
from queuectl_tui.widgets.log_view import SCROLLING

if TYPE_CHECKING:
    from textual.binding import BindingType

    from queuectl.domain.job import Job
    from queuectl_tui.keymap import KeyHint
    from queuectl_tui.screens.job_actions import Act
    from queuectl_tui.writer import ActionDone

_LOWEST, _HIGHEST = -1000, 1000
ON_THE_PAGE = frozenset({"log.next_error", "log.previous_error"})
"""Keys of the log that have another meaning on the page."""


class PageLog(LogPane, inherit_bindings=False):
    """The output on its job's page, where `e` edits the job as in the lists."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("log", but=ON_THE_PAGE | frozenset(SCROLLING))


class JobPageActions(OneJobScreen):
    """Acts on its job, after confirmation where needed, and reports the result in a line above the keys."""

    DEFAULT_CSS = """
    JobPageActions {
        & > #job-echo { display: none; background: $surface; }
        & > #job-echo.-shown { display: block; }
    }
    """
    own_keys: ClassVar[tuple[str, ...]] = (
        "list.retry", "list.cancel", "list.kill", "list.delete", "list.edit", "list.priority", "list.hold",
        "list.copy", "list.report", "global.undo", *OneJobScreen.own_keys,
    )  # fmt: skip
    lacks: ClassVar[frozenset[str]] = ON_THE_PAGE
    BINDINGS: ClassVar[list[BindingType]] = these(*own_keys)

    def __init__(self, job_id: str, *, attempt: int | None = None) -> None:
        """Create the page without a last action."""
        super().__init__(job_id, attempt=attempt)
        self._echo: EchoLine | None = None

    @property
    def echo(self) -> EchoLine:
        """The line that reports the last action."""
        if self._echo is None:
            self._echo = EchoLine(id="job-echo", ascii_only=self.paint.ascii_only)
        return self._echo

    def act_hints(self) -> list[KeyHint]:
        """Return the actions that apply to the job's state."""
        if self.page is None or self.problem is not None or self.console_app.read_only:
            return []
        state = self.page.job.state
        hints = []
        if state in RETRY.states:
            hints.append(hint("list.retry", "run now" if state is JobState.FAILED else None))
        if state in CANCEL.states:
            hints.append(hint("list.cancel"))
        if state in KILL.states:
            hints.append(hint("list.kill"))
        if state in DELETE.states:
            hints.append(hint("list.delete"))
        if state in HOLD.states | RELEASE.states:
            hints.append(hint("list.hold", "release" if state in RELEASE.states else None))
        if state in EDIT.states:
            hints.append(hint("list.edit"))
        if state in PRIORITY.states:
            hints.append(hint("list.priority"))
        return hints

    def action_retry(self) -> None:
        """Retry the job."""
        self._act(RETRY)

    def action_cancel(self) -> None:
        """Cancel the job."""
        self._act(CANCEL)

    def action_kill(self) -> None:
        """Cancel the job with a chosen signal."""
        self._act(KILL)

    def action_delete(self) -> None:
        """Delete the job."""
        self._act(DELETE)

    def action_hold(self) -> None:
        """Hold the job, or release it."""
        held = self.page is not None and self.page.job.state in RELEASE.states
        self._act(RELEASE if held else HOLD)

    @work(group="act")
    async def action_priority(self) -> None:
        """Change the priority."""
        job = self._fitting(PRIORITY)
        if job is None:
            return
        from queuectl_tui.screens.number import NumberPrompt

        operation, ids = find("priority"), (job.id,)

        def line(number: int) -> str:
            return command_line(operation, operation.params(ids=ids, priority=number))

        name = one_line(job.id, 40)
        asked = NumberPrompt(
            "Priority", f"Priority of {name}: higher runs first", value=job.priority, low=_LOWEST, high=_HIGHEST,
            line=line, do="Change",
        )  # fmt: skip
        number = await self.app.push_screen_wait(asked)
        if number is not None:
            params = operation.params(ids=ids, priority=number)
            self.console_app.act(operation, params, about=f"{PRIORITY.done} {name}", then=self._done)

    def action_edit(self) -> None:
        """Edit the job and put it back in the queue."""
        if self._fitting(EDIT) is not None:
            self.console_app.edit_job(self.job_id, then=self._done)

    def action_undo(self) -> None:
        """Undo the last action; the page shows the result."""
        if not self._refused():
            self.console_app.undo(self._done, self._refuse)

    def make_log(self, kind: type[LogPane]) -> LogPane:
        """Create a log pane that leaves the page its keys."""
        del kind
        return super().make_log(PageLog)

    def action_copy(self) -> None:
        """Copy the id."""
        self.app.copy_to_clipboard(self.job_id)
        self._say(f"copied {self.job_id}")

    def action_report(self) -> None:
        """Copy a failure report."""
        from queuectl_tui.failure_report import report

        def copy(text: str) -> None:
            self.app.copy_to_clipboard(text)
            self._say(f"copied a report on {self.job_id}")

        self.console_app.reader.ask(lambda context: report(context, self.job_id), copy, "report")

    def _refused(self) -> bool:
        """Return whether the console is read-only, and if so report it above the keys of the page."""
        if self.console_app.read_only:
            refused = Refused("this console is read-only", hint="start it without --read-only")
            self.console_app.typed.discard()
            self._shown_echo().failed(self.console_app.clock.now(), "", refused)
        return self.console_app.read_only

    def _fitting(self, act: Act) -> Job | None:
        """Return the job if an action applies to its state; otherwise report why not."""
        if self.page is None or self.problem is not None or self._refused():
            return None
        job = self.page.job
        if job.state in act.states:
            return job
        what = "be given another priority" if act is PRIORITY else f"be {act.done}"
        self._refuse(f"it is {job.state} and cannot {what}")
        return None

    @work(group="act")
    async def _act(self, act: Act) -> None:
        job = self._fitting(act)
        if job is None:
            return
        operation = find(act.operation)
        params = await self._params(act, operation.params, job)
        if params is None:
            return
        waits = act is CANCEL and job.state is not JobState.PROCESSING
        if act is not KILL and not waits and operation.danger is not Danger.NONE:
            from queuectl_tui.screens.confirm import Confirm

            line = "The whole process tree ends." if act is CANCEL else "Its output and history are deleted too."
            name = f"{job.id}  {job.state}  {job.queue}  {job.command}"
            lines = [line, *await self.console_app.outlook(operation, params)]
            asked = Confirm(
                f"{act.do.removesuffix(' jobs')} job {one_line(job.id, 40)}?", lines, command_line(operation, params),
                operation.danger, do=act.do, names=[name], total=1,
            )  # fmt: skip
            if not await self.app.push_screen_wait(asked):
                return
        self.console_app.act(operation, params, about=f"{act.done} {one_line(job.id, 40)}", then=self._done)

    async def _params(self, act: Act, params: Any, job: Job) -> Any:
        if act is not KILL:
            return params(ids=(job.id,))
        from queuectl_tui.screens.signals import SignalPicker

        number = await self.app.push_screen_wait(SignalPicker(f"{job.id}: {job.command}"))
        return None if number is None else params(ids=(job.id,), signal=number)

    def _done(self, done: ActionDone) -> None:
        if not self.is_attached:
            return
        now = self.console_app.clock.now()
        if done.error is not None:
            self._shown_echo().failed(now, done.about, done.error, done.echo)
        else:
            self._shown_echo().done(now, done.about, done.echo, undo=done.undo is not None, too_much=done.too_much)
        self.read_page()

    def _refuse(self, text: str) -> None:
        """Report above the keys of the page why a key does nothing; keys typed after it are dropped."""
        self.console_app.typed.discard()
        self._say(text)

    def _say(self, text: str) -> None:
        self._shown_echo().say(text)

    def _shown_echo(self) -> EchoLine:
        self.echo.add_class("-shown")
        return self.echo
