"""The progress of a running job in a few cells: `▓▓▓░`, `▓▓░░ 47%`, `▓▓▓▓ late`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.style import Style

    from queuectl_tui.duration_estimates import Pace
    from queuectl_tui.theme import Paint

_LEAST_COMMAND = 11
"""Minimum width of the command, in cells."""
_WIDE = 44
_ROLES = {"running": "processing", "busy": "processing", "error": "dead", "paused": "scheduled"}


def bar_of(pace: Pace, now: int, width: int, paint: Paint) -> tuple[str, Style]:
    """Return a bar and a word for the right edge of `width` cells, and their style; empty if unknown or too wide."""
    late = pace.is_late(now)
    role = "warning" if late else "processing"
    words = []
    if pace.progress is not None:
        role = role if late and pace.progress.state == "running" else _ROLES[pace.progress.state]
        if pace.progress.percent is not None:
            words.append(f"{pace.progress.percent}%")
        if pace.progress.state in {"error", "paused"}:
            words.append(pace.progress.state)
    if late:
        words.append("late")
    word = "".join(f" {each}" for each in words)
    bar = drawn(pace.part(now), 8 if width >= _WIDE else 4, paint)
    for text in (f" {bar}{word}" if bar else word, word):
        if text and len(text) + _LEAST_COMMAND <= width:
            return text, paint(role)
    return "", paint(role)


def drawn(part: float | None, cells: int, paint: Paint) -> str:
    """Return a bar of `cells` cells, full for 1; empty if `part` is unknown."""
    if part is None:
        return ""
    full = int(part * cells + 1e-9)
    return paint.glyph("▓") * full + paint.glyph("░") * (cells - full)
