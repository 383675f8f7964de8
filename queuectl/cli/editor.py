"""A text in the person's own editor."""

from __future__ import annotations

import os
import tempfile

from queuectl.domain.errors import Refused, UsageError


def edit_text(text: str) -> str:
    """`text` as $VISUAL, $EDITOR or vi leaves it, in a file that nobody else can read. Raises UsageError, Refused."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    descriptor, path = tempfile.mkstemp(prefix="queuectl-", suffix=".json")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        # The variable may hold options; the path is a word of its own.
        status = os.spawnv(os.P_WAIT, "/bin/sh", ["sh", "-c", f'{editor} "$1"', editor, path])  # noqa: S606 - a person waits
        if status != 0:
            raise Refused(f"{editor[:40]} ended with {status}, so nothing was done")
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the text cannot be edited: {error}") from None
    finally:
        os.unlink(path)
