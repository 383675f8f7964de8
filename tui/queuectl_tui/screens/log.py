"""The log of one job on the whole screen."""

from __future__ import annotations

from queuectl_tui.screens.one_job import OneJobScreen


class LogScreen(OneJobScreen):
    """A title, the output, the keys."""
