"""The pages and forms that the console opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl_tui import job_editing
from queuectl_tui.settings_page import open_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from textual.app import App

    from queuectl_tui.command_runner import CommandRunner
    from queuectl_tui.console import Console
    from queuectl_tui.last_action import LastAction
    from queuectl_tui.writer import ActionDone


class Pages:
    """Opens pages and forms over the console."""

    def __init__(self, app: App[Any], console: Console, commands: CommandRunner) -> None:
        """Open them over `app`, which is the `console`."""
        self._app = app
        self._console = console
        self._commands = commands

    def job(self, job_id: str, *, attempt: int | None = None) -> None:
        """Open the page of a job."""
        from queuectl_tui.screens.job import JobScreen

        self._app.push_screen(JobScreen(job_id, attempt=attempt))

    def log(self, job_id: str, *, attempt: int | None = None) -> None:
        """Open the log of a job."""
        from queuectl_tui.screens.log import LogScreen

        self._app.push_screen(LogScreen(job_id, attempt=attempt))

    def new_job(self, initial: dict[str, Any] | None = None, problems: dict[str, str] | None = None) -> None:
        """Ask for a job and enqueue it; a refused one returns to the form, with the reason."""
        self._app.run_worker(job_editing.new_job(self._console, initial or {}, problems or {}), group="form")

    def edit_job(self, job_id: str, then: Callable[[ActionDone], None] | None = None) -> None:
        """Edit a job and put it back in the queue; `then` receives the result."""
        self._app.run_worker(job_editing.edit_job(self._console, job_id, then), group="form")

    def command_line(self, text: str = "") -> None:
        """Open the command line with `text` typed, and run the answer."""
        self._app.run_worker(self._commands.ask(text), group="command")

    def settings(self, last_action: LastAction) -> None:
        """Open the settings; `last_action` is given how to restore each changed one."""
        self._app.run_worker(open_settings(self._console, last_action), group="settings")
