"""Run a verb on the jobs that its params name: on those of IDs all or none, on a selection a thousand at a time."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.phrases import plural
from queuectl.domain.record import field, record
from queuectl.operations.bulk import Bulk
from queuectl.operations.changed import Changed
from queuectl.operations.job_names import refuse_names
from queuectl.operations.selector import JobSelector, check_selector, chosen, expression
from queuectl.runtime.doorbell import bell_of_worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from queuectl.domain.filter import Filter
    from queuectl.operations.context import Context
    from queuectl.store.selection import Selection, Step, Verb
    from queuectl.store.undo import Keeping

ASKS_ABOVE = 10
"""Selected jobs above which a person is asked first."""
NEEDS_YES_ABOVE = 1000
"""Selected jobs above which a script must say --yes."""


@record
class VerbParams(JobSelector):
    """Params of a verb that changes jobs."""

    yes: bool = field("do not ask", default=False, short="y")
    dry_run: bool = field("only print what would be changed", default=False)
    print_ids: bool = field("print the IDs of the jobs, one a line, and nothing else", default=False)


@record
class Named:
    """What was done to jobs that were named by ID."""

    changed: int
    bells: tuple[str, ...] = ()
    """Doorbells of the workers to wake."""


def act(
    context: Context,
    params: Any,
    verb: Verb,
    by_ids: Callable[[list[str], int], Named],
    *,
    select: Callable[[Filter, int | None], Selection] | None = None,
    **words: Any,
) -> Changed:
    """Do `verb` to the jobs of `params`.

    `by_ids` changes named jobs at a time, all or none; `select` returns the jobs of a filter, by default as
    `Store.select`; `words` are parameters of the verb's statement.
    """
    check_selector(params)
    refuse_names(context, verb.name, params.ids)
    now = context.now()
    if params.ids:
        return _act_on_ids(context, params, verb, by_ids, now)
    last, context.newest_seen = context.newest_seen, None
    selection = (select or context.store.select)(chosen(context, params), last)
    if params.dry_run:
        return _dry_run(context, params, verb, selection, words)
    total = sum(n for *_, n in selection.counts())
    detail = f"{total:,} {plural(total, 'job')}: {expression(params)}"
    done = _Done(context, total, [] if params.print_ids else None)
    with context.store.undo.keeping(verb.name, now=now) as undo_entry, Bulk(context, verb.participle) as bulk:
        bulk.commits()
        for step in selection.apply(verb, now=now, detail=detail, **words):
            done.add(step, wakes=verb.wakes)
            bulk.add(len(step.changed))
    return done.result(verb, undo_entry)


def _act_on_ids(
    context: Context, params: Any, verb: Verb, by_ids: Callable[[list[str], int], Named], now: int
) -> Changed:
    ids, database = params.unique, context.store.database
    # A dry run does all of it and takes it back, so that it refuses what the command would refuse.
    database.rehearsing = params.dry_run
    try:
        with context.store.undo.keeping(verb.name, now=now) as undo_entry:
            done = by_ids(ids, now)
    finally:
        database.rehearsing = False
    if params.dry_run:
        undo_entry = context.store.undo.keeping(verb.name, now=now, keeps=False)
    else:
        context.ring(*done.bells)
    return Changed(
        context,
        verb.name,
        verb.participle,
        undo_entry,
        ids=ids,
        matched=len(ids),
        changed=done.changed,
        unchanged=len(ids) - done.changed,
        dry_run=params.dry_run,
    )


def _asked(context: Context, params: Any) -> Selection:
    """Return the selection that a question is about; the action that follows leaves out jobs enqueued after it."""
    found = context.store.select(chosen(context, params))
    context.newest_seen = found.last
    return found


class _Done:
    """Counts of what was done to a selection so far."""

    def __init__(self, context: Context, total: int, ids: list[str] | None) -> None:
        """Count towards `total` jobs; collect the IDs of changed ones in `ids` unless it is None."""
        self._context, self._total, self._ids = context, total, ids
        self._matched = self._changed = self._unchanged = 0
        self._queues: dict[str, int] = {}

    def add(self, step: Step, *, wakes: bool) -> None:
        """Count a step that is committed, wake the workers that it concerns, and report progress."""
        self._matched, self._unchanged = self._matched + step.matched, self._unchanged + step.unchanged
        self._changed += len(step.changed)
        for id_, queue in step.changed:
            self._queues[queue] = self._queues.get(queue, 0) + 1
            if self._ids is not None:
                self._ids.append(id_)
        if wakes:
            self._context.ring_for_queues({queue for _, queue in step.changed})
        if step.owners:
            self._context.ring(*map(bell_of_worker, step.owners))
        self._context.progress(self._matched, max(self._total, self._matched), "jobs")

    def result(self, verb: Verb, undo_entry: Keeping) -> Changed:
        """Return the result of `verb`."""
        return Changed(
            self._context,
            verb.name,
            verb.participle,
            undo_entry,
            ids=self._ids,
            matched=self._matched,
            changed=self._changed,
            unchanged=self._unchanged,
            queues=self._queues,
            named=False,
        )


def _dry_run(context: Context, params: Any, verb: Verb, selection: Selection, words: dict[str, Any]) -> Changed:
    queues: dict[str, int] = {}
    ids: list[str] | None = [] if params.print_ids else None
    matched = unchanged = 0
    if verb.by_row or params.print_ids:
        for step in selection.rehearse(verb, **words):
            matched, unchanged = matched + step.matched, unchanged + step.unchanged
            for id_, queue in step.changed:
                queues[queue] = queues.get(queue, 0) + 1
                if ids is not None:
                    ids.append(id_)
    else:
        for queue, state, n in selection.counts():
            matched += n
            if state in verb.fits | verb.ends:
                queues[queue] = queues.get(queue, 0) + n
            elif state in verb.done:
                unchanged += n
    return Changed(
        context,
        verb.name,
        verb.participle,
        context.store.undo.keeping(verb.name, now=0, keeps=False),
        ids=ids,
        matched=matched,
        changed=sum(queues.values()),
        unchanged=unchanged,
        queues=queues,
        named=False,
        dry_run=True,
    )


def ask_before(verb: Verb, what: str) -> Callable[[Context, Any], str | None]:
    """Return the question of a verb: None for few jobs. `what` is the verb for people: `Cancel`."""

    def question(context: Context, params: Any) -> str | None:
        check_selector(params)
        if params.ids or params.dry_run:
            return None
        selection = _asked(context, params)
        counts = selection.counts()
        fit = [(queue, state, n) for queue, state, n in counts if state in verb.fits | verb.ends]
        count = sum(n for *_, n in fit)
        if count <= ASKS_ABOVE:
            return None
        from queuectl.operations.outlook import outlook_of_selection

        return f"{what} {count:,} jobs ({_listed(fit)})? {outlook_of_selection(context, verb, selection, fit)}"

    return question


def needs_yes(verb: Verb) -> Callable[[Context, Any], None]:
    """Return the check that a script has given --yes where a selection is large."""

    def check(context: Context, params: Any) -> None:
        if params.ids or params.dry_run:
            return
        check_selector(params)
        counts = _asked(context, params).counts()
        count = sum(n for _, state, n in counts if state in verb.fits | verb.ends)
        if count > NEEDS_YES_ABOVE:
            raise UsageError(
                f"{verb.name} of {count:,} jobs must be confirmed",
                hint="--yes confirms it; --dry-run only prints what would be changed",
            )

    return check


def _listed(counts: list[Any]) -> str:
    """Return counts by state, and by queue where there are several."""
    states: dict[str, int] = {}
    queues: dict[str, int] = {}
    for queue, state, n in counts:
        states[state] = states.get(state, 0) + n
        queues[queue] = queues.get(queue, 0) + n
    text = ", ".join(f"{n:,} {state}" for state, n in states.items())
    if len(queues) > 1:
        text += f"; in {len(queues)} queues"
    return text
