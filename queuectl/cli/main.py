"""From the words of a command line to an exit code."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # built in, and known to no stub
import gc
import os
import sys
from errno import EBADF

from queuectl.cli.screen import Screen
from queuectl.cli.words import read_words
from queuectl.domain.errors import NotFound, QueuectlError, UsageError
from queuectl.domain.text import can_draw, written_line
from queuectl.operations import WHERE, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, NoReturn

    from queuectl.cli.words import Call
    from queuectl.operations.operation import Operation

INTERRUPTED = 130
CANNOT_WRITE = 74
"""What was asked for is done, but it could not be told: EX_IOERR."""

_OUT_OF_THE_CALLBACK = 0.01
"""Seconds in which a callback ends. One that does not, loses the signal again and has it delivered again."""


class InternalError(QueuectlError):
    """A mistake of ours, not of the user: EX_SOFTWARE."""

    exit_code = 70
    code = "internal"


def entry() -> NoReturn:
    """Run the command line of this process and end it."""
    sys.unraisablehook = interrupt_again
    # Loading makes no garbage, and looking for some after every seven hundred objects takes most of a millisecond.
    gc.disable()
    # Ignored, as a parent may leave it, it makes the kernel drop how our children end. Loading `signal` takes 0.5 ms.
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    # No umask may take what we make from its own user. Jobs inherit what is left of it.
    os.umask(os.umask(0o077) & 0o077)
    if sys.getfilesystemencoding() != "utf-8":
        # Commands are bytes to the shell and UTF-8 to us, whatever the locale makes of them.
        sys.argv[1:] = [os.fsencode(word).decode("utf-8", "surrogateescape") for word in sys.argv[1:]]
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _open_streams()
    if not hasattr(sys.stdout.buffer, "raw"):
        # With PYTHONUNBUFFERED=1 Python drops what a write leaves over when a signal, or a full disk, cuts it short.
        sys.stdout = open(1, "w", encoding=sys.stdout.encoding, closefd=False)  # noqa: SIM115 - open until the end
    code = main(sys.argv[1:])
    # Without the interpreter's own end, which takes milliseconds to free what the system frees anyway.
    os._exit(code)


def interrupt_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Deliver Ctrl+C again that Python would report and drop: it came in a destructor or in a callback of an import."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    import signal
    from _thread import start_new_thread
    from time import sleep

    def deliver() -> None:
        sleep(_OUT_OF_THE_CALLBACK)
        os.kill(os.getpid(), signal.SIGINT)

    start_new_thread(deliver, ())


def _open_streams() -> None:
    """Put /dev/null where the caller has closed a stream, before the store's file gets its number.

    In place of stdout it can only be read, so that data written there is an error: it would be lost without a word.
    """
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDONLY if name == "stdout" else os.O_RDWR)
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor, inheritable=True)
                os.close(nowhere)
            setattr(sys, name, open(descriptor, mode, encoding="utf-8"))  # noqa: SIM115 - open until the end


def main(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code. Nothing escapes as an exception."""
    screen = Screen(sys.stdout, sys.stderr)
    json = "--json" in (argv[: argv.index("--")] if "--" in argv else argv)
    try:
        try:
            code = _run(read_words(argv), screen)
        except QueuectlError as error:
            code = _fail(error, screen, json=json)
        screen.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except QueuectlError as error:
        code = error.exit_code  # a signal while another one was being told of
    except BrokenPipeError:
        # Whoever read our output has enough of it.
        screen.abandon()
        code = 0
    except Exception as error:  # noqa: BLE001 - the last resort: a user never sees a traceback
        code = _told(error, screen, json=json)
    return code


def _fail(error: QueuectlError, screen: Screen, *, json: bool) -> int:
    if json and not screen.told:
        screen.end_progress()
        from queuectl.cli.documents import write_error

        write_error(error, screen)
    return screen.fail(error)


def _run(call: Call, screen: Screen) -> int:
    if _is_bare(call) and screen.is_terminal and screen.has_person and can_draw(os.environ.get("TERM")):
        from queuectl.domain.record import replace

        call = replace(call, name="tui")
    if call.name is None or call.help:
        # Loaded here, as below: each command pays for what it uses.
        from queuectl.cli.help import answer

        return answer(call, screen)
    chosen = find(call.name)
    params = _params(chosen, call)
    from queuectl.bootstrap import context

    with_store = context(
        call.db,
        watched=screen.watched,
        progress=screen.progress,
        say=screen.say,
        on_absent=None if chosen.makes_store else screen.note_absence,
    )
    with_store.command = written_line(call.name, call.words)
    if screen.has_person:
        with_store.edit_text = lambda text, again: _edit_text(text, again, screen)
    try:
        if chosen.question is not None and screen.has_person and not getattr(params, "yes", False):
            _confirm(chosen.question(with_store, params), screen)
        gc.enable()
        result = chosen.run(with_store, params)
        if call.json:
            from queuectl.cli.documents import write

            write(result, screen)
        else:
            module = WHERE[call.name].partition(".")[0]
            views = __import__(f"queuectl.cli.views.{module}", fromlist=("VIEWS",)).VIEWS
            views[call.name](result, params, screen)
        if screen.absence is not None:
            screen.flush()
            screen.say(screen.absence)
        return getattr(result, "exit_code", 0)
    except NotFound as error:
        # One line says what is wrong, and the reason is its hint.
        error.hint = screen.absence or error.hint
        raise
    finally:
        screen.end_progress()
        with_store.close()


def _is_bare(call: Call) -> bool:
    """Whether nothing was asked for, but perhaps a store was named: on a terminal that is the console."""
    return not (call.name or call.words or call.json or call.help or call.version)


def _params(chosen: Operation, call: Call) -> Any:
    from queuectl.operations.arguments import params

    return params(chosen, call.words)


def _edit_text(text: str, again: Callable[[str], str], screen: Screen) -> AbstractContextManager[str]:
    from queuectl.cli.editor import edited

    return edited(text, again, screen.say)


def _confirm(question: str | None, screen: Screen) -> None:
    """Ask the person on the terminal; a script that ran the command meant it."""
    if question is None:
        return
    from queuectl.domain.errors import Refused

    if screen.ask(f"{question} [y/N] ").strip().lower() not in {"y", "yes"}:
        raise Refused("not confirmed, so nothing was done")


def _told(error: Exception, screen: Screen, *, json: bool) -> int:
    """The last resort: one line, and the traceback for whoever asks for it."""
    if screen.failed:
        screen.abandon()
        why = "it is closed" if getattr(error, "errno", None) == EBADF else getattr(error, "strerror", error)
        screen.say(f"error: cannot write the output: {why}")
        return CANNOT_WRITE
    if isinstance(error, ImportError) and error.name == "apsw":
        hint = "run ./bin/queuectl, which sets itself up, or activate its .venv first"
        told: QueuectlError = UsageError("the Python package apsw is missing", hint=hint)
    else:
        if os.environ.get("QUEUECTL_DEBUG"):
            import traceback

            traceback.print_exc()
        text = " ".join(str(error).split())[:300]
        told = InternalError(
            f"internal: {type(error).__name__}{': ' + text if text else ''}", hint="QUEUECTL_DEBUG=1 shows where"
        )
    code = _fail(told, screen, json=json)
    try:
        screen.flush()
    except OSError:
        screen.abandon()
    return code
