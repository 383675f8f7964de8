"""What runs the command of a job: a shell, or the interpreter that its first line names.

A command that begins with `#!` runs as a script file would, from a private file. The worker starts the interpreter
itself, so that the file need not be executable, which a file system that is mounted noexec would prevent. It is a file
with a name, and not an unnamed one in memory: some interpreters resolve the path of their script.
"""

from __future__ import annotations

import os

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SHELL = "/bin/sh"
_LIKE_SH = frozenset(("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"))
"""Shells that read a script into themselves with `.`, whatever descriptor it comes from."""


@record
class Interpreter:
    """The interpreter of a script: a program and at most one argument, which stands before the script's path."""

    program: bytes
    arguments: tuple[bytes, ...]


def interpreter_of(command: bytes) -> Interpreter | None:
    """Return what the first line of a command names after `#!`, read as Linux does; None where it names nothing."""
    if not command.startswith(b"#!"):
        return None
    line = command[2:].partition(b"\n")[0].strip(b" \t")
    end = min((place for place in (line.find(b" "), line.find(b"\t")) if place >= 0), default=len(line))
    if not end:
        return None
    argument = line[end:].lstrip(b" \t")
    return Interpreter(program=line[:end], arguments=(argument,) if argument else ())


def is_like_sh(shell: str) -> bool:
    """Return whether this shell reads a long command as `sh` does."""
    return os.path.basename(shell) in _LIKE_SH


def path_of(shell: str, environment: Mapping[bytes, bytes]) -> bytes | None:
    """Return the path of a shell; a name is searched in the job's PATH, and None is returned where it is not there."""
    name = shell.encode()
    if b"/" in name:
        return name
    for directory in environment.get(b"PATH", os.fsencode(os.defpath)).split(b":"):
        path = os.path.join(directory or b".", name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def write_script(path: str, text: bytes) -> None:
    """Write the script of an attempt to a new private file, in place of one that a killed attempt left."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o700)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(text if text.endswith(b"\n") else text + b"\n")
    finally:
        os.close(fd)
