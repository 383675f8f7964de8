"""One attempt, from the start of its command to its result.

The attempt ends with its main process, not with the end of its output, which a background process may keep open.
Whatever the command left behind is then ended too. A timeout or an order ends the whole tree: TERM and CONT, after the
grace KILL. Which outcome it is, when two things happen at once:

- A command that exited before it was signalled keeps its own outcome, although a timeout or an order came.
- Once signalled it is `timeout`, `cancelled` or `released`, whatever it then exits with.
- The first of these stays, except that a cancel overrides the others: its job is not to run again.
- Orders are polled while leftovers are ended too, since a lease may expire meanwhile: an order with SIGKILL ends their
  grace. The outcome is settled by then.
"""

from __future__ import annotations

import os
import select
import signal
import time

from queuectl.domain.attempt import Outcome, Result
from queuectl.runtime import process, system, tree
from queuectl.runtime.attempt_spec import Cancel
from queuectl.runtime.live import FIRST_AFTER, INTERVAL
from queuectl.runtime.output import EMPTY, ENDED, Capture
from queuectl.runtime.pulse import TICK
from queuectl.runtime.run_dir import remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.runtime.attempt_spec import AttemptHooks, AttemptSpec
    from queuectl.runtime.job_pipe import JobPipe
    from queuectl.runtime.locks import AttemptLock

DRAIN = 0.2
"""Seconds for which the output of a finished command is still read, should another process write to its pipes."""
SHORT = 0.01
"""Seconds for which only the exit of the command is polled; its pipes hold 64 KiB meanwhile."""
NEVER = float("inf")


def run(spec: AttemptSpec, hooks: AttemptHooks) -> Result:
    """Run one attempt to its end and return its result.

    The calling process must have one thread and no other children: all children are reaped. If a hook raises, the tree
    is killed and the exception is propagated.

    An `error` that starts with "unkillable" means that a process of this attempt still lives and holds its lock.
    """
    system.adopt_orphans()
    try:
        return _run(spec, hooks)
    finally:
        if process.has_script(spec):
            remove(spec.script)


def _run(spec: AttemptSpec, hooks: AttemptHooks) -> Result:
    started = time.monotonic()
    try:
        begun = begin(spec, hooks.lock)
    except process.SpawnError as error:
        return Result(outcome=Outcome.SPAWN_ERROR, duration_ms=_milliseconds(started), error=str(error))
    except process.StartRefused as error:
        return Result(
            outcome=Outcome.RELEASED, duration_ms=_milliseconds(started), error=f"not started: {error}", refused=True
        )
    try:
        return _Attempt(begun, spec, hooks, started).run()
    finally:
        for fd in begun[1:]:
            os.close(fd)


def begin(spec: AttemptSpec, lock: AttemptLock | None) -> tuple[int, int, int, int]:
    """Start a command; return its pid, the pipes of stdout and stderr, and the descriptor of its exit.

    The last one polls readable when the command may have exited.

    Raises:
        SpawnError: this command cannot be started on any machine.
        StartRefused: the machine starts no process at present.
    """
    if lock is None:
        pid, out, err = process.start(spec, None)
    else:
        pid, out, err = _start_locked(spec, lock)
    return pid, out, err, _watch(pid, out, err)


def _start_locked(spec: AttemptSpec, lock: AttemptLock) -> tuple[int, int, int]:
    try:
        held = lock.take()
    except OSError as error:
        raise process.StartRefused(f"the lock of the attempt cannot be created: {process.reason(error)}") from None
    try:
        if spec.fence:
            _note(spec, lock, held)
        started = process.start(spec, held)
        if spec.fence:
            lock.note_pid(held, started[0])
    finally:
        os.close(held)  # from now on only the process tree holds it
    return started


def _note(spec: AttemptSpec, lock: AttemptLock, held: int) -> None:
    try:
        lock.note(held, spec.seq, spec.fence)
    except OSError as error:
        raise process.StartRefused(f"the lock of the attempt cannot be written: {process.reason(error)}") from None


def _watch(pid: int, out: int, err: int) -> int:
    try:
        return system.exit_fd(pid)
    except OSError as error:  # no descriptor left
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(out)
        os.close(err)
        raise process.StartRefused(f"the process of the attempt cannot be watched: {process.reason(error)}") from None


