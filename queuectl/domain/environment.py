"""Environment snapshot: the variables that an enqueue keeps of its environment, for its jobs to run in."""

from __future__ import annotations

import json

from queuectl.domain.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EVERYTHING = "*"
"""The pattern of all names."""
MAX_BYTES = 1024 * 1024
_NEVER = frozenset((b"_", b"SHLVL", b"PWD", b"OLDPWD", b"TMOUT"))
"""Variables of the shell that enqueues, which mean nothing to another one, or end it."""
_OWN = b"QUEUECTL_"


def snapshot(environ: Mapping[bytes, bytes], names: str | None, deny: str | None) -> str | None:
    """Return the content of a snapshot: of the variables of `environ` that match `names`, without those of `deny`.

    Both are patterns between white space, and None is no pattern. The content is JSON in ASCII with sorted names, so
    that equal environments have equal contents; bytes that are not UTF-8 become lone surrogates. None if it would be
    empty. Raises UsageError when it is too large.
    """
    if names is None:
        return None
    wanted = names.split()
    variables = {
        name: value
        for name, value in _chosen(environ, wanted)
        if name not in _NEVER and not name.startswith(_OWN) and not _has_password(value)
    }
    refused = (deny or "").upper().split()
    kept = {
        text: _text(value)
        for text, value in sorted((_text(name), value) for name, value in variables.items())
        if not _is_among(text.upper(), refused)
    }
    if not kept:
        return None
    content = json.dumps(kept)
    if len(content) > MAX_BYTES:
        raise UsageError(
            "the environment is larger than 1 MiB", hint="name the variables that the job needs: --env NAME"
        )
    return content


def without(environ: Mapping[bytes, bytes], deny: str | None) -> dict[bytes, bytes]:
    """Return the variables whose names match none of the patterns in `deny`."""
    refused = (deny or "").upper().split()
    return {name: value for name, value in environ.items() if not _is_among(_text(name).upper(), refused)}


def to_bytes(text: str) -> bytes:
    """Return a name or value of a snapshot as the system has it."""
    return text.encode("utf-8", "surrogateescape")


def matches(name: str, pattern: str) -> bool:
    """Return whether `pattern` stands for `name`; a `*` stands for any text.

    Not `fnmatch`, which loads regular expressions.
    """
    first, *others = pattern.split("*")
    if not others:
        return name == first
    *middle, last = others
    place = len(first)
    if not name.startswith(first) or not name.endswith(last):
        return False
    for piece in middle:
        place = name.find(piece, place) + len(piece)
        if place < len(piece):
            return False
    return place + len(last) <= len(name)


def _is_among(name: str, patterns: Iterable[str]) -> bool:
    """Return whether any of `patterns` stands for `name`; most are ruled out by a search for their text."""
    for pattern in patterns:
        text = pattern.strip("*")
        if (text in name or "*" in text) and matches(name, pattern):
            return True
    return False


def _chosen(environ: Mapping[bytes, bytes], wanted: Iterable[str]) -> Iterable[tuple[bytes, bytes]]:
    prefixes, patterns = [], []
    for pattern in wanted:
        name = pattern.encode()
        if "*" not in pattern:
            if name in environ:
                yield name, environ[name]
        elif pattern.index("*") == len(pattern) - 1:
            prefixes.append(name[:-1])
        else:
            patterns.append(pattern)
    if not prefixes and not patterns:
        return
    beginnings = tuple(prefixes)
    for name in environ:
        if name.startswith(beginnings) or (patterns and _is_among(_text(name), patterns)):
            yield name, environ[name]


def _has_password(value: bytes) -> bool:
    """Return whether `value` holds `://user:password@`."""
    if b"://" not in value:
        return False
    for part in value.split(b"://")[1:]:
        user, at, _ = part.split(None, 1)[0].rpartition(b"@") if part.strip() else (b"", b"", b"")
        if at and b":" in user:
            return True
    return False


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
