"""Limits of the machine: few open files, few processes, and jobs that need more of both than allowed."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

from queuectl.selftest.ledger import note, read, witnessed
from tests.support import command
from tests.support.queue import QUEUECTL, Queue
from tests.support.soundness import assert_sound
from tests.support.stress import enqueue_many
from tests.support.waiting import PATIENCE, wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

USER = 64_317
"""An otherwise unused user, so that its processes are counted alone. Root has no limit of processes."""


class Crowd:
    """A store of another user, and that user's commands and pool on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ledger = directory / "ledger"
        self.log = directory / "pool.log"
        self._environment = command.environment(directory / "queue.db")
        self._pool: subprocess.Popen[bytes] | None = None

    def run(self, *words: str) -> str:
        done = command.finished(self._start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        assert done.code == 0, done.err
        return done.out.strip()

    def state(self, id_: str) -> str:
        return str(json.loads(self.run("show", id_, "--json"))["state"])

    def wait_for(self, id_: str) -> str:
        wait_until(lambda: self.state(id_) in {"completed", "dead"})
        return self.state(id_)

    def pool(self, cwd: Path | None = None) -> tuple[int, int, int]:
        """Start a pool of one worker; return the pids of its supervisor, steward and worker."""
        self.run("status")
        with self.log.open("wb") as log:
            self._pool = self._start("worker", "start", cwd=cwd, stdout=subprocess.DEVNULL, stderr=log)
        (worker,) = wait_until(partial(self._workers, self._pool))
        children = Path(f"/proc/{self._pool.pid}/task/{self._pool.pid}/children")
        (steward,) = set(map(int, children.read_text().split())) - {worker["pid"]}
        return self._pool.pid, steward, worker["pid"]

    def _workers(self, pool: subprocess.Popen[bytes]) -> list[Any]:
        assert pool.poll() is None, self.log.read_text()
        return list(json.loads(self.run("worker", "list", "--json")))

    def end(self) -> None:
        if self._pool is not None:
            self._pool.terminate()
            self._pool.terminate()
            self._pool.wait(30)

    def _start(self, *words: str, cwd: Path | None = None, **streams: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*command.as_user(USER), *words],
            env=self._environment, stdin=subprocess.DEVNULL, cwd=cwd or self.directory, start_new_session=True,
            **streams,
        )  # fmt: skip


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    command.skip_unless_others_can_run_it()
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, USER, USER)
        made = Crowd(Path(name))
        yield made
        made.end()


def assert_crowd_sound(crowd: Crowd, *ids: str) -> dict[str, list[str | None]]:
    """End the pool, take over the store and check it; return the outcomes of the attempts of each job."""
    crowd.end()
    for path in (crowd.directory, *crowd.directory.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)
    queue = Queue(crowd.directory)
    try:
        assert_sound(queue, crowd.ledger, ids)
        return {id_: queue.outcomes(id_) for id_ in ids}
    finally:
        queue.close()


def allow_processes(number: int, pid: int) -> None:
    """Set the soft limit of a process as its own user: root may not do so everywhere."""
    script = f"import resource as r; r.prlimit({pid}, r.RLIMIT_NPROC, ({number}, r.prlimit({pid}, r.RLIMIT_NPROC)[1]))"
    drop = f"import os; os.setgroups([]); os.setgid({USER}); os.setuid({USER}); "
    subprocess.run([sys.executable, "-c", f"import resource; {drop}{script}"], check=True, timeout=PATIENCE)


def test_a_supervisor_that_may_start_no_process_waits_until_it_may(crowd: Crowd):
    supervisor, steward, worker = crowd.pool()
    allow_processes(1, supervisor)
    descriptors = Path(f"/proc/{supervisor}/fd")

    os.kill(steward, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: "can be started" in crowd.log.read_text())
    before, since = len(list(descriptors.iterdir())), time.monotonic()
    wait_until(lambda: time.monotonic() - since > 2)
    assert len(list(descriptors.iterdir())) <= before + 8, "each try costs descriptors"
    allow_processes(100, supervisor)

    crowd.run("enqueue", "--id", "job", witnessed(str(crowd.ledger), "true"))
    assert crowd.wait_for("job") == "completed"
    assert crowd.log.read_text().count("can be started") == 1
    assert assert_crowd_sound(crowd, "job") == {"job": ["success"]}


def test_jobs_that_no_process_may_be_started_for_keep_their_attempts_and_their_order(crowd: Crowd):
    *_, worker = crowd.pool()
    allow_processes(1, worker)
    ids = [f"job{number}" for number in range(6)]

    crowd.run("enqueue", "--id", ids[0], "--max-retries", "0", witnessed(str(crowd.ledger), "true"))
    wait_until(lambda: "no job can be started: no more processes are allowed" in crowd.log.read_text())
    for id_ in ids[1:]:
        crowd.run("enqueue", "--id", id_, "--max-retries", "0", witnessed(str(crowd.ledger), "true"))
    allow_processes(100, worker)

    assert [crowd.wait_for(id_) for id_ in ids] == ["completed"] * 6
    assert crowd.log.read_text().count("no job can be started") == 1
    assert crowd.log.read_text().count("jobs can be started again") == 1
    assert [entry.job for entry in read(str(crowd.ledger)) if entry.word == "start"] == ids
    outcomes = assert_crowd_sound(crowd, *ids)
    assert outcomes == {id_: ["released", "success"] if id_ == ids[0] else ["success"] for id_ in ids}


