"""Pictures of the Jobs view."""

from __future__ import annotations

import pytest

from tests.support import seed as seeds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from textual.pilot import Pilot

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]
    Snap = Callable[..., bool]

DEAD = ("slash", *"state:dead", "enter")


@pytest.mark.parametrize(
    "size", [(120, 40), (80, 24), (200, 60), (60, 15), (50, 12)], ids=lambda size: f"{size[0]}x{size[1]}"
)
def test_mixed_states(make_app: Make, snap_compare: Snap, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(), terminal_size=size)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_an_empty_store_shows_first_steps(make_app: Make, snap_compare: Snap, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(None), terminal_size=size)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("hostile", ("slash", *"tag:hostile", "enter", "j")),
        ("wide_letters", ("slash", *"tag:hostile", "enter")),
        ("filter_without_match", ("slash", *"nothing like it", "enter")),
        ("filter_with_an_error", ("slash", *"state:dead,xx")),
        ("filter_while_typing", ("slash", *"queue:mail send")),
        ("marks", (*DEAD, "space", "j", "space", "space")),
        ("range", ("j", "v", "j", "j")),
        ("sorted_by_duration", ("o", "o", "o")),
        ("next_to_run", ("o", "o")),
        ("zoomed", ("z",)),
        ("dead_job", (*DEAD, "j", "j")),
        ("failed_job", ("slash", *"state:failed", "enter")),
        ("held_job", ("slash", *"state:held", "enter")),
        ("scheduled_job", ("slash", *"weekly", "enter")),
        ("read_only_refuses", ("n",)),
        ("columns", ("c",)),
        ("retried", (*DEAD, "r")),
        ("delete_two", (*DEAD, "space", "space", "D")),
    ],
)
def test_jobs(make_app: Make, snap_compare: Snap, name: str, keys: tuple[str, ...]) -> None:
    app = make_app(read_only=name == "read_only_refuses")
    assert snap_compare(app, press=keys, terminal_size=(120, 40))


@pytest.mark.parametrize("theme", ["queuectl-light", "queuectl-mono", "ansi-dark", "ansi-light"])
def test_themes(make_app: Make, snap_compare: Snap, theme: str) -> None:
    assert snap_compare(make_app(theme=theme), press=("j", "space", "j"), terminal_size=(120, 40))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_ascii(make_app: Make, snap_compare: Snap, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(ascii=True), terminal_size=size)


def test_a_dead_job_at_80x24(make_app: Make, snap_compare: Snap) -> None:
    assert snap_compare(make_app(), press=(*DEAD, "j", "space"), terminal_size=(80, 24))


def test_no_workers(make_app: Make, snap_compare: Snap) -> None:
    assert snap_compare(make_app(workers=False), terminal_size=(120, 40))


def test_the_ghost_of_a_row_that_was_cancelled(make_app: Make, snap_compare: Snap, tmp_path: Path) -> None:
    async def leave(pilot: Pilot[Any]) -> None:
        await pilot.press("slash", *"state:failed", "enter", "j")
        import apsw

        connection = apsw.Connection(str(tmp_path / "queue.db"))
        connection.execute(f"UPDATE jobs SET state = 'cancelled', finished_at = {seeds.NOW} WHERE id = '60'").fetchall()
        connection.close()
        pilot.app.reader.refresh()  # type: ignore[attr-defined]  # a ConsoleApp
        await pilot.pause()
        await pilot.pause()

    assert snap_compare(make_app(), run_before=leave, terminal_size=(120, 40))


def test_many_rows_scrolled_to_the_middle(make_app: Make, snap_compare: Snap) -> None:
    async def jump(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        pilot.app.query_one("#table").scroll_to(y=10_000, animate=False)
        await pilot.pause()
        await pilot.press("j")

    assert snap_compare(make_app(lambda seeder: seeder.many(20_000)), run_before=jump, terminal_size=(120, 40))


def test_a_store_that_cannot_be_read_keeps_the_last_picture(make_app: Make, snap_compare: Snap) -> None:
    async def break_it(pilot: Pilot[Any]) -> None:
        from queuectl.domain.record import replace

        app: Any = pilot.app
        await pilot.pause()
        app.clock.at += 12_000
        app.post_message(
            _arrived(replace(app.snapshot, error="the store ~/prod/queue.db is locked by another process"))
        )
        await pilot.pause()

    assert snap_compare(make_app(), run_before=break_it, terminal_size=(120, 40))


def _arrived(snapshot: Any) -> Any:
    from queuectl_tui.reader import SnapshotArrived

    return SnapshotArrived(snapshot)
