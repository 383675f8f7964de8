"""`queuectl selftest`: real processes are killed, and the verdict can be negative."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from queuectl.domain.attempt import Outcome, Result
from queuectl.operations import selftest
from queuectl.selftest import ledger
from queuectl.selftest import sandbox as staging
from tests.support import command
from tests.support.command import finished
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.on_sqlite

SMALL = ("selftest", "--jobs", "30", "--enqueuers", "2", "--workers", "4", "--seed", "0")
FIRST = "0-0-quick"
"""The id of the first job of this seed."""


def grounds(queue: Queue) -> list[Path]:
    """The directories of self-tests beside the store."""
    return list(queue.directory.glob("selftest-*"))


def processes_in(directory: Path) -> list[str]:
    """Return the processes that name a directory in their command line or their environment."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            except OSError:
                continue
            if str(directory).encode() in text:
                found.append(process.name)
    return found


def begun(queue: Queue) -> Path:
    """Return the directory of a self-test whose jobs run."""
    wait_until(lambda: any((each / "ledger").exists() for each in grounds(queue)))
    return grounds(queue)[0]


def test_a_sound_queue_passes_while_its_processes_are_killed(queue: Queue):
    words = ("--jobs", "60", "--enqueuers", "2", "--workers", "6", "--kill-every", "200ms", "--seed", "1")

    verdict = queue.json("selftest", "--crash", *words)

    assert verdict["ok"]
    assert verdict["violations"] == []
    assert (verdict["jobs"], verdict["acknowledged"]) == (120, 120)
    assert verdict["runs"] >= 120
    assert sum(verdict["kills"].values()) >= 1
    assert verdict["seed"] == 1
    assert verdict["kept"] is None
    assert grounds(queue) == []
    assert not os.path.exists(queue.path), "the store itself is none of its business"


def test_it_runs_for_the_given_time(queue: Queue):
    done = queue.run("selftest", "--minutes", "0.02", "--workers", "3")

    assert "violations  0\n" in done.stdout
    assert "kills" not in done.stdout, "no process was to be killed"
    assert done.stderr == ""


def test_a_ledger_and_an_acknowledgement_that_do_not_fit_are_violations(queue: Queue):
    process = command.start(*SMALL, "--json", env=queue.environment)
    ground = begun(queue)
    assert ground.stat().st_mode & 0o777 == 0o700
    with (ground / "ledger").open("a") as runs:
        runs.write("start ghost 1\n")
    with (ground / "acknowledged-0").open("a") as acknowledged:
        acknowledged.write("phantom\n")

    done = finished(process)

    assert done.code == 1, done.err
    verdict = json.loads(done.out)
    assert not verdict["ok"]
    sentences = {(each["job"], each["sentence"]) for each in verdict["violations"]}
    assert ("ghost", "attempt 1 began, and the store has no record of it") in sentences
    assert ("phantom", "was acknowledged, and is not in the store") in sentences
    assert verdict["kept"] == str(ground)
    assert (ground / "queue.db").exists(), "what is wrong can be looked into"
    assert processes_in(ground) == []
    shutil.rmtree(ground)


def test_a_job_that_is_taken_out_of_the_store_is_a_violation(queue: Queue):
    process = command.start(*SMALL, env=queue.environment)
    ground = begun(queue)
    besieged = Queue(ground)
    wait_until(lambda: besieged.context.store.jobs.taken([FIRST]))
    besieged.wait_for(FIRST)
    besieged.context.store.jobs.delete([FIRST], now=besieged.context.now())
    besieged.context.close()

    done = finished(process)

    assert done.code == 1, done.err
    assert f"  {FIRST}: was acknowledged, and is not in the store\n" in done.out
    assert f"kept for inspection: {ground}" in done.err


def test_a_ledger_line_after_the_end_is_a_violation(queue: Queue, monkeypatch: pytest.MonkeyPatch):
    looks: list[list[ledger.Entry]] = []

    def read_late(path: str) -> list[ledger.Entry]:
        if looks:
            with open(path, "a") as file:
                file.write(f"alive {looks[0][0].job} 1\n")
        looks.append(read(path))
        return looks[-1]

    read = ledger.read
    monkeypatch.setattr(ledger, "read", read_late)

    verdict = selftest.selftest(queue.context, selftest.Selftest(jobs=5, enqueuers=1, workers=2))

    assert [each.sentence for each in verdict.violations] == ["a process wrote to the ledger after all jobs had ended"]
    assert verdict.kept is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_it_leaves_nothing_behind(queue: Queue, number: signal.Signals):
    words = ("selftest", "--crash", "--minutes", "5", "--workers", "3")
    process = command.start(*words, env=queue.environment, start_new_session=True)
    ground = begun(queue)

    process.send_signal(number)

    assert finished(process).code == (130 if number == signal.SIGINT else -number)
    if number == signal.SIGINT:
        assert grounds(queue) == [], "it has cleaned up before it ended"
    wait_until(lambda: grounds(queue) == [] and processes_in(ground) == [])


