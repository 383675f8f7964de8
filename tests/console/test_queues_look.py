"""Pictures of the Queues view: paused, full and open queues, all paused, none at all, and its dialogs."""

from __future__ import annotations

import pytest

from queuectl.domain.queue_settings import ALL
from tests.support import seed as seeds
from tests.support.seed import MINUTE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]
    Snap = Callable[..., bool]

WIDE, NARROW, LARGE = (120, 40), (80, 24), (200, 60)
PLAIN: dict[str, Any] = {"ascii": True, "theme": "queuectl-mono"}
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW, LARGE], ids=["120x40", "80x24", "200x60"])


def settled(seeder: seeds.Seeder) -> None:
    seeds.lively(seeder)
    seeder.many(12_000, state="pending", queue="import")
    seeder.queue("mail", paused=12 * MINUTE, reason="the relay is down")
    seeder.queue("video", limit=1, weight=3)
    seeder.queue("nightly-reports-of-the-year", limit=2)


def all_paused(seeder: seeds.Seeder) -> None:
    settled(seeder)
    seeder.queue(ALL, paused=3 * MINUTE, reason="deploy of release 41")


@SIZES
def test_paused_full_and_open_queues(make_app: Make, snap_compare: Snap, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(settled), press=("4", "j", "j"), terminal_size=size)


@SIZES
def test_all_queues_are_paused(make_app: Make, snap_compare: Snap, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(all_paused), press=("4", "j", "space", "space"), terminal_size=size)


def test_queues_in_ascii_and_without_colours(make_app: Make, snap_compare: Snap) -> None:
    assert snap_compare(make_app(all_paused, **PLAIN), press=("4",), terminal_size=NARROW)


def test_queues_in_light(make_app: Make, snap_compare: Snap) -> None:
    app = make_app(settled, theme="queuectl-light")
    assert snap_compare(app, press=("4", "G"), terminal_size=WIDE)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
def test_no_queues(make_app: Make, snap_compare: Snap, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(None), press=("4",), terminal_size=size)


@pytest.mark.parametrize("key", ["L", "W", "H"], ids=["limit", "weight", "pause-all"])
def test_dialogs_of_queues(make_app: Make, snap_compare: Snap, key: str) -> None:
    assert snap_compare(make_app(settled), press=("4", "G", key), terminal_size=NARROW)


def test_the_jobs_view_while_queues_are_paused(make_app: Make, snap_compare: Snap) -> None:
    assert snap_compare(make_app(settled), press=("slash", *"queue:mail", "enter"), terminal_size=NARROW)
