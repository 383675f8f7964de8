"""The console draws its own screen, so nothing is printed after it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.cli.screen import Screen


def closed(_result: Any, _params: Any, _screen: Screen) -> None:
    """Print nothing."""


VIEWS = {"tui": closed}
