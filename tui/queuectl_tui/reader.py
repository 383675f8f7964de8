"""The reader: one thread with a connection of its own that posts immutable snapshots of the store.

It polls for a change four times a second (ten microseconds) and reads only when there was one. Requests of the views
run in the same thread; of those with the same key only the latest counts, so that a fast scroll does not queue up.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from textual.message import Message

from queuectl.domain.errors import QueuectlError, StoreError
from queuectl.domain.job import JobState
from queuectl.domain.queue_settings import ALL
from queuectl.domain.record import replace
from queuectl_tui.opened import Opened
from queuectl_tui.snapshot import Snapshot, empty_snapshot, internal_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from queuectl.domain.clock import Clock
    from queuectl.domain.worker import PoolInfo
    from queuectl.operations.context import Context
    from queuectl.runtime.liveness import LiveWorker

    Failed: TypeAlias = Callable[[QueuectlError | None], None]
    Request: TypeAlias = tuple[Callable[[Context], Any], Callable[[Any], None], Failed | None]
    Census: TypeAlias = Callable[[Context, int], tuple[tuple[LiveWorker, ...], tuple[PoolInfo, ...]]]

T = TypeVar("T")
_PROBE, _PROBE_UNSEEN = 0.25, 2.0
"""Seconds between two polls for a change: with the terminal in the foreground, and in the background."""
_ALIVE = 2.0
"""Seconds after which workers are read although nothing was written: heartbeats and memory change without a write."""
_SLOWEST = 4.0
_WINDOW = 60
BURST, BURST_MS = 20, 120_000
"""Minimum number of jobs that fail with one error within this many milliseconds to count as a failure burst."""
_BURST_EVERY = 2000


class SnapshotArrived(Message):
    """The store was read, or could not be read."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """Return whether a newer snapshot replaces this one."""
        return isinstance(message, SnapshotArrived)


class Answered(Message):
    """A request was answered."""

    def __init__(self, answer: Callable[[Any], None], value: Any) -> None:
        super().__init__()
        self.answer = answer
        self.value = value


class Interrupted(Exception):
    """The current read is obsolete: a newer request with the same key has arrived, or the console ends."""


class Reader:
    """Reads the store for the whole console."""

    def __init__(
        self,
        post: Callable[[Message], object],
        clock: Clock,
        factory: Callable[[], Context],
        census: Census,
        *,
        live: bool,
    ) -> None:
        """Create a reader that sends messages with `post`.

        `live=False`: no thread, requests run at once, and the store is read on `refresh`.
        """
        self._post = post
        self._clock = clock
        self._opened = Opened(factory)
        self._census = census
        self._live = live
        self._lock = threading.Condition()
        self._wanted: dict[str, Request] = {}
        self._running: str | None = None
        self._stop = False
        self._again = False
        self.seen = True
        """Whether the terminal is in the foreground; the store is polled less often when it is not."""
        self.watching: frozenset[str] = frozenset()
        """Ids of watched jobs; each snapshot includes their rows."""
        self._last: Snapshot | None = None
        self._tried_at: int | None = None
        """Time of the first failed read, in milliseconds since the epoch."""
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)

    def start(self) -> None:
        """Start reading."""
        if self._live:
            self._thread.start()
        else:
            self.refresh()

    def stop(self) -> None:
        """Stop, and wait for the thread to end."""
        with self._lock:
            self._stop = True
            self._lock.notify()
        if self._thread.is_alive():
            self._thread.join(2)
        else:
            self._opened.close()

    async def fetch(self, request: Callable[[Context], T], key: str, failed: Callable[[QueuectlError], None]) -> T:
        """Run `request` and wait for its answer.

        Where there is none, `failed` receives the error, if there is one, and the task that waits is cancelled.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def give_up(error: QueuectlError | None) -> None:
            if error is not None:
                failed(error)
            future.cancel()

        self.ask(request, lambda value: None if future.done() else future.set_result(value), key, give_up)
        return await future

    def ask(
        self,
        request: Callable[[Context], T],
        answer: Callable[[T], None],
        key: str,
        failed: Failed | None = None,
    ) -> None:
        """Run `request` in the reader's thread and `answer` in the app's. The latest request of a `key` wins.

        `failed` runs in the app's thread where there is no answer: with the error, or with None if a newer request has
        replaced this one. Without it, errors of the store are dropped: the next snapshot reports them.
        """
        if not self._live:
            try:
                value = request(self._open())
            except (QueuectlError, Interrupted) as error:
                if failed is None and not isinstance(error, StoreError | Interrupted):
                    raise
                if failed is not None:
                    failed(None if isinstance(error, Interrupted) else error)
                return
            answer(value)
            return
        with self._lock:
            replaced = self._wanted.get(key)
            self._wanted[key] = (request, answer, failed)
            self._lock.notify()
        if replaced is not None and replaced[2] is not None:
            replaced[2](None)

    def refresh(self) -> None:
        """Read everything now."""
        if not self._live:
            self._post(SnapshotArrived(self._read()))
            return
        with self._lock:
            self._again = True
            self._lock.notify()

    def interrupted(self) -> bool:
        """Return whether the current request is obsolete; long reads check between two steps."""
        return self._stop or (self._running is not None and self._running in self._wanted)

    def check(self) -> None:
        """Raise `Interrupted` if the current request is obsolete."""
        if self.interrupted():
            raise Interrupted

    def _open(self) -> Context:
        return self._opened.get()

    def _run(self) -> None:
        changed: int | None = None
        read_at = 0.0
        pause = 0.0
        while not self._stop:
            with self._lock:
                if not self._wanted and not self._again and not self._stop:
                    self._lock.wait(_PROBE if self.seen else _PROBE_UNSEEN)
                again, self._again = self._again, False
                wanted = next(iter(self._wanted), None)
                task = self._wanted.pop(wanted) if wanted is not None else None
                self._running = wanted
            if self._ended():
                break
            if task is not None:
                self._answer(*task)
            since = time.monotonic() - read_at
            if not again and since < max(pause, _PROBE - 0.02):
                continue
            now_changed = self._probe()
            if again or now_changed != changed or now_changed is None or since > _ALIVE:
                snapshot = self._read()
                changed = now_changed if snapshot.error is None else None
                read_at = time.monotonic()
                # Back off while the store cannot be read.
                pause = 0.0 if snapshot.error is None else min(max(pause * 2, 0.25), _SLOWEST)
                self._post(SnapshotArrived(snapshot))
        self._opened.close()

    def _ended(self) -> bool:
        return self._stop

    def _probe(self) -> int | None:
        try:
            return self._open().store.changed()
        except QueuectlError as error:
            self._opened.failed(error)
            return None

    def _answer(self, request: Callable[[Context], Any], answer: Callable[[Any], None], failed: Failed | None) -> None:
        try:
            value = request(self._open())
        except Interrupted:
            if failed is not None:
                self._post(Answered(failed, None))
            return
        except QueuectlError as error:
            # The next snapshot reports a store that cannot be read, and the views repeat their requests with it.
            self._opened.failed(error)
            if failed is not None:
                self._post(Answered(failed, error))
            elif not isinstance(error, StoreError):
                self._post(SnapshotArrived(self._failed(internal_error(error))))
            return
        except Exception as error:  # noqa: BLE001 - a bug must not end the thread
            self._post(SnapshotArrived(self._failed(internal_error(error))))
            if failed is not None:
                self._post(Answered(failed, internal_error(error)))
            return
        finally:
            self._running = None
        self._post(Answered(answer, value))

    def _read(self) -> Snapshot:
        started = time.perf_counter()
        last = self._last
        try:
            context = self._open()
            now = context.now()
            read = _snapshot(context, self._census, now, last, self.watching)
        except QueuectlError as error:
            self._opened.failed(error)
            return self._failed(error)
        except Exception as error:
            # The thread would end, and the console would stop updating while it still claims to be live.
            if not self._live:
                raise
            return self._failed(internal_error(error))
        self._last = replace(read, read_ms=(time.perf_counter() - started) * 1000)
        return self._last

    def _failed(self, error: QueuectlError) -> Snapshot:
        """Return the last snapshot, with the error."""
        if self._last is None:
            self._tried_at = self._tried_at or self._clock.now()
            return empty_snapshot(self._tried_at, error)
        return replace(self._last, error=error.message, failure=error)


