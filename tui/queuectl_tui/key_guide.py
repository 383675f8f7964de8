"""The keys that apply now, for the key bar, the help and the palette."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from queuectl_tui import keymap
from queuectl_tui.available_keys import active_keys, available
from queuectl_tui.keymap import hint
from queuectl_tui.palette_entry import Entry
from queuectl_tui.places import PLACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from textual.app import App
    from textual.command import Provider
    from textual.dom import DOMNode
    from textual.screen import Screen

    from queuectl_tui.console import Console
    from queuectl_tui.key import KeyHint
    from queuectl_tui.screens.help import Help
    from queuectl_tui.screens.views import View


def shown_hints(console: Console, view: View, *, typing: bool, frozen: bool) -> list[KeyHint]:
    """Return the keys of the view that apply now, and those that always apply; `typing`: a text field has the focus."""
    general = [hint("global.new_job")]
    general.append(hint("global.stop_pool") if console.snapshot.pools else hint("global.start_pool"))
    if console.read_only or typing:
        general = []
    general += [] if typing else [hint("global.freeze", "unfreeze" if frozen else None), hint("global.command")]
    always = [] if typing else [hint("global.help"), hint("global.leave")]
    own = [each for each in view.hints() if not (console.read_only and keymap.writes(each))]
    return [*own, *general, *always]


def target_of(action: str, start: DOMNode, app: App[Any]) -> DOMNode:
    """Return the nearest node to `start` that has this action, as for a key; else the app."""
    name = f"action_{action.partition('(')[0]}"
    return next((node for node in start.ancestors_with_self if hasattr(node, name)), app)


def help_for(console: Console, view: View, page: Screen[Any]) -> Help:
    """Return the help of a page, or of the view."""
    from queuectl_tui.screens.help import Help
    from queuectl_tui.screens.job_screen_base import OneJobScreen

    keys = available(console.user_keymap, read_only=console.read_only)
    if isinstance(page, OneJobScreen):
        return Help(page.scope, keys=keys, own=page.own_keys, lacks=page.lacks)
    return Help(*view.scopes, keys=keys, lacks=view.lacks)


def palette() -> type[Provider]:
    """Return the lines of the palette, which is loaded when it is first opened."""
    from queuectl_tui.screens.palette import ConsoleCommands

    return ConsoleCommands


def entries(
    app: App[Any], console: Console, view: View, page: Screen[Any], press: Callable[[str, DOMNode], None]
) -> Iterator[Entry]:
    """Yield the keys that apply on a page, and the views, for the palette; `press` runs an action on a node."""
    keys = available(console.user_keymap, read_only=console.read_only)
    for key, target in active_keys(keys, app, view, page):
        yield Entry(title=f"{key.help} ({key.shown})", about=key.label, act=partial(press, key.does, target))
    for place in PLACES:
        yield Entry(title=f"{place.title} ({place.number})", about="view", act=partial(console.show_view, place.name))
