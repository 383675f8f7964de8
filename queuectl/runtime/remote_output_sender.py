"""Sends what a running job prints to somebody on another host, once a second at most, while somebody looks."""

from __future__ import annotations

import time

from queuectl.domain.errors import StoreError
from queuectl.runtime.live import STREAMS, newest, path_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.rows import Claim
    from queuectl.store.store import Store

_BYTES = 65_536
"""Of a stream that are sent at once, the newest."""
_EVERY = 1.0


class RemoteOutputSender:
    """Sends from the live files, which are there anyway."""

    def __init__(self, store: Store, run_dir: RunDir) -> None:
        """The files lie in `run_dir`."""
        self._store = store
        self._run_dir = run_dir
        self._known: dict[str, int] = {}
        self._due = 0.0
        self.wanted = False
        """Whether somebody looks."""

    def send(self, claim: Claim) -> None:
        """Send what is new, if it is time to."""
        now = time.monotonic()
        if not self.wanted or now < self._due:
            return
        self._due = now + _EVERY
        for stream in STREAMS:
            path = path_of(self._run_dir.live, claim.seq, claim.fence, stream)
            total, data = newest(path, _BYTES, self._known.get(stream, -1))
            if not data and stream in self._known:
                continue  # the first time even nothing is an answer
            try:
                self.wanted = self._store.remote_output.send(claim.seq, claim.fence, stream, total, data)
            except StoreError:
                return  # the next one is as good
            if not self.wanted:
                return
            self._known[stream] = total

    def end(self, claim: Claim) -> None:
        """The result is recorded, and takes the place of what was sent."""
        if self._known:
            try:
                self._store.remote_output.discard(claim.seq, claim.fence)
            except StoreError:
                pass  # a steward takes it away
        self._known.clear()
        self.wanted = False
        self._due = 0.0
