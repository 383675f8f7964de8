"""The status of the store."""

from __future__ import annotations

from queuectl.cli.render import colour_of_state, facts, painted, state_cell
from queuectl.domain.text import safe
from queuectl.domain.units import format_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.status import Status, StatusParams


def status(found: Status, _params: StatusParams | None, screen: Screen) -> None:
    """Print the number of jobs by state, then workers, throughput and queues."""
    width = max(len(f"{count:,}") for count in (found.total, *found.jobs.values()))
    for state, count in found.jobs.items():
        colour = colour_of_state(state) if count else "2"
        screen.write(painted(f"{state_cell(state, screen):12} {count:>{width},}", colour, screen) + "\n")
    screen.write(f"{'  total' if screen.is_terminal else 'total':12} {found.total:>{width},}\n\n")
    late = found.oldest_due_ms
    stopping = f", {found.stopping} stopping" if found.stopping else ""
    done = f"{found.done(well=True):,} completed, {found.done(well=False):,} failed"
    facts(
        (
            ("workers", f"{found.running} running, {found.busy} busy{stopping}"),
            ("waiting", None if late is None else f"the oldest due job for {format_duration(late)}"),
            ("last 5 min", f"{found.recent.get('enqueued', 0):,} enqueued, {done} attempts"),
            ("queues", None if len(found.queues) < 2 else _queues(found)),
            ("store", safe(found.location)),
        ),
        screen,
    )


def _queues(found: Status) -> str:
    """Return the number of unfinished jobs of each queue."""
    unfinished = {
        queue: sum(states[state] for state in ("pending", "processing", "failed"))
        for queue, states in found.queues.items()
    }
    return ", ".join(f"{safe(queue)} {count:,}" for queue, count in unfinished.items())


VIEWS = {"status": status}
