"""Run a command line: parse its words, run the operation, print the result, return the exit code."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # built in, and known to no stub
import gc
import os
import sys
from errno import EBADF

from queuectl.cli.screen import Screen
from queuectl.domain.errors import NotFound, QueuectlError, UsageError
from queuectl.domain.text import can_draw
from queuectl.operations import WHERE, find
from queuectl.operations.commandline.grammar import read_words
from queuectl.operations.commandline.redact import recorded_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, NoReturn

    from queuectl.operations.commandline.grammar import Call
    from queuectl.operations.operation import Operation

INTERRUPTED = 130
CANNOT_WRITE = 74
"""EX_IOERR: the operation is done, but its result could not be written."""

_CALLBACK_SECONDS = 0.01
"""Time in which a callback ends. If it takes longer, Python drops the signal again, and it is delivered again."""


class InternalError(QueuectlError):
    """A bug in queuectl, not an error of the user: EX_SOFTWARE."""

    exit_code = 70
    code = "internal"


def entry() -> NoReturn:
    """Run the command line of this process and end it."""
    sys.unraisablehook = interrupt_again
    # Imports make no garbage, and a collection after every seven hundred objects takes most of a millisecond.
    gc.disable()
    # If it is ignored, as a parent may leave it, the kernel discards the exit status of child processes. `_signal`,
    # because loading `signal` takes 0.5 ms.
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    # The umask must not deny access to the user who creates the files. Jobs inherit the rest of it.
    os.umask(os.umask(0o077) & 0o077)
    if sys.getfilesystemencoding() != "utf-8":
        # Commands are bytes for the shell and UTF-8 in the store, whatever the locale decodes them to.
        sys.argv[1:] = [os.fsencode(word).decode("utf-8", "surrogateescape") for word in sys.argv[1:]]
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _open_streams()
    if not hasattr(sys.stdout.buffer, "raw"):
        # With PYTHONUNBUFFERED=1 Python drops the rest of a write that a signal, or a full disk, cuts short.
        sys.stdout = open(1, "w", encoding=sys.stdout.encoding, closefd=False)  # noqa: SIM115 - open until the end
    code = main(sys.argv[1:])
    # Skips the interpreter's shutdown, which takes milliseconds to free memory that the system frees anyway.
    os._exit(code)


def interrupt_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Deliver a Ctrl+C again that came in a destructor or in a callback of an import, where Python would drop it."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    import signal
    from _thread import start_new_thread
    from time import sleep

    def deliver() -> None:
        sleep(_CALLBACK_SECONDS)
        os.kill(os.getpid(), signal.SIGINT)

    start_new_thread(deliver, ())


def _open_streams() -> None:
    """Open /dev/null for each stream that the caller has closed, before the store's file gets its number.

    For stdout it is opened for reading only, so that data written there is an error and not silently lost.
    """
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDONLY if name == "stdout" else os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor, inheritable=True)
                os.close(null)
            setattr(sys, name, open(descriptor, mode, encoding="utf-8"))  # noqa: SIM115 - open until the end


def main(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code. Never raises."""
    screen = Screen(sys.stdout, sys.stderr)
    # By its words: also the error of a line that cannot be parsed is a document.
    options = argv[: argv.index("--")] if "--" in argv else argv
    lines = "--json-lines" in options
    json = lines or "--json" in options
    try:
        try:
            code = _run(read_words(argv), screen)
        except QueuectlError as error:
            code = _fail(error, screen, json=json, lines=lines)
        screen.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except QueuectlError as error:
        code = error.exit_code  # a second signal, while the error of the first was being printed
    except BrokenPipeError:
        # The reader of the output has closed it, as `head` does.
        screen.abandon()
        code = 0
    except Exception as error:  # noqa: BLE001 - the last resort: a user never sees a traceback
        code = _fail_unexpectedly(error, screen, json=json, lines=lines)
    return code


def _fail(error: QueuectlError, screen: Screen, *, json: bool, lines: bool) -> int:
    if json and not screen.error_written:
        screen.end_progress()
        from queuectl.cli.documents import write_error

        write_error(error, screen, lines=lines)
    return screen.fail(error)


