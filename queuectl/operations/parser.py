"""argparse with our errors: one line, and an exit code that its caller decides on."""

from __future__ import annotations

import argparse

from queuectl.domain.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# Our words are English: looking for translations of argparse's own would load locale at every start.
argparse._ = str  # type: ignore[attr-defined]  # it is there, but not for others


class Parser(argparse.ArgumentParser):
    """Raises UsageError where argparse would print and exit. It never prints, so it need not know the terminal."""

    def _get_formatter(self) -> argparse.HelpFormatter:
        # argparse makes one for each option, and without a width each asks shutil, whose import takes two milliseconds.
        return argparse.HelpFormatter(prog=self.prog, width=80)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        told = message.removeprefix("argument ")
        if told.endswith("expected one argument"):
            option = told.partition(":")[0].rpartition("/")[2]
            hint = f"a value that begins with a dash is given as {option}=VALUE"
            raise UsageError(f"{option} needs a value", hint=hint)
        raise UsageError(told, hint=f"{self.prog} --help")
