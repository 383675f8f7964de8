"""What is made from the list of keys: bindings, hints of the key bar, and the same with a user's own keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from queuectl.domain.record import replace
from queuectl_tui.keys import KEYS, Key, KeyHint, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from textual.binding import BindingType

__all__ = [
    "KEYS",
    "Key",
    "KeyHint",
    "acts_on_row",
    "bindings",
    "hint",
    "is_step",
    "key",
    "of_scope",
    "rehint",
    "remap",
    "shown",
    "these",
]

_BY_ID = {key.id: key for key in KEYS}
_WITHOUT_ROW = frozenset(
    {
        "list.filter", "list.sort", "list.reverse", "list.columns", "list.views", "list.detail", "list.hold_storm",
        "dead.group", "workers.stop_now", "overview.span", "activity.filter",
    }
)  # fmt: skip
"""Keys of lists that do the same whatever the rows are."""
_STEPS = frozenset(f"{scope}.{step}" for scope in ("list", "log") for step in ("down", "up", "page_down", "page_up"))


def key(id_: str) -> Key:
    """The binding of this id. Raises KeyError."""
    return _BY_ID[id_]


def acts_on_row(id_: str | None) -> bool:
    """Whether what the binding of this id does depends on the rows that are shown, or on the job whose page is open."""
    found = _BY_ID.get(id_ or "")
    return found is not None and found.scope not in {"global", "log"} and found.id not in _WITHOUT_ROW


def is_step(id_: str | None) -> bool:
    """Whether the binding of this id only moves a cursor or a page, so that it changes neither focus nor screens."""
    return id_ in _STEPS


def hint(id_: str, label: str | None = None) -> KeyHint:
    """The hint for a binding; `label` where it does something else just now."""
    found = _BY_ID[id_]
    return KeyHint(
        key=found.shown,
        label=found.label if label is None else label,
        priority=found.priority,
        action=_action(found),
        ids=(id_,),
    )


def remap(user: Mapping[str, str]) -> tuple[Key, ...]:
    """Every binding, with the keys of a user's keymap."""
    return tuple(replace(each, keys=user.get(each.id, each.keys)) for each in KEYS)


def rehint(hints: Iterable[KeyHint], user: Mapping[str, str]) -> tuple[KeyHint, ...]:
    """The hints, with the keys of a user's keymap."""
    return tuple(
        replace(each, key=" ".join(replace(key(id_), keys=user.get(id_, key(id_).keys)).shown for id_ in each.ids))
        if any(id_ in user for id_ in each.ids)
        else each
        for each in hints
    )


def bindings(scope: str, *, but: frozenset[str] = frozenset()) -> list[BindingType]:
    """Textual's bindings of a scope; `but`: ids that the widget does not have."""
    return [_binding(each) for each in KEYS if each.scope == scope and each.id not in but]


def these(*ids: str) -> list[BindingType]:
    """Textual's bindings of some ids, whatever their scopes, for a widget that has keys of several."""
    return [_binding(key(id_)) for id_ in ids]


def of_scope(*scopes: str) -> list[Key]:
    """The bindings of some scopes, in order."""
    return [each for each in KEYS if each.scope in scopes]


def _binding(of: Key) -> Binding:
    return Binding(of.keys, _action(of), of.label, show=False, id=of.id)


def _action(of: Key) -> str:
    return of.does
