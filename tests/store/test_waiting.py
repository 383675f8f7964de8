"""What waiting jobs wait for, on every store."""

from __future__ import annotations

from queuectl.domain.job import NewJob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.store.conftest import OpenStore

NOW = 1_800_000_000_000


def test_jobs_that_are_not_due_are_counted_up_to_a_number(open_store: OpenStore):
    store = open_store()
    store.jobs.enqueue(
        [
            NewJob(command="due", queue="mail"),
            NewJob(command="later", run_at=NOW + 5000),
            NewJob(command="later", priority=3, run_at=NOW + 5000),
            NewJob(command="due", needs=("gpu",), run_at=NOW - 10),
            NewJob(command="later", needs=("gpu",), queue="media", run_at=NOW + 1),
        ],
        max_retries=3,
        now=NOW,
    )

    all_, some = store.waiting.not_due(NOW), store.waiting.not_due(NOW, cap=2)

    assert (all_.pending, all_.failed, all_.more) == (3, 0, False)
    assert (some.pending, some.more) == (2, True)
    assert store.waiting.not_due(NOW + 5000).pending == 0
    assert store.waiting.oldest_due(["default", "mail", "media", "none"]) == {
        "default": NOW - 10,
        "mail": NOW,
        "media": NOW + 1,
    }
    store.close()
