"""One attempt in a worker process of its own, forked as by the pool: controlled, measured and killed by a test."""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import select
import signal
import time
import traceback

from queuectl.runtime import attempt_runner, process, system, tree
from queuectl.runtime.attempt_spec import AttemptHooks, AttemptSpec, Cancel, Release
from queuectl.runtime.live import Live, path_of, recover
from queuectl.runtime.locks import AttemptLock
from queuectl.runtime.pulse import TICK
from tests.support.waiting import PATIENCE, wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.domain.attempt import Result

_numbers = itertools.count(1)


class Ended:
    """The report of a worker at the end of its attempt."""

    def __init__(self, result: Result, ticks: list[float], growth: int, seconds: float, children: bool) -> None:
        self.result = result
        self.ticks = ticks
        self.growth = growth
        """Bytes by which the worker's memory grew at its peak."""
        self.seconds = seconds
        """Processor time in seconds that the worker itself used."""
        self.children = children
        """Whether the worker has any child left, including zombies."""


class Worker:
    """A forked process that runs one attempt."""

    def __init__(self, command: str, directory: str, **options: Any) -> None:
        number = next(_numbers)
        self.seq, self.fence = number, 1
        self.cookie = process.cookie(f"t{os.getpid()}", number, 1, "store")
        self.lock_path = os.path.join(directory, f"worker{number}")
        self._directory = directory
        self._orders_out, self._orders = os.pipe()
        os.set_blocking(self._orders_out, False)
        self._answer, answer = os.pipe()
        self._ended: Ended | None = None
        self.pid = os.fork()
        if not self.pid:
            status = 1
            try:
                os.close(self._orders)
                ended = self._attempt(command, options)
                with open(answer, "wb") as pipe:
                    pickle.dump(ended, pipe)
                status = 0
            except BaseException:  # noqa: BLE001 - shown in the test's output
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(answer)

    def ended(self, seconds: float = PATIENCE) -> Ended:
        """Wait for the end, and return the report."""
        if self._ended is None:
            assert select.select([self._answer], [], [], seconds)[0], f"the attempt still runs after {seconds} s"
            with open(self._answer, "rb", closefd=False) as pipe:
                data = pipe.read()
            assert data, "the worker died"
            self._ended = pickle.loads(data)
        return self._ended

    def result(self, seconds: float = PATIENCE) -> Result:
        return self.ended(seconds).result

    def printed(self, stream: str = "out") -> bytes:
        """Return the output so far, as recorded in its live file."""
        return recover(path_of(self._directory, self.seq, self.fence, stream)).head

    def wait_for(self, text: bytes) -> None:
        wait_until(lambda: text in self.printed())

    def say(self, order: str) -> None:
        """Send an order: "cancel 15", "release 9", "raise"."""
        os.write(self._orders, order.encode() + b"\n")

    def hang_up(self) -> None:
        os.close(self._orders)
        self._orders = -1

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.kill()
        tree.end_tree(self.cookie, [], grace=0)
        for fd in (self._orders, self._orders_out, self._answer):
            if fd >= 0:
                os.close(fd)

    def _attempt(self, command: str, options: dict[str, Any]) -> Ended:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        options = dict(options)
        options.pop("first", lambda: None)()
        ticks: list[float] = []

        def tick() -> float:
            ticks.append(time.monotonic())
            return ticks[-1] + TICK

        inherited = process.inheritable(options.pop("inherited", os.environb))
        environment = process.environment(
            inherited, options.pop("env", ()), job_id="job one", attempt=3, cookie=self.cookie
        )
        hooks = AttemptHooks(
            tick=tick,
            tick_at=options.pop("tick_at", None),
            order=self._order,
            wake=(self._orders_out,),
            lock=AttemptLock(self.lock_path) if options.pop("locked", True) else None,
            live=Live(self._directory, self.seq, self.fence),
        )
        before = _reset_peak()
        seconds = time.process_time()
        spec = AttemptSpec(
            command=command, seq=self.seq, fence=self.fence, cookie=self.cookie, environment=environment, **options
        )
        result = attempt_runner.run(spec, hooks)
        seconds = time.process_time() - seconds
        growth = _peak() - before
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            children = False
        else:
            children = True
        return Ended(result, ticks, growth, seconds, children)

    def _order(self) -> Cancel | Release | None:
        try:
            words = os.read(self._orders_out, 4096).split()
        except BlockingIOError:
            return None
        if not words:
            return None
        if words[-1] == b"raise":
            raise RuntimeError("requested by the test")
        kind = Cancel if words[-2] == b"cancel" else Release
        return kind(signal=int(words[-1]))


def lives(pid: int) -> bool:
    return system.start_time(pid) is not None


def carriers(worker: Worker) -> set[int]:
    return set(system.carrying(worker.cookie))


def _reset_peak() -> int:
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        return 0
    return _peak()


def _peak() -> int:
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except OSError:
        return 0
