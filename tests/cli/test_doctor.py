"""Each problem is provoked for real: the doctor reports it with its cure, and fixes it where that is safe."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from queuectl import bootstrap
from queuectl.domain.clock import Clock
from queuectl.runtime import system
from queuectl.runtime.locks import LOCK_FD
from tests.support.attempts import lives
from tests.support.command import MODULE
from tests.support.disk import small_disk
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.on_sqlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports which process holds a file")
HOUR = 3600


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    """A list of processes that are killed at the end of the test."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def checks(queue: Queue, name: str, *words: str) -> list[Any]:
    return [check for check in queue.json("doctor", *words, code=None)["checks"] if check["name"] == name]


def trouble(queue: Queue, name: str, *words: str) -> str:
    """Return the problems of the check `name` with their cures, in one text."""
    return " ".join(f"{check['detail']}: {check['cure']}" for check in checks(queue, name, *words) if not check["ok"])


def fixed(queue: Queue, name: str) -> list[str]:
    return [check["fixed"] for check in checks(queue, name, "--fix") if check["fixed"]]


def age(*files: Path) -> None:
    """Make files look an hour old."""
    for file in files:
        before = file.stat().st_mtime - HOUR
        os.utime(file, (before, before))


def files_of(queue: Queue) -> list[Path]:
    return sorted(file for file in Path(queue.context.run_dir.root).rglob("*") if not file.is_dir())


def test_a_healthy_store_needs_no_cure_and_no_fix(queue: Queue):
    queue.start()
    queue.wait_for(queue.enqueue("true"))

    document = queue.json("doctor", "--check", "--fix")

    assert document["ok"]
    assert {check["fixed"] for check in document["checks"]} == {None}
    names = {check["name"] for check in document["checks"]}
    assert {"versions", "sqlite", "schema", "log", "settings", "clock", "workers", "orphans"} <= names
    assert {"leftovers", "limits", "logout", "filesystem", "space", "permissions", "integrity"} <= names


def test_modes_that_give_others_access_are_fixed(queue: Queue):
    queue.enqueue("true")
    queue.context.run_dir.make()
    os.chmod(queue.path, 0o666)
    os.chmod(queue.context.run_dir.workers, 0o750)

    assert f"chmod 600 {queue.path}" in trouble(queue, "permissions")

    assert f"chmod 700 {queue.context.run_dir.workers}" in fixed(queue, "permissions")
    assert stat.S_IMODE(os.stat(queue.path).st_mode) == 0o600
    assert fixed(queue, "permissions") == []
    queue.run("doctor")


def test_a_symbolic_link_in_place_of_its_directory_is_left_alone(queue: Queue):
    queue.enqueue("true")
    precious = queue.directory / "precious"
    precious.write_text("x")
    os.chmod(precious, 0o644)
    os.symlink(precious, queue.path + ".run")

    assert "is a symbolic link" in trouble(queue, "permissions", "--fix")

    assert stat.S_IMODE(precious.stat().st_mode) == 0o644
    os.unlink(queue.path + ".run")


def test_the_job_of_a_dead_worker_is_put_back(queue: Queue):
    pool = queue.start()
    id_ = queue.enqueue("sleep 1000")
    queue.wait_for(id_, "processing")
    (worker,) = queue.workers()
    pool.kill()

    problem = trouble(queue, "workers")
    assert f"worker {worker.info.id} (pid {worker.info.pid}) died while it ran {id_}" in problem
    assert "queuectl doctor --fix" in problem
    assert queue.state(id_) == "processing"

    (done,) = fixed(queue, "workers")

    assert f"put back job {id_}" in done
    assert queue.state(id_) == "pending"
    assert queue.outcomes(id_) == ["lost"]
    assert not system.carrying(f"{worker.info.id}-1-1")
    assert fixed(queue, "workers") == []
    queue.run("doctor")