class _Attempt:
    __slots__ = (
        "_alive",
        "_cookie",
        "_exit_fd",
        "_give_up_at",
        "_grace",
        "_hooks",
        "_kill_at",
        "_live",
        "_live_at",
        "_live_from",
        "_must_kill",
        "_next",
        "_pid",
        "_pipe",
        "_pipe_full",
        "_sent",
        "_started",
        "_status",
        "_stderr",
        "_stdout",
        "_streams",
        "_tick_at",
        "_timeout_at",
        "_why",
    )

    def __init__(
        self, begun: tuple[int, int, int, int], spec: AttemptSpec, hooks: AttemptHooks, started: float
    ) -> None:
        self._pid, out, err, self._exit_fd = begun
        self._cookie = spec.cookie
        self._grace = spec.kill_grace_ms / 1000
        self._stdout = Capture()
        self._stderr = Capture()
        self._streams = {out: self._stdout, err: self._stderr}
        """Pipes that have not reached end of file."""
        self._hooks = hooks
        self._live = hooks.live
        self._pipe = hooks.pipe
        self._pipe_full = False
        """Whether no output is read until the pipe has taken what was read."""
        self._status: int | None = None
        self._why: Outcome | None = None
        self._alive: tuple[int, ...] = ()
        self._sent: set[int] = set()
        self._must_kill = False
        """Whether the tree has no grace left."""
        self._started = started
        self._live_from = started + FIRST_AFTER
        self._timeout_at = NEVER if spec.timeout_ms is None else started + spec.timeout_ms / 1000
        self._tick_at = started + TICK if hooks.tick_at is None else hooks.tick_at
        self._kill_at = self._give_up_at = self._live_at = NEVER
        self._schedule()

    def run(self) -> Result:
        try:
            self._until_exit()
            duration = _milliseconds(self._started)
            self._drain()
            self._end_leftovers()
            if self._pipe is not None:
                self._pipe.send(self._stdout, self._stderr)
            if self._live is not None and self._live.begun:
                self._live.write(self._stdout, self._stderr)
        except BaseException:
            tree.kill_all(self._pid, self._cookie, reaped=self._status is not None)
            raise
        finally:
            if self._live is not None:
                self._live.close()
        return self._result(duration)

    def _until_exit(self) -> None:
        # Most jobs of a busy queue are short: one wake-up by the exit, none by the end of each stream before it.
        poller = select.poll()
        poller.register(self._exit_fd, select.POLLIN)
        if poller.poll(max(0, min(SHORT, self._next - time.monotonic())) * 1000) and self._has_exited():
            return
        poller = select.poll()
        for fd in (self._exit_fd, *self._streams, *self._hooks.wake):
            poller.register(fd, select.POLLIN)
        while self._status is None and not self._alive:
            now = time.monotonic()
            if now >= self._next:
                self._on_time(now)
                continue
            # One read of each stream, then the clock again: a flood delays neither the other stream nor the time.
            for fd, event in poller.poll((self._next - now) * 1000):
                capture = self._streams.get(fd)
                if capture is not None:
                    # Most jobs end with a hang-up of an empty pipe: that saves a read.
                    read = capture.read(fd) if event & select.POLLIN else ENDED
                    if read == ENDED:
                        poller.unregister(fd)
                        del self._streams[fd]
                    elif self._live is not None and self._live_at == NEVER:
                        self._live_at = self._live_from
                        self._schedule()
                elif fd == self._exit_fd:
                    self._has_exited()
                elif self._pipe is None or fd != self._pipe.fd:
                    if event & ~select.POLLIN:
                        poller.unregister(fd)
                    self._obey()
            if self._pipe is not None:
                self._pass_on(self._pipe, poller)

    def _pass_on(self, pipe: JobPipe, poller: select.poll) -> None:
        """Send what was read, and read no more before the pipe has taken it: then less than a MiB is ever unsent."""
        is_full = not pipe.send(self._stdout, self._stderr)
        if is_full == self._pipe_full:
            return
        self._pipe_full = is_full
        for fd in self._streams:
            if is_full:
                poller.unregister(fd)
            else:
                poller.register(fd, select.POLLIN)
        if is_full:
            poller.register(pipe.fd, select.POLLOUT)
        else:
            poller.unregister(pipe.fd)

    def _on_time(self, now: float) -> None:
        if now >= self._live_at and self._live is not None:
            self._live.write(self._stdout, self._stderr)
            self._live_at = NEVER
            self._live_from = now + INTERVAL
        if now >= self._tick_at:
            self._tick_if_due()
            self._reap_adopted()
            self._obey()
        if now >= self._timeout_at:
            self._timeout_at = NEVER
            self._end(Outcome.TIMEOUT, signal.SIGTERM)
        if now >= self._kill_at:
            self._kill()
        if now >= self._give_up_at and not self._has_exited():
            self._give_up_at = NEVER
            self._unkillable(tree.give_up(self._pid, self._cookie))
        self._schedule()

    def _schedule(self) -> None:
        self._next = min(self._tick_at, self._timeout_at, self._live_at, self._kill_at, self._give_up_at)

    def _tick_if_due(self) -> None:
        now = time.monotonic()
        if now >= self._tick_at:
            self._tick_at = self._hooks.tick()

    def _obey(self) -> None:
        order = self._hooks.order()
        if order is not None:
            # Also when the job exits at this moment: its leftovers have no grace then.
            self._must_kill = self._must_kill or order.signal == signal.SIGKILL
            self._end(Outcome.CANCELLED if isinstance(order, Cancel) else Outcome.RELEASED, order.signal)

    def _end(self, why: Outcome, signo: int) -> None:
        if self._has_exited():
            return
        if self._why is None or why is Outcome.CANCELLED:
            self._why = why
        if signo in self._sent or signal.SIGKILL in self._sent:
            return
        if signo == signal.SIGKILL:
            self._kill()
        else:
            self._sent.add(signo)
            tree.signal_running(self._pid, self._cookie, signo)
            tree.signal_running(self._pid, self._cookie, signal.SIGCONT)  # a stopped process does not handle TERM
            self._kill_at = min(self._kill_at, time.monotonic() + self._grace)
        self._schedule()

    def _kill(self) -> None:
        if self._has_exited():
            return  # its leftovers are killed at the same moment
        self._kill_at = NEVER
        self._sent.add(signal.SIGKILL)
        tree.signal_running(self._pid, self._cookie, signal.SIGKILL)
        self._give_up_at = time.monotonic() + tree.GIVE_UP_AFTER

    def _has_exited(self) -> bool:
        if self._status is None:
            self._status = system.reap(self._pid, self._exit_fd)
        return self._status is not None

    def _reap_adopted(self) -> None:
        """Reap orphans that ended while the job goes on: the zombies of a job that makes many would use up the pids."""
        try:
            while self._status is None:
                reaped, status = os.waitpid(-1, os.WNOHANG)
                if reaped == self._pid:
                    self._status = status
                elif not reaped:
                    return
        except ChildProcessError:
            pass

    def _drain(self) -> None:
        streams = dict(self._streams)
        give_up_at = time.monotonic() + DRAIN
        while streams and time.monotonic() < give_up_at:
            self._tick_if_due()
            for pipe, capture in tuple(streams.items()):
                if capture.read(pipe) in (ENDED, EMPTY):
                    del streams[pipe]

    def _end_leftovers(self) -> None:
        if self._status is None or system.all_gone(self._pid):
            return
        now = time.monotonic()
        if not self._sent:
            kill_at = now + tree.LEFTOVER_GRACE
        else:
            kill_at = now if signal.SIGKILL in self._sent else self._kill_at
        self._unkillable(
            tree.end_leftovers(
                self._pid,
                self._cookie,
                terminate=signal.SIGTERM not in self._sent,
                kill_at=kill_at,
                hurry=self._must_kill_leftovers,
            )
        )
        self._drain()

    def _must_kill_leftovers(self) -> bool:
        """Tick if due, and return whether the grace of the leftovers is over because another worker may run the job."""
        self._tick_if_due()
        order = self._hooks.order()
        if order is not None and order.signal == signal.SIGKILL:
            self._must_kill = True
        return self._must_kill

    def _unkillable(self, pids: Sequence[int]) -> None:
        if pids:
            self._alive = tuple(pids)

    def _result(self, duration: int) -> Result:
        code = None if self._status is None else os.waitstatus_to_exitcode(self._status)
        if self._why is not None:
            outcome = self._why
        elif code == 0:
            outcome = Outcome.SUCCESS
        else:
            outcome = Outcome.EXIT if code is None or code > 0 else Outcome.SIGNAL
        return Result(
            outcome=outcome,
            duration_ms=duration,
            exit_code=code if code is not None and code >= 0 else None,
            signal=-code if code is not None and code < 0 else None,
            error=f"unkillable: pids {', '.join(map(str, self._alive))}" if self._alive else None,
            stdout=self._stdout.take(),
            stderr=self._stderr.take(),
            alive=self._alive,
        )


def _milliseconds(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
