"""Times through the command line: local ones with their zone for people, UTC in JSON."""

from __future__ import annotations

import re

import pytest

from tests.support import command
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal

NEW_YORK = {"TZ": "America/New_York"}
LOCAL = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


@pytest.mark.parametrize(
    ("zone", "utc", "shown"),
    [
        ("America/New_York", "2030-12-01T14:00:00.000Z", "2030-12-01 09:00:00 EST"),
        ("Europe/Berlin", "2030-12-01T08:00:00.000Z", "2030-12-01 09:00:00 CET"),
    ],
)
def test_a_local_due_time_is_echoed_with_its_zone_and_is_utc_in_json(queue: Queue, zone: str, utc: str, shown: str):
    env = queue.environment | {"TZ": zone}

    screen, code = on_a_terminal("enqueue", "--id", "a", "--at", "2030-12-01 09:00", "true", env=env)

    assert code == 0
    assert f"due {shown}, in " in screen
    assert queue.json("show", "a")["run_at"] == utc
    assert re.search(rf"^due +{shown}$", command.run("show", "a", env=env).out, re.MULTILINE)
    assert re.search(rf", at {shown}$", command.run("explain", "a", env=env).out, re.MULTILINE)


def test_a_script_gets_no_echo_of_a_due_time(queue: Queue):
    done = command.run("enqueue", "--at", "2030-12-01 09:00", "true", env=queue.environment | NEW_YORK)

    assert (done.code, done.err) == (0, "")
    assert queue.json("list")[0]["run_at"] == "2030-12-01T14:00:00.000Z"


def test_an_edit_and_a_file_of_jobs_take_local_due_times_too(queue: Queue):
    queue.environment |= NEW_YORK
    queue.run("enqueue", "--at", "2030-07-01T09:00", "--lines", "-f", "-", given="true\n")
    (job,) = queue.json("list")

    assert job["run_at"] == "2030-07-01T13:00:00.000Z"
    assert queue.json("edit", job["id"], "--at", "2030-12-01 09:00")["run_at"] == "2030-12-01T14:00:00.000Z"
    screen, _ = on_a_terminal("edit", job["id"], "--at", "2030-12-02 09:00", env=queue.environment)
    assert "due 2030-12-02 09:00:00 EST, in " in screen


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ("2030-03-10 02:30", "the clocks are put forward"),
        ("2030-11-03 01:30", "the clocks are put back"),
        ("01/02/2030 09:00", "can mean several dates"),
    ],
)
def test_an_unclear_due_time_enqueues_nothing(queue: Queue, time: str, message: str):
    done = command.run("enqueue", "--at", time, "true", env=queue.environment | NEW_YORK)

    done.refused(2, "--at: ", message)
    assert queue.json("list") == []


def test_the_key_of_a_job_takes_rfc_3339_only(queue: Queue):
    done = command.run("enqueue", '{"command": "true", "run_at": "2030-12-01 09:00"}', env=queue.environment)

    done.refused(2, "run_at: ")


def test_history_and_show_name_the_zone_once(queue: Queue):
    queue.enqueue("true", "--id", "a")
    queue.run("hold", "a")
    queue.run("release", "a")
    queue.drain().wait()
    env = queue.environment | {"TZ": "Asia/Kolkata"}

    table, shown = command.run("history", "a", env=env).out, command.run("show", "a", env=env).out

    assert table.startswith("AT (IST) ")
    assert len(re.findall(rf"^{LOCAL}  ", table, re.MULTILINE)) == 2
    assert len(re.findall(rf"^(?:enqueued|finished) +{LOCAL} IST(?: by .+)?$", shown, re.MULTILINE)) == 2
    assert "  STARTED (IST)" in shown
    assert all(event["at"].endswith("Z") for event in queue.json("history"))


@pytest.mark.parametrize("columns", [80, 100])
def test_history_keeps_commands_readable_on_a_terminal(queue: Queue, columns: int):
    queue.enqueue("true", "--id", "a")
    queue.run("config", "set", "max_retries", "7")
    queue.run("priority", "a", "12")

    screen, _ = on_a_terminal("history", env=queue.environment | {"TZ": "UTC"}, columns=columns)

    assert "queuectl priority a 12" in screen
    assert re.search(r"^\d\d-\d\d \d\d:\d\d:\d\d  ", screen, re.MULTILINE)
    assert all(len(line) <= columns for line in re.sub("\x1b\\[[0-9;]*m", "", screen).splitlines())


def test_an_unknown_zone_is_reported_where_local_times_are_shown(queue: Queue):
    queue.enqueue("true", "--id", "a")
    note = "note: the zone Europe/Berln of TZ is unknown, so times are UTC\n"

    for words in (("list",), ("show", "a")):
        assert command.run(*words, env=queue.environment | {"TZ": "Europe/Berln"}).err == note
    for zone in ("Europe/Berlin", ":Europe/Berlin", "CET-1CEST", "<+03>-3", "UTC", ""):
        assert command.run("list", env=queue.environment | {"TZ": zone}).err == "", zone
    assert command.run("list", "--json", env=queue.environment | {"TZ": "Europe/Berln"}).err == ""


def test_a_local_due_time_in_an_unknown_zone_is_refused(queue: Queue):
    env = queue.environment | {"TZ": "Europe/Berln"}

    done = command.run("enqueue", "--at", "09:00", "true", env=env)

    done.refused(2, "--at: the zone Europe/Berln of TZ is unknown, so a local time would be read as UTC")
    for at in ("in 3h", "2030-01-01T00:00:00Z", "2030-12-01 09:00+01:00"):
        assert command.run("enqueue", "--at", at, "true", env=env).code == 0, at
