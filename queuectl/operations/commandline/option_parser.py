"""Options for argparse: what finds them between the words of a command, and what formats the help.

Apart from `parse.py`, because only a command line that has options loads argparse.
"""

from __future__ import annotations

import argparse

from queuectl.domain.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from queuectl.operations.commandline.grammar import Grammar

# Looking up translations of argparse's messages would load locale at every start.
argparse._ = str  # type: ignore[attr-defined]  # private to argparse


class _Parser(argparse.ArgumentParser):
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
        if "ignored explicit argument" in text:
            raise UsageError(f"{text.partition(':')[0].rpartition('/')[2]} takes no value", hint=f"{self.prog} --help")
        raise UsageError(text, hint=f"{self.prog} --help")


def add_options(parser: argparse.ArgumentParser, known: Grammar) -> None:
    """Add options to `parser`; an option that is not given leaves no attribute in the namespace."""
    for each in known.parameters:
        if each.strings:
            words = each.help.replace("%", "%%")
            how: dict[str, Any] = {"action": "store_true"}
            if each.takes_value:
                how = {"action": "append", "metavar": each.word}
            parser.add_argument(*each.strings, dest=each.name, default=argparse.SUPPRESS, help=words, **how)


def parse_options(command: str, known: Grammar, words: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the texts of each given option, by the name of its field, and the other words. Raises UsageError.

    A switch has no texts.
    """
    parser = _Parser(prog=command, add_help=False, allow_abbrev=False)
    add_options(parser, known)
    options, others = parser.parse_known_args(list(words))
    found: dict[str, list[str]] = {}
    for name, value in vars(options).items():
        # In some versions of Python argparse parses the value in `--option=--` as an empty list.
        found[name] = [] if value is True else ["--" if text == [] else text for text in value]
    return found, others
