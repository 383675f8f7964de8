"""What the program answers a shell that completes a command line."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from queuectl.domain.job import JobState
from queuectl.operations import GROUPS, WHERE, find
from queuectl.operations.commandline.complete import Choice, complete
from queuectl.operations.commandline.grammar import grammar
from queuectl.operations.commandline.store_names import names
from queuectl.operations.completion import SHELLS
from queuectl.store.database import SCHEMA_VERSION
from tests.support.command import UNPRIVILEGED_UID, as_user, environment, finished, skip_unless_others_can_run_it
from tests.support.queue import Queue
from tests.support.waiting import wait_until

UNSEEN = ["\x1b[31mred", "two\nlines", "tab\tbed", "\u202eright", "\x9b31m", "\u2028line"]
"""Ids that no terminal would show as they are. No command lets them in, but others may write to a store."""


def texts(queue: Queue, *words: str, shell: str = "zsh") -> list[str]:
    done = queue.run("completion", shell, "--", *words)
    assert done.stderr == ""
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


def offers(queue: Queue, *words: str, expected: list[str]) -> None:
    """Assert that completion offers `expected`; retry, as a busy machine may be too slow for the first answer."""
    wait_until(lambda: texts(queue, *words) == expected)


def nothing(_db: str | None, _kind: str) -> list[Choice]:
    return []


def offered(*words: str) -> list[str]:
    return [each.text or each.about for each in complete(words, nothing)]


def entries(directory: Path) -> list[str]:
    """Everything below a directory, by name."""
    return sorted(str(each.relative_to(directory)) for each in directory.rglob("*"))


def test_names_come_from_the_store(queue: Queue):
    queue.enqueue("true", "--id", "a b", "-q", "my queue", "--tag", "urgent", "--needs", "gpu", "--delay", "1h")
    queue.run("config", "set", "backoff_delay", "0")
    queue.enqueue("false", "--id", "broken", "--max-retries", "0")
    assert queue.drain().wait(60) == 0
    queue.run("view", "save", "night", "state:dead")
    signature = queue.json("dlq", "list", "--by-error")[0]["signature"]

    offers(queue, "show", "", expected=["@last", "@failed", "broken", "a b"])
    offers(queue, "cancel", "broken", "", expected=["a b"])
    offers(queue, "show", "a", expected=["a b"])
    offers(queue, "show", "a b", "", expected=[])
    offers(queue, "dlq", "show", "", expected=["broken"])
    offers(queue, "enqueue", "-q", "", expected=["default", "my queue"])
    offers(queue, "list", "--queue=m", expected=["--queue=my queue"])
    offers(queue, "list", "--tag", "", expected=["urgent"])
    offers(queue, "worker", "start", "--label", "", expected=["gpu"])
    offers(queue, "dlq", "retry", "--error", "", expected=[signature])
    offers(queue, "list", "--view", "", expected=["night"])
    offers(queue, "view", "delete", "", expected=["night"])
    offers(queue, "view", "save", "x", "queue:m", expected=["queue:my queue"])


def test_hosts_and_pools_of_running_pools_are_completed(queue: Queue):
    offers(queue, "worker", "stop", "--host", "", expected=[])
    queue.start()
    (pool,) = queue.context.store.workers.running_pools()

    offers(queue, "worker", "stop", "--host", "", expected=[pool.host])
    offers(queue, "worker", "scale", "2", "--pool", "", expected=[pool.id])


def test_the_description_of_a_name_follows_a_tab_in_one_escaped_line(queue: Queue):
    queue.enqueue("echo \x1b[31m\n\ttwo", "--id", "a")

    answer = wait_until(lambda: queue.run("completion", "fish", "--", "hold", "").stdout)

    assert answer == "a\tpending  echo \\x1b[31m \\ttwo\n"


def test_the_candidates_have_a_json_form(queue: Queue):
    queue.enqueue("true", "--id", "a")

    wait_until(
        lambda: (
            json.loads(queue.run("--json", "completion", "zsh", "--", "hold", "").stdout)
            == {"schema": 1, "choices": [{"text": "a", "about": "pending  true"}]}
        ),
        60,
    )


def test_only_the_newest_jobs_are_offered(queue: Queue):
    queue.run("enqueue", "--lines", "-f", "-", given="true\n" * 300)

    offers(queue, "hold", "", expected=[str(number) for number in range(300, 100, -1)])


@pytest.mark.on_sqlite
def test_a_name_with_control_characters_is_left_out(queue: Queue):
    for unseen in UNSEEN:
        queue.enqueue("true", "--id", "seen")
        queue.context.store.database.query(f"UPDATE jobs SET id = '{unseen}' WHERE id = 'seen'")
    queue.enqueue("true", "--id", "seen")

    offers(queue, "hold", "", expected=["seen"])
    assert len(queue.json("list")) == len(UNSEEN) + 1


@pytest.mark.on_sqlite
def test_a_missing_store_is_not_created(queue: Queue):
    assert texts(queue, "show", "") == []
    assert texts(queue, "show", "--db", str(queue.directory / "no" / "where.db"), "") == []

    assert entries(queue.directory) == []


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    "data", [b"", b"hello\n", b"SQLite format 3\0" + b"\xff" * 4080], ids=["empty", "text", "torn"]
)
def test_a_foreign_file_completes_nothing_and_is_unchanged(queue: Queue, data: bytes):
    Path(queue.path).write_bytes(data)

    assert texts(queue, "show", "") == []

    assert Path(queue.path).read_bytes() == data
    assert entries(queue.directory) == ["queue.db"]


@pytest.mark.on_sqlite
def test_an_unreadable_store_completes_nothing(queue: Queue):
    skip_unless_others_can_run_it()
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "queue.db")
        queue.run("--db", path, "enqueue", "--id", "secret", "true")

        done = finished(
            subprocess.Popen(
                [*as_user(UNPRIVILEGED_UID), "completion", "zsh", "--", "show", ""],
                env=environment(path),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )

    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.on_sqlite
def test_a_directory_is_not_a_store(queue: Queue):
    os.mkdir(queue.path)

    assert texts(queue, "show", "") == []


@pytest.mark.on_sqlite
def test_a_damaged_store_completes_nothing(queue: Queue):
    queue.run("enqueue", "--lines", "-f", "-", given="true\n" * 2000)
    queue.context.close()
    with closing(sqlite3.connect(queue.path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(queue.path, "r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xa5" * 4096 * 40)

    assert texts(queue, "show", "") == []
    os.unlink(queue.path)  # no worker is asked to stop on it


@pytest.mark.on_sqlite
def test_a_store_of_an_older_version_is_not_migrated_by_a_tab(queue: Queue):
    queue.enqueue("true", "--id", "a")
    queue.context.close()
    with closing(sqlite3.connect(queue.path)) as database:
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")

        assert texts(queue, "show", "") == []

        assert database.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION - 1,)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    offers(queue, "hold", "", expected=["a"])


def test_a_store_opened_as_is_waits_for_no_lock(queue: Queue):
    queue.enqueue("true")

    store = queue.context.open_store(actor="looker@here", as_is=True)

    assert store.database.wait == 0
    store.close()


@pytest.mark.on_sqlite
def test_an_exclusively_locked_store_completes_nothing(queue: Queue):
    queue.enqueue("true", "--id", "a")
    queue.context.close()
    with closing(sqlite3.connect(queue.path, isolation_level=None)) as database:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")

        assert texts(queue, "show", "") == []
        assert texts(queue, "show", "--j") == ["--json", "--json-lines"]

        database.execute("ROLLBACK")
    offers(queue, "hold", "", expected=["a"])


def test_a_running_write_does_not_block_completion(queue: Queue):
    queue.enqueue("true", "--id", "a")
    with queue.locked():
        if queue.context.store.database.exclusive:
            offers(queue, "hold", "", expected=["a"])
        else:
            assert texts(queue, "show", "") == []  # the whole table is locked, and completion does not wait


@pytest.mark.on_sqlite
def test_completion_gives_up_on_a_server_that_does_not_answer(queue: Queue):
    with socket.socket(socket.AF_UNIX) as server:
        # Near the root: the path of a socket may not be long.
        directory = queue.directory
        here = os.getcwd()
        os.chdir(directory)
        try:
            server.bind(".s.PGSQL.5432")
        finally:
            os.chdir(here)
        server.listen()
        url = f"postgresql:///queue?host={directory}&connect_timeout=0"

        assert texts(queue, "show", "--db", url, "") == []

        server.settimeout(60)
        server.accept()[0].close()  # a connection was attempted


@pytest.mark.on_sqlite
def test_an_invalid_address_completes_nothing(queue: Queue):
    for url in ("postgresql://", "postgresql://ann@localhost:1/queue", "postgres://[::1", ""):
        assert texts(queue, "show", "--db", url, "") == []


def test_the_first_words_are_commands_and_groups():
    assert set(offered("")) == {name.partition(" ")[0] for name in WHERE} | {"help"}
    assert offered("wo") == ["worker"]
    assert set(offered("--")) == {"--db", "--json", "--json-lines", "--help", "--version"}
    assert offered("nothing", "") == []
    assert offered("nothing", "at", "all", "") == []
    for group in GROUPS:
        assert offered(group, "") == [name.partition(" ")[2] for name in WHERE if name.startswith(f"{group} ")]
        assert offered("help", group, "") == offered(group, "")


@pytest.mark.parametrize("name", WHERE)
def test_every_command_offers_its_options(name: str):
    own = {each.label for each in grammar(find(name).params).options.values()}

    assert set(offered(*name.split(), "--")) == own | {"--db", "--json", "--json-lines", "--help"}


def test_a_used_option_is_offered_again_only_if_it_may_be_repeated():
    assert "--limit" not in offered("list", "--limit", "3", "--")
    assert "--queue" not in offered("enqueue", "-q", "x", "--")
    assert "--state" in offered("list", "--state", "dead", "--")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (("list", "--state", ""), [state.value for state in JobState]),
        (("list", "--state=de"), ["--state=dead"]),
        (("prune", "--state", ""), ["completed", "dead", "cancelled"]),
        (("config", "get", "job_t"), ["job_timeout"]),
        (("config", "set", "job_timeout", ""), []),
        (("cancel", "--signal", "TE"), ["TERM"]),
        (("completion", ""), list(SHELLS)),
        (("backup", ""), ["files"]),
        (("enqueue", "-f", ""), ["files"]),
        (("enqueue", "--file=x"), ["files"]),
        (("enqueue", "--cwd", ""), ["directories"]),
        (("enqueue", "--", ""), ["files"]),
        (("enqueue", "--", "cat", "--"), ["files"]),
        (("enqueue", "--id", ""), []),
        (("enqueue", ""), []),
        (("--db", ""), ["files"]),
        (("list", "--db", ""), ["files"]),
        (("list", "--db=x"), ["files"]),
        (("--db", "x", "--json", "worker", "sc"), ["scale"]),
        (("tui", ""), ["--read-only", "--ascii", "--no-mouse"]),
        (("show", "a", "b", ""), []),
    ],
)
def test_candidates_for_the_next_word(line: tuple[str, ...], found: list[str]):
    assert offered(*line) == found


def test_a_name_like_an_option_is_offered_only_where_it_cannot_be_parsed_as_one():
    def dashed(_db: str | None, _kind: str) -> list[Choice]:
        return [Choice(text="-x")]

    def texts_of(*words: str) -> list[str]:
        return [each.text for each in complete(words, dashed)]

    assert texts_of("show", "") == []
    assert texts_of("list", "--queue", "") == []
    assert texts_of("show", "--", "") == ["-x"]
    assert texts_of("list", "--queue=") == ["--queue=-x"]


def test_a_script_names_the_program_that_made_it(queue: Queue):
    for shell in SHELLS:
        script = queue.run("completion", shell).stdout
        assert "@PROGRAM@" not in script
        assert queue.json("completion", shell) == {"shell": shell, "script": script}


def test_a_store_that_cannot_be_opened_has_no_names(queue: Queue):
    assert names(queue.context, "postgresql://?", "jobs") == []


def test_values_after_a_comma_are_completed(queue: Queue):
    assert texts(queue, "list", "--state", "failed,de") == ["failed,dead"]
    assert "failed,failed" not in texts(queue, "list", "--state", "failed,f")
    assert texts(queue, "list", "--columns=id,pri") == ["--columns=id,priority"]
    assert texts(queue, "list", "--sort", "ne") == ["newest", "next-run"]
