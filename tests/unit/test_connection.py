"""Parts of psycopg that the connection overrides, in each supported version."""

from __future__ import annotations

import psycopg
import pytest

from queuectl.store.postgres import connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any


@pytest.mark.parametrize("passed", [{"timeout": 10}, {}], ids=["up to 3.3.5", "since 3.3.6"])
def test_arguments_of_psycopg_reach_its_own_connect(monkeypatch: pytest.MonkeyPatch, passed: dict[str, Any]):
    given: list[Any] = []
    waits: list[int] = []

    def steps(_: object, /, conninfo: str = "", **more: Any) -> Generator[str, int, str]:
        given.append((conninfo, more))
        yield "a descriptor"
        return "a connection"

    monkeypatch.setattr(psycopg.Connection, "_connect_gen", classmethod(steps))
    token = connection._while_connecting.set(lambda: waits.append(1))
    try:
        found: Any = connection.Connection._connect_gen("host=here", **passed)
        assert next(found) == "a descriptor"
        with pytest.raises(StopIteration) as end:
            found.send(0)  # nothing was ready
    finally:
        connection._while_connecting.reset(token)

    assert (given, waits, end.value.value) == ([("host=here", passed)], [1], "a connection")
