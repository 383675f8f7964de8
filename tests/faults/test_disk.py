"""The disk fills up under a pool and is freed again: workers wait, log it once, and nothing is lost or run twice."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from queuectl.runtime import locks
from queuectl.runtime.doorbell import bells_for, ring
from queuectl.selftest.ledger import read, witnessed
from tests.support.disk import fill, small_disk
from tests.support.queue import Queue
from tests.support.soundness import assert_sound
from tests.support.stress import all_final, began, enqueue_many
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.runtime.run_dir import RunDir


@pytest.fixture
def cramped(tmp_path: Path) -> Iterator[Queue]:
    """A queue on a file system of a few megabytes. The ledger and the pool's log are on another one."""
    with small_disk(tmp_path / "small", "24m") as disk:
        queue = Queue(tmp_path, store=disk / "queue.db")
        yield queue
        free(queue)
        queue.close()


def fill_disk_of(queue: Queue) -> None:
    fill(Path(queue.path).parent)


def free(queue: Queue) -> None:
    Path(queue.path).with_name("ballast").unlink(missing_ok=True)


def until(file: Path) -> str:
    return f"while [ ! -e {file} ]; do sleep 0.02; done"


def test_a_full_disk_stops_a_worker_only_until_it_is_freed(cramped: Queue, ledger: Path, tmp_path: Path):
    pool = cramped.start()
    cramped.enqueue(witnessed(str(ledger), f"{until(tmp_path / 'go')}; echo result"), "--id", "job")
    wait_until(began(ledger, "job"))

    fill_disk_of(cramped)
    (tmp_path / "go").touch()
    wait_until(lambda: "waiting for the store" in pool.log)
    free(cramped)

    assert cramped.wait_for("job") == "completed"
    assert cramped.json("show", "job")["stdout"] == "result\n"
    assert cramped.outcomes("job") == ["success"], "it ran once"
    wait_until(lambda: "the store is back" in pool.log)
    assert_sound(cramped, ledger, ["job"])


def test_a_disk_that_fills_up_and_is_freed_again_and_again(cramped: Queue, ledger: Path):
    acknowledged = enqueue_many(cramped, ledger, 90, "sleep 0.05; head -c 10000 /dev/zero")
    pool = cramped.start(workers=3)

    def have_logged(times: int) -> bool:
        return pool.log.count("waiting for the store") >= times

    for times in range(1, 4):
        wait_until(lambda: any(seen.info.job for seen in cramped.workers()))
        fill_disk_of(cramped)
        wait_until(partial(have_logged, times))
        free(cramped)

    all_final(cramped)
    assert_sound(cramped, ledger, acknowledged)
    assert max(entry.attempt for entry in read(str(ledger))) == 1, "no job ran twice"


def test_a_result_that_cannot_be_stored_before_its_worker_is_killed_means_another_run(
    cramped: Queue, ledger: Path, tmp_path: Path
):
    """At least once: the only process that knew the result is dead."""
    pool = cramped.start()
    cramped.enqueue(witnessed(str(ledger), until(tmp_path / "go")), "--id", "job")
    wait_until(began(ledger, "job"))
    worker = cramped.busy_worker()

    fill_disk_of(cramped)
    (tmp_path / "go").touch()
    wait_until(lambda: "waiting for the store" in pool.log)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: f"(pid {worker}) died" in pool.log)
    free(cramped)

    assert cramped.wait_for("job") == "completed"
    assert cramped.outcomes("job") == ["lost", "success"]
    assert [(entry.word, entry.attempt) for entry in read(str(ledger))] == [
        ("start", 1),
        ("end", 1),
        ("start", 2),
        ("end", 2),
    ]
    assert_sound(cramped, ledger, ["job"])


def test_a_worker_that_cannot_start_on_a_full_disk_is_started_once_space_is_freed(cramped: Queue, ledger: Path):
    pool = cramped.start()
    (worker,) = cramped.workers()

    fill_disk_of(cramped)
    os.kill(worker.info.pid, signal.SIGKILL)
    seen: set[str] = set()
    children = Path(f"/proc/{pool.process.pid}/task/{pool.process.pid}/children")

    def have_been_tried(number: int) -> bool:
        seen.update(children.read_text().split())
        return len(seen) >= number

    wait_until(partial(have_been_tried, 4))
    wait_until(lambda: "cannot begin: no space left" in pool.log)
    free(cramped)

    acknowledged = enqueue_many(cramped, ledger, 5)
    all_final(cramped)
    assert pool.log.count("cannot begin") == 1, "it says so once"
    assert "exit code" not in pool.log
    assert_sound(cramped, ledger, acknowledged)


def test_a_pool_that_cannot_start_on_a_full_disk_says_so(cramped: Queue):
    cramped.enqueue("true", "--id", "job")
    cramped.context.close()
    fill_disk_of(cramped)

    done = cramped.run("worker", "start", "--drain", code=5)

    assert done.stderr.startswith("error: ")
    free(cramped)
    cramped.drain().wait()
    assert cramped.state("job") == "completed"


def test_an_idle_worker_on_a_full_disk_says_so_once_however_often_it_wakes(
    cramped: Queue, ledger: Path, tmp_path: Path
):
    pool = cramped.start()
    (worker,) = cramped.workers()
    cramped.enqueue(witnessed(str(ledger), until(tmp_path / "go")), "--id", "job")
    wait_until(began(ledger, "job"))
    fill_disk_of(cramped)
    (tmp_path / "go").touch()
    wait_until(lambda: "waiting for the store" in pool.log)

    # Page by page, until there is space for the result and not for the statistics that follow.
    ballast = Path(cramped.path).with_name("ballast")
    run_dir = cramped.context.run_dir

    def is_recorded() -> bool:
        os.truncate(ballast, ballast.stat().st_size - 4096)
        wake(worker.info.id, run_dir)
        return "job job completed" in pool.log

    wait_until(is_recorded)
    before = pool.log.count("the store")
    for _ in range(20):
        wake(worker.info.id, run_dir)
    assert pool.log.count("the store") <= before + 1


def wake(worker: str, run_dir: RunDir) -> None:
    """Wake an idle worker, and wait until it has polled again."""
    path = os.path.join(run_dir.workers, worker)
    beat = locks.read_beat(path) or 0
    ring(run_dir, *bells_for(()))
    wait_until(lambda: (locks.read_beat(path) or 0) > beat)


def test_a_second_term_ends_a_pool_on_a_disk_that_stays_full(cramped: Queue, ledger: Path, tmp_path: Path):
    pool = cramped.start(workers=2)
    for id_ in ("one", "two"):
        cramped.enqueue(witnessed(str(ledger), f"echo output; {until(tmp_path / 'go')}"), "--id", id_)
        wait_until(began(ledger, id_))
    fill_disk_of(cramped)
    (tmp_path / "go").touch()
    wait_until(lambda: pool.log.count("waiting for the store") >= 2)

    pool.send(signal.SIGTERM)
    wait_until(lambda: "stopping: waiting for 2 workers" in pool.log)
    pool.send(signal.SIGTERM)

    assert pool.wait(120) in {0, 5}
    for id_ in ("one", "two"):
        assert f"this attempt of job {id_} could not be recorded (success): no space left" in pool.log
    assert "the end of the pool could not be recorded: no space left" in pool.log
    free(cramped)
    cramped.start()
    for id_ in ("one", "two"):
        assert cramped.wait_for(id_) == "completed"
        assert cramped.outcomes(id_) == ["lost", "success"]
    assert_sound(cramped, ledger, ["one", "two"])
