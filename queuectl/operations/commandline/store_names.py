"""Names in a store, for completion. A shell gets them within two seconds, or none."""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread

from queuectl.domain.text import one_line, safe
from queuectl.operations.commandline.complete import Choice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from queuectl.operations.context import Context
    from queuectl.store.store import Store

_TIMEOUT = 2.0
"""Seconds to wait for a store: a server may never answer."""
_MOST = 200
_WIDTH, _SHELL_WIDTH = 200, 60
"""Characters of a description: at most, and in a shell."""


def names(context: Context, db: str | None, kind: str) -> list[Choice]:
    """Return names of this kind in the store `db`, or that of the context; none where it cannot be read in time.

    The store is neither created nor migrated. Names with control characters are left out.
    """
    choices: list[Choice] = []
    done = allocate_lock()
    done.acquire()

    def read() -> None:
        try:
            of_store = context if db is None else context.elsewhere(db)
            store = of_store.open_store(actor=of_store.actor, as_is=True)
            try:
                choices.extend(_first(names_of(store, kind)))
            finally:
                store.close()
        except Exception:  # noqa: BLE001, S110 - completion must not print errors into the line that is being typed
            pass
        finally:
            done.release()

    # A connection to a server that drops packets, or a name lookup that never ends, cannot be interrupted: its thread
    # is abandoned, and ends with the process.
    start_new_thread(read, ())
    return list(choices) if done.acquire(timeout=_TIMEOUT) else []


def _first(choices: Iterable[Choice]) -> list[Choice]:
    distinct: dict[str, Choice] = {}
    for each in choices:
        if each.text and safe(each.text) == each.text:
            distinct.setdefault(each.text, Choice(text=each.text, about=one_line(each.about, _SHELL_WIDTH)))
        if len(distinct) == _MOST:
            break
    return list(distinct.values())


def names_of(store: Store, kind: str) -> list[Choice]:
    """Return the names of this kind in `store`: the newest jobs first, the most frequent errors first, others by name.

    A kind is one that a `field` completes to. Names may contain control characters.
    """
    if kind == "jobs to read":
        return [*_job_names(store), *_jobs(store, dead=False)]
    if kind in {"jobs", "dead"}:
        return _jobs(store, dead=kind == "dead")
    if kind == "errors":
        return [
            Choice(text=each.signature, about=one_line(f"{each.n:,} dead: {each.text or ''}", _WIDTH))
            for each in reversed(store.dlq.errors())
        ]
    if kind == "schedules":
        return [Choice(text=each.name, about=each.timing.cron or "") for each in store.schedules.all()]
    if kind == "views":
        return [Choice(text=each.name, about=one_line(each.filter, _WIDTH)) for each in store.views.list()]
    return [Choice(text=text) for text in sorted(_texts(store, kind))]


def _jobs(store: Store, *, dead: bool) -> list[Choice]:
    from queuectl.domain.job import JobState

    states = (JobState.DEAD,) if dead else ()
    newest = [each.job for each in store.jobs.listing(limit=_MOST, states=states)][::-1]
    return [Choice(text=job.id, about=one_line(f"{job.state.value}  {job.command}", _WIDTH)) for job in newest]


def _job_names(store: Store) -> Iterator[Choice]:
    """Yield the names such as @last, each with the job that it stands for."""
    from queuectl.store.enqueuers import NAMES

    for name in NAMES:
        id_ = store.enqueuers.named(name)
        if id_ is not None:
            command = store.jobs.get(id_).job.command
            yield Choice(text=name, about=one_line(f"job {id_}: {command}", _WIDTH))


def _texts(store: Store, kind: str) -> set[str]:
    if kind == "queues":
        return {queue for queue, _, _ in store.counts()} | {name for name in store.queues.all() if name}
    if kind in {"hosts", "pools"}:
        return {each.host if kind == "hosts" else each.id for each in store.workers.running_pools()}
    if kind == "filters":
        from queuectl.domain.job import JobState

        return {f"state:{state.value}" for state in JobState} | {f"queue:{each}" for each in _texts(store, "queues")}
    newest = [each.job for each in store.jobs.listing(limit=_MOST)]
    if kind == "tags":
        return {tag for job in newest for tag in job.tags}
    of_pools = {label for pool in store.workers.running_pools() for label in pool.labels}
    return of_pools | {label for job in newest for label in job.needs}
