"""Hostile jobs: the worker survives, and the record is correct."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.queue import Queue
from tests.support.waiting import PATIENCE, wait_until


def memory(pid: int) -> int:
    """Resident KiB."""
    return next(
        int(line.split()[1])
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    )


def still_works(queue: Queue) -> bool:
    return queue.wait_for(queue.enqueue("true")) == "completed"


def test_a_job_that_prints_gigabytes_keeps_both_ends_and_costs_no_memory(queue: Queue):
    queue.start()
    (worker,) = queue.workers()
    before = memory(worker.info.pid)

    queue.enqueue("echo first; head -c 1000000000 /dev/zero; echo; echo last", "--id", "job")
    highest = 0

    def done() -> bool:
        nonlocal highest
        highest = max(highest, memory(worker.info.pid))
        return queue.state("job") == "completed"

    wait_until(done)
    record = queue.json("show", "job")
    assert record["stdout_bytes"] == 1_000_000_012
    assert record["stdout_truncated"] is True
    assert record["stdout"].startswith("first\n\0")
    assert record["stdout"].endswith("\nlast\n")
    assert "bytes left out" in record["stdout"]
    assert highest - before < 50 * 1024
    assert sum(file.stat().st_size for file in Path(queue.directory).glob("queue.db*") if file.is_file()) < 3 * 2**20


def test_binary_output_without_a_newline_is_kept_to_the_byte(queue: Queue):
    queue.start()
    queue.enqueue(r"printf '\000\001\377\200abc'", "--id", "job")

    queue.wait_for("job")

    seq = queue.context.store.jobs.get("job").job.seq
    assert queue.context.store.jobs.output(seq, 1)[0].head == b"\x00\x01\xff\x80abc"


def test_terminal_escapes_are_harmless_for_people_and_exact_when_raw(queue: Queue):
    queue.start()
    queue.enqueue(r"printf '\033]0;pwned\007\033[2J\302\233'", "--id", "job")
    queue.wait_for("job")

    for words in (("logs", "job"), ("show", "job"), ("list",)):
        printed = queue.run(*words).stdout
        assert "\x1b" not in printed
        assert "\x07" not in printed
        assert "\x9b" not in printed
    assert queue.run("logs", "job", "--raw").stdout == "\x1b]0;pwned\x07\x1b[2J\x9b"


def test_standard_input_is_at_its_end(queue: Queue):
    queue.start()
    queue.enqueue("cat; echo read", "--id", "job")

    assert queue.wait_for("job") == "completed"
    assert queue.json("show", "job")["stdout"] == "read\n"


def test_a_job_that_closes_its_streams_is_waited_for(queue: Queue, tmp_path: Path):
    queue.start()
    queue.enqueue(f"exec >&- 2>&-; sleep 0.4; echo done > {tmp_path}/mark; exit 3", "--id", "job", "--max-retries", "0")

    assert queue.wait_for("job") == "dead"
    assert queue.json("show", "job")["exit_code"] == 3
    assert (tmp_path / "mark").exists()


def test_a_daemon_that_escapes_is_ended_with_its_job(queue: Queue, tmp_path: Path):
    queue.start()
    pid = tmp_path / "pid"
    escape = f"setsid sh -c 'echo $$ > {pid}; exec sleep 300' </dev/null >/dev/null 2>&1 &"
    queue.enqueue(f"({escape}); while [ ! -s {pid} ]; do sleep 0.05; done; echo left it behind", "--id", "job")

    assert queue.wait_for("job") == "completed"
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    assert still_works(queue)


def test_a_command_that_does_not_exist_says_so(queue: Queue):
    queue.start()
    queue.enqueue("nonexistent-cmd", "--id", "job", "--max-retries", "0")

    assert queue.wait_for("job") == "dead"
    record = queue.json("show", "job")
    assert record["exit_code"] == 127
    assert "not found" in record["stderr"]


def test_a_job_ended_by_a_signal_says_which(queue: Queue):
    queue.start()
    queue.enqueue("kill -SEGV $$", "--id", "job", "--max-retries", "0")

    assert queue.wait_for("job") == "dead"
    record = queue.json("show", "job")
    assert (record["outcome"], record["signal"], record["exit_code"]) == ("signal", 11, None)


def test_a_stopped_job_is_ended_at_its_timeout(queue: Queue):
    queue.start()
    queue.enqueue("kill -STOP $$", "--id", "job", "--timeout", "0.3", "--max-retries", "0")

    assert queue.wait_for("job") == "dead"
    assert queue.json("show", "job")["timed_out"] is True


def test_a_job_that_traps_its_timeout_and_exits_with_0_has_still_timed_out(queue: Queue):
    queue.start()
    queue.enqueue(
        "trap 'exit 0' TERM; while :; do sleep 0.05; done", "--id", "job", "--timeout", "0.3", "--max-retries", "0"
    )

    assert queue.wait_for("job") == "dead"
    assert queue.json("show", "job")["outcome"] == "timeout"


def test_a_command_of_a_megabyte_runs(queue: Queue):
    queue.start()
    command = f": {'x' * 1_000_000}\necho fine"
    queue.run("enqueue", "-f", "-", given=f'{{"id":"job","command":{__import__("json").dumps(command)}}}\n')

    assert queue.wait_for("job") == "completed"
    assert queue.json("show", "job")["stdout"] == "fine\n"


def test_arguments_arrive_as_they_were_written(queue: Queue):
    queue.start()
    words = ["a b", "$HOME", "'", '"', "\\", "*", "", "ä✓", "-n", "new\nline", "`id`", "a;b"]
    id_ = queue.run("enqueue", "--", "printf", "[%s]", *words).stdout.strip()

    queue.wait_for(id_)
    assert queue.json("show", id_)["stdout"] == "".join(f"[{word}]" for word in words)


def test_a_shell_command_arrives_byte_for_byte(queue: Queue):
    queue.start()
    command = "printf '%s' \"$(printf 'a\\tb')\"  ; echo 'ä€🎉'  # comment"
    id_ = queue.enqueue(command)

    queue.wait_for(id_)
    assert queue.json("show", id_)["stdout"] == "a\tbä€🎉\n"
    assert queue.json("show", id_)["command"] == command


def test_a_fork_bomb_is_ended_at_its_timeout(queue: Queue):
    queue.environment["QUEUECTL_KILL_GRACE"] = "0.2"
    queue.start()
    # Bounded, so that a failing test does not take down the machine.
    bomb = "f() { n=$1; while [ $n -gt 0 ]; do f $((n-1)) & n=$((n-1)); done; sleep 300; }; f 6"
    queue.enqueue(bomb, "--id", "job", "--timeout", "0.5", "--max-retries", "0")

    assert queue.wait_for("job") == "dead"
    assert queue.json("show", "job")["timed_out"] is True
    assert still_works(queue)


def test_an_enormous_environment_is_an_error_of_the_job_alone(queue: Queue):
    queue.start()
    variables = {f"V{number}": "x" * 100_000 for number in range(30)}
    job = {"id": "job", "command": "true", "env": variables, "max_retries": 0}
    queue.run("enqueue", "-f", "-", given=__import__("json").dumps(job) + "\n")

    assert queue.wait_for("job") == "dead"
    assert queue.json("show", "job")["outcome"] == "spawn_error"
    assert still_works(queue)


def test_output_of_a_running_job_is_followed_live(queue: Queue, tmp_path: Path):
    import subprocess

    from tests.support.queue import QUEUECTL

    queue.start()
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    queue.enqueue(f"echo before; cat {gate}; echo after", "--id", "job")
    with subprocess.Popen([QUEUECTL, "logs", "-f", "job"], env=queue.environment, stdout=subprocess.PIPE) as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline() == b"before\n"
        gate.write_text("through the gate\n")
        assert follower.stdout.read() == b"through the gate\nafter\n"
        assert follower.wait(PATIENCE) == 0
