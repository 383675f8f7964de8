"""The user's own keys: a file that maps bindings to keys, read and checked before the screen is taken."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from textual.binding import Binding, InvalidBinding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, key_to_character

from queuectl.bootstrap import user_directory
from queuectl.domain.errors import UsageError
from queuectl.domain.text import one_line
from queuectl.operations.arguments import nearest
from queuectl_tui.keymap import KEYS, remap, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from queuectl_tui.keymap import Key

_ALWAYS = ("ctrl+c", "ctrl+q")
"""They quit, whatever else the user's keymap says: there is a way out of every console."""
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})


def location(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """Where the user's keymap is, whether or not there is one."""
    named = environ.get("QUEUECTL_KEYMAP", "").strip()
    if named:
        return os.path.expanduser(named)
    return os.path.join(user_directory("XDG_CONFIG_HOME", "~/.config", environ, platform), "keymap.json")


def read(path: str) -> dict[str, str]:
    """The keys by the ids of their bindings, in Textual's names; none if there is no file. Raises UsageError."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file, object_pairs_hook=_object)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise _wrong(path, f"is not JSON: {error}") from None
    return check(found, path)


def check(found: Any, path: str) -> dict[str, str]:
    """What a keymap file holds, as `read` returns it; `path` is for the message. Raises UsageError."""
    if not isinstance(found, dict):
        raise _wrong(path, "is not a JSON object", hint='{"list.retry": "f5"}')
    known = {each.id for each in KEYS}
    made = {}
    for id_, keys in found.items():
        if id_ not in known:
            hint = nearest(id_, sorted(known)) or "docs/console.md lists the ids"
            raise _wrong(path, f"names an unknown binding {id_[:60]!r}", hint=hint)
        if not isinstance(keys, str):
            raise _wrong(path, f"has no text for {id_}", hint='keys are text: "f5", or several: "f5,ctrl+x"')
        made[id_] = _normal(id_, keys, path)
    _refuse_clashes(made, path)
    return made


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    # The last one would win without a word.
    if len(made) != len(pairs):
        raise ValueError("a name is there twice")
    return made


def _normal(id_: str, keys: str, path: str) -> str:
    """The keys in Textual's names: `/` is `slash`."""
    try:
        names = [each.key for each in Binding.make_bindings([Binding(keys, "none")])]
    except InvalidBinding:
        raise _wrong(path, f"has an empty key for {id_}", hint="the comma itself is called comma") from None
    for name in names:
        if not _exists(name):
            hint = "keys are f5, D, slash, ctrl+x, pageup and the like"
            raise _wrong(path, f"gives {name[:60]!r} to {id_}, which is no key", hint=hint)
        if name in _ALWAYS:
            raise _wrong(path, f"gives {name} to {id_}, but it always quits")
    return ",".join(dict.fromkeys(names))


def _exists(name: str) -> bool:
    """Whether it names a key: with a misspelt one there would be no way to the action."""
    *modifiers, key = name.split("+")
    named = (
        key in {*(each.value for each in Keys), *KEY_NAME_REPLACEMENTS.values()} or key_to_character(key) is not None
    )
    return named and _MODIFIERS.issuperset(modifiers)


def _refuse_clashes(user: Mapping[str, str], path: str) -> None:
    before = {each.id: _keys(each) for each in remap({})}
    after = remap(user)
    for mapped in after:
        if mapped.id not in user:
            continue
        for other in after:
            if other.id == mapped.id or not (mapped.scope == other.scope or "global" in {mapped.scope, other.scope}):
                continue
            # What two bindings share as they come is meant: `n` goes to the next hit where a log has the focus.
            meant = before[mapped.id] & before[other.id]
            for key in sorted(_keys(mapped) & _keys(other) - meant):
                message = f"gives {shown(key)} to {mapped.id}, but {other.id} has it"
                raise _wrong(path, message, hint=f"map {other.id} to another key too")


def _keys(of: Key) -> frozenset[str]:
    return frozenset(each.key for each in Binding.make_bindings([Binding(of.keys, "none")]))


def _wrong(path: str, what: str, *, hint: str | None = None) -> UsageError:
    return UsageError(one_line(f"the keymap {path} {what}", 400), hint=hint)
