"""Command lines that print every document of `--json`, for the test of its schemas and the examples of docs/json.md.

`python -m tests.support.json_cases > docs/json-examples.json` records the examples, where the form of a document has
changed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from queuectl.operations.commandline.quoting import quoted
from queuectl.store.location import is_url
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Case(NamedTuple):
    """A command line, whose document or lines follow the schema of the command `name`."""

    name: str
    words: tuple[str, ...]
    lines: bool = False
    code: int | None = 0
    """Its exit code; None for any."""
    given: str = ""
    example: bool = False
    terminal: bool = False
    """Whether it needs a terminal."""


class Printed(NamedTuple):
    """What a case printed: the document, or each of the lines."""

    case: Case
    documents: list[Any]


def printed(queue: Queue, target: str | None) -> Iterator[Printed]:
    """Run all cases on a new queue, one after the other; `target` is the URL of a server for a migration."""
    for case in _cases(queue, target):
        words = ("--json-lines" if case.lines else "--json", *case.words)
        if case.terminal:
            out, code = on_a_terminal(*words, env=queue.environment | {"TERM": "xterm"})
            assert code == case.code, out
            documents = [json.loads(out[out.index("{") :])]
        else:
            out = queue.run(*words, given=case.given, code=case.code).stdout
            documents = [json.loads(line) for line in out.splitlines()] if case.lines else [json.loads(out)]
        yield Printed(case, documents)


def _cases(queue: Queue, target: str | None) -> Iterator[Case]:
    if not is_url(queue.path):
        # While there is no store, the console ends by itself.
        yield Case("tui", ("tui", "--read-only"), terminal=True, example=True)
    yield Case("list", ("list",))
    yield Case("list", ("list",), lines=True)
    yield from _jobs(queue)
    yield from _outputs()
    yield from _verbs(queue)
    yield from _lists()
    yield from _pools(queue)
    yield from _queues()
    yield from _schedules()
    yield from _settings()
    yield from _care(queue, target)
    yield Case("help", ("help", "status"), example=True)
    yield Case("version", ("version",), example=True)
    yield Case("error", ("show", "nosuch"), code=3, example=True)
    yield Case("error", ("show", "nosuch"), code=3, lines=True)
    yield Case("error", ("list", "--nosuch"), code=2)
    yield Case("error", ("enqueue", "{"), code=2, lines=True)


def _reading(name: str, *words: str, code: int | None = 0) -> Iterator[Case]:
    """Yield a command that changes nothing in both forms; the first is an example."""
    yield Case(name, words, code=code, example=True)
    yield Case(name, words, code=code, lines=True)


def _jobs(queue: Queue) -> Iterator[Case]:
    yield Case(
        "enqueue", ("enqueue", "--id", "report", "--queue", "mail", "--tag", "nightly", "echo sent"), example=True
    )
    yield Case("enqueue", ("enqueue", "--lines", "--file", "-"), given="true\nfalse\n")
    yield Case("enqueue", ("enqueue", "--lines", "--file", "-"), given="true\nfalse\n", lines=True)
    for id_, text in (("hook", "curl: (28) timed out after 3000 ms"), ("hook2", "curl: (28) timed out after 1200 ms")):
        queue.enqueue(f"echo '{text}' >&2; exit 28", "--id", id_, "--max-retries", "0", "--env", "TOKEN=secret")
    queue.enqueue("kill -9 $$", "--id", "killed", "--max-retries", "0")
    queue.enqueue("sleep 30", "--id", "slow", "--max-retries", "0", "--timeout", "200ms")
    queue.enqueue("true", "--id", "nowhere", "--max-retries", "0", "--cwd", "/nonexistent")
    queue.run("config", "set", "backoff_delay", "0.05")
    yield Case("worker start", ("worker", "start", "--drain", "--fail-on-dead", "--quiet"), code=1)
    yield Case("worker start", ("worker", "start", "--drain", "--quiet"), example=True)
    queue.enqueue("./later.sh", "--id", "later", "--delay", "1h", "--needs", "gpu", "--timeout", "90s")
    queue.enqueue("./rows.sh", "--id", "rows", "--queue", "reports", "--delay", "2h")


def _outputs() -> Iterator[Case]:
    yield from _reading("show", "show", "hook")
    yield from _reading("dlq show", "dlq", "show", "hook")
    for id_ in ("killed", "slow", "nowhere", "later"):
        yield Case("show", ("show", id_))
    yield from _reading("logs", "logs", "hook")
    yield Case("logs", ("logs", "later"))
    yield from _reading("logs", "logs", "hook", "report")
    yield Case("logs", ("logs", "hook", "later", "--stdout"))
    for words in (("report", "--stdout"), ("hook", "--stderr", "--tail", "1"), ("report", "--follow")):
        yield Case("logs", ("logs", *words))
        yield Case("logs", ("logs", *words), lines=True)
    yield from _reading("wait", "wait", "report")
    yield Case("wait", ("wait", "hook", "report"), code=1)
    yield Case("run", ("run", "--local", "--id", "followed", "echo hello"), example=True)
    yield Case("run", ("run", "--local", "-r", "0", "exit 3"), lines=True, code=3)
    yield from _reading("explain", "explain", "later")
    for id_ in ("hook", "report", "killed"):
        yield Case("explain", ("explain", id_))


def _verbs(queue: Queue) -> Iterator[Case]:
    yield Case("hold", ("hold", "--queue", "reports"), example=True)
    yield Case("hold", ("hold", "rows", "later"))
    yield Case("status", ("status",))
    yield Case("release", ("release", "--all", "--print-ids"), example=True)
    yield Case("priority", ("priority", "10", "--queue", "reports"), example=True)
    yield Case("edit", ("edit", "rows", "--tag", "nightly"), example=True)
    yield Case("edit", ("edit", "rows", "--tag", "nightly"))
    yield Case("edit", ("edit", "--filter", "tag:nightly", "--priority", "3", "--dry-run"))
    yield Case("edit", ("edit", "--filter", "tag:nightly", "--priority", "3"))
    yield Case("cancel", ("cancel", "--queue", "reports", "--dry-run"))
    yield Case("cancel", ("cancel", "rows"), example=True)
    yield Case("undo", ("undo", "--list"), example=True)
    yield Case("undo", ("undo", "--list"), lines=True)
    yield Case("undo", ("undo",), example=True)
    queue.run("cancel", "--queue", "reports")
    yield Case("undo", ("undo",), lines=True)
    yield Case("retry", ("retry", "report"), example=True)
    yield Case("dlq retry", ("dlq", "retry", "--all"), example=True)
    queue.start()
    for id_ in ("report", "hook", "hook2", "killed", "slow", "nowhere"):
        queue.wait_for(id_)
    queue.run("worker", "stop")


def _lists() -> Iterator[Case]:
    yield from _reading("list", "list", "--limit", "1")
    yield Case("list", ("list",))
    yield from _reading("status", "status")
    yield from _reading("history", "history", "--limit", "2")
    yield from _reading("dlq list", "dlq", "list", "--limit", "1")
    yield Case("dlq list", ("dlq", "list", "--by-error"), example=True)
    yield Case("dlq list", ("dlq", "list", "--by-error"), lines=True)
    yield Case("view save", ("view", "save", "ops", "state:dead queue:mail"), example=True)
    yield from _reading("view list", "view", "list")
    yield Case("view delete", ("view", "delete", "ops"), example=True)


def _pools(queue: Queue) -> Iterator[Case]:
    busy = queue.enqueue("sleep 600", "--id", "busy")
    yield Case("worker start", ("worker", "start", "--detach", "--label", "cpu"), example=True)
    queue.wait_for(busy, "processing")
    yield from _reading("worker list", "worker", "list")
    yield Case("worker scale", ("worker", "scale", "2"), example=True)
    yield Case("explain", ("explain", busy))
    yield Case("show", ("show", busy))
    yield Case("logs", ("logs", busy))
    yield Case("cancel", ("cancel", busy))
    queue.wait_for(busy)
    wait_until(lambda: len(queue.workers()) == 2)
    yield Case("worker stop", ("worker", "stop"), example=True)


def _queues() -> Iterator[Case]:
    yield Case("queue set", ("queue", "set", "mail", "--limit", "2", "--timeout", "5m"), example=True)
    yield Case("queue pause", ("queue", "pause", "mail", "--reason", "the relay is down"), example=True)
    yield Case("queue pause", ("queue", "pause", "--all"), lines=True)
    yield from _reading("queue list", "queue", "list")
    yield Case("explain", ("explain", "report"))
    yield Case("undo", ("undo", "--list"))
    yield Case("undo", ("undo",))
    yield Case("queue resume", ("queue", "resume", "mail"), example=True)
    yield Case("queue resume", ("queue", "resume", "--all"), lines=True)
    yield Case("queue set", ("queue", "set", "spare", "--weight", "2"), lines=True)
    yield Case("queue delete", ("queue", "delete", "spare"), example=True)


def _schedules() -> Iterator[Case]:
    nightly = ("schedule", "add", "nightly", "0 3 * * *", "./backup.sh", "--tz", "Europe/Berlin")
    yield Case("schedule add", nightly, example=True)
    yield Case("schedule add", ("schedule", "add", "poll", "--every", "90s", "true"), lines=True)
    yield Case("schedule run", ("schedule", "run", "nightly"), example=True)
    yield from _reading("schedule list", "schedule", "list")
    yield from _reading("schedule show", "schedule", "show", "nightly")
    yield from _reading("schedule next", "schedule", "next", "nightly")
    yield Case("schedule edit", ("schedule", "edit", "nightly", "--jitter", "30s"), example=True)
    yield Case("schedule pause", ("schedule", "pause", "nightly", "--reason", "the disk is full"), example=True)
    yield Case("schedule show", ("schedule", "show", "nightly"))
    yield Case("schedule resume", ("schedule", "resume", "nightly", "poll"), example=True)
    yield Case("undo", ("undo",))
    yield Case("schedule delete", ("schedule", "delete", "poll"), example=True)


def _settings() -> Iterator[Case]:
    yield Case("config set", ("config", "set", "lease", "20"), example=True)
    yield from _reading("config get", "config", "get", "lease")
    yield Case("config unset", ("config", "unset", "lease"), example=True)
    yield from _reading("config list", "config", "list")
    yield Case("completion", ("completion", "bash"))
    yield Case("completion", ("completion", "zsh", "--", "show", "la"), example=True)


def _care(queue: Queue, target: str | None) -> Iterator[Case]:
    # 1 where the machine or the server of the tests is not set up for work.
    yield from _reading("doctor", "doctor", code=None)
    if not is_url(queue.path):
        yield Case("backup", ("backup", "copy.db"), example=True)
        yield Case("selftest", ("selftest", "--jobs", "3", "--enqueuers", "1", "--workers", "2"), example=True)
        if target is not None:
            yield Case("migrate", ("migrate", "--to", target), example=True)
    yield Case("delete", ("delete", "report"), example=True)
    yield Case("dlq purge", ("dlq", "purge", "--yes"), example=True)
    yield Case("prune", ("prune", "--state", "cancelled", "--older-than", "0", "--yes"), example=True)
    yield Case("demo", ("demo",), example=True)


def main() -> None:
    """Record the examples, with another name for the host and for the directory of the store."""
    from tests.support.postgres import Server

    names = {os.uname().nodename: "web1"}
    examples: dict[str, list[dict[str, object]]] = {}
    server = Server()
    url = server.create()
    with tempfile.TemporaryDirectory() as directory:
        queue = Queue(Path(directory))
        names |= {url: "postgresql://db1/queue", directory: "/srv/mail"}
        try:
            for case, documents in printed(queue, url):
                if case.example and not case.lines:
                    first = ["queuectl", "--json"] if "--" in case.words else ["queuectl"]
                    words = [*first, *map(quoted, case.words), *([] if "--" in case.words else ["--json"])]
                    line = " ".join(words)
                    text = json.dumps({"line": line, "document": documents[0]})
                    for name, other in names.items():
                        text = text.replace(name, other)
                    examples.setdefault(case.name, []).append(json.loads(text))
        finally:
            queue.close()
            server.close()
    json.dump(examples, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
