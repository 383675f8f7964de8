"""The status of the store."""

from __future__ import annotations

import io
import os

from queuectl.cli.render import Column, colour_of_state, facts, painted, state_cell, table
from queuectl.cli.screen import Screen
from queuectl.domain.errors import UsageError
from queuectl.domain.job import JobState
from queuectl.domain.phrases import first_of, plural
from queuectl.domain.text import can_draw, safe
from queuectl.domain.units import format_age, format_duration
from queuectl.operations.status import WITHOUT_TERMINAL, Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.status import Status, StatusParams

_NAMED = 5
_HOME, _ERASE_BELOW = "\x1b[{}F", "\x1b[J"
_WRAP_OFF, _WRAP_ON = "\x1b[?7l", "\x1b[?7h"
"""Lines that are too long are cut off by the terminal, so that each takes one row."""


def status(result: Status | Watch, _params: StatusParams, screen: Screen) -> None:
    """Print the status; a watch redraws it in place until Ctrl+C."""
    if isinstance(result, Watch):
        _watch(result, screen)
    else:
        print_status(result, screen)


def print_status(result: Status, screen: Screen) -> None:
    """Print the number of jobs by state, then workers, throughput and queues."""
    if result.total:
        _print_states(result, screen)
    late = result.oldest_due_ms
    stopping = f", {result.stopping} stopping" if result.stopping else ""
    attempts = f"{result.done(well=True):,} succeeded, {result.done(well=False):,} failed"
    facts(
        (
            ("jobs", None if result.total else "none"),
            ("workers", f"{result.running} running, {result.busy} busy{stopping}"),
            ("paused", _paused(result)),
            ("waiting", None if late is None else f"the oldest due job for {format_duration(late)}"),
            ("last 5 min", f"{_count(result.recent.get('enqueued', 0), 'job')} enqueued; attempts: {attempts}"),
            ("store", safe(result.location)),
        ),
        screen,
    )
    if len(result.queues) > 1:
        _print_queues(result, screen)
    if not result.total:
        screen.say_empty("no jobs; to begin: queuectl enqueue 'echo hello', then queuectl worker start")


def _paused(result: Status) -> str | None:
    """Return the paused queues and how many jobs wait in them; None if no queue is paused."""
    if not result.paused and not result.all_paused:
        return None
    which = "all queues" if result.all_paused else safe(first_of(result.paused, _NAMED))
    count = result.in_paused_queues
    return f"{which}; {count:,} waiting {plural(count, 'job')} (queuectl queue list)"


def _print_states(result: Status, screen: Screen) -> None:
    width = max(len(f"{count:,}") for count in (result.total, *result.jobs.values()))
    for state, count in result.jobs.items():
        colour = colour_of_state(state) if count else "2"
        line = painted(f"{state_cell(state, screen):12} {count:>{width},}", colour, screen)
        waits = _waits(result, state) if count else ""
        screen.write(f"{line}  {waits}\n" if waits else f"{line}\n")
    screen.write(f"{'  total' if screen.is_terminal else 'total':12} {result.total:>{width},}\n\n")


def _waits(result: Status, state: str) -> str:
    """Return what the jobs of a state wait for."""
    if state == JobState.HELD:
        return "until they are released"
    later = {JobState.PENDING: result.not_due.pending, JobState.FAILED: result.not_due.failed}.get(JobState(state))
    if later is None:
        return ""
    more = "more than " if result.not_due.more else ""
    what = "scheduled" if state == JobState.PENDING else "due for a retry later"
    pieces = ((result.jobs[state] - later, "due", ""), (later, what, more))
    return ", ".join(f"{prefix}{count:,} {text}" for count, text, prefix in pieces if count)


def _print_queues(result: Status, screen: Screen) -> None:
    columns = [
        Column(title="QUEUE", grows=True),
        Column(title="WAITING", right=True),
        Column(title="RUNNING", right=True),
        Column(title="OLDEST DUE", right=True),
    ]
    rows = []
    for queue, states in result.queues.items():
        late = result.due_for_ms(queue)
        waiting = states[JobState.PENDING] + states[JobState.FAILED]
        oldest = "" if late is None else f"{format_age(late)} ago"
        rows.append((queue, f"{waiting:,}", f"{states[JobState.PROCESSING]:,}", oldest))
    screen.write("\n")
    table(columns, rows, screen)


def _count(number: int, what: str) -> str:
    return f"{number:,} {plural(number, what)}"


class _Frame(Screen):
    """A screen that keeps what is written, to be drawn at once; it looks like the real one."""

    def __init__(self, real: Screen) -> None:
        self.text = io.StringIO()
        super().__init__(self.text, io.StringIO())
        self._real = real

    @property
    def is_terminal(self) -> bool:
        return True

    @property
    def colour(self) -> bool:
        return self._real.colour


def _watch(watch: Watch, screen: Screen) -> None:
    if not screen.is_terminal or not can_draw(os.environ.get("TERM")):
        raise UsageError("--watch needs a terminal", hint=WITHOUT_TERMINAL)
    drawn = 0
    screen.write(_WRAP_OFF)
    try:
        for result in watch:
            frame = _Frame(screen)
            print_status(result, frame)
            lines = frame.text.getvalue().splitlines()[: max(os.get_terminal_size().lines - 1, 1)]
            screen.write((_HOME.format(drawn) if drawn else "") + _ERASE_BELOW + "".join(f"{line}\n" for line in lines))
            screen.flush()
            drawn = len(lines)
    except KeyboardInterrupt:
        # The one way to end it, and so no failure.
        if not watch.is_absent:
            screen.absence = None
    finally:
        screen.write(_WRAP_ON)


VIEWS = {"status": status}
