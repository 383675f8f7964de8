"""The command palette: all actions that apply now, found by typing a few letters."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Provider
from textual.content import Content

from queuectl.domain.text import safe
from queuectl.operations import ALL
from queuectl_tui.console import console_of
from queuectl_tui.palette_entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.command import Hits


class ConsoleCommands(Provider):
    """Key actions that apply now, then every operation of the command line."""

    def _entries(self) -> Iterator[Entry]:
        console = console_of(self.screen)
        # The palette itself is the topmost screen; the actions are those of the one below it.
        yield from console.key_entries(self.screen)
        for operation in ALL:
            if operation.not_in_console or (console.read_only and not operation.reads):
                continue
            yield Entry(
                title=f":{operation.name}",
                about=operation.summary,
                act=partial(console.pages.command_line, f"{operation.name} "),
            )

    async def discover(self) -> Hits:
        """List everything, while nothing has been typed."""
        for entry in self._entries():
            yield DiscoveryHit(Content(safe(entry.title)), entry.act, text=safe(entry.title), help=safe(entry.about))

    async def search(self, query: str) -> Hits:
        """List the entries whose title or description matches."""
        matcher = self.matcher(query)
        for entry in self._entries():
            title = safe(entry.title)
            score = max(matcher.match(title), matcher.match(entry.about) * 0.7)
            if score > 0:
                yield Hit(score, matcher.highlight(title), entry.act, text=title, help=safe(entry.about))
