"""The log of one job on the whole screen."""

from __future__ import annotations

from queuectl_tui.screens.job_screen_base import OneJobScreen


class LogScreen(OneJobScreen):
    """A title, the output, the keys."""
