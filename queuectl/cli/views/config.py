"""Settings and their values."""

from __future__ import annotations

from queuectl.cli.render import Column, table
from queuectl.config import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.cli.screen import Screen
    from queuectl.operations.config import SettingNow


def list_settings(result: list[SettingNow], _params: Any, screen: Screen) -> None:
    """Print a table of all settings."""
    columns = [
        Column(title="KEY"),
        Column(title="VALUE", wraps=True),
        Column(title="FROM"),
        Column(title="MEANING", grows=True, wraps=True),
    ]
    table(columns, ((each.key, show(each.value), each.origin, each.help) for each in result), screen)


def value(result: SettingNow, _params: Any, screen: Screen) -> None:
    """Print the value alone, in the form that `config set` accepts."""
    screen.write(show(result.value) + "\n")


def silent(_result: SettingNow, _params: Any, _screen: Screen) -> None:
    """Print nothing: success needs no message."""


VIEWS = {"config list": list_settings, "config get": value, "config set": silent, "config unset": silent}