def _run(call: Call, screen: Screen) -> int:
    if _is_bare(call) and screen.is_terminal and screen.has_person and can_draw(os.environ.get("TERM")):
        from queuectl.domain.record import replace

        call = replace(call, command=("tui",))
    if call.name is None or call.help or call.version:
        # Loaded here, as below: each command loads only what it uses.
        from queuectl.cli.help import answer

        return answer(call, screen)
    operation = find(call.name)
    params = _params(operation, call)
    from queuectl.bootstrap import context

    context_ = context(
        call.db,
        watched=screen.watched,
        progress=screen.progress,
        say=screen.say,
        note=screen.note if screen.can_redraw else None,
        on_absent=None if operation.makes_store else screen.note_absence,
    )
    context_.command = recorded_line(operation, call.words)
    if screen.has_person:
        context_.edit_text = lambda text, again: _edit_text(text, again, screen)
    try:
        _check_confirmed(operation, context_, params, screen)
        gc.enable()
        result = operation.run(context_, params)
        _print(result, operation, params, call, screen)
        if screen.absence is not None:
            screen.flush()
            screen.say(screen.absence)
        return getattr(result, "exit_code", 0)
    except NotFound as error:
        # That there is no store is the reason, so it replaces the hint.
        error.hint = screen.absence or error.hint
        raise
    finally:
        screen.end_progress()
        context_.close()


def _print(result: Any, operation: Operation, params: Any, call: Call, screen: Screen) -> None:
    """Print a result for a person, for a program, or for both."""
    screen.is_json = call.for_a_program
    if not call.for_a_program or operation.streams:
        module = WHERE[operation.name].partition(".")[0]
        views = __import__(f"queuectl.cli.views.{module}", fromlist=("VIEWS",)).VIEWS
        views[operation.name](result, params, screen)
        if os.environ.get("TZ") and "queuectl.domain.local_time" in sys.modules:
            _note_unknown_zone(screen)
    if call.for_a_program:
        from queuectl.cli.documents import write, write_lines

        (write_lines if call.json_lines else write)(result, screen)


def _note_unknown_zone(screen: Screen) -> None:
    """Print for a command that shows local times that TZ is unknown: the C library takes UTC without a word."""
    from queuectl.domain.local_time import unknown_zone

    zone = unknown_zone()
    if zone is not None:
        screen.flush()
        screen.say(f"note: the zone {zone} of TZ is unknown, so times are UTC")


def _is_bare(call: Call) -> bool:
    """Return whether there is no command, but perhaps --db: on a terminal that opens the console."""
    return not (call.command or call.for_a_program or call.help or call.version)


def _params(operation: Operation, call: Call) -> Any:
    from queuectl.operations.commandline.parse import params

    return params(operation, call.words)


def _edit_text(text: str, again: Callable[[str], str], screen: Screen) -> AbstractContextManager[str]:
    from queuectl.cli.editor import edited

    return edited(text, again, screen.say)


def _check_confirmed(operation: Operation, context: Any, params: Any, screen: Screen) -> None:
    """Ask a person what must be confirmed; of a script expect --yes where the operation says so."""
    if getattr(params, "yes", False):
        return
    if screen.has_person:
        if operation.question is not None:
            _confirm(operation.question(context, params), screen)
    elif operation.needs_yes is not None:
        operation.needs_yes(context, params)


def _confirm(question: str | None, screen: Screen) -> None:
    """Ask the person on the terminal. Raises Refused unless the answer is yes."""
    if question is None:
        return
    from queuectl.domain.errors import Refused

    if screen.ask(f"{question} [y/N] ").strip().lower() not in {"y", "yes"}:
        raise Refused("not confirmed, so nothing was done")


def _fail_unexpectedly(error: Exception, screen: Screen, *, json: bool, lines: bool) -> int:
    """Print an unexpected exception in one line, with QUEUECTL_DEBUG also its traceback. Return the exit code."""
    if screen.failed:
        screen.abandon()
        closed = getattr(error, "errno", None) == EBADF
        why = "standard output is closed" if closed else getattr(error, "strerror", error)
        screen.say(f"error: cannot write the output: {why}")
        return CANNOT_WRITE
    if isinstance(error, ImportError) and error.name == "apsw":
        hint = "run ./bin/queuectl, which sets itself up, or activate its .venv first"
        failure: QueuectlError = UsageError("the Python package apsw is missing", hint=hint)
    else:
        if os.environ.get("QUEUECTL_DEBUG"):
            import traceback

            traceback.print_exc()
        text = " ".join(str(error).split())[:300]
        failure = InternalError(
            f"internal: {type(error).__name__}{': ' + text if text else ''}",
            hint="QUEUECTL_DEBUG=1 prints the traceback of this bug",
        )
    code = _fail(failure, screen, json=json, lines=lines)
    try:
        screen.flush()
    except OSError:
        screen.abandon()
    return code
