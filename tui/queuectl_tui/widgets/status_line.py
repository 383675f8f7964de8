"""The first line: store, workers, throughput, and whether the view is live."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from queuectl.domain.phrases import plural
from queuectl.domain.text import one_line
from queuectl.store.location import is_url
from queuectl_tui import keymap
from queuectl_tui.theme import STATE_STYLE
from queuectl_tui.widgets.job_rows import clock
from queuectl_tui.widgets.lines import Drawing, length_of, spread_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.widgets.lines import Line, Piece

_GAP: Piece = ("   ", "text")
_NAME = 20
"""Cells of a queue's name."""


class StatusLine(Drawing):
    """Drawn from a snapshot; what does not fit is dropped, the least important first."""

    DEFAULT_CSS = "StatusLine { height: 1; width: 1fr; background: $panel; }"

    def __init__(
        self,
        location: str,
        *,
        read_only: bool = False,
        shown_key: Callable[[str], str] = keymap.shown_key,
        id: str | None = None,
    ) -> None:
        """Create the line; `location` is the store without secrets, `shown_key` returns the key of a binding."""
        super().__init__(id=id)
        self._location = location
        self._read_only = read_only
        self._shown_key = shown_key
        self.snapshot: Snapshot | None = None
        self.now = 0
        self.frozen = False

    def show(self, snapshot: Snapshot, now: int, *, frozen: bool) -> None:
        """Show a snapshot."""
        self.snapshot, self.now, self.frozen = snapshot, now, frozen
        self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """Return the line."""
        del height
        of = self.snapshot
        wide = width >= 100
        at = time.strftime("  %H:%M:%S " if wide else "  %H:%M ", time.localtime(self.now / 1000))
        left: tuple[Piece, ...] = ((" queuectl ", "accent"), (self._store(width), "text"))
        if self._read_only:
            left += ((" READ-ONLY", "warning"),)
        if of is not None:
            # Before what may be dropped: without it, there is no reason in sight why no job starts.
            left += pauses(of, wide=wide)
        right = (*self._liveness(of, width - length_of(left) - len(at) - 1), (at, "dim"))
        if of is not None:
            for part in self._parts(of, wide=wide):
                if length_of((*left, _GAP, *part)) + length_of(right) + 1 > width:
                    break
                left += (_GAP if wide else ("  ", "text"), *part)
        return [spread_out(left, right, width)]

    def _store(self, width: int) -> str:
        home = os.path.expanduser("~")
        path = self._location
        if is_url(path):
            return f" {one_line(_database(path), max(width // 4, 10))}"
        path = f"~{path[len(home) :]}" if path.startswith(f"{home}/") else path
        path_width = max(width // 4, 10)
        if width < 100 or len(path) > path_width:
            path = path.rpartition("/")[2]
        return f" {one_line(path, path_width)}"

    def _parts(self, of: Snapshot, *, wide: bool) -> list[Line]:
        if not of.pools and not of.workers:
            pool: Line = (("no workers", "warning"),)
            if wide and not self._read_only:
                pool += ((f" ({self._shown_key('global.start_pool')} starts some)", "dim"),)
        elif not of.pools:
            pool = (("! pool gone", "error"),)
            if wide:
                pool += ((f": {of.orphans_text}", "warning"),)
                start = self._shown_key("global.start_pool")
                pool += () if self._read_only else ((f", {start} starts one", "dim"),)
        else:
            there, wanted = len(of.workers) - len(of.orphaned_workers), of.wanted
            role = "processing" if there >= wanted else "warning"
            pool = (("pool ", "dim"), ("▶ ", role), (f"{there}/{max(wanted, there)}", role))
            if any(each.stop for each in of.pools):
                pool += ((" draining", "scheduled"),)
            elif wide:
                pool += ((f" busy {of.busy}", "text"),)
            if of.orphaned_workers:
                pool += ((" ! a pool is gone" if wide else " !", "error"),)
        rates: Line = (
            (("in ", "dim"), (f"{of.in_rate:.1f}/s", "text"), ("   out ", "dim"), (f"{of.out_rate:.1f}/s", "text"))
            if wide
            else ((f"{of.out_rate:.1f}/s", "text"),)
        )
        parts: list[Line] = [pool, rates]
        if of.oldest_due_ms is not None and of.oldest_due_ms >= 1000:
            role = "warning" if of.oldest_due_ms > 60_000 else "text"
            parts.append((("oldest ", "dim"), (clock(of.oldest_due_ms), role)))
        return parts

    def _liveness(self, of: Snapshot | None, width: int) -> Line:
        if of is None:
            return (("… reading", "dim"),)
        if of.error is not None:
            age = max(self.now - of.at, 0) // 1000
            stale = f"! NEVER READ since {time.strftime('%H:%M', time.localtime(of.at / 1000))}"
            stale = stale if of.never else f"! STALE {age}s"
            # The staleness is more important than the reason.
            width = min(width - len(stale) - 2, max(self.size.width // 2 - 6, 12))
            return ((f"{stale}: {one_line(of.error, width)}" if width >= 8 else stale, "error"),)
        if self.frozen:
            return (("■ FROZEN", "warning"), (f" {self._shown_key('global.freeze')} unfreezes", "dim"))
        return (("● ", "good"), ("LIVE", "good"))


def pauses(of: Snapshot, *, wide: bool) -> Line:
    """Return which queues are paused; nothing if none is."""
    if of.pause_of_all is not None:
        text = "all queues paused" if wide else "all paused"
    elif not of.paused:
        return ()
    elif len(of.paused) == 1 and wide:
        text = f"queue {one_line(of.paused[0], _NAME)} paused"
    else:
        text = f"{len(of.paused)} {plural(len(of.paused), 'queue')} paused"
    glyph, _, role = STATE_STYLE["paused"]
    return (("  ", "text"), (f"{glyph} {text}", role))


def _database(url: str) -> str:
    """Return a server's store as `database@host`; the host is left out where it is this one."""
    parts = urlsplit(url)
    return unquote(parts.path.strip("/")) + (f"@{parts.hostname}" if parts.hostname else "")
