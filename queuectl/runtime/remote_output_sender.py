"""Sender of a running job's output to followers on other hosts, at most once a second, while there are followers."""

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
"""Newest bytes of a stream that are sent at once."""
_EVERY = 1.0


class RemoteOutputSender:
    """A sender that reads from the live files, which exist anyway."""

    def __init__(self, store: Store, run_dir: RunDir) -> None:
        """Send the live files in `run_dir` to `store`."""
        self._store = store
        self._run_dir = run_dir
        self._known: dict[str, int] = {}
        self._due = 0.0
        self.wanted = False
        """Whether there is a follower."""

    def send(self, claim: Claim) -> None:
        """Send new output if there is a follower and a second has passed."""
        now = time.monotonic()
        if not self.wanted or now < self._due:
            return
        self._due = now + _EVERY
        for stream in STREAMS:
            path = path_of(self._run_dir.live, claim.seq, claim.fence, stream)
            total, data = newest(path, _BYTES, self._known.get(stream, -1))
            if not data and stream in self._known:
                continue  # the first time empty output is sent too
            try:
                self.wanted = self._store.remote_output.send(claim.seq, claim.fence, stream, total, data)
            except StoreError:
                return  # the next call sends it
            if not self.wanted:
                return
            self._known[stream] = total

    def end(self, claim: Claim) -> None:
        """Discard what was sent: the recorded result replaces it."""
        if self._known:
            try:
                self._store.remote_output.discard(claim.seq, claim.fence)
            except StoreError:
                pass  # a steward deletes it
        self._known.clear()
        self.wanted = False
        self._due = 0.0
