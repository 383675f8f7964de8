"""What runs, or does not any more: workers, their jobs' processes, their files, and what the machine allows them."""

from __future__ import annotations

import os

from queuectl.domain.finding import Finding
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
    """Look at all of it. Raises StoreError."""
    pools = living_pools(context.store, context.run_dir)
    yield from _workers(context, fix=fix)
    yield from _orphans(context, fix=fix)
    yield _files(context, fix=fix)
    yield from allowance(pools)
    # Who acts here is who started the pools that can be seen.
    yield from logins(pools, context.actor.rpartition("@")[0])


class _Told(Log):
    """Keeps what the reaper has to say."""

    def __init__(self) -> None:
        super().__init__("doctor")
        self.lines: list[str] = []

    def event(self, line: str) -> None:
        self.lines.append(line)


def _workers(context: Context, *, fix: bool) -> Iterator[Finding]:
    dead = lasting(lambda: _dead(context))
    if dead and fix:
        told = "; ".join(_reaped(context))
        still = _dead(context)
        done = [text for name, text in dead.items() if name not in still]
        if done:
            yield Finding(name="workers", detail=_few(done), fixed=told)
        if still:
            yield Finding(
                name="workers",
                detail=_few(list(still.values())) + (f"; {told}" if told and not done else ""),
                cure="what keeps their jobs cannot be ended: queuectl doctor --fix again once it is gone, or reboot",
            )
    elif dead:
        yield Finding(
            name="workers",
            detail=_few(list(dead.values())),
            cure="start a pool, which puts their jobs back, or: queuectl doctor --fix",
        )
    for worker, silent in lasting(lambda: _silent(context)).values():
        yield Finding(
            name="workers",
            detail=f"worker {worker.id} (pid {worker.pid}) {_at(worker)} and has shown no sign of life for "
            f"{format_duration(silent)}",
            cure=f"kill -9 {worker.pid}: its pool replaces it and puts the job back, or a new pool does",
        )
    workers = context.store.workers.running_workers()
    here = [worker for worker in workers if worker.host == os.uname().nodename]
    count = sum(lives(worker, context.run_dir) for worker in here)
    away = len(workers) - len(here)
    yield Finding(
        name="workers",
        detail=f"{count} live on this machine" + (f", and {away} are written down for others" if away else ""),
    )


def _reaped(context: Context) -> list[str]:
    """Do what a pool's steward does; what it has to say."""
    # Loaded here: without a dead worker nobody needs chance.
    from random import Random

    told = _Told()
    context.run_dir.make()
    Reaper(context.store, context.run_dir, log=told, clock=context.clock, rng=Random()).reap(  # noqa: S311 - no secret
        context.settings
    )
    return told.lines


def _dead(context: Context) -> dict[str, str]:
    """The workers and pools of this machine that have died, by name, and how to say so."""
    here, run_dir, fleet = os.uname().nodename, context.run_dir, context.store.workers
    found = {
        worker.id: _told_of(worker)
        for worker in fleet.running_workers()
        if worker.host == here and not lives(worker, run_dir)
    }
    for pool in fleet.running_pools():
        if pool.host == here and has_ended(pool, run_dir):
            found[pool.id] = f"pool {pool.id} (pid {pool.pid}) died"
    return found


def _silent(context: Context) -> dict[str, tuple[WorkerInfo, int]]:
    """The living workers of this machine that have shown no sign of life for the lease, and for how many ms."""
    lease_ms, found = context.settings.lease * 1000, {}
    for worker in context.store.workers.running_workers(os.uname().nodename):
        silent = age_ms(os.path.join(context.run_dir.workers, worker.id))
        if silent is not None and silent > lease_ms and lives(worker, context.run_dir):
            found[worker.id] = worker, silent
    return found


def _told_of(dead: WorkerInfo) -> str:
    if works_elsewhere(dead):
        return f"this store is a copy: worker {dead.id} (pid {dead.pid}) works on the original, and {_at(dead)} there"
    return f"worker {dead.id} (pid {dead.pid}) died while it {_at(dead)}"


def _at(worker: WorkerInfo) -> str:
    return "was idle" if worker.job is None else f"ran {worker.job}"


def _orphans(context: Context, *, fix: bool) -> Iterator[Finding]:
    found = lasting(lambda: {left.cookie: left for left in orphans(context.store, context.run_dir)})
    for left in found.values():
        named = ", ".join(map(str, left.pids[:_NAMED])) or "a process that this machine does not name"
        what = f"attempt {left.cookie} is over, and of it still runs: {named}"
        if not fix:
            yield Finding(name="orphans", detail=what, cure="queuectl doctor --fix ends it")
            continue
        alive = end(left)
        if alive:
            cure = f"it cannot be ended, as what waits for a dead disk cannot: reboot, or kill -9 {named} as root"
            yield Finding(name="orphans", detail=what, cure=cure)
        else:
            yield Finding(
                name="orphans", detail=f"attempt {left.cookie} was over, and of it still ran: {named}", fixed="ended"
            )
    if not found:
        yield Finding(name="orphans", detail="no process has outlived its attempt")


def _files(context: Context, *, fix: bool) -> Finding:
    name = "leftovers"
    found = list(
        lasting(lambda: dict.fromkeys(litter(context.store, context.run_dir) + half_copies(context.location), True))
    )
    if not found:
        return Finding(name=name, detail="no file is left of what is gone")
    detail = f"{len(found)} {'files' if len(found) > 1 else 'file'} of workers, attempts or backups that are gone: "
    if fix:
        left = [path for path in found if not remove(path, context.run_dir)]
        if not left:
            return Finding(name=name, detail=detail + _few(found), fixed="removed")
        return Finding(name=name, detail=detail + _few(left), cure=f"rm {left[0]}: it could not be removed")
    return Finding(name=name, detail=detail + _few(found), cure="queuectl doctor --fix removes them")


def _few(texts: Sequence[str]) -> str:
    return "; ".join(texts[:_NAMED]) + ("; …" if len(texts) > _NAMED else "")
