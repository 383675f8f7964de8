"""An argparse parser that raises UsageError with a message of one line."""

from __future__ import annotations

import argparse

from queuectl.domain.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# Looking up translations of argparse's messages would load locale at every start.
argparse._ = str  # type: ignore[attr-defined]  # private to argparse


class Parser(argparse.ArgumentParser):
    """Parser that raises UsageError where argparse would print and exit; it never prints."""

    def _get_formatter(self) -> argparse.HelpFormatter:
        # argparse makes one for each option; without a width each would load shutil, which takes two milliseconds.
        return argparse.HelpFormatter(prog=self.prog, width=80)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        text = message.removeprefix("argument ")
        if text.endswith("expected one argument"):
            option = text.partition(":")[0].rpartition("/")[2]
            hint = f"write a value that begins with a dash as {option}=VALUE"
            raise UsageError(f"{option} needs a value", hint=hint)
        raise UsageError(text, hint=f"{self.prog} --help")
