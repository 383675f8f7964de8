"""The output of a job as it comes, and what becomes of the job when this command is interrupted."""

from __future__ import annotations

import os
import select
import signal
from contextlib import contextmanager

from queuectl.cli.views.logs import ending
from queuectl.domain.attempt import Outcome
from queuectl.domain.errors import StoreError
from queuectl.domain.job import JobState
from queuectl.domain.units import format_duration
from queuectl.operations.job_follower import Left, Retried
from queuectl.operations.job_record import describe
from queuectl.runtime.doorbell import quiet
from queuectl.runtime.signals import signal_pipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.cli.screen import Screen
    from queuectl.operations.log_pieces import Piece
    from queuectl.operations.run import Run, Running

_HEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ASKED = "[d]etach and {}, [c]ancel it, or Enter to go on following it? "


class _Leave(Exception):
    """The command ends before the job."""


class _View:
    """One job on this screen."""

    def __init__(self, running: Running, params: Run, screen: Screen) -> None:
        self._running = running
        self._params = params
        self._screen = screen
        out, err = screen.descriptors
        self._descriptors = {"out": err if screen.is_json else out, "err": err}
        self._terminals = {fd for fd in (out, err) if os.isatty(fd)}
        self._unended = False
        """Whether the cursor of the terminal is behind a line of the job that has not ended."""
        self._received: list[int] = []
        self._wake = -1
        self._is_cancelled = False
        self._unwritable: OSError | None = None
        """Why the output is printed no more."""

    def follow(self) -> None:
        """Enqueue the job and print its output to its end, or until the command is to leave it."""
        with self._signals():
            try:
                self._running.start()
                self._print_events()
            except _Leave:
                self._running.close()
                self._say_left()
            except StoreError:
                if self._running.id is not None:
                    self._say(
                        f"job {self._running.id} is in the store; to follow it: queuectl logs {self._running.id} -f"
                    )
                raise
            finally:
                self._running.close()
        if isinstance(self._unwritable, BrokenPipeError):
            if not self._screen.is_json:
                self._screen.abandon()
        elif self._unwritable is not None:
            self._screen.failed = True
            raise self._unwritable

    def _print_events(self) -> None:
        for event in self._running.events(self._wake):
            if event is None:
                self._obey()
            elif self._unwritable is not None:
                continue
            elif isinstance(event, Left):
                stream = f"std{event.stream} of attempt {event.attempt}"
                self._say(
                    f"{self._running.id}: {event.count:,} bytes of the {stream} were left out: from another host comes "
                    "what its worker keeps, the first 64 KiB and the last MiB"
                )
            elif isinstance(event, Retried):
                self._say(f"{self._running.id}: {_retried(event)}")
            else:
                self._write(event)
        if not isinstance(self._unwritable, BrokenPipeError):
            self._say_end()

    def _say_end(self) -> None:
        """Report an end other than success."""
        of = self._running.ended
        state = of.record.job.state
        if state is not JobState.COMPLETED:
            again = f"; to run it again: queuectl retry {self._running.id}" if state is JobState.DEAD else ""
            self._say(ending(of.record) + again)

    def _say_left(self) -> None:
        """Report what becomes of the job that is left, once a worker of its own has put it back."""
        id_, state = self._running.id, self._running.ended.record.job.state
        if self._is_cancelled:
            self._say(f"no longer waiting for job {id_}, which is being cancelled")
        elif state is JobState.PROCESSING:
            self._say(f"job {id_} goes on; to follow it: queuectl logs {id_} -f")
        elif state in {JobState.PENDING, JobState.FAILED, JobState.HELD}:
            self._say(f"job {id_} waits for a worker; to follow it: queuectl logs {id_} -f")
        else:
            self._say(f"job {id_} has ended; to see its output: queuectl logs {id_}")

    def _say(self, line: str) -> None:
        if self._unended and self._screen.watched:
            self._unended = False
            self._screen.prompt("\n")
        self._screen.say(line)

    # Output

    def _write(self, piece: Piece) -> None:
        """Write the bytes, unchanged.

        If they cannot be written, no more are. A pipe without a reader cancels the job. Otherwise a worker of its own
        runs the job to its end, which it would have to begin again elsewhere, and another worker goes on alone.
        """
        fd, data = self._descriptors[piece.stream], memoryview(piece.data)
        while data and self._unwritable is None:
            self._until_writable(fd)
            try:
                written = os.write(fd, data[: select.PIPE_BUF])  # as much as a writable pipe takes without a wait
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                # A command that this shell runs would end by SIGPIPE here.
                self._unwritable = error
                self._running.stop_following()
                self._cancel(signal.SIGPIPE)
            except OSError as error:
                self._unwritable = error
                self._running.stop_following()
                if not self._params.local:
                    raise _Leave from None
            else:
                if fd in self._terminals:
                    self._unended = data[written - 1] != 0x0A
                data = data[written:]

    def _until_writable(self, fd: int) -> None:
        """Wait for the reader of the output, and obey signals meanwhile."""
        poller = select.poll()
        poller.register(fd, select.POLLOUT)
        poller.register(self._wake, select.POLLIN)
        while True:
            ready = {each for each, _ in poller.poll()}
            if self._wake in ready:
                self._obey()
            if fd in ready:
                return

    # Signals

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Collect signals, except those that are ignored, as nohup has SIGHUP and `&` in a script SIGINT."""
        self._wake = signal_pipe()
        for number in _HEEDED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._receive)
        try:
            yield
        finally:
            for number in _HEEDED:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    def _receive(self, number: int, _frame: object) -> None:
        if self._running.is_announced:
            self._received.append(number)
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            # Nothing is enqueued: end as any command.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def _obey(self) -> None:
        """Do what the signals received demand. Raises _Leave."""
        quiet(self._wake)
        while self._received:
            number = self._received.pop(0)
            detaches = number == signal.SIGHUP or (number == signal.SIGINT and self._params.detach_on_interrupt)
            if detaches or self._is_cancelled:
                self._leave(number)
            elif number == signal.SIGINT and self._screen.has_person:
                self._ask()
            else:
                self._cancel()

    def _ask(self) -> None:
        """Ask whether to leave the job or to cancel it. Another Ctrl+C cancels it."""
        self._say(f"job {self._running.id} has not ended")
        while True:
            self._screen.prompt(_ASKED.format(self._after_detach()))
            answer = self._answer()
            if answer is None:  # a signal
                self._screen.prompt("\n")
                while self._received:
                    if self._received.pop(0) == signal.SIGHUP:
                        self._leave(signal.SIGHUP)
                return self._cancel()
            if answer in {"c", "cancel"}:
                return self._cancel()
            if answer in {"d", "detach"}:
                if self._running.has_ended:
                    return None  # nothing is left to be detached
                self._leave(signal.SIGINT)
            if not answer:
                return None

    def _after_detach(self) -> str:
        """Return what becomes of the job when it is detached."""
        if self._params.local:
            return "put it back for other workers"
        return "leave it running" if self._running.is_processing else "leave it in the queue"

    def _answer(self) -> str | None:
        """Return the line that a person types; None after a signal. The end of the input is an answer to detach."""
        poller = select.poll()
        poller.register(0, select.POLLIN)
        poller.register(self._wake, select.POLLIN)
        while not self._received:
            ready = {fd for fd, _ in poller.poll()}
            if self._wake in ready:
                quiet(self._wake)
            elif 0 in ready:
                data = os.read(0, 4096)
                return data.decode(errors="replace").strip().lower() if data else "detach"
        return None

    def _cancel(self, number: int = signal.SIGTERM) -> None:
        self._is_cancelled = True
        if not isinstance(self._unwritable, BrokenPipeError):
            self._say(f"cancelling job {self._running.id}")
        self._running.cancel(number)

    def _leave(self, number: int) -> None:
        self._running.left = 128 + number
        raise _Leave


def _retried(event: Retried) -> str:
    """Return how an attempt has ended and what follows: `attempt 1 failed with exit code 3, retries in 2s`."""
    attempt, job = event.attempt, event.job
    match attempt.outcome:
        case Outcome.EXIT:
            how = f"failed with exit code {attempt.exit_code}"
        case Outcome.SIGNAL:
            how = f"was ended by {describe(attempt)}"
        case Outcome.TIMEOUT:
            how = "was ended by its timeout"
        case Outcome.SPAWN_ERROR:
            how = f"could not start ({attempt.error})"
        case Outcome.LOST:
            how = "was lost with its worker"
        case Outcome.RELEASED:
            how = "was ended and put back, as its worker stops"
        case Outcome.CANCELLED:
            how = "was cancelled"
        case Outcome.SUCCESS | None:
            how = "has ended"
    match job.state:
        case JobState.FAILED if event.due_in_ms > 0:
            then = f"retries in {format_duration(event.due_in_ms)}"
        case JobState.FAILED:
            then = "retries now"
        case JobState.HELD:
            then = "is held"
        case _:
            then = "runs again"
    return f"attempt {attempt.attempt} {how}, {then}"


def run(running: Running, params: Run, screen: Screen) -> None:
    """Follow the job. Raises QueuectlError, OSError, and KeyboardInterrupt before it is enqueued."""
    _View(running, params, screen).follow()


VIEWS = {"run": run}
