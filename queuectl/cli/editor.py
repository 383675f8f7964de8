"""Edit a text in the user's editor."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager

from queuectl.domain.errors import QueuectlError, Refused, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def edited(text: str, again: Callable[[str], str], say: Callable[[str], None]) -> Iterator[str]:
    """Open $VISUAL, $EDITOR or vi on `text` and yield the edited text.

    If the block fails, the file with the edited text is kept, and `again(path)` is added to the error's hint. Only its
    owner can read the file.

    Raises:
        UsageError: the editor or the file cannot be used.
        Refused: the editor ended with an error.
    """
    descriptor, path = tempfile.mkstemp(prefix="queuectl-", suffix=".json")
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        yield _run_editor(path)
    except BaseException as error:
        if _is_unchanged(path, text):
            _remove(path)
        elif isinstance(error, QueuectlError):
            error.hint = f"{error.hint}; {again(path)}" if error.hint else again(path)
        else:
            say(again(path))
        raise
    _remove(path)


def _run_editor(path: str) -> str:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        # The variable may hold options; the path is a word of its own.
        status = os.spawnv(os.P_WAIT, "/bin/sh", ["sh", "-c", f'{editor} "$1"', editor, path])  # noqa: S606 - a person waits
        if status != 0:
            raise Refused(f"the editor {editor[:40]} ended with exit code {status}, so nothing was done")
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the text cannot be edited: {error}") from None


def _is_unchanged(path: str, text: str) -> bool:
    """Return whether the file holds `text` still, or was removed by the editor."""
    try:
        with open(path, "rb") as file:
            return file.read() == text.encode()
    except OSError:
        return True


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass  # the editor has removed it
