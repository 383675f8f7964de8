"""What every test may ask for."""

from __future__ import annotations

import os
import signal
from importlib.util import find_spec

import pytest

NEEDED = ("apsw", "hypothesis", "jsonschema", "psycopg", "pytest_asyncio", "pytest_textual_snapshot", "textual", "yaml")
MISSING = [name for name in NEEDED if find_spec(name) is None]
if not MISSING:
    # Otherwise `pytest_configure` says what to do, in place of a traceback, or of an error for each file.
    from hypothesis import HealthCheck, settings

    from tests.support import command
    from tests.support.queue import Queue

    # Fixed examples in CI, new ones everywhere else. No limit of time: it would be one for the machine.
    settings.register_profile("developer", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("ci", settings.get_profile("developer"), derandomize=True)
    settings.load_profile("ci" if os.environ.get("CI") else "developer")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.postgres import Server

ON_EVERY_STORE = {"cli", "faults", "integration", "operations"}

for name in [name for name in os.environ if name.startswith("QUEUECTL_")]:
    # A developer's own settings are not what is tested.
    del os.environ[name]
for name in ("COLUMNS", "LINES"):
    # Who runs the tests side by side sets them; what is tested has terminals of its own.
    os.environ.pop(name, None)
if os.environ.get("TERM", "dumb") == "dumb":
    # A terminal of the tests can draw, whatever they were started in.
    os.environ["TERM"] = "xterm"
if "LANG" not in os.environ:
    os.environ["LANG"] = "C.UTF-8"
    os.environ.pop("LC_CTYPE", None)  # which Python sets where there is no language
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    # Run in the background, or by nohup, we go on ignoring it. What is tested must not: a handler is not inherited.
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)


def pytest_configure(config: pytest.Config) -> None:
    if MISSING:
        raise pytest.UsageError(f"run ./bin/test, which sets up what the tests need ({', '.join(MISSING)})")
    config.addinivalue_line("markers", "on_sqlite: a test that is about SQLite's files; others run on every store")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever starts real processes does so on every store."""
    if "queue" in metafunc.fixturenames and metafunc.definition.path.parent.name in ON_EVERY_STORE:
        one = metafunc.definition.get_closest_marker("on_sqlite") is not None
        metafunc.parametrize("queue", ["sqlite"] if one else ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    """A queue on a store of its own. What the test started is ended with it."""
    url = request.getfixturevalue("database") if getattr(request, "param", "") == "postgresql" else None
    made = Queue(tmp_path, store=url)
    yield made
    made.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server for all the tests that ask for one."""
    # Loaded here: most tests need none.
    from tests.support.postgres import Server

    started = Server()
    yield started
    started.close()


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The URL of a PostgreSQL store that is new."""
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture(autouse=True)
def commands_end_with_the_test() -> Iterator[None]:
    """A command that a test started does not outlive it."""
    yield
    command.end_what_was_started()
