"""Output of running jobs on any host: from live files on this host, through the store from another one."""

from __future__ import annotations

import os
import time

from queuectl.domain.attempt import NOTHING, Output
from queuectl.runtime.doorbell import bell_of_worker, ring_everywhere
from queuectl.runtime.live import STREAMS, LiveReader, path_of, recover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store

_POLL_INTERVAL = 0.5
_PAUSE = 0.1
_FIRST_REPLY_TIMEOUT = 2.0
"""Seconds that a single request waits for the first output from a worker on another host."""


class Follower:
    """A follower of one stream of one running attempt. Its offsets are those of `LiveReader`."""

    def __init__(self, store: Store, run_dir: RunDir, *, job: int, attempt: int, stream: str) -> None:
        """Follow `stream`, "out" or "err", which need not have any output yet."""
        self._store = store
        self._run_dir = run_dir
        self._job = job
        self._attempt = attempt
        self._stream = stream
        self._file = LiveReader(path_of(run_dir.live, job, attempt, stream))
        self._poll_at = 0.0
        self._known = -1
        self._sent = (0, b"")

    def read(self, offset: int) -> tuple[int, bytes, int]:
        """Read from byte `offset`; return the next offset, some bytes, and how many before them are lost.

        Raises StoreError.
        """
        if not self._store.database.remote or os.path.exists(self._file.path):
            return self._file.read(offset)
        self._poll()
        total, tail = self._sent
        first = max(offset, total - len(tail))
        if first >= total:
            return offset, b"", 0
        return total, tail[first - total + len(tail) :], first - offset

    def close(self) -> None:
        """Stop reading."""
        self._file.close()

    def _poll(self) -> None:
        now = time.monotonic()
        if now < self._poll_at:
            return
        self._poll_at = now + _POLL_INTERVAL
        _call_worker(self._store, self._run_dir, self._job)
        sent = self._store.remote_output.sent(self._job, self._attempt, self._stream, known=self._known)
        if sent is not None:
            self._sent = sent
            self._known = sent[0]


def printed_so_far(
    store: Store, run_dir: RunDir, *, job: int, attempt: int, patient: bool = True
) -> tuple[Output, Output]:
    """Return what a running attempt has printed to stdout and stderr, as far as it was written or sent.

    A worker on another host sends it on request only: a `patient` caller waits up to two seconds for it. Raises
    StoreError.
    """
    files = [path_of(run_dir.live, job, attempt, stream) for stream in STREAMS]
    if not store.database.remote or any(os.path.exists(file) for file in files):
        out, err = (recover(file) for file in files)
        return out, err
    until = time.monotonic() + _FIRST_REPLY_TIMEOUT
    while True:
        _call_worker(store, run_dir, job)
        sent = [store.remote_output.sent(job, attempt, stream) for stream in STREAMS]
        # Both streams are always sent, one after the other, even when one of them is empty.
        if all(sent) or not patient or time.monotonic() > until:
            break
        time.sleep(_PAUSE)
    out, err = (NOTHING if each is None else Output(head=b"", tail=each[1], total=each[0]) for each in sent)
    return out, err


def _call_worker(store: Store, run_dir: RunDir, job: int) -> None:
    """Request the output of a job from its worker, if that does not send it already."""
    owner = store.remote_output.watch(job)
    if owner is not None:
        ring_everywhere(store, run_dir, bell_of_worker(owner))
