"""A pool of workers, from outside: real processes, real signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from queuectl.runtime.liveness import WorkerState, living_workers
from tests.support import command
from tests.support.command import finished
from tests.support.queue import QUEUECTL, Pool, Queue
from tests.support.terminal import on_a_terminal
from tests.support.waiting import PATIENCE, wait_until


def has_logged(pool: Pool, times: int) -> bool:
    return pool.log.count("stopping") >= times


STORY = "echo start >> {log}; until [ -e {log}.gate ]; do sleep 0.05; done; echo end >> {log}"
"""A job that ends once `let_end` has been called."""


def let_end(log: Path) -> None:
    Path(f"{log}.gate").touch()


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_jobs_run_and_the_record_says_how(queue: Queue):
    queue.start()

    queue.run("enqueue", '{"id":"good","command":"echo out; echo err >&2"}')
    queue.run("enqueue", '{"id":"bad","command":"exit 7","max_retries":0}')

    assert (queue.wait_for("good"), queue.wait_for("bad")) == ("completed", "dead")
    good, bad = queue.json("show", "good"), queue.json("show", "bad")
    assert (good["stdout"], good["stderr"], good["exit_code"], good["attempts"]) == ("out\n", "err\n", 0, 1)
    assert (bad["outcome"], bad["exit_code"], bad["timed_out"]) == ("exit", 7, False)


def test_a_failing_job_is_retried_with_growing_waits_and_then_dead(queue: Queue):
    queue.run("config", "set", "backoff_delay", "0.1")
    queue.run("config", "set", "backoff_base", "3")
    queue.start()

    queue.enqueue("exit 1", "--id", "job", "--max-retries", "2")

    assert queue.wait_for("job") == "dead"
    attempts = queue.context.store.jobs.attempts(1)
    waits = [after.started_at - (before.ended_at or 0) for before, after in pairwise(attempts)]
    assert len(attempts) == 3
    assert 100 <= waits[0] < 300 <= waits[1]


def test_urgent_jobs_come_first_and_ties_go_to_the_older(queue: Queue, tmp_path: Path):
    log = tmp_path / "order"
    for name, priority in (("a", 0), ("b", 5), ("c", 0), ("d", 5)):
        queue.enqueue(f"echo {name} >> {log}", "--priority", str(priority))

    assert queue.drain().wait() == 0

    assert lines(log) == ["b", "d", "a", "c"]


def test_workers_of_a_queue_leave_other_queues_alone(queue: Queue):
    pool = queue.start("--queue", "mail")

    queue.enqueue("true", "--id", "other")
    queue.enqueue("true", "--id", "mail", "--queue", "mail")

    assert queue.wait_for("mail") == "completed"
    assert queue.state("other") == "pending"
    pool.send(signal.SIGTERM)
    assert pool.wait() == 0


def test_a_delayed_job_is_started_when_it_is_due_and_not_at_the_next_poll(queue: Queue):
    queue.run("config", "set", "poll_interval", "60")
    queue.start()

    queue.enqueue("true", "--id", "later", "--delay", "700ms")

    queue.wait_for("later")
    job = queue.context.store.jobs.get("later")
    assert job.latest is not None
    # The next poll would be a minute later.
    assert 0 <= job.latest.started_at - job.job.run_at < 30_000


def test_a_timeout_ends_the_whole_tree_and_is_recorded(queue: Queue, tmp_path: Path):
    queue.start()
    pid = tmp_path / "pid"

    queue.enqueue(
        f"sh -c 'echo $$ > {pid}; sleep 300' & sleep 300", "--id", "slow", "--timeout", "0.3", "--max-retries", "0"
    )

    assert queue.wait_for("slow") == "dead"
    assert queue.json("show", "slow")["timed_out"] is True
    assert not alive(int(pid.read_text()))


def test_a_configuration_change_is_obeyed_without_a_restart(queue: Queue):
    queue.start()
    queue.enqueue("true", "--id", "before")
    queue.wait_for("before")

    queue.run("config", "set", "job_timeout", "0.2")
    queue.enqueue("sleep 60", "--id", "after", "--max-retries", "0")

    assert queue.wait_for("after") == "dead"
    assert queue.json("show", "after")["timed_out"] is True


def test_a_killed_workers_job_runs_again_and_the_pool_is_whole(queue: Queue, tmp_path: Path):
    queue.start(workers=2)
    log = tmp_path / "log"
    queue.enqueue(f"echo $$ >> {log}; test $QUEUECTL_ATTEMPT -gt 1 || sleep 300", "--id", "job")
    victim = queue.busy_worker()
    wait_until(lambda: lines(log))
    first = int(lines(log)[0])

    os.kill(victim, signal.SIGKILL)

    assert queue.wait_for("job") == "completed"
    assert not alive(first), "two attempts of one job must not live at the same time"
    assert queue.outcomes("job") == ["lost", "success"]
    assert queue.json("show", "job")["attempts"] == 1, "a lost attempt is given back"
    wait_until(lambda: len(queue.workers()) == 2)


def test_what_a_lost_attempt_had_printed_is_kept(queue: Queue):
    queue.start()
    queue.enqueue("test $QUEUECTL_ATTEMPT -gt 1 && exit; echo so far; sleep 300", "--id", "job")
    victim = queue.busy_worker()
    wait_until(lambda: "so far" in queue.json("show", "job")["stdout"])

    os.kill(victim, signal.SIGKILL)

    queue.wait_for("job")
    assert queue.run("logs", "job", "--attempt", "1").stdout == "so far\n"


def test_a_job_that_kills_its_worker_three_times_is_dead(queue: Queue):
    queue.start()

    queue.enqueue("kill -9 $PPID; sleep 300", "--id", "poison", "--max-retries", "50")

    assert queue.wait_for("poison") == "dead"
    assert queue.outcomes("poison") == ["lost"] * 3
    queue.enqueue("true", "--id", "next")
    assert queue.wait_for("next") == "completed"


def test_the_whole_pool_is_killed_and_the_next_one_puts_its_jobs_back(queue: Queue, tmp_path: Path):
    log = tmp_path / "log"
    pool = queue.start(workers=2)
    queue.enqueue(f"echo $$ >> {log}; test $QUEUECTL_ATTEMPT -gt 1 || sleep 300", "--id", "job")
    wait_until(lambda: lines(log))

    pool.kill()
    assert alive(int(lines(log)[0])), "the job outlives the pool, until it is recovered"
    queue.start()

    assert queue.wait_for("job") == "completed"
    assert not alive(int(lines(log)[0]))
    assert queue.outcomes("job") == ["lost", "success"]


def test_workers_whose_supervisor_was_killed_finish_their_jobs_and_leave(queue: Queue, tmp_path: Path):
    pool = queue.start(workers=2)
    queue.enqueue(STORY.format(log=tmp_path / "log"), "--id", "job")
    queue.busy_worker()

    pool.send(signal.SIGKILL)
    pool.process.wait()
    let_end(tmp_path / "log")

    wait_until(lambda: not queue.workers())
    assert queue.state("job") == "completed"
    assert lines(tmp_path / "log") == ["start", "end"]


def test_a_stopped_worker_is_killed_after_the_lease_and_its_job_runs_again(queue: Queue, tmp_path: Path):
    log = tmp_path / "log"
    queue.run("config", "set", "lease", "3")
    pool = queue.start()
    queue.enqueue(f"echo $QUEUECTL_ATTEMPT >> {log}; test $QUEUECTL_ATTEMPT -gt 1 || sleep 300", "--id", "job")
    victim = queue.busy_worker()
    wait_until(lambda: lines(log))

    os.kill(victim, signal.SIGSTOP)

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["lost", "success"]
    assert "no sign of life" in pool.log


def test_sigterm_once_finishes_the_running_job(queue: Queue, tmp_path: Path):
    pool = queue.start()
    queue.enqueue(STORY.format(log=tmp_path / "log"), "--id", "job")
    queue.enqueue("true", "--id", "next")
    queue.busy_worker()

    pool.send(signal.SIGTERM)
    wait_until(partial(has_logged, pool, 1))
    let_end(tmp_path / "log")

    assert pool.wait() == 0
    assert lines(tmp_path / "log") == ["start", "end"]
    assert (queue.state("job"), queue.state("next")) == ("completed", "pending")


def test_sigint_twice_puts_the_running_job_back(queue: Queue):
    pool = queue.start()
    queue.enqueue("sleep 300", "--id", "job")
    queue.busy_worker()

    pool.send(signal.SIGINT)
    wait_until(lambda: "stopping" in pool.log)
    pool.send(signal.SIGINT)

    assert pool.wait() == 0
    assert queue.state("job") == "pending"
    assert queue.outcomes("job") == ["released"]
    assert queue.json("show", "job")["attempts"] == 0


@pytest.mark.parametrize("times", [1, 2])
def test_a_pool_that_is_stopped_while_it_starts_a_worker_ends(queue: Queue, times: int):
    queue.enqueue("true", "--id", "job")
    queue.program = [sys.executable, "-m", "tests.support.signal_at_fork", str(times)]
    pool = Pool(queue, "--count", "3", log=queue.directory / "pool.log")
    try:
        assert pool.wait() == 0, pool.log
    finally:
        pool.end()
    assert pool.log.count("stopping") == times
    assert queue.state("job") in {"pending", "completed"}


def test_a_quiet_pool_logs_only_what_went_wrong(queue: Queue):
    queue.enqueue("true")
    queue.enqueue("exit 3", "--id", "bad", "--max-retries", "0")

    pool = queue.drain("--quiet")

    assert pool.wait(120) == 0
    (line,) = pool.log.splitlines()
    assert "job bad is dead after" in line
    pool = queue.start("--quiet")
    queue.run("worker", "scale", "2")
    wait_until(lambda: len(queue.workers()) == 2)
    queue.run("worker", "stop")
    assert (pool.wait(120), pool.log) == (0, "")


def test_the_log_and_the_history_give_an_attempt_the_same_number(queue: Queue):
    pool = queue.start()
    queue.enqueue("test $QUEUECTL_ATTEMPT -gt 1 || sleep 300; sleep 300", "--id", "job")
    os.kill(queue.busy_worker(), signal.SIGKILL)

    wait_until(lambda: "job job is running (attempt 2, try 1 of 4)" in pool.log)

    assert [each["attempt"] for each in queue.json("show", "job")["history"]] == [1, 2]
    assert "tries     1 of 4\n" in queue.run("show", "job").stdout


def has_word(pool: Pool, word: str, times: int) -> bool:
    return pool.log.count(word) >= times


def test_worker_stop_ends_pools_started_elsewhere_and_returns_when_they_are_gone(queue: Queue, tmp_path: Path):
    pools = [queue.start(workers=2), queue.start()]
    queue.enqueue(STORY.format(log=tmp_path / "log"), "--id", "job")
    queue.busy_worker()

    stopping = command.start("worker", "stop", env=queue.environment)
    for pool in pools:
        wait_until(partial(has_logged, pool, 1))
    let_end(tmp_path / "log")

    assert finished(stopping).code == 0
    assert queue.workers() == []
    assert [pool.wait() for pool in pools] == [0, 0]
    assert lines(tmp_path / "log") == ["start", "end"]


def test_worker_stop_now_puts_running_jobs_back(queue: Queue):
    queue.start()
    queue.enqueue("sleep 300", "--id", "job")
    queue.busy_worker()

    queue.run("worker", "stop", "--now")

    assert queue.state("job") == "pending"


def test_worker_stop_gives_up_after_its_timeout(queue: Queue):
    queue.start()
    queue.enqueue("sleep 300", "--id", "job")
    queue.busy_worker()

    done = queue.run("worker", "stop", "--timeout", "0.2", code=124)

    lines = [re.sub(r"\d+s\)", "Ns)", line) for line in done.stderr.splitlines()]
    assert lines == [
        "waiting for 1 job: job (running for Ns)",
        "error: the workers have not stopped after 0.2 s: waiting for 1 job: job (running for Ns)",
        "hint: the workers keep the order to stop; to end their jobs now: queuectl worker stop --now",
    ]


def test_worker_stop_redraws_what_it_waits_for_on_a_terminal(queue: Queue):
    queue.start()
    queue.enqueue("sleep 300", "--id", "job")
    queue.busy_worker()

    screen, code = on_a_terminal("worker", "stop", "--timeout", "3s", env=queue.environment)

    assert code == 124
    assert len(re.findall(r"\r\x1b\[2Kwaiting for 1 job: job \(running for \d+s\)", screen)) >= 2
    assert screen.count("\n") == 2, "the line is redrawn, and erased at the end"


def test_a_worker_list_has_the_pool_that_scale_asks_for(queue: Queue):
    queue.start()

    header, line = queue.run("worker", "list").stdout.splitlines()

    assert header.split()[:3] == ["ID", "POOL", "PID"]
    assert line.split()[1] == queue.json("worker", "list")[0]["pool"]


@pytest.mark.parametrize(("line", "code"), [("true", 0), ("false", 1)])
def test_a_drain_ends_with_1_if_jobs_died_in_it_and_that_is_a_failure(queue: Queue, line: str, code: int):
    queue.enqueue("false", "-r", "0")
    assert queue.drain().wait() == 0
    queue.enqueue(line, "-r", "0")

    done = queue.run("worker", "start", "--drain", "--quiet", "--fail-on-dead", "--json", code=code)

    assert json.loads(done.stdout)["dead"] == code, "a job that died before does not count"


def test_a_result_of_jobs_needs_a_pool_that_is_waited_for(queue: Queue):
    assert "--fail-on-dead" in queue.run("worker", "start", "--detach", "--fail-on-dead", code=2).stderr


def test_a_quiet_drain_of_an_empty_store_prints_nothing(queue: Queue):
    done = queue.run("worker", "start", "--drain", "--quiet")

    assert (done.stdout, done.stderr) == ("", "")


def test_a_stop_that_is_under_way_is_seen_everywhere(queue: Queue, tmp_path: Path):
    queue.start(workers=1)
    queue.enqueue(f"until test -e {tmp_path}/go; do sleep 0.05; done", "--id", "job")
    queue.busy_worker()
    stop = queue.begin("worker", "stop")

    wait_until(lambda: [each["state"] for each in queue.json("worker", "list")] == ["stopping"])

    assert "stopping" in queue.run("worker", "list").stdout
    assert queue.json("status")["workers"] == {"running": 1, "busy": 1, "stopping": 1}
    assert "1 running, 1 busy, 1 stopping" in queue.run("status").stdout
    assert [reason["code"] for reason in queue.json("explain", "job")["reasons"]] == ["running", "stopping"]
    (tmp_path / "go").touch()
    assert stop.wait(120) == 0
    assert stop.stdout is not None
    stop.stdout.close()
    assert queue.state("job") == "completed"


@pytest.mark.parametrize(("signals", "order"), [(1, "drain"), (2, "now")])
def test_a_pool_that_a_signal_stops_is_seen_as_stopping(queue: Queue, tmp_path: Path, signals: int, order: str):
    queue.run("config", "set", "kill_grace", "60")
    pool = queue.start(workers=1)
    queue.enqueue(f"trap '' TERM; until test -e {tmp_path}/go; do sleep 0.05; done", "--id", "job")
    queue.busy_worker()

    for sent in range(1, signals + 1):
        pool.send(signal.SIGTERM)
        wait_until(partial(has_word, pool, "stopping", sent))

    wait_until(lambda: [each.stop for each in queue.context.store.workers.running_pools()] == [order])
    assert [each["state"] for each in queue.json("worker", "list")] == ["stopping"]
    assert queue.json("status")["workers"] == {"running": 1, "busy": 1, "stopping": 1}
    (tmp_path / "go").touch()
    assert pool.wait() == 0
    assert queue.json("worker", "list") == []


def test_surplus_workers_are_stopping_while_they_finish_their_jobs(queue: Queue, tmp_path: Path):
    queue.start(workers=2)
    for _ in range(2):
        queue.enqueue(f"until test -e {tmp_path}/go; do sleep 0.05; done")
    wait_until(lambda: queue.json("status")["workers"]["busy"] == 2)

    queue.run("worker", "scale", "1")

    assert sorted(each["state"] for each in queue.json("worker", "list")) == ["busy", "stopping"]
    assert queue.json("status")["workers"] == {"running": 2, "busy": 2, "stopping": 1}
    (tmp_path / "go").touch()
    wait_until(lambda: [each["state"] for each in queue.json("worker", "list")] == ["idle"])


def test_worker_stop_succeeds_when_no_worker_runs(queue: Queue):
    queue.run("worker", "stop")


def test_worker_stop_clears_up_after_a_pool_that_was_killed(queue: Queue):
    pool = queue.start(workers=2)
    pool.kill()

    queue.run("worker", "stop")

    assert queue.context.store.workers.running_pools() == []


def test_a_pool_is_scaled_up_and_down_while_it_runs(queue: Queue):
    queue.start(workers=1)

    queue.run("worker", "scale", "3")
    wait_until(lambda: len(queue.workers()) == 3)
    queue.run("worker", "scale", "0")
    wait_until(lambda: len(queue.workers()) == 0)
    queue.run("worker", "scale", "1")
    queue.enqueue("true", "--id", "job")

    assert queue.wait_for("job") == "completed"


def test_scaling_without_a_pool_says_so(queue: Queue):
    queue.enqueue("true")

    assert "worker start" in queue.run("worker", "scale", "3", code=3).stderr


def test_drain_waits_for_retries_and_ends_with_code_0(queue: Queue):
    queue.run("config", "set", "backoff_delay", "0.2")
    queue.enqueue("test $QUEUECTL_ATTEMPT -eq 3", "--id", "third time lucky")
    queue.enqueue("false", "--id", "never", "--max-retries", "1")

    pool = queue.drain(workers=3)

    assert pool.wait() == 0
    assert (queue.state("third time lucky"), queue.state("never")) == ("completed", "dead")


def test_drain_of_an_empty_store_ends_at_once(queue: Queue):
    assert queue.drain(workers=4).wait() == 0


def test_a_worker_killed_during_a_drain_does_not_end_it_early(queue: Queue):
    queue.enqueue("test $QUEUECTL_ATTEMPT -gt 1 || sleep 300", "--id", "job")
    pool = queue.drain(workers=2)

    os.kill(queue.busy_worker(), signal.SIGKILL)

    assert pool.wait() == 0
    assert queue.state("job") == "completed"


def test_a_detached_pool_has_reported_in_and_outlives_its_parent(queue: Queue):
    shell = f"{QUEUECTL} worker start --count 3 --detach"
    subprocess.run(
        ["/bin/sh", "-c", shell], env=queue.environment, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE
    )

    assert len(queue.workers()) == 3
    queue.enqueue("true", "--id", "job")
    assert queue.wait_for("job") == "completed"


@pytest.mark.on_sqlite
def test_a_detached_pool_that_cannot_start_says_why(queue: Queue):
    Path(queue.path).write_text("this is no database, but it is long enough to be taken for one" * 100)

    done = queue.run("worker", "start", "--detach", code=5)

    assert "not a queuectl store" in done.stderr


def test_a_killed_steward_is_replaced(queue: Queue):
    pool = queue.start()
    children = Path(f"/proc/{pool.process.pid}/task/{pool.process.pid}/children")
    (steward,) = set(map(int, children.read_text().split())) - {seen.info.pid for seen in queue.workers()}

    os.kill(steward, signal.SIGKILL)
    wait_until(lambda: "the steward" in pool.log)
    queue.run("worker", "scale", "2")

    wait_until(lambda: len(queue.workers()) == 2)


def test_cancel_ends_a_running_job_wherever_it_runs(queue: Queue, tmp_path: Path):
    queue.start(workers=2)
    log = tmp_path / "log"
    story = f"trap 'echo term >> {log}; exit 0' TERM; echo up >> {log}; while :; do sleep 0.1; done"
    queue.enqueue(story, "--id", "job")
    wait_until(lambda: lines(tmp_path / "log"))

    queue.run("cancel", "job")

    assert queue.wait_for("job") == "cancelled"
    assert lines(tmp_path / "log") == ["up", "term"]
    assert queue.outcomes("job") == ["cancelled"]


def test_a_job_that_ignores_term_is_killed_after_the_grace(queue: Queue, tmp_path: Path):
    queue.run("config", "set", "kill_grace", "0.3")
    queue.start()
    queue.enqueue(f"trap '' TERM; echo up > {tmp_path}/log; while :; do sleep 1; done", "--id", "job")
    wait_until(lambda: lines(tmp_path / "log"))

    queue.run("cancel", "job")

    assert queue.wait_for("job") == "cancelled"


def test_a_job_cancelled_while_it_fails_is_not_retried(queue: Queue, tmp_path: Path):
    queue.start()
    queue.enqueue(f"trap 'exit 1' TERM; echo up > {tmp_path}/log; while :; do sleep 0.1; done", "--id", "job")
    wait_until(lambda: lines(tmp_path / "log"))

    queue.run("cancel", "job")

    assert queue.wait_for("job") == "cancelled"


def test_a_job_can_enqueue_another_into_its_own_store(queue: Queue):
    queue.start()

    queue.enqueue(f"{QUEUECTL} enqueue --id child 'echo born'", "--id", "parent")

    wait_until(lambda: queue.run("show", "child", code=None).returncode == 0)
    assert queue.wait_for("child") == "completed"


def test_no_secret_and_no_setting_of_the_worker_reaches_a_job(queue: Queue):
    queue.environment |= {"PGPASSWORD": "hunter2", "QUEUECTL_POLL_INTERVAL": "0.5", "TMOUT": "1"}
    queue.start()

    queue.enqueue("env", "--id", "job", "--env", "COLOUR=blue")

    queue.wait_for("job")
    printed = queue.json("show", "job")["stdout"]
    assert "hunter2" not in printed
    assert "POLL_INTERVAL" not in printed
    assert "TMOUT" not in printed
    assert {"COLOUR=blue", "QUEUECTL_JOB_ID=job", "QUEUECTL_ATTEMPT=1"} <= set(printed.splitlines())
    assert "blue" not in queue.run("show", "job").stdout.split("stdout")[0], "values are masked"


def test_a_job_runs_where_it_was_enqueued(queue: Queue, tmp_path: Path):
    queue.start()

    queue.enqueue("pwd", "--id", "here")
    queue.enqueue("pwd", "--id", "there", "--cwd", "/")
    queue.enqueue("pwd", "--id", "gone", "--cwd", str(tmp_path / "gone"), "--max-retries", "0")

    queue.wait_for("here"), queue.wait_for("there"), queue.wait_for("gone")
    assert queue.json("show", "here")["stdout"] == f"{tmp_path}\n"
    assert queue.json("show", "there")["stdout"] == "/\n"
    assert queue.json("show", "gone")["outcome"] == "spawn_error"
    assert str(tmp_path / "gone") in queue.json("show", "gone")["error"]


def test_files_are_private_and_nothing_is_left_behind(queue: Queue):
    os.umask(0)
    try:
        pool = queue.start(workers=2)
        queue.enqueue("echo hello", "--id", "job")
        queue.wait_for("job")
        for path in Path(queue.directory).rglob("queue.db*"):
            assert path.stat().st_mode & 0o077 == 0, path
        for path in Path(queue.context.run_dir.root).rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path
    finally:
        os.umask(0o022)

    pool.send(signal.SIGTERM)
    pool.wait()

    left = [path for path in Path(queue.context.run_dir.root).rglob("*") if not path.is_dir() and path.name != "any"]
    assert left == []


def test_the_silence_of_a_worker_is_measured_by_its_hosts_clock(queue: Queue):
    queue.start()
    tomorrow = queue.context.now() + 86_400_000
    (seen,) = living_workers(queue.context.store, queue.context.run_dir, now=tomorrow)
    assert seen.state is WorkerState.IDLE
    assert seen.last_beat_at is not None
    assert tomorrow - seen.last_beat_at < 43_200_000


def test_no_process_of_a_pool_has_a_socket_that_listens(queue: Queue):
    pool = queue.start(workers=2)
    pids = [pool.process.pid, *(seen.info.pid for seen in queue.workers())]
    listening = {
        line.split()[9]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pool.process.pid}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }

    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(descriptor)
            assert not (target.startswith("socket:[") and target[8:-1] in listening)


@pytest.mark.parametrize("signals", [1, 2])
def test_ctrl_c_in_a_terminal_reaches_the_supervisor_alone(queue: Queue, tmp_path: Path, signals: int):
    pool = queue.start(workers=2)
    queue.enqueue(STORY.format(log=tmp_path / "log"), "--id", "job")
    queue.busy_worker()

    for count in range(signals):
        # A terminal signals the whole group in the foreground.
        os.killpg(pool.process.pid, signal.SIGINT)
        wait_until(partial(has_logged, pool, count + 1))
    if signals == 1:
        # Not after the second signal, which ends the job: it could end by itself before that reaches it.
        let_end(tmp_path / "log")

    assert pool.wait() == 0
    assert queue.outcomes("job") == (["success"] if signals == 1 else ["released"])


@pytest.mark.skipif(sys.platform != "linux", reason="reads the masks in /proc")
def test_jobs_ignore_no_signal_although_their_worker_does(queue: Queue):
    ids = [queue.enqueue("grep SigIgn /proc/self/status") for _ in range(2)]

    assert queue.drain().wait() == 0

    own_of_glibc = 1 << 31 | 1 << 32
    masks = [int(queue.run("logs", id_).stdout.split()[1], 16) & ~own_of_glibc for id_ in ids]
    assert masks == [0, 0]
