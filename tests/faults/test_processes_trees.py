"""Process trees that hide or ignore signals while their worker is killed."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from queuectl.selftest.ledger import note, witnessed
from tests.support.queue import Queue
from tests.support.soundness import assert_sound
from tests.support.stress import alive, began, once, pid_in
from tests.support.waiting import wait_until

HIDING = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.closerange(0, 1024)
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT), b"%d\\n" % os.getpid())
while True:
    os.write(file, b"alive job 1\\n")
    time.sleep(0.02)
"""


def daemon(kind: str, ledger: Path, pid: Path) -> str:
    """Return a daemon that forked twice, leads its own session, closed its streams and writes `alive` lines."""
    if kind == "forked twice":
        loop = f"echo $$ > {pid}; while :; do {note(str(ledger), 'alive')}; sleep 0.02; done"
        script = pid.with_suffix(".sh")
        script.write_text(loop)
        return f"(setsid sh {script} </dev/null >/dev/null 2>&1 &)"
    script = pid.with_suffix(".py")
    script.write_text(HIDING)
    scrubbed = "env -i " if kind == "closed everything and scrubbed" else ""
    return f"{scrubbed}{sys.executable} {script} {ledger} {pid}"


def with_daemon(kind: str, ledger: Path, pid: Path) -> str:
    return once(ledger, f"{daemon(kind, ledger, pid)}; while [ ! -s {pid} ]; do sleep 0.02; done; touch up; sleep 300")


@pytest.mark.parametrize("kind", ["forked twice", "closed everything", "closed everything and scrubbed"])
def test_a_daemon_does_not_outlive_its_killed_worker_into_the_next_attempt(
    queue: Queue, ledger: Path, tmp_path: Path, kind: str
):
    queue.start()
    queue.enqueue(with_daemon(kind, ledger, tmp_path / "pid"), "--id", "job")
    wait_until((tmp_path / "up").exists)

    os.kill(queue.busy_worker(), signal.SIGKILL)

    assert queue.wait_for("job") == "completed"
    assert not alive(pid_in(tmp_path / "pid"))
    assert queue.outcomes("job") == ["lost", "success"]
    assert_sound(queue, ledger, ["job"])


@pytest.mark.parametrize("kind", ["forked twice", "closed everything"])
def test_a_daemon_does_not_outlive_its_killed_pool_into_the_next_attempt(
    queue: Queue, ledger: Path, tmp_path: Path, kind: str
):
    pool = queue.start()
    queue.enqueue(with_daemon(kind, ledger, tmp_path / "pid"), "--id", "job")
    wait_until((tmp_path / "up").exists)

    pool.kill()
    queue.start()

    assert queue.wait_for("job") == "completed"
    assert not alive(pid_in(tmp_path / "pid"))
    assert_sound(queue, ledger, ["job"])


@pytest.mark.parametrize("kind", ["forked twice", "closed everything", "closed everything and scrubbed"])
@pytest.mark.parametrize("end", ["worker stop --now", "cancel", "second SIGTERM"])
def test_a_daemon_is_ended_with_its_job_however_that_is_ended(
    queue: Queue, ledger: Path, tmp_path: Path, kind: str, end: str
):
    pool = queue.start()
    queue.enqueue(with_daemon(kind, ledger, tmp_path / "pid"), "--id", "job")
    wait_until((tmp_path / "up").exists)

    if end == "cancel":
        queue.run("cancel", "job")
    elif end == "worker stop --now":
        queue.run("worker", "stop", "--now")
    else:
        pool.send(signal.SIGTERM)
        wait_until(lambda: "stopping" in pool.log)
        pool.send(signal.SIGTERM)
        pool.wait()

    wait_until(lambda: queue.state("job") in {"cancelled", "pending"})
    assert not alive(pid_in(tmp_path / "pid"))
    assert_sound(queue, ledger, ["job"])


