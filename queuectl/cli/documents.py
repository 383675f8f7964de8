"""Write one JSON document to stdout, for `--json`."""

from __future__ import annotations

import json

from queuectl.domain.errors import QueuectlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    from queuectl.cli.screen import Screen


def write(result: Any, screen: Screen) -> None:
    """Write a result, or an iterator of them as an array, one element a line."""
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


def write_document(document: Any, screen: Screen) -> None:
    """Write one document: indented for a person, on one line for a program."""
    screen.utf8()
    screen.write(json.dumps(document, ensure_ascii=False, indent=2 if screen.is_terminal else None) + "\n")


def write_error(error: QueuectlError, screen: Screen) -> None:
    """Write an error as the document."""
    write_document(error_document(error), screen)


def error_document(error: QueuectlError) -> dict[str, dict[str, str]]:
    """Return the JSON form of an error."""
    document = {"code": error.code, "message": error.message}
    if error.hint:
        document["hint"] = error.hint
    return {"error": document}


def _documents(results: Iterator[Any]) -> Generator[Any]:
    for result in results:
        if hasattr(result, "documents"):
            try:
                yield from result.documents()
            except GeneratorExit:
                # Batches are stored as they are read: a full disk must not leave half a file enqueued.
                for _ in results:
                    pass
                raise
        else:
            yield result.document()
