"""Commands on a PostgreSQL store that need no worker; tests/integration has the others."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from queuectl import bootstrap
from tests.support.command import environment, finished, run, start
from tests.support.store_driver import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Environment = dict[str, str]


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "queue.db") if request.param == "sqlite" else str(request.getfixturevalue("database"))


@pytest.fixture
def env(location: str, tmp_path: Path) -> Environment:
    return environment(location, XDG_DATA_HOME=str(tmp_path / "data"))


@pytest.fixture
def stage(location: str) -> Iterator[Stage]:
    store = bootstrap.open_store(location, actor="tester@here")
    made = Stage(store, "w")
    yield made
    made.check()
    store.close()


def states(env: Environment) -> dict[str, str]:
    return {job["id"]: job["state"] for job in json.loads(run("list", "--json", env=env).out)}


def test_jobs_are_enqueued_listed_shown_and_cancelled(env: Environment):
    assert run("enqueue", "echo 'é' 日本", "--id", "a", "--tag", "red", "--env", "X=1", env=env).out == "a\n"
    assert run("enqueue", "true", "--delay", "1h", env=env).out == "2\n"

    shown = json.loads(run("show", "a", "--json", env=env).out)
    assert (shown["command"], shown["tags"], shown["state"]) == ("echo 'é' 日本", ["red"], "pending")
    assert len(run("list", "--tag", "red", env=env).out.splitlines()) == 2
    assert run("enqueue", "true", "--id", "a", env=env).code == 4
    assert run("cancel", "a", env=env).out == "a cancelled\n"
    assert states(env) == {"a": "cancelled", "2": "pending"}
    assert json.loads(run("status", "--json", env=env).out)["jobs"]["cancelled"] == 1


def test_needs_are_stored_edited_and_explained(env: Environment):
    lines = "".join(json.dumps({"command": "true", "id": f"job{n}", "needs": ["gpu", "é"]}) + "\n" for n in range(20))
    assert run("enqueue", "-f", "-", env=env, given=lines.encode()).code == 0
    assert run("enqueue", "true", "--id", "one", "--needs", "gpu", env=env).code == 0

    found = {job["id"]: job["needs"] for job in json.loads(run("list", "--json", env=env).out)}
    assert found == {f"job{n}": ["gpu", "é"] for n in range(20)} | {"one": ["gpu"]}
    assert run("edit", "one", "--needs", "big", env=env).code == 0
    assert "queuectl worker start --label big" in run("explain", "one", env=env).out
    assert run("undo", env=env).code == 0
    assert json.loads(run("show", "one", "--json", env=env).out)["needs"] == ["gpu"]


def test_a_file_of_many_jobs_is_stored_whole_or_not_at_all(env: Environment, tmp_path: Path):
    lines = [json.dumps({"command": "true", "id": f"job{n}"}) for n in range(500)]
    (tmp_path / "good").write_text("\n".join(lines))
    (tmp_path / "bad").write_text("\n".join([*(line.replace("job", "new") for line in lines), lines[0]]))

    assert run("enqueue", "-f", str(tmp_path / "good"), env=env).code == 0
    assert run("enqueue", "-f", str(tmp_path / "bad"), env=env).code == 4

    assert json.loads(run("status", "--json", env=env).out)["total"] == 500


def test_actions_are_undone(env: Environment, stage: Stage):
    stage.enqueue("done", "waits")
    stage.run(err="words\n")

    assert run("retry", "done", env=env).out == "done pending\n"
    assert run("hold", "waits", env=env).out == "waits held\n"
    assert states(env) == {"done": "pending", "waits": "held"}
    run("undo", env=env)
    run("undo", env=env)
    assert states(env) == {"done": "completed", "waits": "pending"}
    run("delete", "done", env=env)
    assert states(env) == {"waits": "pending"}
    run("undo", env=env)
    assert "words" in run("logs", "done", env=env).out + run("logs", "done", env=env).err
    run("priority", "5", "waits", env=env)
    assert run("explain", "waits", env=env).code == 0
    assert run("history", "--json", env=env).code == 0


def test_dead_jobs_are_listed_by_their_errors_and_revived(env: Environment, stage: Stage):
    from queuectl.domain.attempt import Outcome

    stage.enqueue("a", "b", max_retries=0)
    stage.run(Outcome.EXIT, err="KeyError: 'x'\n")
    stage.run(Outcome.EXIT, err="KeyError: 'x'\n")

    (error,) = json.loads(run("dlq", "list", "--by-error", "--json", env=env).out)
    assert error["count"] == 2
    assert run("dlq", "retry", "a", env=env).code == 0
    assert states(env) == {"a": "pending", "b": "dead"}


def test_settings_are_stored(env: Environment):
    assert run("config", "set", "max-retries", "7", env=env).code == 0

    assert run("config", "get", "max-retries", env=env).out == "7\n"
    assert json.loads(run("enqueue", "true", "--json", env=env).out)["max_retries"] == 7


def test_concurrent_commands_get_distinct_numbers(env: Environment):
    processes = [start("enqueue", "true", env=env) for _ in range(6)]

    assert sorted(finished(process).out for process in processes) == [f"{n}\n" for n in range(1, 7)]


@pytest.fixture
def on_server(database: str, tmp_path: Path) -> Environment:
    return environment(database, XDG_DATA_HOME=str(tmp_path / "data"))


def test_the_doctor_checks_the_server(on_server: Environment):
    report = json.loads(run("doctor", "--check", "--json", env=on_server).out)

    found = {check["name"]: check for check in report["checks"]}
    assert found["server"]["detail"].startswith("PostgreSQL ")
    assert found["counters"]["ok"]
    assert "permissions" not in found


def test_a_backup_of_a_server_is_refused(on_server: Environment, tmp_path: Path):
    done = run("backup", str(tmp_path / "copy"), env=on_server)

    done.refused(4, "backed up by the server's own tools")
    assert "pg_dump" in done.err
    assert not (tmp_path / "copy").exists()


def test_a_password_is_in_no_message(tmp_path: Path):
    env = environment("postgresql://ann:geheim@localhost:1/db")
    for words in (("list",), ("enqueue", "true"), ("status", "--json"), ("doctor",), ("worker", "start")):
        done = run(*words, env=env)
        assert done.code != 0
        assert "geheim" not in done.out + done.err

    run("list", env=env).refused(5, "postgresql://ann@localhost:1/db")
    weak = environment("postgresql://ann:geheim@db.example.org/db?sslmode=require")
    run("list", env=weak).refused(2, "sslmode=require is too weak")


def test_the_location_hides_the_password_and_the_console_gets_it():
    context = bootstrap.context("postgresql://ann:geheim@host/db")

    assert context.location == "postgresql://ann@host/db"
    assert context.given == "postgresql://ann:geheim@host/db"


def test_without_psycopg_the_command_that_installs_it_is_printed():
    hidden = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from queuectl.cli.main import main\n"
        "sys.exit(main(['--db', 'postgresql:///db', 'list']))"
    )

    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True)

    assert done.returncode == 2
    assert "psycopg, which is not installed" in done.stderr
    assert "pip install 'queuectl-console[postgres]'" in done.stderr


def test_the_run_directory_of_a_server_is_private_and_its_name_has_no_password(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    run_dir = bootstrap.run_dir_of("postgresql://ann:geheim@host/db")

    assert run_dir.root == bootstrap.run_dir_of("postgresql://ann@host/db").root
    assert run_dir.root != bootstrap.run_dir_of("postgresql://ann@host/other").root
    assert Path(run_dir.root).parent == tmp_path / "queuectl"
    run_dir.make()
    assert stat.S_IMODE((tmp_path / "queuectl").stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(run_dir.root).stat().st_mode) == 0o700
