"""Where workers of one host keep their locks, doorbells and live output: a directory beside the store.

    queue.db.run/
      workers/<worker>        its life lock and heartbeat
      pools/<pool>            the same for a supervisor
      attempts/<worker>…      the locks that jobs' process trees inherit
      bells/                  doorbells: any, q-<queue>, w-<worker>, p-<pool>
      live/<seq>-<fence>…     output of running jobs

Nothing here is ever named by a user's text: queue names are hashed.
"""

from __future__ import annotations

import os
import stat
import time

from queuectl.domain.errors import StoreUnreadable

SUBDIRS = ("workers", "pools", "attempts", "bells", "live")


class RunDir:
    """The directory. Made 0700 when first needed; one that is a symlink or another user's is refused."""

    def __init__(self, root: str) -> None:
        """`root` is an absolute path."""
        self.root = root
        self.workers, self.pools, self.attempts, self.bells, self.live = (os.path.join(root, room) for room in SUBDIRS)

    def make(self) -> None:
        """Make what is missing. Raises StoreUnreadable where it cannot be trusted or written."""
        try:
            # The user's data directory, on a host where a store on a server is all there is.
            os.makedirs(os.path.dirname(self.root), 0o700, exist_ok=True)
        except OSError as error:
            raise StoreUnreadable(f"{os.path.dirname(self.root)} cannot be made: {error.strerror}") from None
        for directory in (self.root, self.workers, self.pools, self.attempts, self.bells, self.live):
            try:
                os.mkdir(directory, 0o700)
            except FileExistsError:
                pass
            except OSError as error:
                raise StoreUnreadable(f"{directory} cannot be made: {error.strerror}") from None
            self._refuse_strangers(directory)

    def was_used(self) -> bool:
        """Whether workers have been here: they leave the shared bells, which nothing else makes."""
        try:
            return bool(os.listdir(self.bells))
        except OSError:
            return False

    @staticmethod
    def _refuse_strangers(directory: str) -> None:
        status = os.lstat(directory)
        if not stat.S_ISDIR(status.st_mode):
            raise StoreUnreadable(f"{directory} is not a directory", hint="move it away: queuectl makes its own")
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise StoreUnreadable(f"{directory} can be written by others", hint="it must belong to you, with mode 0700")


def age_ms(path: str) -> int | None:
    """Milliseconds since the file was last written to; None where there is none.

    By this machine's wall clock, which dates its files, whatever clock the store goes by.
    """
    try:
        written = os.stat(path, follow_symlinks=False).st_mtime_ns
    except OSError:
        return None
    return (time.time_ns() - written) // 1_000_000
