"""A hint for a person who follows a job that prints nothing: its output may be held back."""

from __future__ import annotations

from queuectl.domain.units import format_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from queuectl.operations.context import Context
    from queuectl.operations.log_pieces import JobReader

SILENT_MS = 30_000
"""A job that has printed nothing for so long after its start is silent."""
_FOLLOWED_SECONDS = 5.0
"""How long it is followed at least: another host sends output only to those who follow it."""
_CHECK_SECONDS = 1.0


class SilenceReporter:
    """Prints the hint, once."""

    def __init__(self, context: Context) -> None:
        """Print it for a person only."""
        self._context = context
        self._done = not context.watched
        self._next_check = context.clock.monotonic() + _FOLLOWED_SECONDS

    def report(self, readers: Iterable[JobReader], *, named: bool = False) -> None:
        """Print the hint if one of the jobs is silent; with `named`, with its id."""
        clock = self._context.clock
        if self._done or clock.monotonic() < self._next_check:
            return
        self._next_check = clock.monotonic() + _CHECK_SECONDS
        now = self._context.now()
        for reader in readers:
            if reader.is_silent and reader.started_at is not None and now - reader.started_at >= SILENT_MS:
                self._done = True
                self._context.say(
                    f"{f'{reader.id}: ' if named else ''}no output for {format_duration(SILENT_MS)}; programs hold "
                    "output back when they do not write to a terminal: PYTHONUNBUFFERED=1, stdbuf -oL"
                )
                return
