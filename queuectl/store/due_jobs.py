"""Search for due jobs that one worker may claim: of its queues, for its labels, and behind no closed gate."""

from __future__ import annotations

import json

from queuectl.domain.worker import job_of_queues
from queuectl.store.gates import Gates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from queuectl.store.database import Database

    _Add = Callable[[Sequence[tuple[Any, ...]], str], None]
    """Adds due jobs of a queue, as the statements return them."""

WINDOW = 256
"""Queues among which one search chooses, while gates are in use. If more have due jobs, the next one goes on there."""


class DueJobs:
    """The due jobs for a worker of `queues`, empty for all, with `labels`.

    Jobs that need no label have indexes of their own, so that a worker without labels pays nothing for the others.
    With labels, a search also queries jobs with needs: once for each pair of needs and queue that is in use.
    """

    def __init__(self, database: Database, queues: Sequence[str], labels: Sequence[str]) -> None:
        """Search in `database`."""
        self._database = database
        self._only = job_of_queues(queues)
        """The number of the only job to be claimed, whatever it needs; None for jobs of queues."""
        self._queues = tuple(queues)
        self._labels = frozenset(labels)
        self.are_any = not self._queues and not self._labels
        """Whether these are the jobs of all queues that need no label."""
        self.awaits_end = False
        """Whether the end of a job may open a queue that was full when `next_due` looked: that rings no bell."""
        self._is_crowded_out = False
        """Whether the most urgent job of all was in a closed queue, so that the open ones are searched at once."""
        self._behind = ""
        """The queue behind which the next search begins; empty: with the first one."""

    def is_any_due(self, now: int, gates: Gates) -> bool:
        """Return whether `first` would find a job."""
        behind = self._behind
        found = self.first(now, gates)
        self._behind = behind
        return found is not None

    def first(self, now: int, gates: Gates) -> int | None:
        """Return the number of the most urgent due job, or None. A server keeps it locked for the transaction."""
        if gates.all_paused:
            return None
        while found := self._most_urgent(now, gates):
            _, _, _, seq, queue = found
            if not queue or gates.confirm(queue):
                return int(seq)
        return None

    def next_due(self) -> int | None:
        """Return when the next job becomes due, in milliseconds since the epoch; in the past if one is due already."""
        gates = Gates(self._database)
        self.awaits_end = gates.are_full
        if gates.all_paused:
            return None
        if self._only is not None:
            dues = [
                due
                for due, queue in self._database.rows("next_due_of_job", seq=self._only)
                if not gates or gates.is_open(queue)
            ]
        elif not self._queues and not gates:
            dues = [self._database.rows("next_due")[0][0]]
        else:
            queues = (queue for window in self._windows("") for queue in gates.open_among(window))
            dues = [self._database.rows("next_due_in_queue", queue=queue)[0][0] for queue in queues]
        dues += [due for _, _, due in self._heads(gates)]
        return min((int(due) for due in dues if due is not None), default=None)

    def left_to_run(self) -> int:
        """Return how many jobs are not final yet, without those that a drain does not wait for.

        These are jobs that need a label which this worker lacks, and waiting jobs of paused queues.
        """
        if self._only is not None:
            return int(self._database.rows("left_to_run_of_job", seq=self._only)[0][0])
        # A job whose needs are edited after this query is counted: a drain then checks again.
        needs = [needs for (needs,) in self._database.rows("needs_left") if not self._serves(needs)]
        unserved = json.dumps(needs)
        gates = Gates(self._database)

        def count(name: str, **of: str) -> int:
            return int(self._database.rows(name, unserved=unserved, **of)[0][0])

        if self._queues:
            return sum(
                count("running_in_queue" if gates.is_paused(queue) else "left_to_run_in_queue", queue=queue)
                for queue in self._queues
            )
        if gates.all_paused:
            return count("running_anywhere")
        waiting = (
            count("left_to_run_in_queue", queue=queue) - count("running_in_queue", queue=queue)
            for queue in gates.paused
        )
        return count("left_to_run") - sum(waiting)

    def are_simple(self, now: int, gates: Gates) -> bool:
        """Return whether the next claims may take any due job that needs no label."""
        return not self._queues and not gates and not self._needing(now, gates)

    def _needing(self, now: int, gates: Gates) -> list[tuple[str, str]]:
        """Return needs and queue of due jobs with needs that may be claimed, each pair once."""
        return list(dict.fromkeys((needs, queue) for needs, queue, due in self._heads(gates) if due <= now))

    def _most_urgent(self, now: int, gates: Gates) -> tuple[Any, ...] | None:
        """Return the place of the most urgent due job in the order of claims: its last values are number and queue."""
        rows = self._database.rows
        # Priority, running jobs for each unit of weight, due time, number: the order within one queue and of several.
        found: list[tuple[Any, ...]] = []

        def add(due: Sequence[tuple[Any, ...]], queue: str) -> None:
            share = gates.share(queue) if gates.are_weighted else 0.0
            found.extend((-priority, share, run_at, seq, queue) for seq, priority, run_at, *_ in due)

        if self._only is not None:
            for seq, priority, run_at, queue in rows("due_job_alone", seq=self._only, now=now):
                if not gates or gates.is_open(queue):
                    add([(seq, priority, run_at)], queue)
            return min(found, default=None)
        if self._queues or gates.are_weighted or self._is_crowded_out or not self._add_simply(now, gates, add):
            self._search(now, gates, add, found)
            # As long as a search finds a job, the most urgent one of all probably may not run still.
            self._is_crowded_out = bool(found)
        for needs, queue in self._needing(now, gates):
            add(rows("due_job_needing", needs=needs, queue=queue, now=now), queue)
        return min(found, default=None)

    def _add_simply(self, now: int, gates: Gates, add: _Add) -> bool:
        """Add the most urgent due job of all queues; False if its queue is closed: then open ones must be searched."""
        due = self._database.rows("due_job", now=now)
        if due and gates and not gates.is_open(due[0][3]):
            return False
        for row in due:
            add([row], row[3])
        return True

    def _search(self, now: int, gates: Gates, add: _Add, found: list[tuple[Any, ...]]) -> None:
        """Add the most urgent due job of each open queue, up to the first window that has some."""
        for window in self._windows(self._behind):
            for queue in gates.open_among(window):
                add(self._database.rows("due_job_in_queue", queue=queue, now=now), queue)
            if found:
                self._behind = "" if len(window) < WINDOW else window[-1]
                return
        self._behind = ""

    def _windows(self, behind: str) -> Iterator[Sequence[str]]:
        """Yield the queues to look at: those of the worker, or those with waiting jobs, once round from `behind`."""
        if self._queues:
            yield self._queues
            return
        yield from self._ready_queues(behind, None)
        if behind:
            yield from self._ready_queues("", behind)

    def _ready_queues(self, behind: str, last: str | None) -> Iterator[list[str]]:
        while window := [queue for (queue,) in self._database.rows("ready_queues", after=behind, limit=WINDOW)]:
            yield window if last is None else [queue for queue in window if queue <= last]
            behind = window[-1]
            if len(window) < WINDOW or (last is not None and behind >= last):
                return

    def _serves(self, needs: str) -> bool:
        return self._labels.issuperset(needs.split(" "))

    def _heads(self, gates: Gates) -> list[tuple[str, str, int]]:
        """Return needs, queue and earliest due time for each combination of needs and queue that may be claimed."""
        if not self._labels or self._only is not None:
            return []
        return [
            (needs, queue, due)
            for needs, queue, _, due in self._database.rows("heads_needing")
            if self._serves(needs)
            and (not self._queues or queue in self._queues)
            and (not gates or gates.is_open(queue))
        ]
