"""The commands on schedules, as a user types them."""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.support.queue import Queue

NIGHTLY = ("schedule", "add", "nightly", "0 3 * * *", "./backup.sh", "--tz", "Europe/Berlin")


def test_a_schedule_is_added_listed_and_shown(queue: Queue):
    added = queue.json(*NIGHTLY, "--jitter", "30s", "--queue", "slow", "--missed", "skip")
    assert {name: added[name] for name in ("name", "cron", "timezone", "overlap", "missed", "command", "queue")} == {
        "name": "nightly", "cron": "0 3 * * *", "timezone": "Europe/Berlin", "overlap": "skip", "missed": "skip",
        "command": "./backup.sh", "queue": "slow",
    }  # fmt: skip
    assert added["jitter_seconds"] == 30
    assert added["next_at"].endswith(("T01:00:00.000Z", "T02:00:00.000Z"))
    (listed,) = queue.json("schedule", "list")
    assert listed == added
    shown = queue.json("schedule", "show", "nightly")
    assert len(shown["next"]) == 5
    assert shown["next"][0] == added["next_at"]
    assert shown["fires"] == []
    assert "0 3 * * *" in queue.run("schedule", "list").stdout
    assert "0 3 * * * in Europe/Berlin" in queue.run("schedule", "show", "nightly").stdout


def test_a_job_is_given_as_for_enqueue(queue: Queue):
    queue.run("schedule", "add", "argv", "--every", "5m", "--", "./send.sh", "a b")
    queue.run("schedule", "add", "json", "--every", "5m", '{"command": "./x.sh", "priority": 5, "tags": ["a"]}')
    queue.run("schedule", "add", "options", "@daily", "./y.sh", "-p", "7", "--tag", "b", "--env", "A=1", "-C", "/tmp")

    assert {each["name"]: each["command"] for each in queue.json("schedule", "list")} == {
        "argv": "./send.sh 'a b'", "json": "./x.sh", "options": "./y.sh",
    }  # fmt: skip
    jobs = {name: queue.json("show", queue.run("schedule", "run", name).stdout.strip()) for name in ("json", "options")}
    assert (jobs["json"]["priority"], jobs["json"]["tags"]) == (5, ["a"])
    assert (jobs["options"]["priority"], jobs["options"]["tags"], jobs["options"]["cwd"]) == (7, ["b"], "/tmp")
    assert jobs["options"]["env"] == {"A": "***"}
    assert jobs["json"]["cwd"] == str(queue.directory)


def test_the_values_of_variables_are_not_in_the_history(queue: Queue):
    queue.run(*NIGHTLY, "--env", "TOKEN=secret")

    assert "secret" not in queue.run("history").stdout
    assert "secret" not in queue.run("undo", "--list").stdout


def test_the_next_times_are_printed_and_nothing_is_stored(queue: Queue):
    times = queue.json("schedule", "next", "0 3 * * *", "-n", "3", "--tz", "UTC")
    assert [each["at"][11:] for each in times] == ["03:00:00.000Z"] * 3
    assert queue.json("schedule", "list") == []
    queue.run(*NIGHTLY)
    assert len(queue.run("schedule", "next", "nightly", "-n", "2").stdout.splitlines()) == 2


def test_a_schedule_is_paused_resumed_and_both_are_undone(queue: Queue):
    queue.run(*NIGHTLY)
    (paused,) = queue.json("schedule", "pause", "nightly", "--reason", "the disk is full")
    assert paused["next_at"] is None
    assert paused["pause"]["reason"] == "the disk is full"
    assert "schedule nightly is paused already" in queue.run("schedule", "pause", "nightly").stderr
    assert "the disk is full" in queue.run("schedule", "show", "nightly").stdout

    (resumed,) = queue.json("schedule", "resume", "nightly")
    assert resumed["pause"] is None
    assert resumed["next_at"] is not None
    assert "schedule nightly is not paused" in queue.run("schedule", "resume", "nightly").stderr
    assert queue.run("undo").stdout == "schedule resume of schedule nightly undone\n"
    undone = queue.json("undo")
    assert (undone["verb"], undone["schedules"], undone["queues"]) == ("schedule pause", ["nightly"], [])
    queue.run("undo")
    assert queue.json("schedule", "list") == []


def test_only_what_is_given_is_edited(queue: Queue):
    queue.run(*NIGHTLY, "--queue", "slow", "--env", "A=1")

    edited = queue.json("schedule", "edit", "nightly", "--cron", "0 4 * * *", "--priority", "3")

    assert (edited["cron"], edited["timezone"], edited["queue"], edited["command"]) == (
        "0 4 * * *", "Europe/Berlin", "slow", "./backup.sh",
    )  # fmt: skip
    job = queue.json("show", queue.run("schedule", "run", "nightly").stdout.strip())
    assert (job["priority"], job["env"]) == (3, {"A": "***"})
    assert queue.json("schedule", "edit", "nightly", "--tz", "UTC")["timezone"] == "UTC"
    interval = queue.json("schedule", "edit", "nightly", "--every", "6h", "--command", "./other.sh")
    assert (interval["cron"], interval["every_seconds"], interval["command"]) == (None, 21600, "./other.sh")


