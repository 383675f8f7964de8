"""A change that is too large to undo is reported wherever the undo would be offered."""

from __future__ import annotations

import pytest

from queuectl import bootstrap
from queuectl.operations import find, outlook
from queuectl.store import undo
from tests.support.queue import Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from queuectl.operations.context import Context


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    monkeypatch.setattr(undo, "MAX_JOBS", 1)
    made = bootstrap.context(str(tmp_path / "queue.db"))
    enqueue = find("enqueue")
    for name in ("a", "b", "c"):
        enqueue.run(made, enqueue.params(job="true", id=name))
    cancel = find("cancel")
    list(cancel.run(made, cancel.params(ids=("a", "b", "c"))))
    yield made
    made.close()


def test_a_delete_too_large_to_undo_is_marked_in_its_document(context: Context):
    delete = find("delete")
    few = delete.run(context, delete.params(ids=("a",)))
    assert few.undo is not None
    assert "too_many_to_undo" not in few.document()
    many = delete.run(context, delete.params(ids=("b", "c")))
    assert many.document() == {
        "action": "delete",
        "matched": 2,
        "changed": 2,
        "unchanged": 0,
        "skipped": 0,
        "ids": ["b", "c"],
        "undo": None,
        "too_many_to_undo": True,
    }


def test_a_retry_too_large_to_undo_is_marked_in_its_result(context: Context):
    retry = find("retry")
    few = retry.run(context, retry.params(ids=("a",)))
    assert (few.undo is not None, few.too_much) == (True, False)
    many = retry.run(context, retry.params(ids=("b", "c")))
    assert (many.undo, many.too_much) == (None, True)


def test_a_change_too_large_to_undo_is_reported_on_stderr(queue: Queue):
    names = [f"j{number}" for number in range(undo.MAX_JOBS + 1)]
    queue.run("enqueue", "--file", "-", given="".join(f'{{"id": "{name}", "command": "true"}}\n' for name in names))
    assert queue.run("hold", *names[:-1]).stderr == ""
    done = queue.run("release", *names[:-1])
    assert done.stderr == ""
    done = queue.run("hold", *names)
    assert done.stderr == "this cannot be undone: too many jobs, or too much data, for an undo to keep\n"
    assert len(done.stdout.splitlines()) == len(names)


@pytest.mark.parametrize(("most", "sentence"), [(1, outlook.TOO_MUCH), (1_000_000, outlook.CAN)])
def test_the_question_before_a_delete_of_a_selection_knows_how_many_bytes_an_undo_keeps(
    tmp_path: Path, most: int, sentence: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(undo, "MAX_BYTES", most)
    context = bootstrap.context(str(tmp_path / "queue.db"))
    enqueue, cancel, delete = find("enqueue"), find("cancel"), find("delete")
    for name in ("a", "b"):
        enqueue.run(context, enqueue.params(job="true", id=name))
    cancel.run(context, cancel.params(ids=("a",)))

    assert outlook.outlook(context, "delete", delete.params(all=True)) == sentence
    assert (delete.run(context, delete.params(all=True)).undo is None) == (sentence is outlook.TOO_MUCH)
    context.close()
