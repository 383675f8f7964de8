"""RGB values of the sixteen ANSI colours in job output, for themes that do not use the terminal's own."""

from __future__ import annotations

from rich.terminal_theme import TerminalTheme

DARK = TerminalTheme(
    (15, 20, 25),
    (215, 221, 229),
    [(110, 118, 129), (255, 107, 107), (95, 191, 143), (230, 168, 58),
     (97, 160, 255), (214, 127, 214), (86, 194, 214), (200, 205, 212)],
    [(139, 148, 158), (255, 143, 143), (126, 219, 170), (255, 212, 121),
     (140, 188, 255), (236, 164, 236), (130, 222, 240), (255, 255, 255)],
)  # fmt: skip
"""Readable on the dark themes: black is shown as grey, because it would be invisible."""
LIGHT = TerminalTheme(
    (251, 252, 253),
    (29, 35, 43),
    [(29, 35, 43), (176, 30, 30), (0, 107, 55), (143, 85, 0),
     (0, 72, 200), (139, 38, 139), (0, 106, 130), (90, 99, 112)],
    [(90, 99, 112), (204, 50, 50), (0, 128, 70), (163, 104, 0),
     (38, 104, 222), (165, 60, 165), (0, 128, 152), (70, 78, 90)],
)  # fmt: skip
"""Readable on the light theme: white is shown as grey."""
