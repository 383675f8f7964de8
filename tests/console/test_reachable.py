"""Every operation of the command line is available in the console, whose echo is the equivalent command line."""

from __future__ import annotations

from collections import Counter
from typing import Any

import apsw
import pytest
from textual.pilot import Pilot

from queuectl import bootstrap
from queuectl.domain.errors import UsageError
from queuectl.operations import WHERE, find
from queuectl.operations.commandline.parse import params as parsed
from queuectl.operations.commandline.quoting import split
from queuectl_tui.keymap import KEYS
from queuectl_tui.screens.command_line import CommandLine, Run, read_line
from queuectl_tui.screens.completion import complete, named
from queuectl_tui.screens.confirm import Confirm
from queuectl_tui.screens.palette import ConsoleCommands
from tests.support import seed as seeds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

REFUSED = {
    "tui": "a console inside the console would fight it for the terminal",
    "run": "it writes the output of a job to a terminal, which the console has",
    "wait": "the list is live: a job is seen to end in it",
    "demo": "it makes a store of its own, and this console looks at another",
    "completion": "it is for the line of a shell; the console completes its own",
}
"""Operations that the console does not run, and why."""
BY_KEY = {
    "enqueue": "global.new_job",
    "show": "list.open",
    "logs": "list.log",
    "cancel": "list.cancel",
    "retry": "list.retry",
    "delete": "list.delete",
    "hold": "list.hold",
    "release": "list.hold",
    "priority": "list.priority",
    "edit": "list.edit",
    "undo": "global.undo",
    "worker start": "global.start_pool",
    "worker stop": "global.stop_pool",
    "worker scale": "global.more",
    "worker list": "global.view_2",
    "list": "global.view_1",
    "dlq list": "global.view_3",
    "dlq retry": "dead.requeue",
    "dlq purge": "dead.purge",
    "queue list": "global.view_4",
    "queue pause": "queues.pause",
    "queue resume": "queues.pause",
    "queue set": "queues.limit",
    "status": "global.view_5",
    "history": "global.view_6",
    "config list": "global.config",
    "config set": "global.config",
    "config unset": "global.config",
}
"""Operations that also have a key."""
HERE = [name for name in WHERE if name not in REFUSED]
MIXED = [("global", scope) for scope in ("list", "dead", "queues", "workers", "overview", "activity")]
IDS = ["job1", "-dashed", "two words", "it's [/bold] $HOME", "\x1b[31m\u202ered"]


def one_of(name: str) -> Run:
    """A line of the command's own examples, as the console reads it."""
    for line in find(name).examples:
        try:
            answer = read_line(line)
        except UsageError:
            continue  # with an option that needs a shell
        assert isinstance(answer, Run)
        return answer
    pytest.fail(f"the console takes no example of {name}")


def test_the_console_refuses_only_commands_that_make_no_sense_in_it():
    assert {name for name in WHERE if find(name).not_in_console} == set(REFUSED)


@pytest.mark.parametrize("name", HERE)
def test_every_operation_is_run_by_the_command_line(name: str):
    assert one_of(name).operation is find(name)


@pytest.mark.parametrize("name", HERE)
def test_every_operation_is_completed_while_it_is_typed(name: str):
    lead, _, last = name.rpartition(" ")
    choices = [choice.text for choice in complete(f"{lead} {last[:1]}".lstrip(), lambda _: []).choices]

    assert last in choices or name in choices
    assert named(name.split()) == (name, ())


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_command_has_a_hint(name: str):
    words = {"run": "run true", "wait": "wait job1", "completion": "completion bash"}

    with pytest.raises(UsageError) as caught:
        read_line(words.get(name, name))

    assert caught.value.hint == find(name).not_in_console


def test_every_key_of_an_operation_exists():
    assert set(BY_KEY) <= set(HERE)
    assert set(BY_KEY.values()) <= {key.id for key in KEYS}


def test_ids_of_keys_are_unique():
    assert [id_ for id_, count in Counter(key.id for key in KEYS).items() if count > 1] == []


