"""The log of a pool: one line per event on standard error."""

from __future__ import annotations

import os
import time

from queuectl.domain.attempt import GIVEN_BACK, Outcome
from queuectl.domain.job import JobState
from queuectl.domain.text import can_draw, safe
from queuectl.domain.units import format_duration
from queuectl.runtime.log_output import LogOutput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.attempt import Result

_STDERR = 2


class Log:
    """The lines of one process of a pool. None waits for the reader of standard error."""

    def __init__(self, source: str, *, brief: bool = False, quiet: bool = False, results: bool = True) -> None:
        """Start each line with the id `source`. `brief` leaves out what went well: for a progress bar or a log file.

        `quiet` also leaves out what was ordered: starts, stops and scaling. Without `results` the ends of attempts are
        left out, because another process reports them.
        """
        self._source = source
        self._brief = brief
        self._quiet = quiet
        self._output = LogOutput()
        self._results = results
        self._second = 0
        self._clock = ""

    def detail(self, line: str) -> None:
        """Log what went as it should, unless `brief`."""
        if not self._brief:
            self.event(line)

    def notice(self, line: str) -> None:
        """Log what was ordered, unless `quiet`."""
        if not self._quiet:
            self.event(line)

    def event(self, line: str) -> None:
        """Log what an operator should see. A closed terminal is no reason to stop."""
        moment = time.time()
        second = int(moment)
        if second != self._second:
            self._second, self._clock = second, time.strftime("%H:%M:%S", time.localtime(second))
        text = f"{self._clock}.{int(moment % 1 * 1000):03d} {self._source} {safe(line)}\n"
        if self._brief:
            # A progress bar may be drawn on this line.
            text = "\r\x1b[K" + text if os.isatty(_STDERR) and can_draw(os.environ.get("TERM")) else text
        self._output.write(text)

    def result(self, id_: str, result: Result, state: JobState | None) -> None:
        """Log how an attempt ended and the new `state` of its job; None: this worker had lost the job."""
        if not self._results:
            return
        after = f"after {format_duration(result.duration_ms)}"
        if state is None:
            self.event(
                f"lost ownership of job {id_} {after}: result of this attempt ({result.outcome.value}) discarded"
            )
        elif result.outcome is Outcome.SUCCESS:
            self.detail(f"job {id_} completed {after}")
        elif result.outcome in GIVEN_BACK or result.outcome is Outcome.CANCELLED:
            self.event(f"job {id_} was {'cancelled' if state is JobState.CANCELLED else 'put back'} {after}")
        else:
            why = {
                Outcome.EXIT: f"exit code {result.exit_code}",
                Outcome.SIGNAL: f"signal {result.signal}",
            }.get(result.outcome, result.outcome.value)
            became = "is dead" if state is JobState.DEAD else state.value
            self.event(f"job {id_} {became} {after}: {result.error or why}")
