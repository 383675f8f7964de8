"""Dead letters: groups, marks, ghost rows, and actions."""

from __future__ import annotations

import json
import os
import stat

from queuectl.domain.job import JobState
from queuectl_tui.screens.confirm import Confirm
from queuectl_tui.screens.dead import DeadView
from tests.support import seed as seeds
from tests.support.view_app import drive, made, screen, snapshot, the_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from textual.pilot import Pilot


def text_of(name: str) -> str:
    with open(name, encoding="utf-8") as file:
        return file.read()


def test_groups_open_and_close_and_the_flat_list_has_every_job(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        assert [key[0] for key in the_list(app).keys] == ["e"] * 4
        await pilot.press("enter")
        assert [key[0] for key in the_list(app).keys] == ["e", *["j"] * 7, *["e"] * 3]
        await pilot.press("enter")
        assert len(the_list(app).keys) == 4
        await pilot.press("b")
        assert len(the_list(app).keys) == 13

    drive(app, act)


def test_a_key_retries_the_whole_group(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await pilot.pause()
        dead = list(app.context.store.jobs.listing(limit=0, states=[JobState.DEAD]))
        assert len(dead) == 6
        assert app.acted[0][0] == "dlq retry"
        assert app.messages[0].startswith("retried 7 dead jobs of ")

    drive(app, act)


def test_marked_jobs_are_retried_together_and_all_marked_means_all(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("b", "space", "j", "space", "r")
        _, params = app.acted[0]
        assert len(params.ids) == 2
        assert the_list(app).marks == set()
        app.show(snapshot(dead=11))
        await pilot.press("a", "r")
        assert app.acted[1][1].all is True

    drive(app, act)


def test_deleting_a_group_asks_for_the_number(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("D")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        await pilot.press("y")
        await pilot.pause()
        assert app.acted == []
        await pilot.press("7", "enter", "enter")
        await pilot.pause()
        assert [name for name, _ in app.acted] == ["dlq purge"]
        assert len(list(app.context.store.jobs.listing(limit=0, states=[JobState.DEAD]))) == 6

    drive(app, act)


def test_deleting_one_job_deletes_only_that_job(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("b", "D")
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        assert [name for name, _ in app.acted] == ["delete"]
        assert len(app.acted[0][1].ids) == 1

    drive(app, act)


def test_a_departed_job_leaves_a_ghost_row_without_actions(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("b", "j")
        gone = (the_list(app).cursor or "")[2:]
        app.context.store.jobs.retry([gone], now=seeds.NOW)
        app.show(snapshot(dead=12))
        await pilot.pause()
        assert the_list(app).cursor_departed
        assert "no longer dead" in screen(app)
        await pilot.press("r")
        assert app.acted == []
        await pilot.press("j")
        assert not the_list(app).cursor_departed
        assert len(the_list(app).keys) == 12

    drive(app, act)


def test_the_export_is_json_lines_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("E", "E")
        await pilot.pause()
        name = "dead-20260714-140327.jsonl"
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600
        documents = [json.loads(line) for line in text_of(name).splitlines()]
        assert len(documents) == 7
        assert all(document["state"] == "dead" and "KeyError" in document["stderr"] for document in documents)
        assert app.messages[0].startswith("wrote 7 dead jobs")
        assert "cannot be written" in app.messages[1]

    drive(app, act)


def test_escape_clears_marks_first_and_then_closes_groups(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("enter", "j", "space")
        assert app.view.go_back()
        assert the_list(app).marks == set()
        assert app.view.go_back()
        assert len(the_list(app).keys) == 4
        assert not app.view.go_back()

    drive(app, act)


def test_edit_is_for_one_job(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("e", "b", "e")
        assert [each.split()[0] for each in app.opened] == ["edit"]

    drive(app, act)


def test_dead_letters_are_not_reloaded_at_every_change(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        for number in range(8):
            app.show(snapshot(seeds.NOW + number * 1000, changed=number + 2))
        assert app.reader.asked.count("dead.load") == 2
        app.show(snapshot(seeds.NOW + 9000, changed=20, dead=14))
        assert app.reader.asked.count("dead.load") == 3

    drive(app, act)


def test_the_arrows_open_and_close_the_group_that_the_cursor_is_in(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        group = the_list(app).cursor
        await pilot.press("right")
        assert len(the_list(app).keys) == 11
        await pilot.press("right")
        assert len(the_list(app).keys) == 11
        await pilot.press("j", "j", "left")
        assert len(the_list(app).keys) == 4
        assert the_list(app).cursor == group
        await pilot.press("left")
        assert len(the_list(app).keys) == 4

    drive(app, act)


def test_marked_groups_are_retried_in_one_action_and_undone_in_one(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("space", "space", "r")
        await pilot.pause()
        [(name, params)] = app.acted
        assert name == "dlq retry"
        assert len(params.error) == 2
        left = len(list(app.context.store.jobs.listing(limit=0, states=[JobState.DEAD])))
        assert left < 6
        [undoable] = app.context.store.undo.list(now=seeds.NOW)
        assert undoable.jobs == 13 - left
        assert the_list(app).marks == set()

    drive(app, act)


def test_all_groups_marked_means_all_dead_jobs(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("a", "r")
        await pilot.pause()
        assert app.acted[0][1].all is True
        assert app.messages[0] == "retried all 13 dead jobs"
        assert list(app.context.store.jobs.listing(limit=0, states=[JobState.DEAD])) == []

    drive(app, act)


def test_deleting_all_names_the_errors_and_asks_for_the_number(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("a", "D")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        text = screen(app)
        assert "Delete all 13 dead jobs?" in text
        assert "7 \u00d7 " in text
        assert "queuectl dlq purge --yes" in text
        await pilot.press("1", "3", "enter", "enter")
        await pilot.pause()
        assert [name for name, _ in app.acted] == ["dlq purge"]
        assert list(app.context.store.jobs.listing(limit=0, states=[JobState.DEAD])) == []

    drive(app, act)


def test_the_mark_of_a_job_within_a_marked_group_counts_once(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("right", "space", "space", "r")
        await pilot.pause()
        assert len(app.acted[0][1].error) == 1

    drive(app, act)


def test_groups_and_jobs_of_other_groups_are_not_mixed(tmp_path: Path):
    app = made(DeadView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("right", "j", "space", "G", "space", "r")
        await pilot.pause()
        assert app.acted == []
        assert app.messages == ["mark groups or single jobs, not both"]

    drive(app, act)
