"""docs/queuectl.1 says what docs/cli.md says, in a form that every reader of man pages shows."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from queuectl.cli import man
from queuectl.config import SETTINGS
from queuectl.operations import ALL, WHERE
from queuectl.operations.commandline.grammar import grammar
from tests.support.queue import ROOT

PAGE = ROOT / "docs" / "queuectl.1"
MACROS = {
    *('.\\"', ".TH", ".SH", ".SS", ".PP", ".TP", ".RS", ".RE", ".BR"),
    *(".nf", ".fi", ".nh", ".ad"),
}
ESCAPE = re.compile(r"\\(?:[-e&]|f[BR]|\((?:aq|ga|ha|ti)|\[u[0-9A-F]{4,6}\])")


def plain(line: str) -> str:
    """Return a line as a reader shows it, without bold."""
    line = re.sub(r"\\f[BR]|\\&", "", line)
    for escape, letter in {"\\(aq": "'", "\\(ga": "`", "\\(ha": "^", "\\(ti": "~", "\\-": "-", "\\e": "\\"}.items():
        line = line.replace(escape, letter)
    return line


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == man.page(), "run: .venv/bin/python -m queuectl.cli.man > docs/queuectl.1"


def test_the_page_has_its_parts_in_order_and_every_command_option_and_setting():
    lines = man.page().splitlines()
    parts = [line.removeprefix(".SH ").strip('"') for line in lines if line.startswith(".SH")]
    assert parts[:3] == ["NAME", "SYNOPSIS", "DESCRIPTION"]
    assert {"ERRORS AND EXIT CODES", "ENVIRONMENT", "SETTINGS", "COMMANDS: JOBS"} <= set(parts)
    assert parts[-1] == "SEE ALSO"

    shown = [plain(line) for line in lines]
    for name in WHERE:
        assert f'.SS "{name}"' in shown
    for key in SETTINGS:
        assert any(line.startswith(f"{key} (default ") for line in shown), key
    for operation in ALL:
        for each in grammar(operation.params).parameters:
            value = f" {each.word}" if each.takes_value else ""
            assert not each.strings or ", ".join(f"{string}{value}" for string in each.strings) in shown


def test_the_page_has_only_known_macros_and_escapes_in_ascii():
    text = man.page()
    assert text.isascii()
    for line in text.splitlines():
        assert line, "an empty line"
        assert not line.startswith("'"), line
        if line.startswith("."):
            assert line.split(" ")[0] in MACROS, line
            assert line.startswith('.\\"') or line.count('"') % 2 == 0, line
        if not line.startswith('.\\"'):
            assert "\\" not in ESCAPE.sub("", line), line


def test_what_the_page_opens_it_closes():
    text = man.page()
    macros = [line for line in text.splitlines() if line in {".RS 4", ".nf", ".fi", ".RE"}]

    assert macros == [".RS 4", ".nf", ".fi", ".RE"] * (len(macros) // 4)
    assert re.findall(r"\\f[BR]", text) == ["\\fB", "\\fR"] * (text.count("\\fB"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a `.b` c", "a \\fB.b\\fR c"),
        (".hidden", "\\&.hidden"),
        ("… it's -1", "... it\\(aqs \\-1"),
        ("a\\n `~x`", "a\\en \\fB\\(tix\\fR"),
        ("日", "\\[u65E5]"),
    ],
)
def test_text_is_escaped(text: str, expected: str):
    lines = man._filled(text).splitlines()

    assert lines == [expected if not expected.startswith("...") else f"\\&{expected}"]


def test_groff_has_no_warning_about_the_page():
    groff = shutil.which("groff")
    if groff is None or not shutil.which("troff"):
        return  # the checks above hold without it
    done = subprocess.run([groff, "-man", "-ww", "-z", str(PAGE)], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
