"""The job of a page that actions are on; results are reported in a line above the keys of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.errors import Refused
from queuectl.domain.job import JobState
from queuectl_tui.console import console_of
from queuectl_tui.widgets.echo_line import EchoLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.screen import Screen

    from queuectl.domain.job import Job
    from queuectl_tui.console import Console
    from queuectl_tui.screens.job_acts import Act
    from queuectl_tui.screens.job_reader import JobReader
    from queuectl_tui.writer import ActionDone


class PageTarget:
    """A `job_actor.Target`."""

    def __init__(self, screen: Screen[None], job: JobReader) -> None:
        """Act on the job of `screen`, as it was last read."""
        self._screen = screen
        self._job = job
        self._echo: EchoLine | None = None

    @property
    def _console(self) -> Console:
        return console_of(self._screen)

    @property
    def echo(self) -> EchoLine:
        """The line that reports the last action."""
        if self._echo is None:
            self._echo = EchoLine(
                id="job-echo",
                ascii_only=self._console.paint.ascii_only,
                undo_key=self._console.shown_key("global.undo"),
            )
        return self._echo

    @property
    def is_held(self) -> bool:
        """Whether the job is held."""
        return self._job.page is not None and self._job.page.job.state is JobState.HELD

    def may_write(self) -> bool:
        """Return whether the console may write; if not, report why."""
        console = self._console
        if console.read_only:
            refused = Refused("this console is read-only", hint="start it without --read-only")
            console.drop_typed()
            self._shown_echo().failed(console.clock.now(), "", refused)
        return not console.read_only

    def current(self) -> Job | None:
        """Return the job; None while it is not known, which the page itself reports."""
        return None if self._job.page is None or self._job.problem is not None else self._job.page.job

    async def selected(self) -> Sequence[Job] | None:
        """Return the job alone."""
        job = self.current()
        return None if job is None else [job]

    def refuse(self, text: str) -> None:
        """Report why a key does nothing, and drop the keys typed after it."""
        self._console.drop_typed()
        self.say(text)

    def say(self, text: str) -> None:
        """Report something."""
        self._shown_echo().say(text)

    def began(self, ids: Sequence[str], act: Act) -> None:
        """Show nothing: the page shows the state as it is."""

    def ended(self, ids: Sequence[str], done: ActionDone) -> None:
        """Report how an action ended, and read the page again."""
        del ids
        self.report(done)

    def report(self, done: ActionDone) -> None:
        """Report how an operation ended, and read the page again."""
        if not self._screen.is_attached:
            return
        now = self._console.clock.now()
        if done.error is not None:
            self._shown_echo().failed(now, done.about, done.error, done.echo)
        else:
            self._shown_echo().done(now, done.about, done.echo, undo=done.undo is not None, too_much=done.too_much)
        self._job.read()

    def _shown_echo(self) -> EchoLine:
        self.echo.add_class("-shown")
        return self.echo
