"""Doorbells: named pipes that wake an idle worker within a millisecond of an enqueue.

A ring that gets lost costs at most a poll interval: the store is the truth, the bell only saves the wait. Workers hold
their pipes open for reading and writing, so a ring never blocks and never fails while one of them lives. One byte
wakes one worker; a worker that goes from idle to busy rings again, so a burst wakes as many workers as it needs.
"""

from __future__ import annotations

import os
import select
from binascii import crc32

from queuectl.domain.errors import StoreError
from queuectl.runtime.run_dir import remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from queuectl.domain.job import Job, NewJob
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store

_ANY = "any"


def bell_of_queue(queue: str) -> str:
    """Return the bell of workers that are limited to `queue`. A hash collision of two queues is harmless."""
    if queue[:1] < " ":
        # Loaded here: only workers of one job have such a queue.
        from queuectl.domain.worker import job_of_queues

        return f"j-{job_of_queues((queue,))}"
    return f"q-{crc32(queue.encode()):08x}"


def bell_of_label(label: str) -> str:
    """Return the bell of workers that have `label`."""
    return f"l-{crc32(label.encode()):08x}"


def bell_of_worker(worker: str) -> str:
    """Return the bell of one worker: it checks its running job."""
    return "w-" + worker


def bell_of_pool(pool: str) -> str:
    """Return the bell of one pool: its steward checks the pool's orders."""
    return "p-" + pool


def ring(run_dir: RunDir, *bells: str) -> None:
    """Ring each of `bells`. Missing pipes, pipes without a reader and unknown names are ignored.

    Names may come from outside: any client of a server's database can send notifications, and every host receives them.
    """
    for bell in bells:
        if "/" in bell:
            continue  # never outside the directory of bells
        try:
            pipe = os.open(
                os.path.join(run_dir.bells, bell), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
            )
        except OSError:
            continue  # no such pipe, or no reader
        try:
            os.write(pipe, b"!")
        except OSError:
            pass  # the pipe is full of rings
        os.close(pipe)


def ring_everywhere(store: Store, run_dir: RunDir, *bells: str) -> None:
    """Ring on every host that uses the store: its stewards pass the ring on.

    A host that is not reached notices at its next poll.
    """
    ring(run_dir, *bells)
    try:
        store.database.notify(bells)
    except StoreError:
        pass  # the change itself is committed


def bells_of_queues(queues: Iterable[str]) -> list[str]:
    """Return the bells to ring when a job is ready in each of `queues`."""
    return [_ANY, *(bell_of_queue(queue) for queue in dict.fromkeys(queues))]


def bells_of_jobs(jobs: Sequence[NewJob | Job]) -> list[str]:
    """Return the bells to ring when these jobs are ready: of their labels, or of the queues of jobs without needs."""
    labels = dict.fromkeys(label for job in jobs for label in job.needs)
    queues = [job.queue for job in jobs if not job.needs]
    return [*map(bell_of_label, labels), *(bells_of_queues(queues) if queues else ())]


def bells_for(queues: Sequence[str], labels: Sequence[str] = ()) -> list[str]:
    """Return the bells that workers of `queues` with `labels` listen to; no queues means every queue."""
    shared = [bell_of_queue(queue) for queue in queues] if queues else [_ANY]
    return [*shared, *map(bell_of_label, labels)]


class Listener:
    """A waiter for bells. A ring of a shared bell wakes one listener, a ring of its own bell only this one."""

    def __init__(self, run_dir: RunDir, *, shared: Sequence[str] = (), own: str) -> None:
        """Make missing pipes and open all of them. Raises OSError."""
        self._own_path = os.path.join(run_dir.bells, own)
        self.own = _open(self._own_path)
        self._shared = [_open(os.path.join(run_dir.bells, bell)) for bell in shared]
        self._others: set[int] = set()
        self._waiter = _Waiter()
        self._waiter.add(self.own)
        for pipe in self._shared:
            self._waiter.add_shared(pipe)

    def also(self, descriptor: int) -> None:
        """Wake up for this descriptor too, and discard what it holds."""
        self._waiter.add(descriptor)

    def until_readable(self, descriptor: int) -> None:
        """Wake up for this descriptor too, and leave its data unread. A closed descriptor is dropped by itself."""
        self._others.discard(descriptor)
        self._waiter.add(descriptor)
        self._others.add(descriptor)

    def wait(self, seconds: float) -> bool:
        """Wait for a ring and consume it; False after `seconds`, or when only another descriptor was readable."""
        ready = self._waiter.wait(seconds) - self._others
        for pipe in ready:
            quiet(pipe)
        return bool(ready)

    def close(self) -> None:
        """Stop listening, and remove the own bell."""
        remove(self._own_path)
        self._waiter.close()
        for pipe in (self.own, *self._shared):
            os.close(pipe)


def quiet(pipe: int) -> bool:
    """Consume the rings in `pipe`; return whether there were any."""
    rang = False
    try:
        while count := len(os.read(pipe, 4096)):
            rang = True
            if count < 4096:
                break
    except BlockingIOError:
        pass
    return rang


def _open(path: str) -> int:
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        pass
    # For reading and writing, so that it neither blocks nor reaches end of file without a writer.
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)


if hasattr(select, "epoll"):

    class _Waiter:
        """An epoll waiter, which can be woken exclusively: a ring costs one claim and not one for each idle worker."""

        def __init__(self) -> None:
            self._epoll = select.epoll()

        def add(self, descriptor: int) -> None:
            self._epoll.register(descriptor, select.EPOLLIN)

        def add_shared(self, descriptor: int) -> None:
            self._epoll.register(descriptor, select.EPOLLIN | select.EPOLLEXCLUSIVE)

        def wait(self, seconds: float) -> set[int]:
            return {descriptor for descriptor, _ in self._epoll.poll(seconds)}

        def close(self) -> None:
            self._epoll.close()

else:

    class _Waiter:  # type: ignore[no-redef]  # one or the other, by the machine
        """A poll waiter for other systems: a ring wakes all idle workers, and all but one find no job."""

        def __init__(self) -> None:
            self._poll = select.poll()

        def add(self, descriptor: int) -> None:
            self._poll.register(descriptor, select.POLLIN)

        add_shared = add

        def wait(self, seconds: float) -> set[int]:
            ready = set()
            for descriptor, event in self._poll.poll(max(0, seconds) * 1000):
                if event & select.POLLNVAL:
                    self._poll.unregister(descriptor)  # it was closed; epoll drops such a one by itself
                else:
                    ready.add(descriptor)
            return ready

        def close(self) -> None:
            pass
