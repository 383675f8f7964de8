"""Print help, usage and the version."""

from __future__ import annotations

import argparse
import textwrap

from queuectl import __version__
from queuectl.domain.errors import UsageError
from queuectl.operations import GROUPS, WHERE, find
from queuectl.operations.commandline.grammar import ANYWHERE, grammar, unknown_command, usage
from queuectl.operations.commandline.option_parser import add_options
from queuectl.operations.operation import Heading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypedDict

    from queuectl.cli.screen import Screen
    from queuectl.operations.commandline.grammar import Call
    from queuectl.operations.operation import Operation

    class VersionDocument(TypedDict):
        """The version of queuectl."""

        version: str
        """The version."""

    class HelpDocument(TypedDict):
        """The commands, or the one that help is about."""

        commands: list[CommandDocument]
        """The commands."""

    class CommandDocument(TypedDict):
        """A command."""

        name: str
        """Its words."""
        usage: str
        """Its usage line."""
        summary: str
        """What it does, in one line."""
        heading: Heading
        """The heading that it stands under in the help."""


USAGE = "usage: queuectl [--db PATH] [--json | --json-lines] COMMAND …"
START_HERE = (
    ("queuectl enqueue 'echo hello'", "add a job; its id is printed"),
    ("queuectl worker start --drain", "run what is there, then stop"),
    ("queuectl logs 1", "print the output of job 1"),
)
CODES = (
    "exit codes: 0 done; 1 a job that was waited for failed, or doctor or selftest found a problem; 2 bad input; "
    "3 not found; 4 refused; 5 the store cannot be used; 124 timed out; 130 interrupted"
)
_WIDTH = 80
"""Columns of a list of commands: what fits a terminal of the usual width is not made wider."""
_NAME_WIDTH = max(map(len, (*WHERE, "-V, --version"))) + 2
_EXAMPLE_WIDTH = max(len(command) for command, _ in START_HERE)


def answer(call: Call, screen: Screen) -> int:
    """Print the version or the help and return the exit code; without a command, 2 with the usage on stderr."""
    if call.version:
        if call.for_a_program:
            from queuectl.cli.documents import write_document

            version: VersionDocument = {"version": __version__}
            write_document(version, screen, lines=call.json_lines)
        else:
            screen.write(f"queuectl {__version__}\n")
        return 0
    topic = call.words if call.command == ("help",) else call.command
    # Help about these two words, which are no operations, is the help of all.
    name = "" if topic in {("help",), ("version",)} else " ".join(topic)
    if name in WHERE:
        text = of_operation(find(name))
    elif not name or name in GROUPS:
        text = of_commands([each for each in WHERE if not name or each.startswith(name + " ")], name)
    else:
        raise unknown_command(name)
    if not call.help:
        if call.for_a_program:
            raise UsageError("COMMAND is missing", hint="queuectl --help lists the commands")
        for line in text.splitlines():
            screen.say(line)
        return 2
    if call.for_a_program:
        from queuectl.cli.documents import write_document

        names = [each for each in WHERE if each == name or not name or each.startswith(name + " ")]
        commands: HelpDocument = {"commands": [_document(find(each)) for each in names]}
        write_document(commands, screen, lines=call.json_lines)
    else:
        screen.write(text + "\n")
    return 0


def by_heading(names: Iterable[str]) -> Iterator[tuple[Heading, list[Operation]]]:
    """Yield the headings in their order, each with those of the named operations that stand below it."""
    operations = [find(name) for name in names]
    for heading in Heading:
        below = [each for each in operations if each.heading is heading]
        if below:
            yield heading, below


def of_commands(names: Iterable[str], group: str) -> str:
    """Return the help of a list of commands, each with its summary."""
    lines = [USAGE if not group else f"usage: queuectl {group} COMMAND …", ""]
    if not group:
        lines += ["A background job queue for shell commands.", "", "start here:"]
        lines += [f"  {command:{_EXAMPLE_WIDTH}}  {about}" for command, about in START_HERE]
        lines.append("")
    for heading, operations in by_heading(names):
        lines += [] if group else [f"{heading}:"]
        lines += [_row(each.name, each.summary) for each in operations]
        lines.append("")
    lines.append("options, before or after the command:")
    for each in ANYWHERE.parameters:
        lines.append(_row(", ".join(each.strings) + (f" {each.word}" if each.takes_value else ""), each.help))
    lines += ["", "queuectl COMMAND --help describes a command."]
    if not group:
        lines += ["", textwrap.fill(CODES, _WIDTH)]
    return "\n".join(lines)


def _row(name: str, about: str) -> str:
    """Return a line of a table, and further lines for what is too wide for one."""
    return textwrap.fill(
        about, _WIDTH, initial_indent=f"  {name:{_NAME_WIDTH}}", subsequent_indent=" " * (_NAME_WIDTH + 2)
    )


def of_operation(of: Operation) -> str:
    """Return the help of one command."""
    parser = argparse.ArgumentParser(
        prog=f"queuectl {of.name}",
        usage=usage(of),
        description="\n\n".join(filter(None, [of.summary + ".", of.description])),
        epilog=_epilog(of),
        formatter_class=_Formatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser._optionals.title = "options"  # noqa: SLF001 - the one way to have one name in every version of Python
    parser._positionals.title = "arguments"  # noqa: SLF001 - as above
    known = grammar(of.params)
    for each in known.parameters:
        if not each.strings:
            parser.add_argument(
                each.name,
                metavar=each.word,
                help=each.help.replace("%", "%%"),
                nargs="*" if each.many else None if each.required else "?",
            )
    add_options(parser, known)
    add_options(parser, ANYWHERE)
    return parser.format_help().rstrip()


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Formatter that wraps each paragraph of the description, but neither the examples nor what follows them."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("examples:"):
            return super()._fill_text(text, width, indent)
        plain = argparse.HelpFormatter._fill_text  # noqa: SLF001 - what argparse lets formatters replace
        return "\n\n".join(plain(self, paragraph, width, indent) for paragraph in text.split("\n\n"))


def _epilog(of: Operation) -> str:
    lines = ["examples:", *(f"  {example_line(each)}" for each in of.examples)]
    if of.see:
        lines += ["", f"see also: {', '.join(f'queuectl {each}' for each in of.see)}"]
    return "\n".join(lines)


def example_line(example: str) -> str:
    """Return an example as it is typed: with `queuectl` in front, unless it contains that word already."""
    return example if "queuectl " in example else f"queuectl {example}"


def _document(of: Operation) -> CommandDocument:
    return {"name": of.name, "usage": usage(of), "summary": of.summary, "heading": of.heading}
