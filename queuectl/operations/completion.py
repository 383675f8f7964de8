"""Completion in a shell: the script to load, and the candidates that the script asks for while a line is typed."""

from __future__ import annotations

import os
import sys

from queuectl.domain.record import field, record
from queuectl.domain.text import one_line
from queuectl.operations.document import Document
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from queuectl.operations.commandline.complete import Choice
    from queuectl.operations.context import Context

SHELLS = ("bash", "zsh", "fish")
_PROGRAM = "@PROGRAM@"


@record
class Completion:
    """Parameters of `completion`."""

    shell: Literal["bash", "zsh", "fish"] = field("the shell", metavar="SHELL", positional=True, choices=SHELLS)
    words: tuple[str, ...] = field(
        "used by the script itself: for bash the line up to the cursor and COMP_WORDBREAKS, for the others the words "
        "after queuectl, the last of which is being typed",
        default=(),
        metavar="WORD",
        rest=True,
    )


@record
class Script(Document):
    """The completion script of a shell."""

    shell: Literal["bash", "zsh", "fish"]
    """The shell."""
    script: str
    """What it loads."""


@record
class Choices(Document):
    """The candidates for the word at the cursor."""

    choices: tuple[Choice, ...]
    """The candidates, the best first."""


def completion(context: Context, params: Completion) -> Script | Choices:
    """Return the script or, when the script asks, the candidates."""
    if not params.words:
        return Script(shell=params.shell, script=_script(params.shell))
    # Loaded here: the script itself needs none of it.
    from queuectl.operations.commandline.complete import Choice, complete
    from queuectl.operations.commandline.store_names import names

    def ask(words: tuple[str, ...]) -> list[Choice]:
        return complete(words, lambda db, kind: names(context, db, kind))

    if params.shell != "bash":
        return Choices(choices=tuple(ask(params.words)))
    from queuectl.operations.commandline.bash import read, replacement

    typed = read(params.words[0], "".join(params.words[1:2]))
    if typed is None:
        return Choices(choices=())
    texts = [(each.text and replacement(each.text, typed), each.about) for each in ask(typed.words[1:])]
    return Choices(choices=tuple(Choice(text=text, about=about) for text, about in texts if text is not None))


def _script(shell: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), f"completion.{shell}"), encoding="utf-8") as file:
        text = file.read()
    # Absolute and isolated (-I): a Tab must not run a program or a module of the shell's current directory.
    program = (sys.executable, "-I", "-m", "queuectl.cli")
    return text.replace(_PROGRAM, " ".join(_quoted(word, shell) for word in program))


def _quoted(word: str, shell: str) -> str:
    if shell == "fish":
        return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "'" + word.replace("'", "'\\''") + "'"


def shown(choice: Choice) -> str:
    """Return a candidate as a line for the shell: the word and, after a tab, its description."""
    return f"{choice.text}\t{one_line(choice.about, 100)}" if choice.about else choice.text


COMPLETION = Operation(
    name="completion",
    heading=Heading.SETTINGS,
    reads=True,
    not_in_console="it is for a shell: queuectl completion bash",
    summary="Print the completion script for bash, zsh or fish",
    params=Completion,
    run=completion,
    description="It completes commands, options and their values, and names in the store: ids of jobs, queues, tags, "
    "saved views, hosts. Where the store is missing or locked, or does not answer, it completes no names; it never "
    "changes the store.\n\n"
    'Load it when your shell starts: `eval "$(queuectl completion bash)"` in ~/.bashrc, the same with zsh in '
    "~/.zshrc, `queuectl completion fish | source` in ~/.config/fish/config.fish.",
    examples=(
        "completion bash",
        "completion zsh",
        "completion fish",
        "completion zsh -- show ''",
    ),
)
