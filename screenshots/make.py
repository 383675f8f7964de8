"""Make the pictures of the README: `.venv/bin/python screenshots/make.py`.

The console runs over a seeded store with a stopped clock, so that a picture changes only when the console does. Needs
the DejaVu Sans Mono fonts (Debian: fonts-dejavu-core), whose glyphs are as wide as the grid.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tui")]
for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_FILTERS", "COLORTERM"):
    # Textual reads these when it is imported; without them, the pictures are the same on every machine.
    os.environ.pop(name, None)
os.environ["TZ"] = "UTC"
time.tzset()

import resvg_py

from queuectl import bootstrap
from queuectl.runtime import liveness
from queuectl_tui.app import ConsoleApp
from tests.support import seed

seed.HOSTILE = ("./backup.sh --all", "./thumbs.sh in/*.jpg", "pg_dump orders | zstd > orders.zst", "./mail.sh welcome")
"""Replaces the hostile commands of the tests' pictures, whose scripts this font does not have."""
SYNC = ("slash", *"sync", "enter")
FILTER = ("slash", *({":": "colon", " ": "space"}.get(letter, letter) for letter in "state:dead queue:mail"), "enter")
WIDE, NARROW = (120, 40), (80, 24)
FONTS = [
    f"/usr/share/fonts/truetype/dejavu/DejaVuSansMono{face}.ttf" for face in ("", "-Bold", "-Oblique", "-BoldOblique")
]
PICTURES: dict[str, tuple[tuple[str, ...], tuple[int, int], str | None]] = {
    "jobs": ((), WIDE, None),
    "jobs-light": ((), WIDE, "queuectl-light"),
    "jobs-80x24": ((), NARROW, None),
    "jobs-80x24-light": ((), NARROW, "queuectl-light"),
    "workers": (("2",), WIDE, None),
    "dead-letters": (("3", "j", "enter"), WIDE, None),
    "dead-letters-80x24": (("3",), NARROW, None),
    "filter": (FILTER, WIDE, None),
    "queues": (("4", "j"), WIDE, None),
    "overview": (("5",), WIDE, None),
    "activity": (("6",), WIDE, None),
    "job": ((*SYNC, "enter"), WIDE, None),
    "log": ((*SYNC, "l"), WIDE, None),
    "new-job": (("n",), WIDE, None),
    "help": (("question_mark",), WIDE, None),
}
"""Name → the keys pressed, columns and rows, and the theme (None: the default)."""


def main() -> int:
    """Make all pictures, as SVG and PNG; return the exit code."""
    missing = [font for font in FONTS if not Path(font).exists()]
    if missing:
        print(f"error: {missing[0]} is missing\nhint: apt install fonts-dejavu-core", file=sys.stderr)
        return 2
    workers, pools = seed.workers()
    liveness.living_workers = lambda *_, **__: list(workers)
    liveness.living_pools = lambda *_, **__: list(pools)
    for name, (keys, size, theme) in PICTURES.items():
        with tempfile.TemporaryDirectory() as directory:
            seeds = _with_settings if name == "queues" else seed.lively
            svg = asyncio.run(_picture(seed.seeded(Path(directory), seeds), keys, size, theme))
        (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")
        (HERE / f"{name}.png").write_bytes(_png(svg))
        print(f"{name}.svg {name}.png")
    return 0


def _with_settings(seeder: seed.Seeder) -> None:
    seed.lively(seeder)
    seeder.queue("mail", paused=12 * seed.MINUTE, reason="the relay is down")
    seeder.queue("video", limit=1, weight=3)


async def _picture(path: str, keys: tuple[str, ...], size: tuple[int, int], theme: str | None) -> str:
    clock = seed.StoppedClock()
    app = ConsoleApp(
        lambda: bootstrap.context(path, clock=clock), clock, live=False, location="~/prod/queue.db", theme=theme
    )
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.3)
        await pilot.pause(0.5)
        # Textual numbers the styles of each picture at random.
        return re.sub(r"terminal-\d+-", "terminal-", app.export_screenshot())


def _png(svg: str) -> bytes:
    drawn = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code", "DejaVu Sans Mono")
    return bytes(resvg_py.svg_to_bytes(svg_string=drawn, font_files=FONTS, zoom=1))


if __name__ == "__main__":
    sys.exit(main())