def test_a_hanging_worker_is_reported_with_the_command_that_ends_it(queue: Queue):
    queue.run("config", "set", "lease", "60")
    pool = queue.start()
    id_ = queue.enqueue("sleep 1000")
    worker = queue.busy_worker()
    (seen,) = queue.workers()
    os.kill(worker, signal.SIGSTOP)
    try:
        pool.process.kill()
        pool.process.wait()
        age(Path(queue.context.run_dir.workers, seen.info.id))

        problem = trouble(queue, "workers", "--fix")

        assert "has shown no sign of life" in problem
        assert f"kill -9 {worker}" in problem
        assert queue.state(id_) == "processing"
    finally:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not lives(worker))
    queue.run("doctor", "--fix")
    assert queue.state(id_) == "pending"


def test_a_process_of_an_attempt_that_is_over_is_ended(queue: Queue, sleepers: list[subprocess.Popen[bytes]]):
    queue.start()
    (worker,) = queue.workers()
    over, running = queue.enqueue("true"), queue.enqueue("sleep 1000")
    queue.wait_for(over)
    queue.wait_for(running, "processing")
    identity = queue.context.store.database.identity
    cookies = (
        f"{worker.info.id}-1-1-{identity}",
        f"{worker.info.id}-1-1-of.a.copy",
        f"{worker.info.id}-1-1",
        f"wnobody-1-1-{identity}",
        f"{worker.info.id}-one-1-{identity}",
        "",
        "x",
    )
    sleepers += [subprocess.Popen(["sleep", "1000"], env={"QUEUECTL_RUN": cookie}) for cookie in cookies]
    wait_until(lambda: len(system.cookies()) >= len(sleepers))
    orphan, *strangers = sleepers

    problem = trouble(queue, "orphans")
    assert f"attempt {worker.info.id}-1-1-{identity} has ended, but its processes still run: {orphan.pid}:" in problem
    assert orphan.poll() is None

    assert fixed(queue, "orphans") == ["ended"]

    assert orphan.wait(PATIENCE) == -signal.SIGTERM
    assert [process.poll() for process in strangers] == [None] * len(strangers)
    assert queue.state(running) == "processing"
    assert fixed(queue, "orphans") == []
    queue.run("doctor")


@linux_only
def test_a_process_that_holds_the_lock_of_a_worker_that_is_gone_is_ended(
    queue: Queue, sleepers: list[subprocess.Popen[bytes]]
):
    queue.start()
    (worker,) = queue.workers()
    queue.wait_for(queue.enqueue("true"))
    queue.run("worker", "stop")
    path = Path(queue.context.run_dir.attempts, worker.info.id)
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.pwrite(lock, b"1 1 1\n", 0)
    os.dup2(lock, LOCK_FD)
    sleepers.append(subprocess.Popen(["sleep", "1000"], env={}, pass_fds=(LOCK_FD,)))
    os.close(lock)
    os.close(LOCK_FD)

    assert f"processes still run: {sleepers[0].pid}:" in trouble(queue, "orphans")

    assert fixed(queue, "orphans") == ["ended"]

    assert sleepers[0].wait(PATIENCE) == -signal.SIGTERM
    age(path)
    assert fixed(queue, "leftovers") == ["removed"]
    assert not path.exists()


def test_files_of_a_killed_pool_are_removed(queue: Queue):
    pool = queue.start(workers=2)
    pool.kill()
    assert {"workers", "pools"} <= {file.parent.name for file in files_of(queue)}
    assert f"(pid {pool.process.pid}) died" in trouble(queue, "workers")

    queue.run("doctor", "--fix")

    assert {file.name for file in files_of(queue)} <= {"any", "pool.log"}
    assert queue.context.store.workers.running_pools() == []
    assert fixed(queue, "workers") == fixed(queue, "leftovers") == []


def test_files_of_running_workers_and_jobs_are_kept(queue: Queue):
    queue.start()
    queue.wait_for(queue.enqueue("echo hello; sleep 1000"), "processing")
    wait_until(lambda: any(file.parent.name == "live" for file in files_of(queue)))
    before = files_of(queue)
    # The time of the worker's own file is its last sign of life.
    age(*(file for file in before if file.parent.name != "workers"))

    queue.run("doctor", "--fix")

    assert files_of(queue) == before


