"""Check the structure of the store, its write-ahead log, settings, times and invariants."""

from __future__ import annotations

import os

from queuectl.config import SETTINGS
from queuectl.domain.errors import StoreBusy, UsageError
from queuectl.domain.finding import Finding
from queuectl.domain.local_time import format_local
from queuectl.domain.phrases import first_of, plural
from queuectl.domain.queue_settings import ALL
from queuectl.domain.timing import next_time
from queuectl.domain.units import format_bytes, format_duration
from queuectl.runtime.database_readers import long_readers
from queuectl.runtime.liveness import living_pools
from queuectl.store.due_jobs import WINDOW
from queuectl.store.location import is_url
from queuectl.store.sqlite.health import empty_log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.domain.schedule import Schedule
    from queuectl.operations.context import Context
    from queuectl.store.store import Store

LONG_LOG = 64 * 1024 * 1024
"""Bytes; many times the size between two checkpoints: a reader keeps the log from being emptied."""
_WAIT = 2.0
_SKEW_MS = 2000
_NAMED = 5


def examine(context: Context, *, thorough: bool, fix: bool) -> Iterator[Finding]:
    """Check all but the invariants. Raises StoreError."""
    yield from context.store.findings(thorough=thorough)
    if not is_url(context.location):
        yield _log(context, fix=fix)
    yield from _settings(context)
    yield from _queues(context)
    yield from _schedules(context)
    yield _times(context)


def invariants(store: Store) -> Iterator[Finding]:
    """Check the invariants of the queue."""
    for checked in store.invariants():
        few = first_of(checked.broken, _NAMED)
        yield Finding(
            name=checked.name,
            detail=checked.sentence + (f": broken by {len(checked.broken)} ({few})" if checked.broken else ""),
            cure="this should never happen: keep a backup of the store and report it" if checked.broken else None,
        )


def _log(context: Context, *, fix: bool) -> Finding:
    size = _size(context)
    detail = f"the write-ahead log has {format_bytes(size)}"
    if size < LONG_LOG:
        return Finding(name="log", detail=detail)
    if fix and _emptied(context):
        return Finding(name="log", detail=f"the write-ahead log had {format_bytes(size)}", fixed="emptied it")
    readers = long_readers(context.location)
    if not readers:
        return Finding(name="log", detail=f"{detail}, and no process is seen to read it", cure="queuectl doctor --fix")
    named = ", ".join(f"{name} (pid {pid})" for pid, name in list(readers.items())[:_NAMED])
    return Finding(
        name="log",
        detail=f"{detail}, held by a process that reads an old state of the store: {named}",
        cure="end that process, or let it end; then: queuectl doctor --fix",
    )


def _emptied(context: Context) -> bool:
    try:
        return empty_log(context.store.database, _WAIT)
    except StoreBusy:
        return False


def _size(context: Context) -> int:
    try:
        return os.stat(context.location + "-wal").st_size
    except OSError:
        return 0


def _settings(context: Context) -> Iterator[Finding]:
    stored = context.store.config()
    valid = []
    for key, text in sorted(stored.items()):
        setting = SETTINGS.get(key)
        if setting is None:
            # Not removed, as it is harmless: a newer version may have written it.
            yield Finding(name="settings", detail=f"{key} is unknown to this version, and ignored")
            continue
        try:
            setting.parse(text)
        except UsageError as error:
            yield Finding(
                name="settings",
                detail=f"{error.message}, so its default applies",
                cure=f"queuectl config set {key} VALUE, or config unset {key}",
            )
        else:
            valid.append(key)
    yield Finding(
        name="settings", detail=f"set and valid: {', '.join(valid)}" if valid else "every setting is a default"
    )


def _queues(context: Context) -> Iterator[Finding]:
    """Name paused queues: not a problem, but what an operator may have forgotten."""
    settings, now = context.store.queues.all(), context.now()
    for name, of in settings.items():
        if of.pause is not None:
            what = "all queues are" if name == ALL else f"queue {name} is"
            age = format_duration(max(0, now - of.pause.at))
            yield Finding(name="queues", detail=f"{what} paused by {of.pause.by} for {age}")
    if settings and len({queue for queue, _, _ in context.store.counts()}) > WINDOW:
        yield Finding(
            name="queues",
            detail=f"there are more than {WINDOW} queues, and some are paused, limited or weighted: a claim chooses "
            f"among {WINDOW} of them in turn, so that the most urgent job of all may wait for a round",
        )


def _schedules(context: Context) -> Iterator[Finding]:
    """Name schedules that cannot fire, and that none does without a pool."""
    active = [each for each in context.store.schedules.all() if each.pause is None]
    if not active:
        return
    now, count = context.now(), f"{len(active):,} {plural(len(active), 'schedule')}"
    broken = False
    for each in active:
        cure = _cure_of(each, now)
        if cure is not None:
            broken = True
            yield Finding(name="schedules", detail=f"schedule {each.name} {cure[0]}", cure=cure[1])
    if not living_pools(context.store, context.run_dir):
        yield Finding(
            name="schedules",
            # No problem by itself: a pool may be started now and then, to drain.
            detail=f"there {'is' if len(active) == 1 else 'are'} {count}, and no workers are running: none fires",
        )
    elif not broken:
        yield Finding(name="schedules", detail=f"{count}, fired by the running workers")


def _cure_of(schedule: Schedule, now: int) -> tuple[str, str] | None:
    """Return what keeps a schedule from firing, and what to do; None if nothing does."""
    again = f"queuectl schedule pause {schedule.name}, then queuectl schedule resume {schedule.name}"
    try:
        following = next_time(schedule.timing, now)
    except UsageError as error:
        return f"cannot fire: {error.message}", error.hint or f"queuectl schedule edit {schedule.name} --tz ZONE"
    if schedule.next_at is not None and following is not None and schedule.next_at > following:
        return "fires later than it should, because the clock was set back", again
    return None


def _times(context: Context) -> Finding:
    newest, now = context.store.stats.newest_time(), context.now()
    if newest is None or newest <= now + _SKEW_MS:
        return Finding(name="clock", detail="no time in the store is in the future")
    return Finding(
        name="clock",
        detail=f"the store was written to at {format_local(newest)}, {format_duration(newest - now)} from now: the"
        " clock was set back, and jobs that were due wait until it reaches their time again",
        cure="set the clock right (timedatectl, chronyc), or wait",
    )