@pytest.mark.parametrize("stubborn", ["heedless", "stopped"])
def test_a_worker_killed_in_the_grace_of_a_timeout_leaves_nothing(queue: Queue, ledger: Path, stubborn: str):
    queue.run("config", "set", "kill_grace", "60")
    queue.start()
    stop = "kill -STOP $$; " if stubborn == "stopped" else ""
    work = f"trap 'touch signalled' TERM; {stop}while :; do {note(str(ledger), 'alive')}; sleep 0.05; done"
    queue.enqueue(once(ledger, work), "--id", "job", "--timeout", "0.5")
    wait_until((queue.directory / "signalled").exists)

    os.kill(queue.busy_worker(), signal.SIGKILL)

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["lost", "success"]
    assert_sound(queue, ledger, ["job"])


@pytest.mark.parametrize("directory", ["workers", "attempts", "pools", "bells", "live", "all of it"])
def test_files_removed_under_a_living_pool_cost_at_most_an_attempt(queue: Queue, ledger: Path, directory: str):
    pool = queue.start(workers=2)
    work = f"echo so far; while [ ! -e gate ]; do {note(str(ledger), 'alive')}; sleep 0.05; done"
    queue.enqueue(witnessed(str(ledger), work), "--id", "job")
    wait_until(began(ledger, "job"))

    if directory == "all of it":
        shutil.rmtree(queue.context.run_dir.root)
    else:
        for path in Path(queue.context.run_dir.root, directory).iterdir():
            path.unlink()
    # With leases a worker needs no lock.
    lost = directory in {"workers", "all of it"} and not queue.context.store.database.remote
    if lost:
        wait_until(lambda: queue.outcomes("job")[0] == "lost")
    (queue.directory / "gate").touch()
    queue.enqueue(witnessed(str(ledger), "true"), "--id", "next")

    assert queue.wait_for("job") == "completed"
    assert queue.wait_for("next") == "completed"
    assert queue.outcomes("job") == (["lost", "success"] if lost else ["success"])
    pool.send(signal.SIGTERM)
    assert pool.wait() == 0, pool.log
    assert_sound(queue, ledger, ["job", "next"])


def test_an_attempt_whose_lock_file_was_removed_is_ended(queue: Queue, ledger: Path, tmp_path: Path):
    queue.start()
    queue.enqueue(with_daemon("forked twice", ledger, tmp_path / "pid"), "--id", "job")
    wait_until((tmp_path / "up").exists)
    for path in Path(queue.context.run_dir.attempts).iterdir():
        path.unlink()

    os.kill(queue.busy_worker(), signal.SIGKILL)

    assert queue.wait_for("job") == "completed"
    assert not alive(pid_in(tmp_path / "pid"))
    assert_sound(queue, ledger, ["job"])


@pytest.mark.parametrize("name", ["workers", "pools", "attempts", "bells", "live"])
def test_a_planted_link_in_place_of_a_subdirectory_is_refused(queue: Queue, ledger: Path, tmp_path: Path, name: str):
    os.makedirs(queue.context.run_dir.root, 0o700)
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", os.path.join(queue.context.run_dir.root, name))

    refused = queue.run("worker", "start", "--drain", code=5)

    assert refused.stderr.startswith("error: ")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    Path(queue.context.run_dir.root, name).unlink()
    queue.enqueue(witnessed(str(ledger), "true"), "--id", "job")
    assert queue.drain().wait() == 0
    assert_sound(queue, ledger, ["job"])


def test_planted_links_in_place_of_files_are_not_written_through(queue: Queue, ledger: Path, tmp_path: Path):
    queue.context.run_dir.make()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for path in ("pool.log", "bells/any", "bells/q-00000000"):
        os.symlink(victim, os.path.join(queue.context.run_dir.root, path))

    queue.enqueue(witnessed(str(ledger), "true"), "--id", "job")
    refused = queue.run("worker", "start", "--detach", code=None)

    assert refused.returncode != 0
    assert refused.stderr.startswith("error: ")
    assert len([line for line in refused.stderr.splitlines() if not line.startswith("hint: ")]) == 1
    assert victim.read_text() == "precious"
    for path in ("pool.log", "bells/any", "bells/q-00000000"):
        os.unlink(os.path.join(queue.context.run_dir.root, path))
    assert queue.drain().wait() == 0
    assert_sound(queue, ledger, ["job"])
