"""Run directory of one host: locks, doorbells and live output of its workers, in a directory beside the store.

    queue.db.run/
      workers/<worker>        its life lock and heartbeat
      pools/<pool>            the life lock of a supervisor
      attempts/<worker>…      the locks that jobs' process trees inherit
      bells/                  doorbells: any, q-<queue>, w-<worker>, p-<pool>
      live/<seq>-<fence>…     output of running jobs, and the scripts that they run
      live/<seq>.run          the pipe to the `queuectl run` that follows a job

No file name contains a user's text: queue names are hashed.
"""

from __future__ import annotations

import os
import stat
import time

from queuectl.domain.errors import StoreUnreadable

SUBDIRS = ("workers", "pools", "attempts", "bells", "live")


class RunDir:
    """A run directory. Created with mode 0700 when first needed; a symlink or another user's directory is refused."""

    def __init__(self, root: str) -> None:
        """Take the absolute path of the directory, which need not exist yet."""
        self.root = root
        self.workers, self.pools, self.attempts, self.bells, self.live = (os.path.join(root, name) for name in SUBDIRS)

    def make(self) -> None:
        """Create missing directories. Raises StoreUnreadable where one cannot be trusted or written."""
        try:
            # The user's data directory, on a host that only uses stores on servers.
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
            self._check_owner(directory)

    def was_used(self) -> bool:
        """Return whether workers have used it: only they create the shared bells, which stay."""
        try:
            return bool(os.listdir(self.bells))
        except OSError:
            return False

    @staticmethod
    def _check_owner(directory: str) -> None:
        status = os.lstat(directory)
        if not stat.S_ISDIR(status.st_mode):
            raise StoreUnreadable(f"{directory} is not a directory", hint="move it away: queuectl makes its own")
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise StoreUnreadable(
                f"{directory} belongs to another user, or can be written by others",
                hint=f"it must be yours, with mode 0700: chown, then chmod 700 {directory}",
            )


def remove(*paths: str) -> None:
    """Remove files of the directory; one that is gone or cannot be removed is left."""
    for path in paths:
        try:
            os.unlink(path)
        except OSError:
            pass


def age_ms(path: str) -> int | None:
    """Return the milliseconds since the file was last written to; None where there is none.

    By this machine's wall clock, which sets file times, and not by the store's clock.
    """
    try:
        written = os.stat(path, follow_symlinks=False).st_mtime_ns
    except OSError:
        return None
    return (time.time_ns() - written) // 1_000_000
