"""A machine that lacks or forbids what jobs need: a pool that could run no job does not start, and claims none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.support.queue import QUEUECTL, Queue
from tests.support.soundness import assert_sound
from tests.support.stress import all_final, enqueue_many
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

NO_PROC = "mount -t tmpfs none /proc"
NO_SHELL = "mount --bind /dev/null $(readlink -f /bin/sh)"


@pytest.fixture(autouse=True)
def namespaces() -> None:
    made = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/proc"], capture_output=True)
    if made.returncode:
        pytest.skip("mounting in a namespace needs root: " + made.stderr.decode().strip())


def within(queue: Queue, unshare: str, before: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a namespace of its own, after the shell words `before`."""
    script = f"{before} && exec {QUEUECTL} {' '.join(words)}"
    return subprocess.run(
        ["unshare", *unshare.split(), "bash", "-c", script],
        env=queue.environment, cwd=queue.directory, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    "words",
    [("worker", "start"), ("worker", "start", "--drain"), ("worker", "start", "--detach"), ("demo", "--headless")],
    ids=" ".join,
)
def test_without_proc_no_pool_starts_and_no_job_is_claimed(queue: Queue, words: tuple[str, ...]):
    queue.enqueue("true", "--id", "job")

    done = within(queue, "-m", NO_PROC, *words)

    assert done.returncode == 5, done.stderr
    assert done.stderr.splitlines()[-2:] == [
        "error: /proc is not mounted, and no job can run without it",
        "hint: mount -t proc proc /proc",
    ]
    assert (queue.state("job"), queue.outcomes("job")) == ("pending", [])


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("unshare", "before", "why"),
    [
        ("-p -f", "true", "/proc is that of another pid namespace"),
        ("-m", NO_SHELL, "/bin/sh, which runs every job, cannot be started"),
        ("-m", "mount -t tmpfs none /dev", "/dev/null cannot be opened"),
    ],
    ids=["another pid namespace", "no shell", "no devices"],
)
def test_where_no_job_could_run_no_pool_starts(queue: Queue, unshare: str, before: str, why: str):
    queue.enqueue("true", "--id", "job")

    # Not through bin/queuectl, which is a script of the shell that is missing.
    script = f"{before} && exec {Path(QUEUECTL).parents[1]}/.venv/bin/queuectl worker start --drain"
    done = subprocess.run(
        ["unshare", *unshare.split(), "bash", "-c", script],
        env=queue.environment, cwd=queue.directory, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip

    assert done.returncode == 5, done.stderr
    assert done.stderr.startswith(f"error: {why}")
    assert (queue.state("job"), queue.outcomes("job")) == ("pending", [])


def test_the_doctor_names_a_machine_that_can_run_no_job_and_says_nothing_of_processes(queue: Queue):
    queue.enqueue("true")

    done = within(queue, "-m", NO_PROC, "doctor", "--json")

    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert checks["machine"]["cure"] == "mount -t proc proc /proc"
    assert not {"workers", "orphans"} & set(checks)


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("make", "what"),
    [
        ("ln -s elsewhere", "is a symbolic link"),
        ("mkdir", "is not a regular file"),
        ("mkfifo", "is not a regular file"),
    ],
)
def test_a_log_that_is_no_regular_file_is_refused_and_left_unchanged(queue: Queue, make: str, what: str):
    queue.context.run_dir.make()
    log = os.path.join(queue.context.run_dir.root, "pool.log")
    subprocess.run([*make.split(), log], check=True)
    before = os.lstat(log)

    done = queue.run("worker", "start", "--detach", code=5)

    assert done.stderr.splitlines()[0] == f"error: the pool's log {log} {what}"
    assert os.lstat(log) == before
    assert queue.workers() == []


@pytest.mark.on_sqlite
def test_a_detached_pool_that_the_machine_refuses_says_so_where_it_was_started(queue: Queue):
    script = f"ulimit -Sn 100; ulimit -Hn 200; exec {QUEUECTL} worker start --count 600 --detach"

    done = subprocess.run(["bash", "-c", script], env=queue.environment, capture_output=True, text=True, timeout=120)

    assert done.returncode == 5
    assert done.stderr.splitlines() == [
        "error: the limit of open files is 200, and 600 workers need 1265",
        "hint: ulimit -n 1265, or --count 67",
    ]


@pytest.fixture
def cramped(queue: Queue) -> Iterator[tuple[Queue, Path]]:
    """A pool of two workers that may open 188 files, and its log."""
    log = queue.directory / "cramped.log"
    with log.open("wb") as file:
        pool = subprocess.Popen(
            ["bash", "-c", f"ulimit -n 188; exec {QUEUECTL} worker start --count 2"],
            env=queue.environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    wait_until(lambda: len(queue.workers()) == 2)
    yield queue, log
    queue.run("worker", "stop", "--now")
    assert pool.wait(120) == 0


@pytest.mark.on_sqlite
def test_a_pool_that_is_scaled_beyond_its_open_files_has_as_many_workers_as_the_limit_allows(
    cramped: tuple[Queue, Path], ledger: Path
):
    queue, log = cramped

    queue.run("worker", "scale", "500")
    wait_until(lambda: len(queue.workers()) == 61)
    acknowledged = enqueue_many(queue, ledger, 100, "true")
    all_final(queue)

    assert "scaled from 2 to 500 workers: the limit of open files allows 61 of them" in log.read_text()
    assert "died" not in log.read_text()
    assert "no job can be started" not in log.read_text()
    queue.run("worker", "scale", "1")
    wait_until(lambda: len(queue.workers()) == 1)
    assert_sound(queue, ledger, acknowledged)


def test_processes_that_a_supervisor_had_before_it_was_one_are_not_the_pools(queue: Queue):
    helper = "(sleep 1000 & echo $! >grandchild; exec sleep 1000)"
    script = f"{helper} & echo $! >child; exec {QUEUECTL} worker start 2>pool.log"
    pool = subprocess.Popen(
        ["bash", "-c", script], env=queue.environment, cwd=queue.directory, stdout=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    log = queue.directory / "pool.log"
    (worker,) = wait_until(queue.workers)
    child, grandchild = (int((queue.directory / name).read_text()) for name in ("child", "grandchild"))

    os.kill(worker.info.pid, signal.SIGKILL)
    wait_until(lambda: f"reaped worker {worker.info.id}" in log.read_text())
    assert all(map(lives, (child, grandchild)))
    # Its child is adopted by the supervisor, as the leftovers of jobs are.
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: not lives(child))
    (worker,) = wait_until(partial(others, queue, worker.info.id))
    os.kill(worker.info.pid, signal.SIGKILL)
    wait_until(lambda: f"reaped worker {worker.info.id}" in log.read_text())

    assert lives(grandchild)
    os.kill(grandchild, signal.SIGKILL)
    queue.run("worker", "stop")
    assert pool.wait(120) == 0


def others(queue: Queue, than: str) -> list[Any]:
    return [seen for seen in queue.workers() if seen.info.id != than]


def lives(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
