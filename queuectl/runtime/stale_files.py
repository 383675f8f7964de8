"""Files that their owners did not take away: beside the store, of workers, pools, attempts and backups that are gone.

None of them does harm; they are looked at and taken away so that a directory tells what runs. A file younger than a
minute is left alone, since a worker makes its lock a moment before it holds it.
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
_LIVE = r"(\d{1,18})-(\d{1,18})\.(?:out|err)"
_COPY = r".+\.(\d{1,9})\.partial(?:-journal|-wal|-shm)?"


def litter(store: Store, run_dir: RunDir) -> list[str]:
    """The files of workers, pools and attempts that are gone."""
    workers = {worker.id for worker in store.workers.running_workers()}

    def of_worker(name: str, path: str) -> bool:
        return name.partition(".")[0] not in workers and locks.is_free(path)

    def of_pool(_name: str, path: str) -> bool:
        return locks.is_free(path)

    def bell(name: str, path: str) -> bool:
        kind, _, who = name.partition("-")
        if kind == "w":
            return who not in workers and _nobody_listens(path)
        # The bells of queues and labels are shared, and made once: they stay.
        return kind == "p" and locks.is_free(os.path.join(run_dir.pools, who)) and _nobody_listens(path)

    def output(name: str, _path: str) -> bool:
        found = re.fullmatch(_LIVE, name, re.ASCII)
        return found is not None and not store.workers.attempt_is_open(int(found[1]), int(found[2]))

    rooms: tuple[tuple[str, Callable[[str, str], bool]], ...] = (
        (run_dir.workers, of_worker),
        (run_dir.pools, of_pool),
        (run_dir.attempts, of_worker),
        (run_dir.bells, bell),
        (run_dir.live, output),
    )
    return [path for room, is_litter in rooms for name, path in _old(room, _YOUNG_MS) if is_litter(name, path)]


def half_copies(location: str) -> list[str]:
    """Backups beside the store that were never finished, and whose process is gone."""
    found = []
    for name, path in _old(os.path.dirname(location), _YOUNG_COPY_MS):
        copy = re.fullmatch(_COPY, name, re.ASCII)
        if copy is not None and system.start_time(int(copy[1])) is None and stat.S_ISREG(os.lstat(path).st_mode):
            found.append(path)
    return found


def remove(path: str, run_dir: RunDir) -> bool:
    """Take a file away; False if it is in use after all, or cannot be taken away."""
    lock = -1
    try:
        if os.path.dirname(path) in {run_dir.workers, run_dir.pools, run_dir.attempts}:
            taken = locks.try_lock(path)
            if taken is None:
                return False
            lock = taken
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
    """Names and paths of our own files in `directory` that have not been written to for a while."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        path = os.path.join(directory, name)
        age = age_ms(path)
        if age is not None and age > young_ms and _is_ours(path):
            yield name, path


def _is_ours(path: str) -> bool:
    try:
        return os.lstat(path).st_uid == os.geteuid()
    except OSError:
        return False


def _nobody_listens(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW))
    except OSError as error:
        return error.errno == errno.ENXIO
    return False
