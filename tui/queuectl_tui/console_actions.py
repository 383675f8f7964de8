"""Actions that are available everywhere: the pool, new jobs, the command line, settings, help."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on, work

from queuectl.config import show
from queuectl.domain.errors import NotFound
from queuectl.domain.record import replace
from queuectl.domain.text import one_line, safe
from queuectl.operations import find
from queuectl.operations.commandline.render import command_line
from queuectl.operations.operation import Danger
from queuectl_tui.available_keys import active_keys, available
from queuectl_tui.keymap import remap
from queuectl_tui.last_action import LastAction
from queuectl_tui.screens.views import PLACES
from queuectl_tui.watch_list import WatchList
from queuectl_tui.widgets.echo_line import toast
from queuectl_tui.widgets.tabs import Tabs
from queuectl_tui.writer import has_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from textual.screen import Screen

    from queuectl.domain.errors import QueuectlError
    from queuectl.domain.job import Job
    from queuectl.operations.context import Context
    from queuectl.operations.operation import Operation
    from queuectl_tui.history import History
    from queuectl_tui.keymap import Key
    from queuectl_tui.screens.palette import Entry
    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.writer import ActionDone

_MOST_WORKERS = 64


class ConsoleActions(LastAction):
    """The actions of the console that belong to no view."""

    snapshot: Snapshot
    read_only: bool
    user_keymap: Mapping[str, str]
    """The user's keys by the ids of their bindings."""
    _lines: list[str]
    history: History | None
    """The history of the command line; None if it is not kept."""

    if TYPE_CHECKING:

        def show_error(self, error: QueuectlError) -> None:
            """Show an error."""

        def show_view(self, name: str) -> None:
            """Show a view."""

        def _write(self, sequence: str) -> None:
            """Write a sequence to the terminal."""

    def __init__(self) -> None:
        """Start without watched jobs."""
        super().__init__()
        self.watching = WatchList()

    async def fetch(self, request: Callable[[Context], Any], key: str) -> Any:
        """Read something and wait for it. An error is shown, and cancels the worker that waits."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def failed(error: QueuectlError | None) -> None:
            if error is not None:
                self.typed.discard()
                self.show_error(error)
            future.cancel()

        self.reader.ask(request, lambda value: None if future.done() else future.set_result(value), key, failed)
        return await future

    async def outlook(self, operation: Operation, params: Any) -> list[str]:
        """Return whether an operation could be undone, as a line for a confirmation; empty if it changes no jobs."""
        from queuectl.operations.outlook import outlook

        text = await self.fetch(lambda context: outlook(context, operation.name, params), "outlook")
        return [] if text is None else [text]

    # The pool --------------------------------------------------------------------------------------------------------

    @work(group="pool")
    async def action_start_pool(self) -> None:
        """Start workers that keep running when the console closes."""
        if not self.may_write():
            return
        from queuectl_tui.screens.number import NumberPrompt

        start = find("worker start")

        def line(number: int) -> str:
            return command_line(start, start.params(count=number, detach=True))

        asked = NumberPrompt(
            "Start workers", "How many? They keep running when the console closes.", value=4, low=1, high=_MOST_WORKERS,
            line=line, do="Start",
        )  # fmt: skip
        number = await self.push_screen_wait(asked)
        if number is not None:
            self._start(number)

    def _start(self, count: int) -> None:
        start = find("worker start")
        self.act(start, start.params(count=count, detach=True), about=f"started {count} worker{'s' * (count != 1)}")

    @work(group="pool")
    async def action_stop_pool(self) -> None:
        """Let the workers finish their jobs, then stop."""
        if not self.may_write():
            return
        workers = len(self.snapshot.workers)
        if not workers and not self.snapshot.pools:
            self.refuse(f"no workers are running: {self._key('global.start_pool')} starts some")
            return
        from queuectl_tui.screens.confirm import Confirm

        stop = find("worker stop")
        busy = self.snapshot.busy
        lines = [
            "None of them is running a job." if not busy else f"{busy} of them run a job, and finish it first.",
            "Waiting jobs stay in the queue until workers are started again.",
        ]
        asked = Confirm(
            f"Stop {workers} worker{'s' * (workers != 1)}?", lines, command_line(stop, stop.params()), Danger.STOPS,
            do="Drain and stop",
        )  # fmt: skip
        if await self.push_screen_wait(asked):
            self.act(stop, stop.params(), about=f"stopped {workers} worker{'s' * (workers != 1)}")

    def action_scale(self, by: int) -> None:
        """Add or remove one worker of the newest pool."""
        if not self.may_write():
            return
        pools = [pool for pool in self.snapshot.pools if pool.stop is None]
        if not pools:
            if by > 0:
                self._start(1)
            else:
                self.refuse("no workers are running")
            return
        pool = pools[-1]
        size = pool.size + by
        if size < 1:
            self.refuse(f"that is the last worker: {self._key('global.stop_pool')} stops the pool")
            return
        # Shown at once, so that three quick presses add three workers.
        pools_now = tuple(replace(each, size=size) if each.id == pool.id else each for each in self.snapshot.pools)
        self.snapshot = replace(self.snapshot, pools=pools_now)
        scale = find("worker scale")
        name = pool.id if len(self.snapshot.pools) > 1 else None
        self.act(scale, scale.params(size=size, pool=name), about=f"asked for {size} worker{'s' * (size != 1)}")

    # Jobs ------------------------------------------------------------------------------------------------------------

    def action_new_job(self) -> None:
        """Enqueue a job."""
        if self.may_write():
            self.new_job({}, {})

    @work(group="form")
    async def new_job(self, initial: dict[str, Any], problems: dict[str, str]) -> None:
        """Ask for a job and enqueue it; a refused one returns to the form, with the reason."""
        from queuectl_tui.screens.form import JobForm
        from queuectl_tui.screens.job_fields import enqueue_params, field_of

        job = await self.push_screen_wait(JobForm(initial, problems))
        if job is None:
            return

        def then(done: ActionDone) -> None:
            if done.error is not None:
                self.new_job(job, {field_of(done.error, job): done.error.message})

        self.act(find("enqueue"), enqueue_params(job), about=f"enqueued {one_line(job['command'], 40)}", then=then)

    @work(group="form")
    async def edit_job(self, job_id: str, then: Callable[[ActionDone], None] | None = None) -> None:
        """Edit a job and put it back in the queue; `then` receives the result."""
        if not self.may_write():
            return
        from queuectl_tui.screens.form import JobForm
        from queuectl_tui.screens.job_fields import edit_params, fields_of

        def read(context: Context) -> Job | NotFound:
            try:
                return context.store.jobs.get(job_id).job
            except NotFound as gone:
                return gone

        job = await self.fetch(read, "edit")
        if isinstance(job, NotFound):
            self.refuse(job.message)
            return
        before = fields_of(job)
        after = await self.push_screen_wait(JobForm(before, editing=job_id))
        if after is not None:
            about = f"changed {one_line(job_id, 40)}"
            self.act(find("edit"), edit_params(job_id, before, after), about=about, then=then)

    def open_job(self, job_id: str, *, attempt: int | None = None) -> None:
        """Open the page of a job."""
        from queuectl_tui.screens.job import JobScreen

        self.push_screen(JobScreen(job_id, attempt=attempt))

    def open_log(self, job_id: str, *, attempt: int | None = None) -> None:
        """Open the log of a job."""
        from queuectl_tui.screens.log import LogScreen

        self.push_screen(LogScreen(job_id, attempt=attempt))

    def report_ends(self, snapshot: Snapshot) -> None:
        """Report watched jobs that have ended: by a notice here, and by one of the terminal."""
        for notice in self.watching.ended(snapshot.watched or {}, snapshot.asked):
            toast(self, notice.text, warning=not notice.good, timeout=10)
            self._write(f"\x1b]9;queuectl: {safe(notice.text)}\x07")
            self.bell()
        self.reader.watching = self.watching.ids

    # The command line, settings, help --------------------------------------------------------------------------------

    def action_command(self) -> None:
        """Open the command line."""
        self.open_command_line()

    @work(group="command")
    async def open_command_line(self, text: str = "") -> None:
        """Open the command line with `text` typed, and run the answer."""
        from queuectl_tui.screens.command_line import CommandLine, Jump, Run
        from queuectl_tui.screens.completion import read_names

        screen = CommandLine(text, history=self._lines)
        self.reader.ask(read_names, screen.take_names, "names")
        answer = await self.push_screen_wait(screen)
        if answer is None:
            return
        if self.history is not None and not (isinstance(answer, Run) and has_secrets(answer.params, answer.line)):
            self.history.add(self._lines[-1])
        if isinstance(answer, Jump):
            self.show_view(answer.view)
            # After the view has become visible.
            self.call_next(self._filter, answer.filter)
            return
        await self._run_line(answer.operation, answer.params, answer.line)

    @on(Tabs.SavedWanted)
    def _saved_wanted(self) -> None:
        self.show_view(PLACES[0].name)
        self.call_next(self._press_views)

    def _press_views(self) -> None:
        self._press("views", self.view)

    def _filter(self, text: str) -> None:
        if text and hasattr(self.view, "set_filter"):
            self.view.set_filter(text)

    async def _run_line(self, operation: Operation, params: Any, line: str) -> None:
        from queuectl_tui.screens.confirm import Confirm
        from queuectl_tui.screens.result import ResultPanel

        if operation.writes(params) and not self.may_write():
            return
        if operation.name == "logs":
            self.open_log(params.id, attempt=params.attempt)
            return
        if operation.danger is not Danger.NONE:
            question = await self.fetch(
                lambda context: operation.question(context, params) if operation.question else None, "question"
            )
            lines = [question] if question else [f"{operation.summary}.", *await self.outlook(operation, params)]
            asked = Confirm(operation.name, lines, command_line(operation, params), operation.danger)
            if not await self.push_screen_wait(asked):
                return

        shows = operation.reads or operation.name == "selftest"
        ended = asyncio.get_running_loop().create_future()

        def then(done: ActionDone) -> None:
            if done.error is not None:
                self.typed.discard()
            elif shows:
                self.push_screen(ResultPanel(line, documents(done.result)))
            ended.set_result(None)

        self.act(operation, params, about=operation.name, then=then)
        if operation.reads and not operation.blocking:
            # Keys wait for the panel as for a dialog, but not for an operation that may take minutes.
            await ended

    @work(group="settings")
    async def action_settings(self) -> None:
        """Open the settings."""
        from queuectl_tui.screens.config_editor import ConfigEditor

        listed = find("config list")
        settings = await self.fetch(lambda context: listed.run(context, listed.params()).settings, "settings")

        known = {each.key: each for each in settings}
        put, unset = find("config set"), find("config unset")

        def write(change: Any, about: str, on_result: Callable[[Any, str | None], None]) -> None:
            operation = unset if type(change) is unset.params else put

            def then(done: ActionDone) -> None:
                if done.error is None:
                    was, known[change.key] = known[change.key], done.result
                    stored = was.origin == "store"
                    back = put.params(key=was.key, value=show(was.value)) if stored else unset.params(key=was.key)
                    self._setting_undo = (put if stored else unset, back)
                    self.echo.offer_undo()
                on_result(done.result, None if done.error is None else done.error.message)

            self.act(operation, change, about=about, then=then)

        self.push_screen(ConfigEditor(settings, write, read_only=self.read_only))

    def action_help(self) -> None:
        """Open the help."""
        from queuectl_tui.screens.help import Help
        from queuectl_tui.screens.job_screen_base import OneJobScreen

        keys, page = self._offered(), self.screen
        if isinstance(page, OneJobScreen):
            self.push_screen(Help(page.scope, keys=keys, own=page.own_keys, lacks=page.lacks))
        else:
            self.push_screen(Help(*self.view.scopes, keys=keys, lacks=self.view.lacks))

    def key_entries(self, screen: Screen[Any] | None = None) -> Iterator[Entry]:
        """Yield the keys that apply on `screen` (the topmost), and the views, for the palette."""
        from queuectl_tui.screens.palette import Entry

        for key, target in active_keys(self._offered(), self, self.view, screen or self.screen):
            yield Entry(title=f"{key.help} ({key.shown})", about=key.label, act=partial(self._press, key.does, target))
        for place in PLACES:
            yield Entry(title=f"{place.title} ({place.number})", about="view", act=partial(self.show_view, place.name))

    def _offered(self) -> list[Key]:
        return available(self.user_keymap, read_only=self.read_only)

    def _key(self, id_: str) -> str:
        return next(each.shown for each in remap(self.user_keymap) if each.id == id_)

    def _press(self, action: str, target: Any) -> None:
        self.call_later(self.run_action, action, target)


def documents(result: Any) -> Any:
    """Return the JSON form of a result."""
    if isinstance(result, list):
        return [each.document() for each in result]
    return result.document() if hasattr(result, "document") else safe(str(result))
