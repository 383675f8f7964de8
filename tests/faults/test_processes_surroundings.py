"""Unusual environments: no locale, no home, a strange umask, a directory that is gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from queuectl.selftest.ledger import note, witnessed
from tests.support import command
from tests.support.queue import QUEUECTL, ROOT, Queue
from tests.support.soundness import assert_sound
from tests.support.stress import began
from tests.support.waiting import PATIENCE, wait_until

BARE = {
    "LANG=C": {"LANG": "C", "LC_ALL": "C"},
    "LANG=POSIX without UTF-8 mode": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "no such locale": {"LC_ALL": "xx_XX.UTF-8"},
    "nothing at all": None,
}


@pytest.mark.parametrize("name", BARE)
def test_a_command_of_any_text_arrives_in_any_locale(queue: Queue, ledger: Path, name: str):
    locale = BARE[name]
    queue.environment = {"QUEUECTL_DB": queue.path, "PATH": os.environ["PATH"]} if locale is None else (
        {key: value for key, value in queue.environment.items() if not key.startswith(("LC_", "LANG"))} | locale
    )  # fmt: skip
    queue.start()

    queue.run("enqueue", "--id", "jöb", f"{note(str(ledger), 'start')}; printf '%s' 'ä€🎉 \u202e'; echo 日本 >&2")

    assert queue.wait_for("jöb") == "completed"
    shown = queue.json("show", "jöb")
    assert (shown["stdout"], shown["stderr"]) == ("ä€🎉 \u202e", "日本\n")
    assert "ä€🎉" in queue.run("logs", "jöb").stdout
    assert_sound(queue, ledger, ["jöb"])


@pytest.mark.parametrize("home", [None, "", "/nowhere/at/all"])
def test_a_named_store_needs_no_home(queue: Queue, ledger: Path, home: str | None):
    queue.environment = command.environment(queue.path, HOME=home, XDG_DATA_HOME=None)
    queue.start()

    queue.enqueue(witnessed(str(ledger), "true"), "--id", "job")

    assert queue.wait_for("job") == "completed"
    assert_sound(queue, ledger, ["job"])


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_files_are_private_and_usable_under_any_umask(tmp_path: Path, umask: int):
    data = tmp_path / "new" / "inner"
    store = data / "queuectl" / "queue.db"
    environment = command.environment("", QUEUECTL_DB=None, XDG_DATA_HOME=str(data))
    ledger = tmp_path / "ledger"
    ledger.touch()
    words = f"'{QUEUECTL}' enqueue --id job \"$JOB\" && '{QUEUECTL}' worker start --drain && '{QUEUECTL}' backup copy"
    run = witnessed(str(ledger), "umask; true")

    done = subprocess.run(
        ["sh", "-c", f"umask {umask:o}; {words}"],
        env=environment | {"JOB": run}, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    directories = {store.parent, *(path for path in store.parent.rglob("*") if path.is_dir())}
    files = {path for path in store.parent.rglob("*") if not path.is_dir()} | {tmp_path / "copy"}
    assert {path: oct(path.stat().st_mode & 0o777) for path in directories} == dict.fromkeys(directories, "0o700")
    assert {path: oct(path.stat().st_mode & 0o777) for path in files} == dict.fromkeys(files, "0o600")
    queue = Queue(store.parent)
    try:
        # A job has the umask of its worker; the files of the worker are private.
        assert queue.json("show", "job")["stdout"] == f"{umask & 0o077:04o}\n"
        assert_sound(queue, ledger, ["job"])
    finally:
        queue.close()


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    "words",
    [
        ("worker", "start", "--drain"),
        ("worker", "start", "--detach"),
        ("doctor", "--check"),
        ("selftest", "--workers", "1", "--enqueuers", "1", "--jobs", "1"),
        ("demo", "--headless"),
    ],
    ids=" ".join,
)
def test_a_caller_that_ignores_sigchld_does_not_hide_exits_from_the_pool(queue: Queue, words: tuple[str, ...]):
    queue.enqueue("true", "--id", "job")
    ignore = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); "
    script = ignore + "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"

    # Not through bin/queuectl, whose shell resets the handler of SIGCHLD.
    done = subprocess.run(
        [sys.executable, "-c", script, "-m", "queuectl.cli", *words],
        env=queue.environment, cwd=queue.directory, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    if "start" in words:
        assert queue.wait_for("job") == "completed"


def test_a_pool_whose_own_directory_is_gone_works_on(queue: Queue, ledger: Path, tmp_path: Path):
    (tmp_path / "gone").mkdir()
    script = f"cd gone && exec '{QUEUECTL}' worker start --count 2"
    pool = subprocess.Popen(
        ["sh", "-c", script], env=queue.environment, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: len(queue.workers()) == 2)
    (tmp_path / "gone").rmdir()

    queue.enqueue(witnessed(str(ledger), "true"), "--id", "job")
    queue.enqueue(witnessed(str(ledger), "pwd"), "--id", "elsewhere", "--cwd", "/")

    assert queue.wait_for("job") == "completed"
    assert queue.wait_for("elsewhere") == "completed"
    assert queue.json("show", "elsewhere")["stdout"] == "/\n"
    queue.run("worker", "stop")
    assert pool.wait(PATIENCE) == 0
    assert_sound(queue, ledger, ["job", "elsewhere"])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("list",), 0),
        (("status",), 0),
        (("worker", "list"), 0),
        (("enqueue", "--cwd", "/", "true"), 0),
        (("enqueue", "true"), 2),
        (("backup", "copy"), 2),
    ],
)
def test_commands_in_a_directory_that_is_gone_work_or_say_so(
    queue: Queue, ledger: Path, tmp_path: Path, words: tuple[str, ...], code: int
):
    (tmp_path / "gone").mkdir()
    script = 'import os, sys; os.chdir("gone"); os.rmdir("../gone"); os.execv(sys.argv[1], sys.argv[1:])'
    python = [sys.executable, "-c", script, sys.executable, "-m", "queuectl.cli", *words]
    environment = queue.environment | {"PYTHONPATH": str(ROOT)}

    done = subprocess.run(python, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == code, done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("error: ")]) == (1 if code else 0)
    assert "Traceback" not in done.stderr
    assert_sound(queue, ledger, done.stdout.split() if words[0] == "enqueue" else ())


def test_a_job_whose_directory_is_removed_runs_on_and_its_retry_fails(queue: Queue, ledger: Path, tmp_path: Path):
    (tmp_path / "work").mkdir()
    queue.run("config", "set", "backoff_delay", "0.05")
    queue.start()
    gate = tmp_path / "gate"
    work = f"touch {tmp_path}/up; while [ ! -e {gate} ]; do sleep 0.05; done; exit 3"
    queue.enqueue(
        witnessed(str(ledger), f"({work})"), "--id", "job", "--cwd", str(tmp_path / "work"), "--max-retries", "1"
    )
    wait_until((tmp_path / "up").exists)

    shutil.rmtree(tmp_path / "work")
    gate.touch()

    assert queue.wait_for("job") == "dead"
    assert queue.outcomes("job") == ["exit", "spawn_error"]
    assert str(tmp_path / "work") in queue.json("show", "job")["error"]
    assert_sound(queue, ledger, ["job"])


@pytest.mark.parametrize("running", [False, True], ids=["idle", "while a job runs"])
def test_a_directory_of_locks_that_is_removed_fails_no_job(queue: Queue, ledger: Path, tmp_path: Path, running: bool):
    pool = queue.start()
    (worker,) = queue.workers()
    gate = tmp_path / "gate"
    if running:
        queue.enqueue(witnessed(str(ledger), f"while [ ! -e {gate} ]; do sleep 0.02; done"), "--id", "before")
        wait_until(began(ledger, "before"))

    shutil.rmtree(queue.context.run_dir.attempts)
    gate.touch()
    queue.enqueue(witnessed(str(ledger), "true"), "--id", "after", "--max-retries", "0")

    assert queue.wait_for("after") == "completed"
    ids = ["before", "after"] if running else ["after"]
    assert [queue.outcomes(id_) for id_ in ids] == [["success"]] * len(ids)
    assert [seen.info.id for seen in queue.workers()] == [worker.info.id]
    assert "no job can be started" not in pool.log
    assert_sound(queue, ledger, ids)


def test_a_job_whose_lock_cannot_be_made_waits_until_it_can(queue: Queue, ledger: Path):
    pool = queue.start()
    attempts = Path(queue.context.run_dir.attempts)
    shutil.rmtree(attempts)
    attempts.touch()

    queue.enqueue(witnessed(str(ledger), "true"), "--id", "job", "--max-retries", "0")
    wait_until(lambda: "no job can be started: the lock of the attempt cannot be created: Not a directory" in pool.log)
    attempts.unlink()

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["released", "success"]
    wait_until(lambda: "jobs can be started again" in pool.log)
    assert_sound(queue, ledger, ["job"])


def test_a_drain_whose_worker_may_start_no_job_ends_when_nothing_is_left_to_run(queue: Queue):
    attempts = Path(queue.context.run_dir.attempts)
    queue.enqueue("true", "--id", "job")
    gate = queue.directory / "gate"
    begun = queue.directory / "begun"
    queue.enqueue(f"touch {begun}; while [ ! -e {gate} ]; do sleep 0.02; done", "--id", "before", "--priority", "1")
    pool = queue.drain()
    # Not before: a worker restores the directory when it takes the lock of an attempt.
    wait_until(begun.exists)
    shutil.rmtree(attempts)
    attempts.touch()
    gate.touch()
    wait_until(lambda: "no job can be started" in pool.log)

    queue.run("cancel", "job")

    assert pool.wait() == 0
    assert queue.state("job") == "cancelled"
    assert "jobs can be started again" not in pool.log
