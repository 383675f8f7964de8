"""The command palette: all actions that apply now, found by typing a few letters."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Provider
from textual.content import Content

from queuectl.domain.record import record
from queuectl.domain.text import safe
from queuectl.operations import ALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol

    from textual.command import Hits
    from textual.screen import Screen

    class PaletteHost(Protocol):
        """The part of the app that the palette uses."""

        read_only: bool

        def key_entries(self, screen: Screen[Any]) -> Iterator[Entry]:
            """Yield the key actions that apply to the focused part of a screen."""

        def open_command_line(self, text: str = "") -> None:
            """Open the command line with `text` typed."""


@record
class Entry:
    """One line of the palette."""

    title: str
    """The text that is shown and searched."""
    about: str
    act: Callable[[], None]


class ConsoleCommands(Provider):
    """Key actions that apply now, then every operation of the command line."""

    def _entries(self) -> Iterator[Entry]:
        host: PaletteHost = self.app  # type: ignore[assignment]  # the console is one
        # The palette itself is the topmost screen; the actions are those of the one below it.
        yield from host.key_entries(self.screen)
        for operation in ALL:
            if operation.not_in_console or (host.read_only and not operation.reads):
                continue
            yield Entry(
                title=f":{operation.name}",
                about=operation.summary,
                act=partial(host.open_command_line, f"{operation.name} "),
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
