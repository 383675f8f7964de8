"""Files that their owners did not remove: beside the store, of workers, pools, attempts and backups that are gone.

They are harmless; they are found and removed so that a directory lists only what runs. A file younger than a minute is
ignored, since a worker creates its lock file a moment before it locks it.
"""

from __future__ import annotations

import errno
import os
import re
import stat

from queuectl.runtime import locks, system
from queuectl.runtime.run_dir import age_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store

_YOUNG_MS = 60_000
_YOUNG_COPY_MS = 600_000
_LIVE = r"(\d{1,18})-(\d{1,18})\.(?:out|err|script)"
_PIPE = r"\d{1,18}\.run"
_COPY = r".+\.(\d{1,9})\.partial(?:-journal|-wal|-shm)?"


def litter(store: Store, run_dir: RunDir) -> list[str]:
    """Return the paths of files of workers, pools and attempts that are gone."""
    workers = {worker.id for worker in store.workers.running_workers()}

    def of_worker(name: str, path: str) -> bool:
        return name.partition(".")[0] not in workers and locks.is_free(path)

    def of_pool(_name: str, path: str) -> bool:
        return locks.is_free(path)

    def bell(name: str, path: str) -> bool:
        kind, _, owner = name.partition("-")
        if kind == "w":
            return owner not in workers and _has_no_reader(path)
        if kind == "j":
            return _has_no_reader(path)
        # The bells of queues and labels are shared, and created once: they stay.
        return kind == "p" and locks.is_free(os.path.join(run_dir.pools, owner)) and _has_no_reader(path)

    def output(name: str, path: str) -> bool:
        if re.fullmatch(_PIPE, name, re.ASCII):
            return _has_no_reader(path)
        match = re.fullmatch(_LIVE, name, re.ASCII)
        return match is not None and not store.workers.attempt_is_open(int(match[1]), int(match[2]))

    directories: tuple[tuple[str, Callable[[str, str], bool]], ...] = (
        (run_dir.workers, of_worker),
        (run_dir.pools, of_pool),
        (run_dir.attempts, of_worker),
        (run_dir.bells, bell),
        (run_dir.live, output),
    )
    return [
        path for directory, is_stale in directories for name, path in _old(directory, _YOUNG_MS) if is_stale(name, path)
    ]


def half_copies(location: str) -> list[str]:
    """Return the paths of unfinished backups beside the store whose process is gone."""
    paths = []
    for name, path in _old(os.path.dirname(location), _YOUNG_COPY_MS):
        copy = re.fullmatch(_COPY, name, re.ASCII)
        if copy is not None and system.start_time(int(copy[1])) is None and stat.S_ISREG(os.lstat(path).st_mode):
            paths.append(path)
    return paths


def remove(path: str, run_dir: RunDir) -> bool:
    """Remove a file; False if it is in use after all, or cannot be removed."""
    lock = -1
    try:
        if os.path.dirname(path) in {run_dir.workers, run_dir.pools, run_dir.attempts}:
            held = locks.try_lock(path)
            if held is None:
                return False
            lock = held
        os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    finally:
        if lock >= 0:
            os.close(lock)
    return True


def _old(directory: str, young_ms: int) -> Iterator[tuple[str, str]]:
    """Yield name and path of this user's files in `directory` that were not written to for `young_ms`."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        path = os.path.join(directory, name)
        age = age_ms(path)
        if age is not None and age > young_ms and _is_own(path):
            yield name, path


def _is_own(path: str) -> bool:
    try:
        return os.lstat(path).st_uid == os.geteuid()
    except OSError:
        return False


def _has_no_reader(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW))
    except OSError as error:
        return error.errno == errno.ENXIO
    return False
