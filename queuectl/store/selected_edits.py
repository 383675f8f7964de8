"""An edit of all jobs that a filter selects."""

from __future__ import annotations

import json

from queuectl.domain.job import FINAL, WAITING, JobState
from queuectl.store.edits import EDITABLE, stored
from queuectl.store.selection import Selection, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WAITING_ONLY = frozenset({"max_retries", "run_at"})
"""Fields that have no effect on a job that has ended, unless it runs again."""
_COLUMNS = (
    "command", "queue", "priority", "max_retries", "run_at", "timeout_ms", "cwd", "env", "environment", "shell", "tags",
    "needs",
)  # fmt: skip
"""In the order of `edited_columns_of_these`."""


def edit_verb(changes: dict[str, Any], *, requeue: bool) -> Verb:
    """Return the verb of an edit that makes these changes, and with `requeue` runs the jobs again."""
    only_waiting = not requeue and bool(_WAITING_ONLY.intersection(changes))
    return Verb(
        name="edit",
        participle="edited",
        statement="edit_and_requeue_these" if requeue else "edit_these",
        fits=WAITING if only_waiting else WAITING | FINAL,
        wakes=True,
        keeps_images=True,
        by_row=not requeue,
    )


def words_of(changes: dict[str, Any], *, requeue: bool, now: int) -> dict[str, Any]:
    """Return the parameters of the verb's statement for changes of fields, of those in EDITABLE."""
    given = {name: stored(name, value) for name, value in changes.items()}
    if requeue:
        given.setdefault("run_at", now)
    return dict.fromkeys(EDITABLE) | given | {"given": f" {' '.join(given)} "}


class EditedSelection(Selection):
    """A selection whose jobs are edited: what is done to a job depends on its own values too."""

    def _judge(
        self, fit: list[int], priorities: dict[int, int], words: dict[str, Any]
    ) -> tuple[set[int], frozenset[int]]:
        del priorities  # they are columns like the others here
        same, unfit = set(), set()
        given = {name: words[name] for name in words["given"].split()}
        retries = words["max_retries"]
        for seq, state, attempts, *values in self._database.rows("edited_columns_of_these", seqs=json.dumps(fit)):
            if all(value == given.get(name, value) for name, value in zip(_COLUMNS, values, strict=True)):
                same.add(seq)
            elif retries is not None and JobState(state) in WAITING and retries < attempts:
                unfit.add(seq)
        return same, frozenset(unfit)
