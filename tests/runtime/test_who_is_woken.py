"""A job wakes workers of its queue, or workers with a label that it needs."""

from __future__ import annotations

import pytest

from queuectl.domain.job import NewJob
from queuectl.runtime.doorbell import Listener, bells_for, bells_of_jobs, ring
from queuectl.runtime.run_dir import RunDir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    made = RunDir(str(tmp_path / "run"))
    made.make()
    return made


@pytest.fixture
def listen(run_dir: RunDir) -> Iterator[Callable[..., Listener]]:
    """Listen as a worker of some queues with some labels does."""
    listeners: list[Listener] = []

    def listen(queues: tuple[str, ...] = (), labels: tuple[str, ...] = ()) -> Listener:
        listeners.append(Listener(run_dir, shared=bells_for(queues, labels), own=f"w-{len(listeners)}"))
        return listeners[-1]

    yield listen
    for listener in listeners:
        listener.close()


def test_a_job_that_needs_a_label_wakes_a_worker_that_has_it_and_no_other(
    run_dir: RunDir, listen: Callable[..., Listener]
):
    plain, of_queue, big = listen(), listen(("default",)), listen((), ("big",))
    gpu, both = listen(("mail",), ("gpu",)), listen((), ("slow", "extra"))

    jobs = [NewJob(command="true", needs=("gpu",)), NewJob(command="true", needs=("extra", "other"))]
    ring(run_dir, *bells_of_jobs(jobs))

    assert [each.wait(0) for each in (plain, of_queue, big)] == [False, False, False]
    assert (gpu.wait(5), both.wait(5)) == (True, True)


def test_a_job_that_needs_nothing_wakes_workers_with_labels_too(run_dir: RunDir, listen: Callable[..., Listener]):
    labelled, other = listen((), ("gpu",)), listen(("mail",), ("gpu",))

    ring(run_dir, *bells_of_jobs([NewJob(command="true")]))

    assert labelled.wait(5)
    assert not other.wait(0)
