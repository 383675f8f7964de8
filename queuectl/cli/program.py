"""The command that runs this program, for messages that suggest the next command."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from shutil import which

from queuectl.operations.commandline.quoting import quoted

_NAME = "queuectl"


def called_by() -> str:
    """Return the command that runs this queuectl: its name alone, if the shell finds it on PATH, else its path."""
    program = sys.argv[0]
    with suppress(OSError):  # the current directory is gone
        program = os.path.abspath(program)
    if os.path.basename(program) == "__main__.py":
        # bin/queuectl of a checkout runs cli/__main__.py; a wheel has no bin/queuectl.
        package = os.path.dirname(program)
        package = os.path.dirname(package) if os.path.basename(package) == "cli" else package
        program = os.path.join(os.path.dirname(package), "bin", _NAME)
        if not os.path.exists(program):
            return f"{quoted(sys.executable)} -m queuectl"
    on_path = which(_NAME)
    if on_path is not None and os.path.exists(program) and os.path.samefile(on_path, program):
        return _NAME
    return quoted(_below(program))


def _below(path: str) -> str:
    """Return `path` relative to the current directory if it is below it, else unchanged."""
    try:
        relative = os.path.relpath(path)
    except OSError:  # the current directory is gone
        return path
    return path if relative.startswith("..") else os.path.join(".", relative)
