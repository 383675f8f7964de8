"""Commands as forks of a process that has loaded psycopg, which takes five times as long to load as all of queuectl.

Each command is still a process of its own, with its own directory, environment and streams, and loads queuectl itself.
Only `python` and `import psycopg` are not repeated. Tests of starts, signals and interpreters run whole processes.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
_MAIN = str(ROOT / "queuectl" / "cli" / "__main__.py")
_FIXED_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "COVERAGE_")
"""Beginnings of the names of variables that a Python reads once, when it starts."""
_OWN = {"PYTHONPATH"}
"""Of these, what the commands do not read: bin/queuectl runs Python with -I."""


def can_run(environment: Mapping[str, str]) -> bool:
    """Return whether a command with this environment may be a fork: on a server, with the locale of the tests."""
    return environment.get("QUEUECTL_DB", "").startswith("postgres") and (
        _read_at_start(environment) == _read_at_start(os.environ) and "COVERAGE_PROCESS_START" not in os.environ
    )


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_FIXED_AT_START) and name not in _OWN}


def run(
    words: Sequence[str], *, env: Mapping[str, str], cwd: str | Path, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, as subprocess.run would."""
    with (
        tempfile.TemporaryFile() as request,
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        request.write(json.dumps({"words": list(words), "env": dict(env), "cwd": str(cwd)}).encode())
        stdin.write(given)
        for file in (request, stdin):
            file.flush()
            file.seek(0)
        code = _wait(*(file.fileno() for file in (request, stdin, stdout, stderr)))
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess(list(words), code, stdout.read(), stderr.read())


def _wait(*files: int) -> int:
    reading, writing = os.pipe()
    with open(reading, "rb") as status:
        try:
            socket.send_fds(_server(), [b"."], [*files, writing])
        finally:
            os.close(writing)
        pid = int(status.readline())
        with selectors.DefaultSelector() as selector:
            selector.register(status, selectors.EVENT_READ)
            if not selector.select(PATIENCE):
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(str(pid), PATIENCE)
        return os.waitstatus_to_exitcode(int(status.readline()))


_servers: dict[int, socket.socket] = {}
"""The control socket of this process's server, by the pid of the process: a fork of the tests starts its own."""


def _server() -> socket.socket:
    made = _servers.get(os.getpid())
    if made is None:
        made, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forked", str(theirs.fileno())],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        _servers[os.getpid()] = made
        atexit.register(_end, made, process)
    return made


def _end(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    control.close()
    process.wait()


def _serve(control: socket.socket) -> None:
    """Fork a command for each request, and write its pid and its wait status, until the tests have ended."""
    running: dict[int, tuple[int, int]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    pid, status = running.pop(key.fd)
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    _answer(status, os.waitpid(pid, 0)[1])
                    os.close(status)
                    continue
                message, files, _, _ = socket.recv_fds(control, 1, 5)
                if not message:
                    return
                request, *streams, status = files
                pid = os.fork()
                if not pid:
                    # The numbers that a whole process has: nothing but its streams is open.
                    selector.close()
                    others = [number for each, (_, of) in running.items() for number in (each, of)]
                    _become(request, streams, also=[control.fileno(), status, *others])
                for each in (request, *streams):
                    os.close(each)
                _answer(status, pid)
                waiting = os.pidfd_open(pid)
                running[waiting] = (pid, status)
                selector.register(waiting, selectors.EVENT_READ)


def _answer(status: int, number: int) -> None:
    os.write(status, b"%d\n" % number)


def _become(request: int, streams: Sequence[int], also: Sequence[int]) -> NoReturn:
    """Run the command of a request in this process."""
    with open(request, "rb") as file:
        asked = json.load(file)
    for number, stream in enumerate(streams):
        os.dup2(stream, number, inheritable=True)
    for each in (*streams, *also):
        os.close(each)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding=old.encoding, errors=old.errors, closefd=False)  # noqa: SIM115 - open until the end
        for number, mode, old in ((0, "r", sys.stdin), (1, "w", sys.stdout), (2, "w", sys.stderr))
    )
    sys.argv = [_MAIN, *asked["words"]]
    from queuectl.cli.main import entry

    entry()


if __name__ == "__main__":
    for each in ("psycopg.conninfo", "psycopg.types.numeric", "psycopg.types.string"):
        importlib.import_module(each)
    _serve(socket.socket(fileno=int(sys.argv[1])))
