"""Write results as JSON to stdout: one document for `--json`, one object a line for `--json-lines`."""

from __future__ import annotations

import json

from queuectl.domain.errors import QueuectlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from typing import Any, NotRequired, TypedDict

    from queuectl.cli.screen import Screen
    from queuectl.domain.errors import ErrorCode

    class ErrorDocument(TypedDict):
        """A command that failed."""

        error: ErrorFields
        """Why."""

    class ErrorFields(TypedDict):
        """Why a command failed; the lines `error:` and `hint:` of stderr say the same."""

        code: ErrorCode
        """The kind of the error."""
        message: str
        """What happened, in one line."""
        hint: NotRequired[str]
        """What to do now; absent where there is no hint."""


SCHEMA = 1
"""Version of the documents. It rises when a field is removed or changes its meaning; new fields do not raise it."""


def write(result: Any, screen: Screen) -> None:
    """Write a result, or several as an array, one element a line."""
    if hasattr(result, "document"):
        write_document(result.document(), screen)
        return
    # The first element is read before anything is written, so that an early error is the whole document.
    documents = _documents(result)
    first = next(documents, None)
    screen.utf8()
    if first is None:
        screen.write("[]\n")
        return
    encode = json.JSONEncoder(ensure_ascii=False).encode
    try:
        screen.write("[\n" + encode(first))
        for document in documents:
            screen.write(",\n" + encode(document))
    except QueuectlError as error:
        # Still one document: the error is its last element.
        screen.write(f",\n{encode(error_document(error))}\n]\n")
        screen.error_written = True
        raise
    except OSError:
        documents.close()
        raise
    screen.write("\n]\n")


def write_lines(result: Any, screen: Screen) -> None:
    """Write a result, or each of several, as one line, which is flushed before the next is read."""
    screen.utf8()
    encode = json.JSONEncoder(ensure_ascii=False).encode
    documents = _lines(result)
    try:
        for document in documents:
            screen.write(encode({"schema": SCHEMA, **document}) + "\n")
            screen.flush()
    except OSError:
        documents.close()
        raise
    except KeyboardInterrupt:
        if not getattr(result, "endless", False):
            raise


def write_document(document: Any, screen: Screen, *, lines: bool = False) -> None:
    """Write an object with the version of its schema: indented for a person, on one line for a program."""
    screen.utf8()
    indent = 2 if screen.is_terminal and not lines else None
    screen.write(json.dumps({"schema": SCHEMA, **document}, ensure_ascii=False, indent=indent) + "\n")


def write_error(error: QueuectlError, screen: Screen, *, lines: bool) -> None:
    """Write an error as the document, or as the last line."""
    write_document(error_document(error), screen, lines=lines)


def error_document(error: QueuectlError) -> ErrorDocument:
    """Return the JSON form of an error."""
    fields: ErrorFields = {"code": error.code, "message": error.message}
    if error.hint:
        fields["hint"] = error.hint
    return {"error": fields}


def _lines(result: Any) -> Generator[Any]:
    if hasattr(result, "lines"):
        yield from result.lines()
    elif hasattr(result, "document"):
        yield result.document()
    else:
        yield from _documents(result)


def _documents(results: Any) -> Generator[Any]:
    """Yield the documents of a result that has several, or of each of several results."""
    if hasattr(results, "documents"):
        yield from results.documents()
        return
    batches: Iterable[Any] = results
    for result in batches:
        if hasattr(result, "documents"):
            try:
                yield from result.documents()
            except GeneratorExit:
                # Batches are stored as they are read: a full disk must not leave half a file enqueued.
                for _ in batches:
                    pass
                raise
        else:
            yield result.document()
