"""A signal in the middle of work in several transactions: committed transactions stay, and are counted."""

from __future__ import annotations

import os
import signal

import pytest

from queuectl import bootstrap
from queuectl.domain.attempt import Outcome
from queuectl.domain.errors import QueuectlError
from queuectl.operations import find
from queuectl.store import pace
from queuectl.store.events import Events
from tests.support.store_driver import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

JOBS, STEP = 7, 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("name", "params", "done"),
    [
        ("prune", {"state": ("dead",), "older_than": 0}, "deleted"),
        ("dlq purge", {}, "deleted"),
        ("dlq purge", {"error": ()}, "deleted"),
        ("dlq retry", {"all": True}, "retried"),
        ("dlq retry", {"error": ()}, "retried"),
    ],
)
def test_an_interrupt_between_two_steps_reports_the_number_of_changed_jobs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    params: dict[str, object],
    done: str,
    number: signal.Signals,
):
    monkeypatch.setattr(pace, "MOST", STEP)
    context = bootstrap.context(str(tmp_path / "queue.db"))
    stage = Stage(context.store, now=context.now() - 60_000)
    for id_ in stage.enqueue(*"abcdefg", max_retries=0):
        assert stage.run(Outcome.EXIT) == id_
    if "error" in params:
        params = {"error": (context.store.dlq.errors()[0].signature,)}
    before, note = (signal.getsignal(number), Events.note)

    def note_and_signal(*words: object, **more: object) -> None:
        note(*words, **more)  # type: ignore[arg-type]  # passed on unchanged
        os.kill(os.getpid(), number)
        monkeypatch.setattr(Events, "note", note)

    monkeypatch.setattr(Events, "note", note_and_signal)
    operation = find(name)

    with pytest.raises(QueuectlError) as raised:
        operation.run(context, operation.params(**params))

    assert (raised.value.exit_code, raised.value.message) == (128 + number, f"interrupted; {STEP} jobs were {done}")
    assert sum(n for _, state, n in context.store.counts() if state == "dead") == JOBS - STEP
    assert signal.getsignal(number) is before
    context.close()
