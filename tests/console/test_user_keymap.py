"""The user's own keys: they work, are shown, and mistakes are reported in one line."""

from __future__ import annotations

import json

import pytest

from queuectl.domain.errors import UsageError
from queuectl_tui import app as console
from queuectl_tui import entry, keymap, user_keymap
from queuectl_tui.screens.help import Help
from queuectl_tui.screens.job import JobScreen
from queuectl_tui.widgets.job_table import JobTable
from tests.support import seed as seeds
from tests.support.pilot import lines_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    Make = Callable[..., console.ConsoleApp]

SIZE = (120, 40)


def one_dead(seeder: seeds.Seeder) -> None:
    seeder.many(1, state="dead")


def written(path: Path, content: Any) -> str:
    file = path / "keymap.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


def acts_of(app: console.ConsoleApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which the console's operations are added from now on."""
    acts: list[str] = []
    run = app.act

    def act(operation: Any, *args: Any, **options: Any) -> None:
        acts.append(operation.name)
        run(operation, *args, **options)

    monkeypatch.setattr(app, "act", act)
    return acts


@pytest.mark.asyncio
async def test_a_remapped_key_retries_a_job_and_the_old_one_does_nothing(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(one_dead, workers=False, user_keymap={"list.retry": "f5"})
    acts = acts_of(app, monkeypatch)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.query_one(JobTable).focus()
        await pilot.press("r")
        await pilot.pause()
        assert acts == []
        await pilot.press("f5")
        await pilot.pause()
        assert acts == ["retry"]


@pytest.mark.asyncio
async def test_key_bar_help_and_palette_show_the_users_keys(make_app: Make) -> None:
    app = make_app(one_dead, workers=False, user_keymap={"list.retry": "f5", "global.help": "f1"})
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        bar = lines_of(app)[-1]
        assert "f5 retry" in bar
        assert "f1 help" in bar
        assert " r retry" not in bar
        assert any(each.title.endswith("(f5)") for each in app.key_entries() if each.about == "retry")
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(app.screen, Help)
        await pilot.press(*"retry")
        await pilot.pause()
        assert any("f5  retry" in line for line in lines_of(app))


@pytest.mark.asyncio
async def test_the_page_of_a_job_uses_and_shows_them_too(make_app: Make) -> None:
    app = make_app(one_dead, workers=False, user_keymap={"global.back": "f9", "list.retry": "f5"})
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, JobScreen)
        assert "f9 back" in lines_of(app)[-1]
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, JobScreen)
        await pilot.press("f9")
        await pilot.pause()
        assert not isinstance(app.screen, JobScreen)


@pytest.mark.asyncio
async def test_messages_name_them_too(make_app: Make) -> None:
    keys = {"global.new_job": "f2", "global.start_pool": "f3", "global.command": "f4", "global.freeze": "f6"}
    app = make_app(None, workers=False, user_keymap=keys)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        screen = "\n".join(lines_of(app))
        for text in ("f2  creates a job", "f3  starts workers", "f4  runs any", "(f3 starts some)", "f3 starts a pool"):
            assert text in screen
        await pilot.press("f6")
        await pilot.pause()
        assert "f6 unfreezes" in lines_of(app)[0]
        await pilot.press("2")
        await pilot.pause()
        assert sum("f3 starts" in line for line in lines_of(app)) == 3


def test_two_bindings_can_swap_keys(tmp_path: Path) -> None:
    swapped = {"list.retry": "x", "list.cancel": "r"}
    assert user_keymap.read(written(tmp_path, swapped)) == swapped


def test_keys_can_be_written_as_characters(tmp_path: Path) -> None:
    found = user_keymap.read(written(tmp_path, {"list.filter": "/, f3", "global.leave": "q,ctrl+x"}))
    assert found == {"list.filter": "slash,f3", "global.leave": "q,ctrl+x"}


def test_keys_that_default_bindings_share_stay_allowed(tmp_path: Path) -> None:
    assert user_keymap.read(written(tmp_path, {"log.next": "n,f3"})) == {"log.next": "n,f3"}


def test_every_binding_may_be_mapped_to_the_key_it_has(tmp_path: Path) -> None:
    same = {each.id: each.keys for each in keymap.KEYS}
    assert user_keymap.read(written(tmp_path, same)).keys() == same.keys()


def test_without_a_file_nothing_is_mapped(tmp_path: Path) -> None:
    assert user_keymap.read(str(tmp_path / "none.json")) == {}


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ("{", "is not JSON", None),
        ('{"list.retry": "f5", "list.retry": "f6"}', "duplicate name", None),
        (["list.retry"], "is not a JSON object", "list.retry"),
        ({"list.retyr": "f5"}, "unknown binding 'list.retyr'", "did you mean list.retry?"),
        ({"list.retry": 5}, "has a value that is not text for list.retry", "keys are text"),
        ({"list.retry": ""}, "has an empty key for list.retry", "comma"),
        ({"list.retry": "f5,"}, "has an empty key for list.retry", "comma"),
        ({"list.retry": "x"}, "gives x to list.retry, but list.cancel has it", "map list.cancel"),
        ({"list.retry": "?"}, "gives ? to list.retry, but global.help has it", "map global.help"),
        ({"global.help": "r"}, "gives r to global.help, but list.retry has it", "map list.retry"),
        ({"list.retry": "f5", "list.hold": "f5"}, "gives f5 to list.retry, but list.hold has it", "list.hold"),
        ({"list.retry": "ctrl-x"}, "gives 'ctrl-x' to list.retry, which is not a key", "ctrl+x"),
        ({"list.retry": "ctl+x"}, "gives 'ctl+x' to list.retry, which is not a key", "ctrl+x"),
        ({"list.retry": "ctrl+c"}, "gives ctrl+c to list.retry, but it always quits", None),
    ],
)
def test_a_mistake_is_reported_in_one_line(tmp_path: Path, content: Any, message: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        user_keymap.read(written(tmp_path, content))
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert hint is None or hint in (caught.value.hint or "")


def test_an_unreadable_file_is_reported_in_one_line(tmp_path: Path) -> None:
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe{")
    with pytest.raises(UsageError, match="is not JSON"):
        user_keymap.read(str(binary))
    with pytest.raises(UsageError, match="cannot be read"):
        user_keymap.read(str(tmp_path))


def test_the_console_refuses_an_invalid_keymap_before_it_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUECTL_KEYMAP", written(tmp_path, "{"))
    monkeypatch.setattr(console.ConsoleApp, "run", lambda *_, **__: pytest.fail("the screen was taken"))
    with pytest.raises(UsageError) as caught:
        entry.run(str(tmp_path / "queue.db"))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({}, "linux", "/home/alice/.config/queuectl/keymap.json"),
        ({"XDG_CONFIG_HOME": "/etc/alice"}, "linux", "/etc/alice/queuectl/keymap.json"),
        ({"XDG_CONFIG_HOME": "/etc/alice"}, "darwin", "/home/alice/Library/Application Support/queuectl/keymap.json"),
        ({"QUEUECTL_KEYMAP": "~/keys.json"}, "linux", "/home/alice/keys.json"),
    ],
)
def test_the_file_is_in_the_configuration_directory_or_where_the_environment_says(
    environ: dict[str, str], platform: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert user_keymap.location(environ, platform) == expected
