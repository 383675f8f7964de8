"""The commands that the mission names, exactly as they are written there, and the two of the README."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess

from tests.support.queue import QUEUECTL, ROOT, Queue
from tests.support.waiting import PATIENCE, wait_until


def typed(queue: Queue, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line as typed in the checkout."""
    return subprocess.run(
        ["/bin/sh", "-c", line], cwd=ROOT, env=queue.environment, capture_output=True, text=True, timeout=PATIENCE
    )


def test_the_commands_of_the_mission_work_as_written(queue: Queue):
    assert "usage: queuectl" in typed(queue, "./bin/queuectl --help").stdout
    line = """./bin/queuectl enqueue '{"id":"job1","command":"echo Hello-QueueCTL","max_retries":2}'"""
    assert typed(queue, line).stdout == "job1\n"
    pool = subprocess.Popen(
        shlex.split("./bin/queuectl worker start --count 2"), cwd=ROOT, env=queue.environment, stderr=subprocess.DEVNULL
    )
    assert queue.wait_for("job1") == "completed"
    assert "completed" in typed(queue, "./bin/queuectl status").stdout
    assert "job1" in typed(queue, "./bin/queuectl list").stdout
    assert "job1" in typed(queue, "./bin/queuectl list --state completed").stdout
    assert typed(queue, "./bin/queuectl dlq list").returncode == 0
    assert typed(queue, "./bin/queuectl dlq retry job1").returncode == 4, "it is not dead"
    assert typed(queue, "./bin/queuectl config set backoff_base 1.5").returncode == 0
    assert typed(queue, "./bin/queuectl config set job_timeout 5").returncode == 0
    assert typed(queue, "./bin/queuectl config get backoff_base").stdout == "1.5\n"
    assert typed(queue, "./bin/queuectl worker stop").returncode == 0
    assert pool.wait() == 0


def test_the_manual_demo_works_on_default_settings(queue: Queue):
    venv = f". {ROOT}/.venv/bin/activate; cd {ROOT}; "
    pool = subprocess.Popen(
        ["/bin/sh", "-c", venv + "exec python3 -m queuectl.cli worker start --count 1"],
        env=queue.environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        typed(queue, """./bin/queuectl enqueue '{"id":"demo1","command":"echo Hello","max_retries":2}'""")
        typed(queue, """./bin/queuectl enqueue '{"id":"demo2","command":"nonexistent-cmd","max_retries":2}'""")
        wait_until(lambda: queue.state("demo2") == "dead")

        assert "dead" in typed(queue, "./bin/queuectl status").stdout
        assert "demo1" in typed(queue, "./bin/queuectl list").stdout
        assert "demo2" in typed(queue, "./bin/queuectl dlq list").stdout
        assert typed(queue, "./bin/queuectl dlq retry demo2").returncode == 0
        assert queue.state("demo2") != "dead"
        assert typed(queue, "./bin/queuectl worker stop").returncode == 0
        assert pool.wait() == 0
    finally:
        if pool.poll() is None:
            pool.send_signal(signal.SIGKILL)
            pool.wait()


def test_outside_the_venv_the_module_says_in_one_line_how_to_set_up(queue: Queue):
    done = subprocess.run(
        ["/bin/sh", "-c", "python3 -S -m queuectl.cli status"],
        cwd=ROOT,
        env={"PATH": queue.environment["PATH"]},
        capture_output=True,
        text=True,
    )

    assert done.returncode != 0
    assert "bin/queuectl" in done.stderr
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if not line.startswith("hint: ")]) == 1


def test_the_unattended_demo_exits_0(queue: Queue):
    done = subprocess.run(
        [str(ROOT / "tests" / "run_demo.sh")], env=queue.environment, capture_output=True, timeout=PATIENCE
    )

    assert done.returncode == 0, done.stderr.decode()


def test_queuectl_demo_runs_a_workload_to_its_end(queue: Queue):
    done = queue.run("demo")

    assert "dead letters" in done.stdout
    assert "webhook" in done.stdout
    document = queue.json("demo")
    assert document["status"]["jobs"] == {
        "pending": 0,
        "processing": 0,
        "completed": 8,
        "failed": 0,
        "dead": 3,
        "cancelled": 0,
        "held": 0,
    }
    assert queue.json("status")["total"] == 0, "on a store of its own"


def test_a_record_has_the_fields_under_their_names(queue: Queue):
    queue.run("enqueue", '{"id":"demo1","command":"echo Hello","max_retries":3,"timeout":10}')
    assert queue.drain().wait() == 0

    record = queue.json("show", "demo1")

    expected = {
        "id": "demo1", "command": "echo Hello", "state": "completed", "attempts": 1, "max_retries": 3,
        "stdout": "Hello\n", "stderr": "", "timed_out": False, "timeout": 10,
    }  # fmt: skip
    assert {key: record[key] for key in expected} == expected
    assert isinstance(record["duration"], int | float)
    assert record["created_at"].endswith("Z")
    assert len(record["updated_at"]) == len("2025-11-08T16:12:49.012Z")
    (attempt,) = record["history"]
    assert attempt["outcome"] == "success"
    assert {"attempt", "exit_code", "signal", "worker", "started_at", "duration"} <= set(attempt)


def test_without_a_command_and_a_terminal_it_prints_the_usage_and_exits_2(queue: Queue):
    done = queue.run(code=2)

    assert "usage: queuectl" in done.stderr
    assert done.stdout == ""


def test_status_always_names_every_state(queue: Queue):
    document = queue.json("status")

    assert document["jobs"] == dict.fromkeys(
        ("pending", "processing", "completed", "failed", "dead", "cancelled", "held"), 0
    )
    assert document["total"] == 0
    assert document["workers"] == {"running": 0, "busy": 0, "stopping": 0}


def test_two_commands_in_a_pipe_speak_json_to_each_other(queue: Queue):
    queue.enqueue("echo one")
    queue.enqueue("echo two")

    records = json.loads(queue.run("list", "--json").stdout)

    assert [record["command"] for record in records] == ["echo one", "echo two"]
    assert all("stdout" not in record for record in records)


def test_the_binary_is_found_through_a_symlink_from_anywhere(queue: Queue):
    link = queue.directory / "q"
    link.symlink_to(QUEUECTL)

    done = subprocess.run([str(link), "--version"], cwd="/", env=queue.environment, capture_output=True, text=True)

    assert done.returncode == 0
    assert done.stdout.startswith("queuectl ")
