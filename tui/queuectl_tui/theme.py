"""Colours, glyphs and words. Every state has all three, so that no single one is needed to distinguish states."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.style import Style
from textual.theme import Theme

from queuectl.domain.glyphs import GLYPHS
from queuectl_tui import ansi

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from textual.app import App

STATE_STYLE: dict[str, tuple[str, str, str]] = {
    "pending": (GLYPHS["pending"], "pending", "pending"),
    "scheduled": ("◇", "scheduled", "scheduled"),
    "held": (GLYPHS["held"], "held", "scheduled"),
    **{state: (GLYPHS[state], state, state) for state in ("processing", "failed", "completed", "dead", "cancelled")},
    "idle": ("○", "idle", "idle"),
    "busy": ("▶", "busy", "processing"),
    "draining": ("◇", "draining", "scheduled"),
    "stopping": ("■", "stopping", "warning"),
    "stale": ("!", "stale", "error"),
    "open": ("○", "open", "idle"),
    "full": ("▲", "full", "scheduled"),
    "paused": ("‖", "paused", "warning"),
}
"""State of a job, a worker, a pool or a queue → glyph, word, role; `Paint` has the style of a role in one theme."""

_ASCII = {
    "○": "o",
    "◇": "~",
    "◆": "=",
    "▶": ">",
    "◐": "%",
    "✓": "+",
    "×": "x",
    "■": "#",
    "●": "*",
    "…": "~",
    "▲": "^",
    "▼": "v",
    "▸": ">",
    "▾": "v",
    "│": "|",
    "─": "-",
    "→": ">",
    "·": ".",
    "↑": "^",
    "↓": "v",
    "▓": "#",
    "░": "-",
    "◎": "@",
    "‖": "|",
}
_BARS = "▁▂▃▄▅▆▇█"
_ASCII_BARS = "_.:-=+*#"

_DARK = {
    "pending": "#7cc7ee",
    "scheduled": "#c4a7e7",
    "processing": "#4d9fff",
    "completed": "#5fbf9f",
    "failed": "#e6a83a",
    "dead": "#ff7a45",
    "cancelled": "#8b949e",
    "idle": "#8b949e",
    "text": "#d7dde5",
    "dim": "#8b949e",
    "faint": "#59636e",
    "title": "#e8edf3 bold",
    "accent": "#7cc7ee bold",
    "key": "#ffd479 bold",
    "good": "#5fbf9f",
    "warning": "#e6a83a",
    "error": "#ff7a45 bold",
    "cursor": "on #24405f",
    "cursor-idle": "on #22272e",
    "marked": "#ffd479 bold",
    "ghost": "#8b949e italic",
    "match": "#101418 on #ffd479",
    "bar": "#4d9fff",
    "line": "#59636e",
    "tab": "#e8edf3 bold on #24405f",
    "tab-key": "#ffd479 bold on #24405f",
}
_LIGHT = {
    "pending": "#0b6aa2",
    "scheduled": "#7a3e9d",
    "processing": "#0048c8",
    "completed": "#006b4f",
    "failed": "#8f5500",
    "dead": "#b33600",
    "cancelled": "#5a6370",
    "idle": "#5a6370",
    "text": "#1d232b",
    "dim": "#5a6370",
    "faint": "#8a93a0",
    "title": "#10151b bold",
    "accent": "#0b6aa2 bold",
    "key": "#7a3e00 bold",
    "good": "#006b4f",
    "warning": "#8f5500",
    "error": "#b33600 bold",
    "cursor": "on #c5dcf5",
    "cursor-idle": "on #e6eaef",
    "marked": "#7a3e00 bold",
    "ghost": "#5a6370 italic",
    "match": "#10151b on #ffd479",
    "bar": "#0048c8",
    "line": "#8a93a0",
    "tab": "#10151b bold on #c5dcf5",
    "tab-key": "#7a3e00 bold on #c5dcf5",
}
_ANSI = {
    "pending": "cyan",
    "scheduled": "magenta",
    "processing": "bright_blue",
    "completed": "green",
    "failed": "yellow",
    "dead": "bright_red",
    "cancelled": "dim",
    "idle": "dim",
    "text": "default",
    "dim": "dim",
    "faint": "dim",
    "title": "bold",
    "accent": "cyan bold",
    "key": "yellow bold",
    "good": "green",
    "warning": "yellow",
    "error": "bright_red bold",
    "cursor": "reverse",
    "cursor-idle": "underline",
    "marked": "yellow bold",
    "ghost": "dim italic",
    "match": "reverse",
    "bar": "blue",
    "line": "dim",
    "tab": "reverse",
    "tab-key": "reverse bold",
}
_MONO = {
    "pending": "",
    "scheduled": "",
    "processing": "bold",
    "completed": "dim",
    "failed": "bold",
    "dead": "bold",
    "cancelled": "dim",
    "idle": "dim",
    "text": "",
    "dim": "dim",
    "faint": "dim",
    "title": "bold",
    "accent": "bold",
    "key": "bold",
    "good": "",
    "warning": "bold",
    "error": "bold reverse",
    "cursor": "reverse",
    "cursor-idle": "underline",
    "marked": "bold",
    "ghost": "dim italic",
    "match": "reverse",
    "bar": "",
    "line": "dim",
    "tab": "reverse",
    "tab-key": "reverse bold",
}


def _theme(name: str, roles: Mapping[str, str], *, dark: bool, **colours: str) -> Theme:
    variables = {"footer-key-foreground": roles["key"].split()[0] or colours["foreground"]}
    return Theme(name=name, dark=dark, variables=variables, **colours)  # type: ignore[arg-type]  # colours by name


THEMES: tuple[Theme, ...] = (
    _theme(
        "queuectl",
        _DARK,
        dark=True,
        primary="#4d9fff",
        secondary="#7cc7ee",
        accent="#ffd479",
        warning="#e6a83a",
        error="#ff7a45",
        success="#5fbf9f",
        foreground="#d7dde5",
        background="#0f1419",
        surface="#151b22",
        panel="#1f2730",
        boost="#1f2730",
    ),
    _theme(
        "queuectl-light",
        _LIGHT,
        dark=False,
        primary="#0048c8",
        secondary="#0b6aa2",
        accent="#7a3e00",
        warning="#8f5500",
        error="#b33600",
        success="#006b4f",
        foreground="#1d232b",
        background="#fbfcfd",
        surface="#f1f4f7",
        panel="#e3e8ee",
        boost="#e3e8ee",
    ),
    Theme(
        name="queuectl-mono",
        dark=True,
        primary="#d0d0d0",
        secondary="#d0d0d0",
        accent="#ffffff",
        warning="#d0d0d0",
        error="#ffffff",
        success="#d0d0d0",
        foreground="#d0d0d0",
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        boost="#1c1c1c",
    ),
)
"""Themes of the console. The default is safe for the colour-blind (blue against orange, never red against green)."""

CYCLE = ("queuectl", "queuectl-light", "ansi-dark", "ansi-light", "queuectl-mono")
"""Themes that `T` cycles through."""


def roles(theme: str, *, dark: bool) -> Mapping[str, str]:
    """Return role → style for the name of a theme."""
    if theme == "queuectl-mono":
        return _MONO
    if theme.startswith("ansi"):
        return _ANSI
    return _DARK if dark else _LIGHT


class Paint:
    """The styles of one theme, by role."""

    def __init__(self, theme: str, *, dark: bool, ascii_only: bool = False) -> None:
        """Look up the roles of a theme; `ascii_only`: no glyph beyond ASCII."""
        self._styles = {role: Style.parse(text or "none") for role, text in roles(theme, dark=dark).items()}
        self.ascii_only = ascii_only

    def __call__(self, role: str) -> Style:
        """Return the style of a role; unstyled for an unknown one."""
        return self._styles.get(role, Style.null())

    def glyph(self, glyph: str) -> str:
        """Return `glyph`, or its replacement in ASCII."""
        return _ASCII.get(glyph, glyph) if self.ascii_only else glyph

    def state(self, state: str) -> tuple[str, str, Style]:
        """Return glyph, word and style of a state."""
        glyph, word, role = STATE_STYLE.get(state, ("?", state, "text"))
        return self.glyph(glyph), word, self(role)

    def bar(self, part: float) -> str:
        """Return one of eight bars for 0 ≤ `part` ≤ 1."""
        bars = _ASCII_BARS if self.ascii_only else _BARS
        return bars[min(int(part * len(bars)), len(bars) - 1)]

    def spark(self, values: tuple[int, ...] | list[int], width: int) -> str:
        """Return `values` as a sparkline of `width` bars, the newest on the right."""
        if not values or width < 1:
            return ""
        per = max(1, -(-len(values) // width))
        sums = [sum(values[max(end - per, 0) : end]) for end in range(len(values), 0, -per)][:width][::-1]
        most = max(sums) or 1
        return "".join(self.bar(each / most) for each in sums)


def install(app: App[Any], theme: str | None) -> None:
    """Register the themes and choose one: by default, the one without colours where NO_COLOR is set."""
    for each in THEMES:
        app.register_theme(each)
    app.ansi_theme_dark, app.ansi_theme_light = ansi.DARK, ansi.LIGHT
    app.theme = theme or ("queuectl-mono" if os.environ.get("NO_COLOR") else "queuectl")


def next_theme(theme: str) -> str:
    """Return the theme after `theme` in the cycle."""
    place = CYCLE.index(theme) if theme in CYCLE else -1
    return CYCLE[(place + 1) % len(CYCLE)]
