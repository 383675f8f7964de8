"""The log of a job, read continuously while visible, with its keys, the search box and the status line."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from queuectl.domain.errors import QueuectlError
from queuectl.domain.units import format_bytes
from queuectl_tui.console import console_of
from queuectl_tui.keymap import bindings
from queuectl_tui.widgets.log_source import LogSource, save
from queuectl_tui.widgets.log_status import LogStatus
from queuectl_tui.widgets.log_view import SCROLLING, LogView
from queuectl_tui.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widgets import Input

    from queuectl.operations.context import Context
    from queuectl_tui.reader import Reader
    from queuectl_tui.widgets.log_source import LogUpdate

INTERVAL = 0.2
"""Seconds between two polls."""
_PATIENCE = 2.0
"""Seconds after which a request is repeated: an unreadable store gives no answer."""
_STREAMS: tuple[str | None, ...] = (None, "out", "err")


class LogPane(Vertical):
    """The output of one attempt of a job at a time."""

    DEFAULT_CSS = """
    LogPane {
        height: 1fr;
        & > #log-ask { display: none; height: 1; background: $panel; }
        & > #log-ask > #log-prompt { width: auto; padding: 0 1; color: $warning; text-style: bold; }
        & > #log-ask > #log-input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
        &.-asking > #log-ask { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("log", but=frozenset(SCROLLING))

    class Updated(Message):
        """Output was read."""

        def __init__(self, update: LogUpdate) -> None:
            super().__init__()
            self.update = update

    def __init__(
        self,
        job_id: str,
        *,
        attempt: int | None = None,
        ascii_only: bool = False,
        id: str | None = None,
    ) -> None:
        """Create the pane; `attempt` None shows the latest."""
        super().__init__(id=id)
        self.job_id = job_id
        self.update_seen: LogUpdate | None = None
        self._source = LogSource(job_id, attempt)
        self._asked_at: float | None = None
        """Time of the pending request; None if there is none."""
        self._purpose = ""
        self._note: tuple[str, str] | None = None
        self._latest = 0
        """The number of the job's latest attempt that is known here."""
        self._view = LogView(err_mark="E" if ascii_only else "▌", id="log-view")
        self._status = LogStatus(id="log-status", ascii_only=ascii_only)
        self._prompt = Static(id="log-prompt", markup=False)
        self._input = SafeInput(id="log-input", select_on_focus=False, compact=True)

    @property
    def attempt(self) -> int | None:
        """The number of the attempt shown."""
        update = self.update_seen
        return None if update is None or update.attempt is None else update.attempt.attempt

    @property
    def status(self) -> LogStatus:
        """The status line."""
        return self._status

    @property
    def view(self) -> LogView:
        """The rows."""
        return self._view

    def compose(self) -> ComposeResult:
        yield self._view
        yield Horizontal(self._prompt, self._input, id="log-ask")
        yield self._status

    def on_mount(self) -> None:
        self.set_interval(INTERVAL, self.read_on)
        self.read_on()

    def on_resize(self) -> None:
        self._update_status()

    def on_unmount(self) -> None:
        source = self._source
        self._reader.ask(lambda _: source.close(), lambda _: None, f"log-close:{id(source)}")

    def read_on(self) -> None:
        """Request new output, unless a request is pending."""
        if not self.is_attached or (self._asked_at is not None and monotonic() - self._asked_at < _PATIENCE):
            return
        update = self.update_seen
        if (
            update is not None
            and not update.more
            and update.attempt is not None
            and not update.running
            and not self._may_continue
        ):
            return
        self._asked_at = monotonic()
        source, have = self._source, self._view.rows.next
        self._reader.ask(
            lambda context: source.read(context, have), lambda found: self._take(source, found), f"log:{id(self)}"
        )

    def show_attempt(self, number: int) -> None:
        """Show another attempt."""
        if number == self.attempt:
            return
        old, self._source = self._source, LogSource(self.job_id, number)
        self._reader.ask(lambda _: old.close(), lambda _: None, f"log-close:{id(old)}")
        self.update_seen = None
        self._asked_at = None
        self._view.clear()
        self.read_on()

    def action_follow(self) -> None:
        self._view.follow(on=not self._view.following)

    def action_wrap(self) -> None:
        self._view.lay_out(wrap=not self._view.wrap, stream=self._view.rows.stream)
        self._update_status()

    def action_times(self) -> None:
        if not self._view.times and all(line.at is None for line in self._view.rows.lines):
            self._say("only lines that arrived while the log was open have times", "warn")
            return
        self._view.lay_out(times=not self._view.times, stream=self._view.rows.stream)
        self._update_status()

    def action_stream(self) -> None:
        after = _STREAMS[(_STREAMS.index(self._view.rows.stream) + 1) % len(_STREAMS)]
        self._view.lay_out(stream=after)
        self._update_status()

    def action_search(self) -> None:
        self._ask("search", self._view.rows.query, "/")

    def action_next(self) -> None:
        self._go_to_hit(1)

    def action_previous(self) -> None:
        self._go_to_hit(-1)

    def action_next_error(self) -> None:
        self._go_to_error(1)

    def action_previous_error(self) -> None:
        self._go_to_error(-1)

    def action_next_attempt(self) -> None:
        self._go_to_attempt(1)

    def action_previous_attempt(self) -> None:
        self._go_to_attempt(-1)

    def on_log_status_follow_wanted(self, event: LogStatus.FollowWanted) -> None:
        """Follow: the count of new lines was clicked."""
        event.stop()
        self._view.follow(on=True)
        self._view.focus()

    def attempt_began(self, number: int) -> None:
        """Note that the job's latest attempt is `number`; show it, if the previous one is being followed."""
        seen = self.update_seen
        if seen is None or self.attempt is None or number <= self.attempt or self.attempt < self._latest:
            return
        if self._view.following and not self.has_class("-asking"):
            self.show_attempt(number)
        self._latest = number

    def _go_to_hit(self, step: int) -> None:
        number = self._view.rows.hit(self._view.position, step)
        if number is not None:
            self._view.go_to(number)
        self._say("" if number is not None else " searches/ searches", "warn")

    def _go_to_error(self, step: int) -> None:
        number = self._view.rows.error(self._view.position, step)
        if number is not None:
            self._view.go_to(number)
        self._say(
            "" if number is not None else f"no {'later' if step > 0 else 'earlier'} line looks like an error", "warn"
        )

    def _go_to_attempt(self, step: int) -> None:
        update = self.update_seen
        if update is None or self.attempt is None:
            return
        number = self.attempt + step
        if 1 <= number <= update.newest:
            self._say("")
            self.show_attempt(number)
        else:
            self._say("this is the latest attempt" if step > 0 else "this is the first attempt", "warn")

    def action_save(self) -> None:
        update = self.update_seen
        if update is None or update.job is None or update.attempt is None:
            self._say("there is nothing to save", "warn")
            return
        self._ask("save", f"job-{update.job.seq}-attempt-{update.attempt.attempt}.log", "save to")

    def close_search(self) -> bool:
        """Close the input, or clear the search; False if neither is active."""
        if self.has_class("-asking"):
            self._close_input()
            if self._purpose == "search":
                self._view.search("")
        elif self._view.rows.query:
            self._view.search("")
        else:
            return False
        self._update_status()
        self._announce()
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._purpose == "search" and self.has_class("-asking"):
            self._view.search(event.value)
            number = self._view.rows.hit(self._view.position, 1)
            if number is not None:
                self._view.go_to(number)
            self._update_status()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close_input()
        if self._purpose == "save" and event.value.strip():
            self._save(event.value.strip())
        self._update_status()
        self._announce()

    def on_log_view_moved(self, event: LogView.Moved) -> None:
        event.stop()
        self._update_status()

    @property
    def _reader(self) -> Reader:
        return console_of(self).reader

    @property
    def _may_continue(self) -> bool:
        """Whether a finished attempt is read again: only if another may follow it."""
        job = None if self.update_seen is None else self.update_seen.job
        return job is not None and job.finished_at is None

    def _take(self, source: LogSource, update: LogUpdate) -> None:
        if source is not self._source or not self.is_attached:
            return
        self._asked_at = None
        self.update_seen = update
        self._latest = self._latest or update.newest
        with self.app.batch_update():
            self._view.take(update)
            self._update_status()
        self.post_message(self.Updated(update))
        if update.more:
            self.call_later(self.read_on)
        else:
            # Only now has the output of the previous attempt been shown to its end.
            self.attempt_began(update.newest)

    def _announce(self) -> None:
        """Report that other keys apply now."""
        if self.update_seen is not None:
            self.post_message(self.Updated(self.update_seen))

    def _ask(self, purpose: str, value: str, what: str) -> None:
        self._purpose = purpose
        self._note = None
        self._prompt.update(what)
        self._input.value = value
        self.add_class("-asking")
        self._input.focus()
        self._input.cursor_position = len(value)

    def _close_input(self) -> None:
        self.remove_class("-asking")
        self._view.focus()

    def _save(self, path: str) -> None:
        stream = self._view.rows.stream
        streams = ("out", "err") if stream is None else (stream,)
        attempt = self.attempt

        def write(context: Context) -> tuple[str, str]:
            try:
                written = save(context, self.job_id, attempt, streams, path)
            except FileExistsError:
                return f"{path} already exists: nothing was written", "bad"
            except QueuectlError as error:
                return f"not saved: {error.message}", "bad"
            except OSError as error:
                return f"not saved: {error.strerror}", "bad"
            return f"saved {format_bytes(written)} to {path}", "good"

        self._reader.ask(write, lambda note: self._say(*note), "log-save")

    def _say(self, note: str, role: str = "dim") -> None:
        self._note = (note, role) if note else None
        self._update_status()

    def _update_status(self) -> None:
        self._status.show(self.update_seen, self._view, self._note)
