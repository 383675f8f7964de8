"""Check workers, the processes of their jobs, their files, and the limits of the machine."""

from __future__ import annotations

import os

from queuectl.domain.finding import Finding
from queuectl.domain.phrases import first_of, plural
from queuectl.domain.units import format_duration
from queuectl.operations.doctor.limits import allowance, logins
from queuectl.operations.doctor.second_look import lasting
from queuectl.runtime.liveness import has_ended, lives, living_pools, works_elsewhere
from queuectl.runtime.log import Log
from queuectl.runtime.orphans import end, orphans
from queuectl.runtime.reaper import Reaper
from queuectl.runtime.run_dir import age_ms
from queuectl.runtime.stale_files import half_copies, litter, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuectl.domain.worker import WorkerInfo
    from queuectl.operations.context import Context

_NAMED = 5


def examine(context: Context, *, fix: bool) -> Iterator[Finding]:
    """Report workers, orphans, leftover files, limits and logins. Raises StoreError."""
    pools = living_pools(context.store, context.run_dir)
    yield from _workers(context, fix=fix)
    yield from _orphans(context, fix=fix)
    yield _files(context, fix=fix)
    yield from allowance(pools)
    # The pools that can be seen were started by the current user.
    yield from logins(pools, context.actor.rpartition("@")[0])


class _CollectedLog(Log):
    """Collects the log lines of the reaper."""

    def __init__(self) -> None:
        super().__init__("doctor")
        self.lines: list[str] = []

    def event(self, line: str) -> None:
        self.lines.append(line)


def _workers(context: Context, *, fix: bool) -> Iterator[Finding]:
    dead = lasting(lambda: _dead(context))
    if dead and fix:
        log = "; ".join(_reap(context))
        remaining = _dead(context)
        reaped = [text for name, text in dead.items() if name not in remaining]
        if reaped:
            yield Finding(name="workers", detail=_few(reaped), fixed=log)
        if remaining:
            yield Finding(
                name="workers",
                detail=_few(list(remaining.values())) + (f"; {log}" if log and not reaped else ""),
                cure="processes of their jobs cannot be ended: run queuectl doctor --fix again once they are gone, "
                "or reboot",
            )
    elif dead:
        yield Finding(
            name="workers",
            detail=_few(list(dead.values())),
            cure="queuectl doctor --fix puts their jobs back, and so does a new pool",
        )
    for worker, silent in lasting(lambda: _silent(context)).values():
        yield Finding(
            name="workers",
            detail=f"worker {worker.id} (pid {worker.pid}) {_at(worker)} and has shown no sign of life for "
            f"{format_duration(silent)}",
            cure=f"kill -9 {worker.pid}: the pool then replaces the worker and puts its job back; "
            "if the pool has ended: queuectl worker start",
        )
    workers = context.store.workers.running_workers()
    here = [worker for worker in workers if worker.host == os.uname().nodename]
    count = sum(lives(worker, context.run_dir) for worker in here)
    remote = len(workers) - len(here)
    yield Finding(
        name="workers",
        detail=f"{count} run on this machine" + (f", and {remote} are registered on other hosts" if remote else ""),
    )


def _reap(context: Context) -> list[str]:
    """Reap dead workers as a pool's steward does. Return the log lines."""
    # Loaded here: only dead workers need it.
    from random import Random

    log = _CollectedLog()
    context.run_dir.make()
    Reaper(context.store, context.run_dir, log=log, clock=context.clock, rng=Random()).reap(  # noqa: S311 - no secret
        context.settings
    )
    return log.lines


def _dead(context: Context) -> dict[str, str]:
    """Return a sentence about each dead worker and pool of this machine, by its name."""
    here, run_dir, fleet = os.uname().nodename, context.run_dir, context.store.workers
    sentences = {
        worker.id: _death_of(worker)
        for worker in fleet.running_workers()
        if worker.host == here and not lives(worker, run_dir)
    }
    for pool in fleet.running_pools():
        if pool.host == here and has_ended(pool, run_dir):
            sentences[pool.id] = f"pool {pool.id} (pid {pool.pid}) died"
    return sentences


def _silent(context: Context) -> dict[str, tuple[WorkerInfo, int]]:
    """Return the living workers of this machine without a sign of life for the lease, with that time in ms."""
    lease_ms, workers = context.settings.lease * 1000, {}
    for worker in context.store.workers.running_workers(os.uname().nodename):
        silent = age_ms(os.path.join(context.run_dir.workers, worker.id))
        if silent is not None and silent > lease_ms and lives(worker, context.run_dir):
            workers[worker.id] = worker, silent
    return workers


def _death_of(dead: WorkerInfo) -> str:
    if works_elsewhere(dead):
        return f"this store is a copy: worker {dead.id} (pid {dead.pid}) works on the original, and {_at(dead)} there"
    return f"worker {dead.id} (pid {dead.pid}) died while it {_at(dead)}"


def _at(worker: WorkerInfo) -> str:
    return "was idle" if worker.job is None else f"ran {worker.job}"


def _orphans(context: Context, *, fix: bool) -> Iterator[Finding]:
    groups = lasting(lambda: {group.cookie: group for group in orphans(context.store, context.run_dir)})
    for group in groups.values():
        named = ", ".join(map(str, group.pids[:_NAMED])) or "a process of unknown pid"
        what = f"attempt {group.cookie} has ended, but its processes still run: {named}"
        if not fix:
            yield Finding(name="orphans", detail=what, cure="queuectl doctor --fix ends them")
            continue
        alive = end(group)
        if alive:
            how = f"as root, kill -9 {' '.join(map(str, group.pids[:_NAMED]))}, or reboot" if group.pids else "reboot"
            cure = f"they cannot be ended and may be waiting for a failed disk: {how}"
            yield Finding(name="orphans", detail=what, cure=cure)
        else:
            yield Finding(
                name="orphans",
                detail=f"attempt {group.cookie} had ended, but its processes still ran: {named}",
                fixed="ended",
            )
    if not groups:
        yield Finding(name="orphans", detail="no process has outlived its attempt")


def _files(context: Context, *, fix: bool) -> Finding:
    name = "leftovers"
    paths = list(
        lasting(lambda: dict.fromkeys(litter(context.store, context.run_dir) + half_copies(context.location), True))
    )
    if not paths:
        return Finding(name=name, detail="no stale files of workers, attempts or backups")
    detail = f"{len(paths)} {plural(len(paths), 'file')} of workers, attempts or backups that are gone: "
    if fix:
        remaining = [path for path in paths if not remove(path, context.run_dir)]
        if not remaining:
            return Finding(name=name, detail=detail + _few(paths), fixed="removed")
        return Finding(name=name, detail=detail + _few(remaining), cure=f"rm {remaining[0]}: it could not be removed")
    return Finding(name=name, detail=detail + _few(paths), cure="queuectl doctor --fix removes them")


def _few(texts: Sequence[str]) -> str:
    return first_of(texts, _NAMED, ";")