@pytest.mark.parametrize("scope", sorted({key.scope for key in KEYS}))
def test_no_two_keys_of_a_scope_are_the_same(scope: str):
    keys = Counter(name for key in KEYS if key.scope == scope for name in key.keys.split(","))

    assert [name for name, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("scopes", MIXED, ids="+".join)
def test_no_key_of_a_view_hides_one_that_works_everywhere(scopes: tuple[str, ...]):
    keys = Counter(name for key in KEYS if key.scope in scopes for name in key.keys.split(","))

    assert [name for name, count in keys.items() if count > 1] == []


@pytest.mark.asyncio
async def test_the_palette_has_every_operation_and_every_key_of_the_view(make_app: Make):
    app = make_app()
    async with app.run_test(size=(120, 40)):
        titles = {str(hit.text) async for hit in ConsoleCommands(app.screen).discover()}
        entries = {entry.title for entry in app.key_entries()}

    assert {title[1:] for title in titles if title.startswith(":")} == set(HERE)
    assert entries <= titles
    moves = (".down", ".up", ".page_down", ".page_up")
    for key in KEYS:
        if key.scope in {"global", "list"} and not key.id.endswith(moves):
            assert f"{key.help} ({key.shown})" in entries


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["enqueue", "dlq retry", "view save"])
async def test_an_entry_of_the_palette_opens_the_command_line_with_the_words_typed(name: str, make_app: Make):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        async for hit in ConsoleCommands(app.screen).discover():
            if hit.text == f":{name}":
                hit.command()
        await pilot.pause()
        assert isinstance(app.screen, CommandLine)
        assert app.screen.query_one("Input").value == f"{name} "  # type: ignore[attr-defined]  # it is an input


def rows(path: str) -> dict[str, list[Any]]:
    """Return all columns of the jobs in the store, with their attempts."""
    connection = apsw.Connection(path)
    try:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("jobs", "runs", "outputs")
        }
    finally:
        connection.close()


def alone(state: str, id_: str) -> Callable[[seeds.Seeder], None]:
    """A store with this job and nothing else."""
    ended = {"completed": "success", "dead": "exit", "failed": "exit"}.get(state)

    def write(seeder: seeds.Seeder) -> None:
        runs = [(ended, int(ended == "exit"), 900, "out\n", "err\n", "w1")] if ended else []
        due = 60 * seeds.SECOND if state == "failed" else 0
        seeder.job("./run.sh", state, id=id_, age=5 * seeds.MINUTE, runs=runs, due=due)

    return write


@pytest.mark.asyncio
@pytest.mark.parametrize("id_", IDS)
@pytest.mark.parametrize(
    ("view", "state", "key", "name"),
    [
        ("jobs", "dead", "r", "retry"),
        ("jobs", "failed", "r", "retry"),
        ("jobs", "completed", "r", "retry"),
        ("jobs", "pending", "x", "cancel"),
        ("jobs", "pending", "h", "hold"),
        ("jobs", "held", "h", "release"),
        ("jobs", "cancelled", "D", "delete"),
        ("jobs", "completed", "D", "delete"),
        ("dead", "dead", "r", "dlq retry"),
        ("dead", "dead", "D", "delete"),
    ],
)
async def test_the_echo_of_a_key_is_the_command_that_does_the_same(
    view: str, state: str, key: str, name: str, id_: str, make_app: Make, tmp_path: Path
):
    twin = tmp_path / "twin"
    twin.mkdir()
    other = seeds.seeded(twin, alone(state, id_))
    app = make_app(alone(state, id_))
    path = str(tmp_path / "queue.db")
    before = rows(path)
    assert rows(other) == before

    given = await pressed(app, view, key)
    words = [word.text for word in split(app.echo.command)]
    operation, rest = named(words)
    assert (words[0], operation) == ("queuectl", name)
    again = parsed(find(name), rest)
    assert again == given

    context = bootstrap.context(other, clock=seeds.StoppedClock())
    try:
        result = find(name).run(context, again)
        if hasattr(result, "__next__"):
            list(result)
    finally:
        context.close()
    assert rows(path) != before
    assert rows(other) == rows(path)


async def pressed(app: ConsoleApp, view: str, key: str) -> Any:
    """Press a key on the only row, confirm, and return the operations that were run."""
    given: list[Any] = []
    run = app.writer.run

    def listen(operation: Any, params: Any, about: str, then: Any = None) -> None:
        given.append(params)
        run(operation, params, about, then)

    async with app.run_test(size=(120, 40)) as pilot:
        app.writer.run = listen  # type: ignore[method-assign]  # to hear what is run
        await to_the_row(pilot, app, view)
        await pilot.press(key)
        await pilot.pause()
        if isinstance(app.screen, Confirm):
            await pilot.press("y")
            await pilot.pause()
        await pilot.pause()
    assert len(given) == 1, app.echo.command
    return given[0]


async def to_the_row(pilot: Pilot[Any], app: ConsoleApp, view: str) -> None:
    await pilot.pause()
    if view == "dead":
        app.show_view("dead")
        await pilot.pause()
        await pilot.press("b")
    await pilot.pause()