def test_a_deleted_schedule_leaves_its_jobs_and_comes_back_by_an_undo(queue: Queue):
    queue.run(*NIGHTLY)
    id_ = queue.run("schedule", "run", "nightly").stdout.strip()

    assert queue.run("schedule", "delete", "nightly").stdout == "nightly deleted\n"
    assert queue.state(id_) == "pending"
    assert queue.json("schedule", "list") == []

    queue.run("undo")
    assert [each["name"] for each in queue.json("schedule", "list")] == ["nightly"]


def test_the_doctor_names_schedules_that_do_not_fire(queue: Queue):
    def findings() -> list[str]:
        checks = queue.json("doctor", code=None)["checks"]
        return [each["detail"] for each in checks if each["name"] == "schedules"]

    assert findings() == []
    queue.run(*NIGHTLY)
    assert findings() == ["there is 1 schedule, and no workers are running: none fires"]
    queue.start()
    assert findings() == ["1 schedule, fired by the running workers"]
    queue.context.store.database.query("UPDATE schedules SET zone = 'Mars/X'")
    assert findings() == ["schedule nightly cannot fire: there is no time zone 'Mars/X'"]
    assert "schedule nightly cannot fire" in queue.run("schedule", "show", "nightly").stderr


def test_a_schedule_without_a_zone_needs_one_where_the_local_zone_has_no_name(queue: Queue):
    queue.environment["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"

    refused = queue.run("schedule", "add", "x", "@daily", "true", code=2).stderr

    assert "the local time zone has no name" in refused
    assert "--tz" in refused


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        (("add", "x", "* * * * * *", "true"), "'* * * * * *' has 6 fields, not 5", 2),
        (("add", "x", "0 0 31 2 *", "true"), "'0 0 31 2 *' is not a schedule: the day of the month is invalid", 2),
        (("add", "x", "@reboot", "true"), "@reboot is not a time", 2),
        (("add", "x", "@daily", "true", "--tz", "Mars/Phobos"), "there is no time zone 'Mars/Phobos'", 2),
        (("add", "x", "@daily", ""), "command must not be empty", 2),
        (("add", "x", "@daily"), "the schedule has no command", 2),
        (("add", "x"), "a cron expression is missing", 2),
        (("add", "x", "0", "3", "*", "*", "*", "true"), "the job must be one word", 2),
        (("add", "x", "--every", "5m", "@daily", "true"), "give a cron expression or --every, not both", 2),
        (("add", "x", "--every", "10ms", "true"), "--every must be at least 1s", 2),
        (("add", "x", "--every", "5m", "--tz", "UTC", "true"), "--tz is for a cron expression", 2),
        (("add", "x", "--every", "5m", '{"command": "true", "id": "a"}'), "the job of a schedule cannot have id", 2),
        (
            ("add", "x", "--every", "5m", '{"command": "true", "delay": 5}'),
            "the job of a schedule cannot have delay",
            2,
        ),
        (("add", "x", "--every", "5m", "-"), "a schedule does not read its command from standard input", 2),
        (("add", "x", "--every", "5m", "--jitter", "2d", "true"), "--jitter must be at most 1 day", 2),
        (("add", "a b", "@daily", "true"), "a schedule cannot be named 'a b'", 2),
        (("add", "there", "@daily", "true"), "schedule there exists already", 4),
        (("edit", "there"), "nothing to change", 2),
        (("edit", "there", "--cron", "1 2 3"), "'1 2 3' has 3 fields, not 5", 2),
        (("edit", "nosuch", "--jitter", "1s"), "no schedule nosuch", 3),
        (("show", "nosuch"), "no schedule nosuch", 3),
        (("pause", "there", "nosuch"), "no schedule nosuch", 3),
        (("run", "nosuch"), "no schedule nosuch", 3),
        (("delete", "nosuch"), "no schedule nosuch", 3),
        (("next", "nosuch"), "no schedule nosuch", 3),
        (("next", "there", "--tz", "UTC"), "--tz is for a cron expression", 2),
        (("next", "@daily", "-n", "0"), "--number must be from 1 to 1000", 2),
    ],
)
@pytest.mark.on_sqlite
def test_bad_input_gets_one_line_and_stores_nothing(queue: Queue, words: tuple[str, ...], error: str, code: int):
    queue.run("schedule", "add", "there", "@hourly", "true")
    before = queue.json("schedule", "list")

    refused = queue.run("schedule", *words, code=code)

    assert refused.stderr.startswith(f"error: {error}"), refused.stderr
    assert queue.json("schedule", "list") == before
    assert queue.json("list") == []
