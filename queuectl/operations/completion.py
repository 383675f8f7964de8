"""Completion in a shell: the script that its user loads, and what that script asks for while a line is typed."""

from __future__ import annotations

import os
import sys

from queuectl.domain.record import field, record
from queuectl.domain.text import one_line
from queuectl.operations.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.operations.commandline.complete import Choice
    from queuectl.operations.context import Context

SHELLS = ("bash", "zsh", "fish")
_PROGRAM = "@PROGRAM@"


@record
class Completion:
    """For which shell, and perhaps for which line."""

    shell: str = field("the shell", metavar="SHELL", positional=True, choices=SHELLS)
    words: tuple[str, ...] = field(
        "what the script asks: bash gives the line up to the cursor and its COMP_WORDBREAKS, the others the words "
        "after queuectl, the last of which is being typed",
        default=(),
        metavar="WORD",
        rest=True,
    )


@record
class Script:
    """What a shell is to load."""

    shell: str
    text: str

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"shell": self.shell, "script": self.text}


@record
class Choices:
    """What could stand where the cursor is."""

    choices: tuple[Choice, ...]

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"choices": [{"text": each.text, "about": each.about} for each in self.choices]}


def completion(context: Context, params: Completion) -> Script | Choices:
    """The script, or an answer to it."""
    if not params.words:
        return Script(shell=params.shell, text=_script(params.shell))
    # Loaded here: a script alone needs none of it.
    from queuectl.operations.commandline.complete import Choice, candidates
    from queuectl.operations.commandline.store_names import names

    def ask(words: tuple[str, ...]) -> list[Choice]:
        return candidates(words, lambda db, kind: names(context, db, kind))

    if params.shell != "bash":
        return Choices(choices=tuple(ask(params.words)))
    from queuectl.operations.commandline.bash import read, written

    typed = read(params.words[0], "".join(params.words[1:2]))
    if typed is None:
        return Choices(choices=())
    found = [(each.text and written(each.text, typed), each.about) for each in ask(typed.words[1:])]
    return Choices(choices=tuple(Choice(text=text, about=about) for text, about in found if text is not None))


def _script(shell: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), f"completion.{shell}"), encoding="utf-8") as file:
        text = file.read()
    # This very program, wherever the shell may be by then: what lies in its directory must not run because of a Tab.
    program = (sys.executable, "-I", "-m", "queuectl.cli")
    return text.replace(_PROGRAM, " ".join(_quoted(word, shell) for word in program))


def _quoted(word: str, shell: str) -> str:
    if shell == "fish":
        return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "'" + word.replace("'", "'\\''") + "'"


def shown(choice: Choice) -> str:
    """A line of an answer: the word, and after a tab what it is about."""
    return f"{choice.text}\t{one_line(choice.about, 100)}" if choice.about else choice.text


COMPLETION = Operation(
    name="completion",
    summary="Print the script that completes command lines in bash, zsh or fish",
    params=Completion,
    run=completion,
    description="It completes commands, options and their values, and what the store has: ids of jobs, queues, tags, "
    "saved views, hosts. A store that is missing, locked or does not answer completes nothing, and is not touched.\n\n"
    'Load it where your shell starts: `eval "$(queuectl completion bash)"` in ~/.bashrc, the same with zsh in '
    "~/.zshrc, `queuectl completion fish | source` in ~/.config/fish/config.fish.",
    examples=(
        "completion bash",
        "completion zsh",
        "completion fish",
        "completion zsh -- show ''",
    ),
)
