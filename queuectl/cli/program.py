"""How this program was called, for what a person is to type next."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from shutil import which

from queuectl.operations.commandline.quoting import quoted

_NAME = "queuectl"


def called_by() -> str:
    """The command that runs this queuectl from here: its name alone, where the shell finds it by that."""
    program = sys.argv[0]
    with suppress(OSError):  # the directory we are in is gone
        program = os.path.abspath(program)
    if os.path.basename(program) == "__main__.py":
        # bin/queuectl of a checkout runs this file; it is not part of a wheel.
        package = os.path.dirname(os.path.dirname(program))
        program = os.path.join(os.path.dirname(package), "bin", _NAME)
        if not os.path.exists(program):
            return f"{quoted(sys.executable)} -m queuectl.cli"
    found = which(_NAME)
    if found is not None and os.path.exists(program) and os.path.samefile(found, program):
        return _NAME
    return quoted(_below(program))


def _below(path: str) -> str:
    """`path` from the current directory, if it lies in it."""
    try:
        here = os.path.relpath(path)
    except OSError:  # it is gone
        return path
    return path if here.startswith("..") else os.path.join(".", here)
