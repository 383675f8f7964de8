"""The user's own keys: a file that maps bindings to keys, read and checked before the console opens."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from textual.binding import Binding, InvalidBinding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, key_to_character

from queuectl.bootstrap import user_directory
from queuectl.domain.errors import UsageError
from queuectl.domain.text import nearest, one_line
from queuectl_tui.keymap import KEYS, remap, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from queuectl_tui.keymap import Key

_ALWAYS = ("ctrl+c", "ctrl+q")
"""Keys that always quit, whatever the user's keymap maps."""
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})


def location(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """Return the path of the user's keymap, which may not exist."""
    named = environ.get("QUEUECTL_KEYMAP", "").strip()
    if named:
        return os.path.expanduser(named)
    return os.path.join(user_directory("XDG_CONFIG_HOME", "~/.config", environ, platform), "keymap.json")


def read(path: str) -> dict[str, str]:
    """Return the keys by the ids of their bindings, in Textual's names; empty without a file. Raises UsageError."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file, object_pairs_hook=_object)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise _wrong(path, f"is not JSON: {error}") from None
    return check(document, path)


def check(document: Any, path: str) -> dict[str, str]:
    """Check the content of a keymap file and return it as `read` does; `path` is for the message. Raises UsageError."""
    if not isinstance(document, dict):
        raise _wrong(path, "is not a JSON object", hint='{"list.retry": "f5"}')
    known = {each.id for each in KEYS}
    keys_by_id = {}
    for id_, keys in document.items():
        if id_ not in known:
            hint = nearest(id_, sorted(known)) or "docs/console.md lists the ids"
            raise _wrong(path, f"names an unknown binding {id_[:60]!r}", hint=hint)
        if not isinstance(keys, str):
            raise _wrong(
                path, f"has a value that is not text for {id_}", hint='keys are text: "f5", or several: "f5,ctrl+x"'
            )
        keys_by_id[id_] = _normal(id_, keys, path)
    _refuse_clashes(keys_by_id, path)
    return keys_by_id


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys_by_id = dict(pairs)
    # json would silently keep the last one.
    if len(keys_by_id) != len(pairs):
        raise ValueError("duplicate name")
    return keys_by_id


def _normal(id_: str, keys: str, path: str) -> str:
    """Return the keys in Textual's names: `/` is `slash`."""
    try:
        names = [each.key for each in Binding.make_bindings([Binding(keys, "none")])]
    except InvalidBinding:
        raise _wrong(path, f"has an empty key for {id_}", hint="the comma itself is called comma") from None
    for name in names:
        if not _exists(name):
            hint = "keys are f5, D, slash, ctrl+x, pageup and the like"
            raise _wrong(path, f"gives {name[:60]!r} to {id_}, which is not a key", hint=hint)
        if name in _ALWAYS:
            raise _wrong(path, f"gives {name} to {id_}, but it always quits")
    return ",".join(dict.fromkeys(names))


def _exists(name: str) -> bool:
    """Return whether `name` is a key that exists: a misspelt one would make the action unreachable."""
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
            # Two default bindings may share a key on purpose: `n` is the next match where a log has the focus.
            meant = before[mapped.id] & before[other.id]
            for key in sorted(_keys(mapped) & _keys(other) - meant):
                message = f"gives {shown(key)} to {mapped.id}, but {other.id} has it"
                raise _wrong(path, message, hint=f"map {other.id} to another key too")


def _keys(of: Key) -> frozenset[str]:
    return frozenset(each.key for each in Binding.make_bindings([Binding(of.keys, "none")]))


def _wrong(path: str, what: str, *, hint: str | None = None) -> UsageError:
    return UsageError(one_line(f"the keymap {path} {what}", 400), hint=hint)
