"""Several hosts on one server: jobs of a dead, silent or disconnected one move to another, and nothing runs twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from queuectl.selftest.ledger import note, witnessed
from tests.support.hosts import Hosts, cut_the_power, outlasts
from tests.support.soundness import assert_sound
from tests.support.stress import began, once
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


LEASE = 3.0


@pytest.fixture
def hosts(tmp_path: Path, database: str) -> Iterator[Hosts]:
    made = Hosts(tmp_path, database)
    made.host("operator").run("config", "set", "lease", str(LEASE))
    yield made
    made.close()


def alive(ledger: Path, gate: Path) -> str:
    """Return a command that writes `alive` lines until the gate exists."""
    return witnessed(str(ledger), f"while [ ! -e {gate} ]; do {note(str(ledger), 'alive')}; sleep 0.05; done")


def test_workers_of_two_hosts_share_the_jobs_and_carry_their_names(hosts: Hosts, ledger: Path, tmp_path: Path):
    one, two = hosts.host("one"), hosts.host("two")
    one.start()
    two.start(workers=2)
    gate = tmp_path / "gate"

    ids = [two.enqueue(alive(ledger, gate)) for _ in range(3)]

    wait_until(lambda: len([seen for seen in one.workers() if seen.info.job]) == 3)
    assert sorted(seen.info.host for seen in one.workers()) == ["one", "two", "two"]
    assert {each["host"] for each in one.json("worker", "list")} == {"one", "two"}
    gate.touch()
    assert {one.wait_for(id_) for id_ in ids} == {"completed"}
    assert_sound(one, ledger, ids)


def test_jobs_of_a_dead_host_run_on_another(hosts: Hosts, ledger: Path):
    one, two = hosts.host("one"), hosts.host("two")
    pool = one.start()
    one.enqueue(once(ledger, "sleep 300"), "--id", "job")
    wait_until(began(ledger, "job"))
    two.start()

    cut_the_power(one, pool)

    assert two.wait_for("job") == "completed"
    assert two.outcomes("job") == ["lost", "success"]
    lost = two.context.store.jobs.attempts(1)[0]
    assert lost.error == "host one did not renew its lease in time"
    assert [seen.info.host for seen in two.workers()] == ["two"]
    assert_sound(two, ledger, ["job"])


def test_a_host_that_is_cut_off_ends_its_job_before_another_begins_it(hosts: Hosts, ledger: Path, tmp_path: Path):
    one, way = hosts.behind_a_proxy("one")
    two = hosts.host("two")
    cut_off = one.start()
    gate = tmp_path / "gate"
    two.enqueue(alive(ledger, gate), "--id", "job")
    wait_until(began(ledger, "job"))
    two.start()

    way.clog()
    wait_until(began(ledger, "job", 2))
    gate.touch()
    assert two.wait_for("job") == "completed"
    way.clear()

    # It reconnects by itself, and logs that once.
    wait_until(lambda: {seen.info.host for seen in two.workers()} == {"one", "two"})
    two.run("worker", "stop", "--host", "two")
    assert two.wait_for(two.enqueue(witnessed(str(ledger), "true"), "--id", "next")) == "completed"
    assert two.outcomes("job") == ["lost", "success"]
    lines = [line.split(" ", 2)[1:] for line in cut_off.log.splitlines()]
    waiting = [source for source, text in lines if text.startswith("waiting for the store")]
    assert len(waiting) == len(set(waiting)), "each says it once"
    assert "this worker was written off as dead: exiting" in [text for _, text in lines]
    assert_sound(two, ledger, ["job", "next"])


def test_a_short_network_failure_is_harmless(hosts: Hosts, ledger: Path, tmp_path: Path):
    one, way = hosts.behind_a_proxy("one")
    one.start(workers=2)
    gate = tmp_path / "gate"
    ids = [one.enqueue(alive(ledger, gate)) for _ in range(2)]
    for id_ in ids:
        wait_until(began(ledger, id_))

    for _ in range(5):
        way.cut()
    wait_until(outlasts(LEASE * 1.5))
    gate.touch()

    assert [one.wait_for(id_) for id_ in ids] == ["completed", "completed"]
    assert [one.outcomes(id_) for id_ in ids] == [["success"], ["success"]]
    assert_sound(one, ledger, ids)


@pytest.mark.parametrize("jump", [86_400, -86_400], ids=["ahead", "behind"])
def test_a_host_with_a_wrong_clock_neither_writes_off_workers_nor_loses_its_own(
    hosts: Hosts, ledger: Path, tmp_path: Path, jump: int
):
    one, two = hosts.host("one"), hosts.host("two")
    skew = tmp_path / "skew"
    skew.write_text(str(jump))
    two.program = [sys.executable, "-m", "tests.support.clock_skew", str(skew)]
    one.start()
    two.start()
    gate = tmp_path / "gate"

    ids = [two.enqueue(alive(ledger, gate)) for _ in range(2)]
    for id_ in ids:
        wait_until(began(ledger, id_))
    workers = {seen.info.id for seen in one.workers()}
    wait_until(outlasts(LEASE * 2))
    gate.touch()

    assert [one.wait_for(id_) for id_ in ids] == ["completed", "completed"]
    assert {seen.info.id for seen in one.workers()} == workers
    now = one.context.now()
    assert all(abs(one.context.store.jobs.get(id_).job.created_at - now) < 60_000 for id_ in ids), "one clock for all"
    assert_sound(one, ledger, ids)


def test_two_hosts_of_one_name_are_two_hosts(hosts: Hosts, ledger: Path, tmp_path: Path):
    one, two = hosts.host("same"), hosts.host("same")
    gate = tmp_path / "gate"
    one.start()
    one.enqueue(alive(ledger, gate), "--id", "job")
    wait_until(began(ledger, "job"))

    two.start()
    wait_until(outlasts(LEASE * 1.5))
    gate.touch()

    assert two.wait_for("job") == "completed"
    assert two.outcomes("job") == ["success"]
    assert_sound(one, ledger, ["job"])


def test_a_cancel_reaches_a_job_on_another_host_at_once(hosts: Hosts, ledger: Path):
    one, two = hosts.host("one"), hosts.host("two")
    one.start()
    two.enqueue(witnessed(str(ledger), "sleep 300"), "--id", "job")
    wait_until(began(ledger, "job"))

    two.run("cancel", "job")

    assert two.wait_for("job") == "cancelled"
    assert_sound(two, ledger, ["job"])


def test_one_host_is_drained_and_the_other_goes_on(hosts: Hosts, ledger: Path, tmp_path: Path):
    one, two = hosts.host("one"), hosts.host("two")
    drained, other = one.start(), two.start()

    two.run("worker", "stop", "--host", "one", "--timeout", "30s")

    assert drained.wait() == 0
    assert {seen.info.host for seen in two.workers()} == {"two"}
    assert one.wait_for(one.enqueue("true")) == "completed"
    one.run("worker", "stop", "--timeout", "30s")
    assert other.wait() == 0


def test_output_is_followed_from_another_host_and_only_sent_to_followers(hosts: Hosts, ledger: Path, tmp_path: Path):
    one, two = hosts.host("one"), hosts.host("two")
    one.start()
    gate = tmp_path / "gate"
    two.enqueue(f"echo first; while [ ! -e {gate} ]; do sleep 0.05; done; echo last", "--id", "job")
    wait_until(lambda: two.state("job") == "processing")
    sent = "SELECT count(*) FROM live_outputs"
    wait_until(outlasts(2))
    assert two.context.store.database.query(sent) == [(0,)]

    assert two.json("show", "job")["stdout"] == "first\n"
    following = two.begin("logs", "job", "--follow")
    assert following.stdout is not None
    assert following.stdout.readline() == b"first\n"
    gate.touch()

    assert following.stdout.read() == b"last\n"
    assert following.wait(30) == 0
    following.stdout.close()
    wait_until(lambda: two.context.store.database.query(sent) == [(0,)])


def test_a_job_whose_leftovers_use_a_grace_longer_than_the_lease_is_not_run_by_another_host(hosts: Hosts, ledger: Path):
    one, two = hosts.host("one"), hosts.host("two")
    one.run("config", "set", "kill_grace", str(LEASE * 2))
    one.start()
    stubborn = f"trap '' TERM; while :; do {note(str(ledger), 'alive')}; sleep 0.05; done"
    one.enqueue(
        f"{note(str(ledger), 'start')}; ({stubborn}) & sleep 300",
        "--id",
        "job",
        "--timeout",
        "300ms",
        "--max-retries",
        "0",
    )
    wait_until(began(ledger, "job"))
    two.start()

    assert two.wait_for("job") == "dead"
    assert two.outcomes("job") == ["timeout"]
    assert {seen.info.host for seen in two.workers()} == {"one", "two"}
    assert_sound(two, ledger, ["job"])