def _snapshot(context: Context, census: Census, now: int, last: Snapshot | None, watching: frozenset[str]) -> Snapshot:
    store = context.store
    store.recheck()
    # Read first, so that a write during this read is noticed by the next poll.
    changed = hash((store.database.identity, store.changed()))
    counts = dict.fromkeys((state.value for state in JobState), 0)
    for _, state, count in store.counts():
        counts[state] = counts.get(state, 0) + count
    workers, pools = census(context, now)
    due = store.jobs.next_due()
    minute = now // 60_000
    fresh = last is None or last.at // 5000 != now // 5000
    finished = store.job_pages.finished(minute, _WINDOW) if fresh or last is None else last.finished
    burst = last.burst if last is not None else None
    if last is None or not 0 <= now // _BURST_EVERY - last.at // _BURST_EVERY < 1:
        burst = store.recent.failure_burst(since=now - BURST_MS, least=BURST)
    came, went = store.job_pages.rates(now)
    pauses = {name: settings.pause for name, settings in store.queues.all().items() if settings.pause is not None}
    return Snapshot(
        at=now,
        store=store.database.identity,
        counts=counts,
        total=sum(counts.values()),
        workers=workers,
        pools=pools,
        in_rate=came,
        out_rate=went,
        oldest_due_ms=now - due if due is not None and due <= now else None,
        changed=changed,
        finished=finished,
        burst=burst,
        paused=tuple(sorted(name for name in pauses if name != ALL)),
        pause_of_all=pauses.get(ALL),
        watched=store.job_pages.these(sorted(watching)) if watching else None,
        asked=watching,
    )


def read_liveness(context: Context, now: int) -> tuple[tuple[LiveWorker, ...], tuple[PoolInfo, ...]]:
    """Return the live workers and pools of this host."""
    from queuectl.runtime.liveness import living_pools, living_workers

    return tuple(living_workers(context.store, context.run_dir, now=now)), tuple(
        living_pools(context.store, context.run_dir)
    )


def read_outlook(context: Context, operation: str, params: Any) -> list[str]:
    """Return whether an operation could be undone, as a line; none if it changes no jobs."""
    from queuectl.operations.outlook import outlook

    text = outlook(context, operation, params)
    return [] if text is None else [text]
