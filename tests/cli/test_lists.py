"""Tables of jobs, settings and events: columns by width, by choice and by a saved view, and the order of a list."""

from __future__ import annotations

import re

import pytest

from queuectl.cli.views.job_columns import USUAL, columns_of
from queuectl.operations.list_show import COLUMNS, ORDERS
from queuectl.store.job_pages import Sort
from tests.support import command
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@pytest.fixture
def some(queue: Queue) -> Queue:
    """A job in each state that waits, and a dead one."""
    queue.run("config", "set", "backoff_delay", "600")
    queue.enqueue("exit 3", "--id", "dies", "-r", "0", "-q", "mail")
    queue.enqueue("exit 4", "--id", "fails")
    queue.enqueue("true", "--id", "done")
    pool = queue.start()
    queue.wait_for("dies", "dead")
    queue.wait_for("fails", "failed")
    queue.wait_for("done", "completed")
    queue.run("worker", "stop")
    pool.wait()
    queue.enqueue("./transcode --input /srv/video/long-name.mov --output b", "--id", "waits", "-p", "7")
    queue.enqueue("true", "--id", "later", "--delay", "3h")
    queue.enqueue("train", "--id", "picky", "--needs", "gpu")
    queue.enqueue("true", "--id", "kept")
    queue.run("hold", "kept")
    return queue


def titles(queue: Queue, *words: str, columns: int) -> list[str]:
    screen, code = on_a_terminal("list", *words, env=queue.environment | {"NO_COLOR": "1"}, columns=columns)
    assert code == 0
    assert all(len(line) <= columns for line in screen.splitlines())
    return screen.splitlines()[0].split()


def ids(queue: Queue, *words: str) -> list[str]:
    return [job["id"] for job in queue.json("list", *words)]


def test_the_names_of_columns_and_orders_are_those_that_exist():
    screen: Any = None
    assert len(columns_of(COLUMNS, screen, fixed=False)[0]) == len(COLUMNS)
    assert set(USUAL) < set(COLUMNS)
    assert list(ORDERS) == [order.value.replace(" ", "-") for order in Sort]


def test_a_narrow_terminal_drops_whole_columns(some: Queue):
    assert titles(some, columns=120) == ["ID", "STATE", "QUEUE", "TRIES", "WHEN", "REASON", "COMMAND"]
    assert titles(some, columns=80) == ["ID", "STATE", "WHEN", "REASON", "COMMAND"]
    assert titles(some, columns=40) == ["ID", "STATE", "COMMAND"]


def test_a_list_says_what_jobs_wait_for_and_why_they_died(some: Queue):
    lines = {line.split()[0]: line for line in some.run("list").stdout.splitlines()}

    assert re.search(r" 1 of 1 +\d+s ago +exit 3 ", lines["dies"])
    assert re.search(r" 1 of 4 +due in \d+m\d\ds +retry after exit 4 ", lines["fails"])
    assert re.search(r" 0 of 4 +for \d+s +due +\./transcode", lines["waits"])
    assert re.search(r" due in 2h59m +scheduled ", lines["later"])
    assert re.search(r" for \d+s +due, needs gpu ", lines["picky"])
    assert re.search(r" for \d+s +held ", lines["kept"])


def test_columns_are_chosen_by_name(some: Queue):
    table = some.run("list", "--columns", "command,id,priority", "--state", "pending").stdout.splitlines()

    assert table[0].split() == ["COMMAND", "ID", "PRIO"]
    assert table[1].endswith("  waits     7")
    assert titles(some, "--columns", "id,queue,try,worker,command", columns=40) == [
        *("ID", "QUEUE", "TRIES", "WORKER", "COMMAND")
    ]


def test_an_unknown_column_or_order_is_refused_with_the_nearest_and_all(queue: Queue):
    for option, wrong, near, known in (
        ("--columns", "id,stat", "did you mean state? one of id, state,", "command"),
        ("--sort", "durations", "did you mean duration? one of newest,", "late"),
        ("--state", "failed,daed", "did you mean ", "dead"),
    ):
        done = command.run("list", option, wrong, env=queue.environment)
        done.refused(2, f"{option} cannot be")
        assert f"hint: {near}" in done.err
        assert known in done.err


def test_a_list_has_the_orders_of_the_console(some: Queue):
    assert ids(some, "--sort", "oldest") == ids(some)
    assert ids(some, "--sort", "newest", "--limit", "2") == ["kept", "picky"]
    assert ids(some, "--sort", "oldest", "--limit", "2") == ["dies", "fails"]
    assert ids(some, "--sort", "next-run", "--state", "pending,failed")[-1] == "later"
    assert set(ids(some, "--sort", "attempts", "--limit", "3")) == {"dies", "fails", "done"}
    assert ids(some, "--sort", "duration", "-q", "mail") == ["dies"]


def test_a_saved_view_brings_its_order_and_its_columns(some: Queue):
    some.run("view", "save", "mine", "state:pending,held", "sort:oldest", "columns:-reason,+priority")
    some.run("view", "save", "back", "state:pending,held", "sort:-oldest")

    assert ids(some, "--view", "mine") == ["waits", "later", "picky", "kept"]
    assert ids(some, "--view", "back") == ["kept", "picky", "later", "waits"]
    assert ids(some, "--view", "mine", "--sort", "newest") == ["kept", "picky", "later", "waits"]
    assert titles(some, "--view", "mine", columns=120) == ["ID", "STATE", "PRIO", "TRIES", "WHEN", "COMMAND"]


def test_states_are_separated_by_commas(some: Queue):
    assert ids(some, "--state", "failed,dead") == ["dies", "fails"]
    assert ids(some, "-s", "failed", "-s", "dead,held") == ["dies", "fails", "kept"]
    assert some.json("prune", "--state", "completed,cancelled", "--older-than", "0")["changed"] == 1


def test_an_empty_list_says_whether_jobs_were_chosen_and_which_queues_there_are(some: Queue):
    done = some.run("list", "--queue", "nosuch")
    assert (done.stdout, done.stderr.splitlines()) == (
        "",
        ["no queue nosuch has jobs; there are: default, mail", "no jobs match"],
    )
    assert some.run("list", "--queue", "mail", "--state", "held").stderr == "no jobs match\n"
    assert some.json("list", "--queue", "nosuch") == []


def test_settings_wrap_their_meaning_on_a_terminal(queue: Queue):
    queue.run("config", "set", "lease", "40")

    screen, _ = on_a_terminal("config", "list", env=queue.environment | {"NO_COLOR": "1"}, columns=80)

    assert "…" not in screen
    assert all(len(line) <= 80 for line in screen.splitlines())
    assert all(word in screen for word in queue.json("config", "list")[0]["help"].split())


@pytest.mark.on_sqlite
def test_an_order_without_an_index_says_how_many_jobs_it_covers(queue: Queue):
    queue.run("enqueue", "--lines", "-f", "-", given="true\n" * 2001)

    done = queue.run("list", "--sort", "duration", "--limit", "1")

    assert done.stderr == "the order duration covers 2,000 jobs: a narrower list shows others\n"
    assert len(ids(queue, "--sort", "newest", "--limit", "0")) == 2001


def test_a_column_that_is_named_twice_is_shown_once(queue: Queue):
    queue.enqueue("true", "--id", "a")

    assert queue.run("list", "--columns", "state,id,state").stdout.split() == ["STATE", "ID", "pending", "a"]
