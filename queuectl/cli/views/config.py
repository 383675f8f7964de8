"""The configuration."""

from __future__ import annotations

from queuectl.cli.render import Column, table
from queuectl.config import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.cli.screen import Screen
    from queuectl.operations.config import AllSettings, SettingNow


def list_settings(result: AllSettings, _params: Any, screen: Screen) -> None:
    """A table."""
    columns = [Column(title="KEY"), Column(title="VALUE"), Column(title="FROM"), Column(title="MEANING", grows=True)]
    table(columns, ((each.key, show(each.value), each.origin, each.help) for each in result.settings), screen)


def value(result: SettingNow, _params: Any, screen: Screen) -> None:
    """The value alone, as `config set` takes it."""
    screen.write(show(result.value) + "\n")


def silent(_result: SettingNow, _params: Any, _screen: Screen) -> None:
    """Nothing: it did what it was told."""


VIEWS = {"config list": list_settings, "config get": value, "config set": silent, "config unset": silent}
