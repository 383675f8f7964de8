"""Enqueue a file of jobs: all of it or nothing of it, and wrong lines by their number."""

from __future__ import annotations

import json
import subprocess

import pytest

from queuectl.operations import intake
from tests.support import command
from tests.support.queue import QUEUECTL, Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def jobs(queue: Queue) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = queue.json("list", "--limit", "0")
    return found


def test_each_line_is_a_job_and_blank_lines_are_none(queue: Queue):
    text = '{"id":"a","command":"echo a"}\n\n  \n {"command":"echo 2","priority":3}\t\n{"id":"c","command":"c"}'

    assert queue.run("enqueue", "-f", "-", given=text).stdout.split() == ["a", "2", "c"]

    assert [(job["id"], job["command"], job["priority"]) for job in jobs(queue)] == [
        ("a", "echo a", 0),
        ("2", "echo 2", 3),
        ("c", "c", 0),
    ]


def test_each_line_is_a_shell_command_byte_for_byte(queue: Queue):
    lines = ["echo 'a  b' # {", "  indented", '{"command": "echo"}', "trailing blanks  ", "\u2028 \x0b \x1c é", "\\"]

    queue.run("enqueue", "--lines", "-f", "-", given="\n".join(lines) + "\n")

    assert [job["command"] for job in jobs(queue)] == lines


def test_a_byte_order_mark_and_carriage_returns_are_no_part_of_a_command(queue: Queue):
    queue.run("enqueue", "--lines", "-f", "-", given=b"\xef\xbb\xbfecho a\r\necho b\r\r\n\r\n")

    assert [job["command"] for job in jobs(queue)] == ["echo a", "echo b\r"]


def test_options_fill_in_what_a_line_leaves_open(queue: Queue):
    text = '{"command":"a"}\n{"command":"b","queue":"own","delay":5}\n'

    queue.run("enqueue", "-q", "mail", "--at", "2030-01-01T00:00:00Z", "--tag", "t", "-r", "0", "-f", "-", given=text)

    first, second = jobs(queue)
    assert (first["queue"], first["run_at"], first["tags"]) == ("mail", "2030-01-01T00:00:00.000Z", ["t"])
    assert (second["queue"], second["run_at"] < "2029", second["tags"]) == ("own", True, ["t"])
    assert first["cwd"] == second["cwd"] == str(queue.directory)


def test_an_empty_file_is_no_job_and_no_error(queue: Queue):
    assert queue.run("enqueue", "-f", "/dev/null").stdout == ""
    assert queue.json("enqueue", "-f", "/dev/null") == []


def test_json_prints_an_array_of_records(queue: Queue):
    records = json.loads(queue.run("enqueue", "--lines", "-f", "-", "--json", given="a\nb\n").stdout)

    assert [record["command"] for record in records] == ["a", "b"]


BAD_LINES = {
    "invalid JSON": (b'{"command":"a"}\n{"command":\n{"command":"c"}', 2, "line 2: the job is not valid JSON"),
    "an unknown key": (b'\n{"command":"a"}\n{"command":"b","x":1}', 2, "line 3: unknown key 'x'"),
    "no object": (b'{"command":"a"}\n"b"', 2, "line 2: the job must be a JSON object"),
    "two objects on a line": (b'{"command":"a"} {"command":"b"}', 2, "line 1: the job is not valid JSON: Extra data"),
    "an object over two lines": (b'{"command":\n"a"}', 2, "line 1: "),
    "a NUL": (b'{"command":"a"}\n{"command":"a\\u0000"}', 2, "line 2: command must not contain a NUL"),
    "bytes that are no text": (b'{"command":"a"}\n{"command":"\xff"}', 2, "line 2: not valid UTF-8"),
    "an id that is there twice": (
        b'{"id":"a","command":"a"}\n{"command":"b"}\n{"id":"a","command":"c"}',
        4,
        "line 3: job a is on line 1 already",
    ),
    "an id that is taken": (b'{"command":"a"}\n{"id":"taken","command":"b"}', 4, "line 2: job taken is there already"),
}


@pytest.mark.parametrize("what", BAD_LINES)
def test_a_bad_line_refuses_the_whole_file_by_its_number(queue: Queue, what: str):
    text, code, told = BAD_LINES[what]
    queue.enqueue("true", "--id", "taken")

    command.run("enqueue", "-f", "-", env=queue.environment, given=text).refused(code, told, "nothing was enqueued")

    assert [job["id"] for job in jobs(queue)] == ["taken"]


def test_a_nul_in_a_shell_line_is_refused_by_its_number(queue: Queue):
    done = command.run("enqueue", "--lines", "-f", "-", env=queue.environment, given=b"a\nb\0\n")

    done.refused(2, "line 2: command must not contain a NUL")


def test_an_id_taken_far_down_a_long_file_refuses_all_of_it(queue: Queue):
    queue.enqueue("true", "--id", "taken")
    lines = [f'{{"id":"job{n}","command":"true"}}' for n in range(intake.BATCH + 10)]
    lines[-3] = '{"id":"taken","command":"true"}'

    done = command.run("enqueue", "-f", "-", env=queue.environment, given="\n".join(lines).encode())

    done.refused(4, f"line {len(lines) - 2}: job taken is there already; nothing was enqueued")
    assert queue.json("status")["total"] == 1


def test_more_than_one_batch_is_stored_in_order(queue: Queue):
    count = intake.BATCH + 5

    out = queue.run("enqueue", "--lines", "-f", "-", given="\n".join(f"echo {n}" for n in range(count))).stdout

    assert out.split() == [str(n) for n in range(1, count + 1)]
    assert queue.json("status")["jobs"]["pending"] == count
    assert queue.json("list", "--limit", "1")[0]["command"] == f"echo {count - 1}"


def test_a_reader_that_goes_away_does_not_stop_the_file(queue: Queue):
    count = intake.BATCH + 5
    (queue.directory / "lines").write_text("\n".join(f"echo {n}" for n in range(count)))

    done = subprocess.run(
        ["sh", "-c", f"'{QUEUECTL}' enqueue --lines -f lines | head -n 1"],
        env=queue.environment,
        cwd=queue.directory,
        capture_output=True,
        text=True,
        check=True,
    )

    assert (done.stdout, done.stderr) == ("1\n", "")
    assert queue.json("status")["total"] == count
