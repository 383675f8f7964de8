"""The status of the store."""

from __future__ import annotations

from queuectl.cli.render import colour_of_state, facts, painted, state_cell
from queuectl.domain.text import safe
from queuectl.domain.units import format_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.status import Status, StatusParams


def status(result: Status, _params: StatusParams | None, screen: Screen) -> None:
    """Print the number of jobs by state, then workers, throughput and queues."""
    width = max(len(f"{count:,}") for count in (result.total, *result.jobs.values()))
    for state, count in result.jobs.items():
        colour = colour_of_state(state) if count else "2"
        screen.write(painted(f"{state_cell(state, screen):12} {count:>{width},}", colour, screen) + "\n")
    screen.write(f"{'  total' if screen.is_terminal else 'total':12} {result.total:>{width},}\n\n")
    late = result.oldest_due_ms
    stopping = f", {result.stopping} stopping" if result.stopping else ""
    done = f"{result.done(well=True):,} completed, {result.done(well=False):,} failed"
    facts(
        (
            ("workers", f"{result.running} running, {result.busy} busy{stopping}"),
            ("waiting", None if late is None else f"the oldest due job for {format_duration(late)}"),
            ("last 5 min", f"{result.recent.get('enqueued', 0):,} enqueued, {done} attempts"),
            ("queues", None if len(result.queues) < 2 else _queues(result)),
            ("store", safe(result.location)),
        ),
        screen,
    )


def _queues(result: Status) -> str:
    """Return the number of unfinished jobs of each queue."""
    unfinished = {
        queue: sum(states[state] for state in ("pending", "processing", "failed"))
        for queue, states in result.queues.items()
    }
    return ", ".join(f"{safe(queue)} {count:,}" for queue, count in unfinished.items())


VIEWS = {"status": status}
