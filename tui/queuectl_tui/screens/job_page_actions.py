"""What can be done to the job whose page is open. The keys are those of the lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.binding import Binding

from queuectl.domain.errors import Refused
from queuectl.domain.job import JobState
from queuectl.domain.text import one_line
from queuectl.operations import find
from queuectl.operations.echo import command_line
from queuectl.operations.operation import Danger
from queuectl_tui.keymap import bindings, hint
from queuectl_tui.screens.job_actions import CANCEL, DELETE, HOLD, KILL, RELEASE, RETRY
from queuectl_tui.screens.one_job import OneJobScreen
from queuectl_tui.widgets.echo_line import EchoLine

if TYPE_CHECKING:
    from textual.binding import BindingType

    from queuectl.domain.job import Job
    from queuectl_tui.keymap import KeyHint
    from queuectl_tui.screens.job_actions import Act
    from queuectl_tui.writer import ActionDone

_KEYS = frozenset({"list.retry", "list.cancel", "list.kill", "list.delete", "list.hold", "list.copy", "list.report"})


class JobPageActions(OneJobScreen):
    """Acts on its job, asks first where it could hurt, and tells what was done in a line above the keys."""

    DEFAULT_CSS = """
    JobPageActions {
        & > #job-echo { display: none; background: $surface; }
        & > #job-echo.-told { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        each for each in bindings("list") if isinstance(each, Binding) and each.id in _KEYS
    ]

    def __init__(self, job_id: str, *, attempt: int | None = None) -> None:
        """Nothing has been done yet."""
        super().__init__(job_id, attempt=attempt)
        self._echo: EchoLine | None = None

    @property
    def echo(self) -> EchoLine:
        """The line that tells what was done last."""
        if self._echo is None:
            self._echo = EchoLine(id="job-echo", ascii_only=self.paint.ascii_only)
        return self._echo

    def act_hints(self) -> list[KeyHint]:
        """What can be done to the job as it stands."""
        if self.page is None or self.problem is not None or self.console_app.read_only:
            return []
        state = self.page.job.state
        found = []
        if state in RETRY.states:
            found.append(hint("list.retry", "run now" if state is JobState.FAILED else None))
        if state in CANCEL.states:
            found.append(hint("list.cancel"))
        if state in KILL.states:
            found.append(hint("list.kill"))
        if state in DELETE.states:
            found.append(hint("list.delete"))
        if state in HOLD.states | RELEASE.states:
            found.append(hint("list.hold", "release" if state in RELEASE.states else None))
        return found

    def action_retry(self) -> None:
        """Run it again."""
        self._act(RETRY)

    def action_cancel(self) -> None:
        """Cancel it."""
        self._act(CANCEL)

    def action_kill(self) -> None:
        """Cancel it with a signal that is chosen."""
        self._act(KILL)

    def action_delete(self) -> None:
        """Delete it."""
        self._act(DELETE)

    def action_hold(self) -> None:
        """Hold it, or release it."""
        held = self.page is not None and self.page.job.state in RELEASE.states
        self._act(RELEASE if held else HOLD)

    def action_copy(self) -> None:
        """Copy the id."""
        self.app.copy_to_clipboard(self.job_id)
        self._say(f"copied {self.job_id}")

    def action_report(self) -> None:
        """Copy a failure report."""
        from queuectl_tui.report import report

        def copy(text: str) -> None:
            self.app.copy_to_clipboard(text)
            self._say(f"copied a report on {self.job_id}")

        self.console_app.reader.ask(lambda context: report(context, self.job_id), copy, "report")

    @work(group="act")
    async def _act(self, act: Act) -> None:
        if self.page is None or self.problem is not None:
            return
        job = self.page.job
        if self.console_app.read_only:
            refused = Refused("this console is read-only", hint="start it without --read-only")
            self._told().failed(self.console_app.clock.now(), "", refused)
            return
        if job.state not in act.states:
            self._say(f"it is {job.state} and cannot be {act.done}")
            return
        operation = find(act.operation)
        params = await self._params(act, operation.params, job)
        if params is None:
            return
        waits = act is CANCEL and job.state is not JobState.PROCESSING
        if act is not KILL and not waits and operation.danger is not Danger.NONE:
            from queuectl_tui.screens.confirm import Confirm

            line = "The whole process tree ends." if act is CANCEL else "Its output and history go with it."
            name = f"{job.id}  {job.state}  {job.queue}  {job.command}"
            asked = Confirm(
                f"{act.do.removesuffix(' jobs')} job {one_line(job.id, 40)}?", [line], command_line(operation, params),
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
            self._told().failed(now, done.about, done.error, done.echo)
        else:
            self._told().done(now, done.about, done.echo, undo=done.undo is not None)
        self.read_page()

    def _say(self, text: str) -> None:
        self._told().say(text)

    def _told(self) -> EchoLine:
        self.echo.add_class("-told")
        return self.echo