def test_a_pool_that_was_started_in_a_directory_closed_to_its_user_runs_jobs(crowd: Crowd):
    closed = crowd.directory / "closed"
    closed.mkdir(mode=0o700)
    crowd.pool(cwd=closed)
    ids = ["first", "second"]

    for id_ in ids:
        crowd.run("enqueue", "--id", id_, witnessed(str(crowd.ledger), "true"))

    assert [crowd.wait_for(id_) for id_ in ids] == ["completed"] * 2
    assert assert_crowd_sound(crowd, *ids) == {id_: ["success"] for id_ in ids}


def test_a_job_that_alone_is_refused_uses_up_its_attempts_and_keeps_no_other_waiting(
    tmp_path: Path, database: str, ledger: Path
):
    # On a server: a worker with this limit could not write its store's file.
    queue = Queue(tmp_path, store=database)
    try:
        queue.start()
        (worker,) = queue.workers()
        resource.prlimit(worker.info.pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        long = {"id": "long", "command": "true #" + "x" * (2 << 20), "max_retries": 0}
        (tmp_path / "jobs").write_text(json.dumps(long))
        queue.run("enqueue", "-f", "jobs")
        queue.enqueue(witnessed(str(ledger), "true"), "--id", "next", "--priority=-1")

        assert queue.wait_for("next") == "completed"
        assert queue.wait_for("long") == "dead"
        assert queue.outcomes("long") == ["released"] * 3 + ["spawn_error"]
        assert queue.json("show", "long")["error"] == "cannot start: File too large"
        assert_sound(queue, ledger, ["next"])
    finally:
        queue.close()


def test_a_fork_bomb_takes_what_it_may_and_is_ended_at_its_timeout(crowd: Crowd):
    crowd.run("config", "set", "kill_grace", "0.3")
    *_, worker = crowd.pool()
    allow_processes(60, worker)
    bomb = f"{note(str(crowd.ledger), 'start')}; bomb() {{ bomb | bomb & }}; bomb; while :; do sleep 1; done"

    crowd.run("enqueue", "--id", "bomb", "--timeout", "1", "--max-retries", "0", bomb)
    crowd.run("enqueue", "--id", "next", witnessed(str(crowd.ledger), "true"))

    assert crowd.wait_for("next") == "completed"
    assert worker in {each["pid"] for each in json.loads(crowd.run("worker", "list", "--json"))}
    assert assert_crowd_sound(crowd, "bomb", "next") == {"bomb": ["timeout"], "next": ["success"]}


def test_a_low_soft_limit_of_open_files_is_raised_as_far_as_jobs_need_it(queue: Queue, ledger: Path):
    acknowledged = enqueue_many(queue, ledger, 10, "true")

    done = subprocess.run(
        ["sh", "-c", f"ulimit -Sn 64; exec '{QUEUECTL}' worker start --count 3 --drain"],
        env=queue.environment, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    for id_ in acknowledged:
        assert queue.outcomes(id_) == ["success"]
    assert_sound(queue, ledger, acknowledged)


def test_where_no_job_could_ever_start_no_pool_does_and_no_attempt_is_spent(queue: Queue, ledger: Path):
    acknowledged = enqueue_many(queue, ledger, 3, "true")

    done = subprocess.run(
        ["sh", "-c", f"ulimit -n 64; exec '{QUEUECTL}' worker start --drain"],
        env=queue.environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip

    assert done.returncode == 5
    assert done.stderr.splitlines() == [
        "error: the limit of open files is 64, and jobs need more than 187",
        "hint: ulimit -n 1024",
    ]
    for id_ in acknowledged:
        assert queue.outcomes(id_) == []
    assert_sound(queue, ledger, acknowledged)


def test_commands_work_with_few_open_files(queue: Queue, ledger: Path):
    (queue.directory / "job").write_text(json.dumps({"id": "job", "command": witnessed(str(ledger), "true")}))
    script = f"ulimit -n 16; '{QUEUECTL}' enqueue -f job && '{QUEUECTL}' list && '{QUEUECTL}' status"

    done = subprocess.run(
        ["sh", "-c", script],
        env=queue.environment,
        cwd=queue.directory,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert queue.drain().wait() == 0
    assert_sound(queue, ledger, ["job"])


def test_a_hundred_megabytes_on_one_line_are_shown_by_every_command(queue: Queue, ledger: Path):
    queue.start()
    line = r"head -c 100000000 /dev/zero | tr '\0' x"
    queue.enqueue(witnessed(str(ledger), line), "--id", "job")
    assert queue.wait_for("job") == "completed"

    record = queue.json("show", "job")
    assert (record["stdout_bytes"], record["stdout_truncated"]) == (100_000_000, True)
    for words in (("logs", "job"), ("logs", "job", "--raw"), ("show", "job"), ("list",), ("explain", "job")):
        assert 0 < len(queue.run(*words).stdout) < 4_000_000
    assert_sound(queue, ledger, ["job"])
