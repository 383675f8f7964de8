"""Bindings and key bar hints made from the list of keys, also with a user's own keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from queuectl.domain.record import replace
from queuectl_tui.key import Key, KeyHint, shown
from queuectl_tui.keys import KEYS

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
    "shown_key",
    "these",
]

_BY_ID = {key.id: key for key in KEYS}


def key(id_: str) -> Key:
    """Return the binding with this id. Raises KeyError."""
    return _BY_ID[id_]


def shown_key(id_: str, user: Mapping[str, str] | None = None) -> str:
    """Return the key of a binding as shown to users, for a text; `user` is a user's keymap. Raises KeyError."""
    binding = _BY_ID[id_]
    return replace(binding, keys=(user or {}).get(id_, binding.keys)).shown


def acts_on_row(id_: str | None) -> bool:
    """Return whether the effect of a binding depends on the rows shown, or on the job whose page is open."""
    return id_ in _BY_ID and _BY_ID[id_].acts_on_row


def writes(shown_: KeyHint) -> bool:
    """Return whether a key that is shown changes the queue."""
    return any(_BY_ID[id_].writes for id_ in shown_.ids)


def is_step(id_: str | None) -> bool:
    """Return whether a binding only moves a cursor by a row or a page, so that it changes neither focus nor screens."""
    return id_ in _BY_ID and _BY_ID[id_].step


def hint(id_: str, label: str | None = None) -> KeyHint:
    """Return the hint for a binding; `label` replaces its usual label."""
    binding = _BY_ID[id_]
    return KeyHint(
        key=binding.shown,
        label=binding.label if label is None else label,
        priority=binding.priority,
        action=_action(binding),
        ids=(id_,),
    )


def remap(user: Mapping[str, str]) -> tuple[Key, ...]:
    """Return every binding, with the keys of a user's keymap."""
    return tuple(replace(each, keys=user.get(each.id, each.keys)) for each in KEYS)


def rehint(hints: Iterable[KeyHint], user: Mapping[str, str]) -> tuple[KeyHint, ...]:
    """Return the hints, with the keys of a user's keymap."""
    return tuple(
        replace(each, key=" ".join(replace(key(id_), keys=user.get(id_, key(id_).keys)).shown for id_ in each.ids))
        if any(id_ in user for id_ in each.ids)
        else each
        for each in hints
    )


def bindings(scope: str, *, but: frozenset[str] = frozenset()) -> list[BindingType]:
    """Return Textual's bindings of a scope, without the ids in `but`."""
    return [_binding(each) for each in KEYS if each.scope == scope and each.id not in but]


def these(*ids: str) -> list[BindingType]:
    """Return Textual's bindings of some ids, for a widget that has keys of several scopes."""
    return [_binding(key(id_)) for id_ in ids]


def of_scope(*scopes: str) -> list[Key]:
    """Return the bindings of some scopes, in order."""
    return [each for each in KEYS if each.scope in scopes]


def _binding(of: Key) -> Binding:
    return Binding(of.keys, _action(of), of.label, show=False, id=of.id)


def _action(of: Key) -> str:
    return of.does
