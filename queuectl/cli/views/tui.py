"""The console has a screen of its own: nothing is left to say."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.cli.screen import Screen


def closed(_result: Any, _params: Any, _screen: Screen) -> None:
    """Say nothing."""


VIEWS = {"tui": closed}
