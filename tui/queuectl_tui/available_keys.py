"""The keys that apply now: what the view or page supports, without writing actions where the console is read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuectl_tui.keymap import remap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from textual.dom import DOMNode
    from textual.screen import Screen

    from queuectl_tui.keymap import Key
    from queuectl_tui.screens.views import View


def available(user: Mapping[str, str], *, read_only: bool) -> list[Key]:
    """Return every binding that may be used, with the user's keys."""
    return [key for key in remap(user) if not (read_only and key.writes)]


def active_keys(keys: Iterable[Key], app: DOMNode, view: View, page: Screen[Any]) -> Iterator[tuple[Key, DOMNode]]:
    """Yield the keys that apply on a page, each with the node that handles it; the page's own keys come first."""
    from queuectl_tui.screens.job_screen_base import OneJobScreen

    own, lacks = frozenset[str](), view.lacks
    scopes: tuple[str, ...] = view.scopes
    where: DOMNode = view
    if isinstance(page, OneJobScreen):
        own, lacks, scopes, where = frozenset(page.own_keys), page.lacks, (page.scope,), page
    for key in sorted(keys, key=lambda each: each.id not in own and each.scope not in scopes):
        if key.moves or key.id in lacks - own:
            continue
        if key.id in own:
            yield key, page
        elif key.scope in scopes:
            target = _has_action(key.does, page.focused or where, where)
            if target is not None:
                yield key, target
        elif key.scope == "global":
            yield key, app


def _has_action(action: str, start: DOMNode, within: DOMNode) -> DOMNode | None:
    """Return the node nearest to `start` that has an action, else the first in `within`; None if there is none."""
    name = f"action_{action.partition('(')[0]}"
    near = [node for node in start.ancestors_with_self if within in node.ancestors_with_self]
    return next((node for node in (*near, within, *within.query()) if hasattr(node, name)), None)
