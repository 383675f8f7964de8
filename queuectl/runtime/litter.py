"""Files that their owners did not take away: beside the store, of workers, pools, attempts and backups that are gone.

None of them does harm; they are looked at and taken away so that a directory tells what runs. A file younger than a
minute is left alone, since a worker makes its lock a moment before it holds it.
"""

from __future__ import annotations

import errno
import os
import re
import stat

from queuectl.runtime import host, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from queuectl.runtime.place import Place
    from queuectl.store.store import Store

_YOUNG_MS = 60_000
_YOUNG_COPY_MS = 600_000
_LIVE = r"(\d{1,18})-(\d{1,18})\.(?:out|err)"
_COPY = r".+\.(\d{1,9})\.partial(?:-journal|-wal|-shm)?"


def litter(store: Store, place: Place, *, now: int) -> list[str]:
    """The files of workers, pools and attempts that are gone."""
    workers = {worker.id for worker in store.fleet.running_workers()}

    def of_worker(name: str, path: str) -> bool:
        return name.partition(".")[0] not in workers and locks.is_free(path)

    def of_pool(_name: str, path: str) -> bool:
        return locks.is_free(path)

    def bell(name: str, path: str) -> bool:
        kind, _, who = name.partition("-")
        if kind == "w":
            return who not in workers and _nobody_listens(path)
        # The bells of queues and labels are shared, and made once: they stay.
        return kind == "p" and locks.is_free(os.path.join(place.pools, who)) and _nobody_listens(path)

    def output(name: str, _path: str) -> bool:
        found = re.fullmatch(_LIVE, name, re.ASCII)
        return found is not None and not store.fleet.attempt_is_open(int(found[1]), int(found[2]))

    rooms: tuple[tuple[str, Callable[[str, str], bool]], ...] = (
        (place.workers, of_worker),
        (place.pools, of_pool),
        (place.attempts, of_worker),
        (place.bells, bell),
        (place.live, output),
    )
    return [path for room, is_litter in rooms for name, path in _old(room, now - _YOUNG_MS) if is_litter(name, path)]


def half_copies(location: str, *, now: int) -> list[str]:
    """Backups beside the store that were never finished, and whose process is gone."""
    found = []
    for name, path in _old(os.path.dirname(location), now - _YOUNG_COPY_MS):
        copy = re.fullmatch(_COPY, name, re.ASCII)
        if copy is not None and host.start_time(int(copy[1])) is None and stat.S_ISREG(os.lstat(path).st_mode):
            found.append(path)
    return found


def remove(path: str, place: Place) -> bool:
    """Take a file away; False if it is in use after all, or cannot be taken away."""
    lock = -1
    try:
        if os.path.dirname(path) in {place.workers, place.pools, place.attempts}:
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


def _old(directory: str, before: int) -> Iterator[tuple[str, str]]:
    """Names and paths of our own files in `directory` that have not been written to for a while."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        path = os.path.join(directory, name)
        try:
            status = os.lstat(path)
        except OSError:
            continue
        if status.st_uid == os.geteuid() and status.st_mtime_ns // 1_000_000 < before:
            yield name, path


def _nobody_listens(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW))
    except OSError as error:
        return error.errno == errno.ENXIO
    return False
