"""Bells are only rung in their own directory, also those that a server's notifications name."""

from __future__ import annotations

import os

import psycopg
import pytest

from queuectl.runtime.doorbell import Listener, ring
from queuectl.runtime.run_dir import RunDir
from queuectl.store.postgres.connection import CHANNEL
from tests.support.command import environment, run, start
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["{file}", "../precious", "../../x/precious", "", ".", "..", "x" * 5000, "\ufffd"])
def test_a_name_that_is_no_bell_touches_nothing(name: str, tmp_path: Path):
    run_dir = RunDir(str(tmp_path / "run"))
    run_dir.make()
    precious = tmp_path / "run" / "precious"
    precious.write_text("as it was")
    listener = Listener(run_dir, own="w-ours")

    ring(run_dir, name.format(file=precious), "w-ours")

    assert listener.wait(10), "and those after it are rung"
    assert precious.read_text() == "as it was"
    listener.close()


def test_a_foreign_notification_on_the_server_touches_no_file_of_a_pool(database: str, tmp_path: Path):
    precious = tmp_path / "precious"
    precious.write_text("as it was")
    env = environment(database, XDG_DATA_HOME=str(tmp_path / "data"))
    pool = start("worker", "start", env=env)
    heard = tmp_path / "heard"
    os.mkfifo(heard)
    bell = os.open(heard, os.O_RDWR | os.O_NONBLOCK)
    wait_until(lambda: run("worker", "list", env=env).out.count("\n") > 1)

    with psycopg.connect(database, autocommit=True) as stranger:
        (bells,) = (tmp_path / "data").glob("queuectl/*.run/bells")
        (bells / "w-stranger").symlink_to(heard)
        os.mkfifo(bells / "w-known")
        known = os.open(bells / "w-known", os.O_RDWR | os.O_NONBLOCK)
        for payload in (str(precious), str(heard), "w-stranger", "w-known"):
            stranger.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])
        wait_until(lambda: is_rung(known))

    assert precious.read_text() == "as it was"
    assert not is_rung(bell)
    os.close(bell)
    os.close(known)
    pool.terminate()
    assert pool.wait(60) == 0


def is_rung(pipe: int) -> bool:
    try:
        return bool(os.read(pipe, 1))
    except BlockingIOError:
        return False
