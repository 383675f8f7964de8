"""A line of the command palette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.record import record

if TYPE_CHECKING:
    from collections.abc import Callable


@record
class Entry:
    """One line of the palette."""

    title: str
    """The text that is shown and searched."""
    about: str
    act: Callable[[], None]
