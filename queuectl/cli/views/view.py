"""Saved views."""

from __future__ import annotations

from queuectl.cli.render import Column, table
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.cli.screen import Screen
    from queuectl.operations.view import ListViews, ViewRecord


def list_views(records: Iterator[ViewRecord], _params: ListViews, screen: Screen) -> None:
    """Print a table of saved views, by name."""
    columns = [Column(title="NAME"), Column(title="FILTER", grows=True)]
    if not table(columns, ((each.view.name, each.view.filter) for each in records), screen):
        screen.say_empty("no views are saved; save one: queuectl view save NAME state:failed")


def saved(result: ViewRecord, _params: Any, screen: Screen) -> None:
    """Print the name and the filter of the saved view."""
    screen.write(f"{safe(result.view.name)} {safe(result.view.filter)}\n")


def deleted(result: ViewRecord, _params: Any, screen: Screen) -> None:
    """Print the name of the deleted view."""
    screen.write(f"{safe(result.view.name)} deleted\n")


VIEWS = {"view list": list_views, "view save": saved, "view delete": deleted}