def test_stale_output_locks_and_doorbells_are_removed(queue: Queue):
    queue.enqueue("true")
    run_dir = queue.context.run_dir
    run_dir.make()
    gone = [Path(run_dir.live, "7-1.out"), Path(run_dir.workers, "wgone"), Path(run_dir.attempts, "wgone.1")]
    kept = [Path(run_dir.live, "notes.txt"), Path(run_dir.bells, "any")]
    for file in (*gone, kept[0]):
        file.touch()
    for bell in (kept[1], Path(run_dir.bells, "w-wgone"), Path(run_dir.bells, "p-pgone")):
        os.mkfifo(bell)
    assert checks(queue, "leftovers")[0]["ok"], "young files are left alone"
    age(*files_of(queue))
    assert "queuectl doctor --fix removes them" in trouble(queue, "leftovers")

    assert fixed(queue, "leftovers") == ["removed"]

    assert files_of(queue) == sorted(kept)
    assert fixed(queue, "leftovers") == []


def test_an_incomplete_backup_is_removed(queue: Queue):
    queue.enqueue("true")
    ended = subprocess.Popen(["true"])
    ended.wait()
    half = queue.directory / f"copy.db.{ended.pid}.partial"
    under_way = queue.directory / f"copy.db.{os.getpid()}.partial"
    for file in (half, under_way):
        file.write_bytes(b"SQLite format 3\0")
    age(under_way)
    queue.run("doctor")
    age(half)

    assert str(half) in trouble(queue, "leftovers")
    assert fixed(queue, "leftovers") == ["removed"]

    assert (half.exists(), under_way.exists()) == (False, True)


class Ahead(Clock):
    def now(self) -> int:
        return super().now() + HOUR * 1000


def test_a_clock_that_was_set_back_is_reported(queue: Queue):
    ahead = bootstrap.context(queue.path, clock=Ahead())
    ahead.store.set_config("lease", "20", now=ahead.now())
    ahead.close()

    queue.environment["TZ"] = "Etc/GMT+3"
    problem = trouble(queue, "clock", "--fix")

    assert re.search(r"written to at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d -03, ", problem)
    assert "the clock was set back" in problem
    assert "set the clock right" in problem


def test_invalid_settings_are_reported_and_kept(queue: Queue):
    store = queue.context.store
    for key, value in (("lease", "never"), ("max_retries", "7"), ("unheard_of", "1")):
        store.set_config(key, value, now=queue.context.now())

    problem = trouble(queue, "settings", "--fix")

    assert "lease cannot be 'never', so its default applies" in problem
    assert "unheard_of" not in problem
    assert store.config() == {"lease": "never", "max_retries": "7", "unheard_of": "1"}
    queue.run("config", "unset", "lease")
    queue.run("doctor")


def test_too_few_open_files_are_reported(queue: Queue):
    queue.enqueue("true")
    line = f"ulimit -n 100; exec {' '.join(MODULE)} doctor --json"

    done = subprocess.run(["sh", "-c", line], env=queue.environment, capture_output=True)

    (problem,) = [check for check in json.loads(done.stdout)["checks"] if not check["ok"]]
    assert done.returncode == 1
    assert problem["name"] == "limits"
    assert "ulimit -n 1024" in problem["cure"]


def test_a_nearly_full_disk_is_reported(tmp_path: Path):
    with small_disk(tmp_path / "disk", "2m") as disk:
        small = Queue(disk)
        small.enqueue("true")

        assert "free some space" in trouble(small, "space")

        small.context.close()


def test_findings_are_aligned_and_marked_on_a_terminal(queue: Queue):
    queue.enqueue("true")
    os.chmod(queue.path, 0o644)

    plain = [line for line in queue.run("doctor", code=1).stdout.splitlines() if line[0] != " "]
    found = [re.match(r"(ok|problem) +[a-z]+ +(?=\S)", line) for line in plain]
    assert {match and match.end() for match in found} == {9 + len("permissions") + 2}

    shown, code = on_a_terminal("doctor", "--fix", env=queue.environment | {"TERM": "xterm"})
    assert code == 0
    assert "\x1b[32m✓\x1b[0m  versions     queuectl" in shown
    assert "\x1b[33m·\x1b[0m  permissions  " in shown
    assert f"fixed: chmod 600 {queue.path}" in shown