def test_on_a_terminal_it_shows_how_far_it_is(queue: Queue):
    screen, code = on_a_terminal(
        "selftest", "--jobs", "10", "--enqueuers", "1", "--workers", "2", env=queue.environment
    )

    assert code == 0
    assert "of 10 jobs" in screen
    assert "\x1b[32m0\x1b[0m" in screen, "no violation, in green"


def test_a_result_that_comes_too_late_is_what_it_counts_as_refused(queue: Queue, tmp_path: Path):
    pool = queue.start("--quiet")
    queue.enqueue(f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done", "--id", "job")
    queue.busy_worker()
    store = queue.context.store
    (worker,) = store.workers.running_workers()
    (claim,) = store.claims().held_by(worker.id)

    # As another host does that writes the worker off.
    taken = Result(outcome=Outcome.CANCELLED, duration_ms=1)
    backoff = queue.context.settings.backoff
    store.claims().finish(claim, worker.id, taken, backoff=backoff, random=random.Random(1), now=queue.context.now())
    (tmp_path / "go").touch()

    wait_until(lambda: selftest._REFUSED.decode() in pool.log)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--minutes", "0"), "--minutes cannot be '0'"),
        (("--minutes=-1",), "--minutes cannot be '-1'"),
        (("--minutes", "-1"), "--minutes cannot be '-1'"),
        (("--minutes", "nan"), "--minutes cannot be 'nan'"),
        (("--minutes", "inf"), "--minutes cannot be 'inf'"),
        (("--minutes", "soon"), "--minutes cannot be 'soon'"),
        (("--minutes", "1", "--jobs", "5"), "--minutes and --jobs cannot be combined"),
        (("--jobs", "0"), "--jobs must be from 1 to"),
        (("--workers", "0"), "--workers must be from 1 to"),
        (("--enqueuers", "101"), "--enqueuers must be from 1 to 100"),
        (("--crash", "--kill-every", "1ms"), "--kill-every must be at least 20ms"),
        (("--soak", "--crash"), "--soak and --crash cannot be combined"),
        (("--soak", "--jobs", "5"), "--soak and --jobs cannot be combined"),
        (("--soak", "--enqueuers", "2"), "--soak and --enqueuers cannot be combined"),
        (("--soak", "--kill-every", "1s"), "--soak and --kill-every cannot be combined"),
        (("--soak", "--workers", "0"), "--workers must be from 1 to"),
        (("--soak", "--minutes", "721"), "--minutes of a soak must be at most 720"),
        (("now",), "unexpected argument 'now'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_made(queue: Queue, words: tuple[str, ...], message: str):
    command.run("selftest", *words, env=queue.environment).refused(2, message)

    assert list(queue.directory.iterdir()) == []


@pytest.mark.parametrize("words", [SMALL, ("selftest", "--soak")])
def test_where_no_directory_can_be_made_there_is_no_test(tmp_path: Path, words: tuple[str, ...]):
    (tmp_path / "file").touch()

    env = command.environment(tmp_path / "file" / "queue.db")

    command.run(*words, env=env).refused(5, "cannot hold a store for the test")


def test_the_settings_of_the_user_do_not_reach_it(queue: Queue):
    queue.environment |= {"QUEUECTL_JOB_TIMEOUT": "0.01", "QUEUECTL_MAX_RETRIES": "0"}

    done = subprocess.run(
        [*command.MODULE, "selftest", "--jobs", "15", "--enqueuers", "1", "--workers", "2"],
        env=queue.environment,
        capture_output=True,
        timeout=PATIENCE,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_pool_that_does_not_end_is_a_violation_and_is_ended(queue: Queue, monkeypatch: pytest.MonkeyPatch):
    def stop(self: staging.Sandbox) -> int:
        os.kill(self.supervisor, signal.SIGSTOP)
        return ended_by_itself(self)

    ended_by_itself = staging.Sandbox.stop
    monkeypatch.setattr(staging.Sandbox, "stop", stop)
    monkeypatch.setattr(staging, "_PATIENCE", 1.0)

    verdict = selftest.selftest(queue.context, selftest.Selftest(jobs=3, enqueuers=1, workers=2))

    sentences = [each.sentence for each in verdict.violations]
    assert "the pool has not stopped after all jobs had ended" in sentences
    assert verdict.kept is not None
    wait_until(lambda: processes_in(Path(verdict.kept or "")) == [])
