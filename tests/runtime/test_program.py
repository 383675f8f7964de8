"""What runs a command: the shell that is asked for, or the interpreter of its first line."""

from __future__ import annotations

import os
import stat
import sys

import pytest

from queuectl.domain.attempt import Outcome
from queuectl.runtime.process import ARGUMENT_MAX
from queuectl.runtime.program import Interpreter, interpreter_of, path_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("command", "program", "arguments"),
    [
        (b"#!/bin/sh", b"/bin/sh", ()),
        (b"#!/bin/sh\necho", b"/bin/sh", ()),
        (b"#! /usr/bin/env  python3 -I \t\nprint()", b"/usr/bin/env", (b"python3 -I",)),
        (b"#!\t/usr/bin/awk\t-f\nx", b"/usr/bin/awk", (b"-f",)),
    ],
)
def test_a_first_line_is_read_as_the_kernel_does(command: bytes, program: bytes, arguments: tuple[bytes, ...]):
    assert interpreter_of(command) == Interpreter(program=program, arguments=arguments)


@pytest.mark.parametrize("command", [b"echo", b" #!/bin/sh", b"#!", b"#! \t\n/bin/sh", b"# /bin/sh"])
def test_other_commands_name_no_interpreter(command: bytes):
    assert interpreter_of(command) is None


def test_a_command_with_an_interpreter_runs_as_a_private_script_that_is_removed(start, tmp_path: Path):
    script = tmp_path / "7-1.script"
    command = f"#!{sys.executable} -I\nimport os, sys\nprint(sys.argv, oct(os.stat(__file__).st_mode))"

    result = start(command, script=str(script)).result()

    assert result.outcome is Outcome.SUCCESS
    assert result.stdout.head.decode() == f"{[str(script)]} 0o100700\n"
    assert not script.exists()


def test_the_interpreter_has_one_argument_before_the_script(start, tmp_path: Path):
    program = tmp_path / "show"
    program.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    program.chmod(0o700)

    result = start(f"#!{program} -a b  c \nx", script=str(tmp_path / "script")).result()

    assert result.stdout.head.decode() == f"<-a b  c><{tmp_path}/script>"


def test_a_script_that_a_killed_attempt_left_is_replaced(start, tmp_path: Path):
    script = tmp_path / "script"
    script.write_text("echo old")
    script.chmod(0o400)

    assert start("#!/bin/sh\necho new", script=str(script)).result().stdout.head == b"new\n"


def test_a_link_in_place_of_the_script_is_not_followed(start, tmp_path: Path):
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "script").symlink_to(precious)

    assert start("#!/bin/sh\necho new", script=str(tmp_path / "script")).result().stdout.head == b"new\n"
    assert precious.read_text() == "kept"
    assert stat.S_IMODE(os.stat(precious).st_mode) & 0o100 == 0


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"command": "#!/no/such/program\nx"}, "cannot start: /no/such/program: No such file or directory"),
        ({"command": "#!/etc/passwd\nx"}, "cannot start: /etc/passwd: Permission denied"),
        ({"command": "x", "shell": "/no/such/shell"}, "cannot start: /no/such/shell: No such file or directory"),
        ({"command": "x", "shell": "nosuch"}, "cannot start: there is no shell 'nosuch' in the PATH of the job"),
    ],
)
def test_a_program_that_cannot_be_started_is_a_fault_of_the_job(start, tmp_path: Path, options, error: str):
    result = start(options.pop("command"), script=str(tmp_path / "script"), **options).result()

    assert (result.outcome, result.error) == (Outcome.SPAWN_ERROR, error)
    assert not (tmp_path / "script").exists()


def test_a_shell_by_its_name_is_searched_in_the_path_of_the_job(start, tmp_path: Path):
    own = tmp_path / "mine"
    own.write_text('#!/bin/sh\necho "$0" "$@"\n')
    own.chmod(0o700)

    result = start("a 'b' c", shell="mine", env=(("PATH", f"{tmp_path}:/usr/bin:/bin"),)).result()

    assert result.stdout.head.decode() == f"{own} -c a 'b' c\n"
    assert path_of("mine", {b"PATH": b"/nowhere"}) is None
    assert path_of("/x/y", {}) == b"/x/y"


def test_the_first_line_is_not_heeded_where_the_job_has_a_shell_of_its_own(start, tmp_path: Path):
    result = start(
        "#!/no/such\necho $0", shell="/bin/sh", heeds_first_line=False, script=str(tmp_path / "script")
    ).result()

    assert result.stdout.head == b"/bin/sh\n"


def test_a_long_command_is_a_script_for_a_shell_that_is_not_like_sh(start, tmp_path: Path):
    own = tmp_path / "wc-c"
    own.write_text('#!/bin/sh\nwc -c < "$1"; echo "$1"\n')
    own.chmod(0o700)
    script = tmp_path / "script"

    result = start("x" * ARGUMENT_MAX, shell=str(own), script=str(script)).result()

    assert result.stdout.head.decode().split() == [str(ARGUMENT_MAX + 1), str(script)]
    assert not script.exists()
