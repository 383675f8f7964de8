"""The dialogs in the console itself: from the key to the store."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input, TextArea

from queuectl.config import SETTINGS
from queuectl.domain.job import JobState
from queuectl_tui.screens.command_line import CommandLine
from queuectl_tui.screens.config_editor import ConfigEditor
from queuectl_tui.screens.confirm import Confirm
from queuectl_tui.screens.form import JobForm
from queuectl_tui.screens.help import Help
from queuectl_tui.screens.result import ResultPanel
from queuectl_tui.widgets.echo_line import EchoLine
from tests.support.dialogs import shown

pytestmark = pytest.mark.asyncio


async def test_a_new_job_is_enqueued_from_the_form(make_app: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("n")
        await pilot.pause()
        assert isinstance(app.screen, JobForm)
        app.screen.query_one(TextArea).text = "echo [/b] new"
        app.screen.query_one("#id", Input).value = "brand-new"
        await pilot.press("ctrl+s")
        await pilot.pause()
        job = await app.fetch(lambda context: context.store.jobs.get("brand-new").job, "t")
        assert job.command == "echo [/b] new"
        assert "$ queuectl enqueue --id brand-new" in shown(app)


async def test_a_refused_job_returns_to_the_form(make_app: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        taken = await app.fetch(lambda context: next(iter(context.store.jobs.listing(limit=1))).job.id, "t")
        await pilot.press("n")
        await pilot.pause()
        app.screen.query_one(TextArea).text = "echo again"
        app.screen.query_one("#id", Input).value = taken
        await pilot.press("ctrl+s")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, JobForm)
        assert f"↑ job {taken} already exists" in shown(app)
        assert app.screen.query_one(TextArea).text == "echo again"


async def test_editing_a_job_changes_and_retries_it(make_app: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        dead = await app.fetch(
            lambda context: next(iter(context.store.jobs.listing(limit=1, states=[JobState.DEAD]))).job.id, "t"
        )
        app.pages.edit_job(dead)
        await pilot.pause()
        await pilot.pause()
        app.screen.query_one("#priority", Input).value = "77"
        await pilot.pause()
        assert f"$ queuectl edit --priority 77 --retry {dead}" in shown(app)
        await pilot.press("ctrl+s")
        await pilot.pause()
        job = await app.fetch(lambda context: context.store.jobs.get(dead).job, "t")
        assert (job.priority, job.state) == (77, JobState.PENDING)


async def test_the_command_line_runs_what_was_typed(make_app: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon")
        await pilot.pause()
        assert isinstance(app.screen, CommandLine)
        await pilot.press(*"config set max_retries 7", "enter")
        await pilot.pause()
        assert "$ queuectl config set max_retries 7" in shown(app)
        assert (await app.fetch(lambda context: context.settings.max_retries, "t")) == 7


async def test_the_command_line_completes_names_of_the_store(make_app: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon")
        await pilot.pause()
        await pilot.press(*"view save night state:dead", "enter")
        await pilot.pause()
        app.pages.command_line()
        await pilot.pause()
        for line, choice in {
            "show build": "build-1",
            "list --tag ho": "hostile",
            "list --queue=vi": "--queue=video",
            "list --view ": "night",
            "dlq list --error ": "4 dead: exit 28",
            "jobs queue:vi": "queue:video",
        }.items():
            app.screen.query_one(Input).value = line
            await pilot.pause()
            assert choice in shown(app), line


@pytest.mark.parametrize(
    "line", ["list --limit 3", "config list", "config get lease", "status", "dlq list", "worker list", "doctor"]
)
async def test_reading_commands_show_their_result(line: str, make_app: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon")
        await pilot.pause()
        app.screen.query_one(Input).value = line
        await pilot.press("enter")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, ResultPanel)
        await pilot.press("escape")
        assert len(app.screen_stack) == 1


async def test_an_error_of_the_command_is_in_the_echo_line(make_app: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon")
        await pilot.pause()
        await pilot.press(*"retry missing", "enter")
        await pilot.pause()
        assert "no job missing" in shown(app)


async def test_the_command_line_opens_a_view(make_app: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon")
        await pilot.pause()
        await pilot.press(*"dead", "enter")
        await pilot.pause()
        assert app.view.view_name == "dead"


async def test_settings_are_changed_and_reset(make_app: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("C")
        await pilot.pause()
        assert isinstance(app.screen, ConfigEditor)
        await pilot.press("7", "enter")
        await pilot.pause()
        assert app.screen.query_one("#value-max_retries", Input).value == "7"
        assert "store  (default 3)" in shown(app)
        await pilot.press("ctrl+d")
        await pilot.pause()
        assert app.screen.query_one("#value-max_retries", Input).value == "3"


async def test_help_and_the_palette_open_and_leave(make_app: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, Help)
        await pilot.press("escape")
        await pilot.press("ctrl+p")
        await pilot.pause(0.3)
        assert "queuectl" not in type(app.screen).__module__
        await pilot.press("escape")
        await pilot.pause()
        assert app.query_one(EchoLine)


async def test_delete_asks_for_confirmation(make_app: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon")
        await pilot.pause()
        await pilot.press(*"jobs state:dead", "enter")
        await pilot.pause()
        await pilot.pause()
        await pilot.press("D")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        await pilot.press("enter")
        await pilot.pause()
        assert len(app.screen_stack) == 1


@pytest.mark.parametrize("key", ["K", "c", "C", "S", "X", "V", "question_mark", "n", "e", "P", "colon"])
async def test_a_dialog_takes_keys_at_once(make_app: Any, key: str):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.fetch(lambda context: context.store.views.save("seen", "state:dead", now=0), "t")
        app.view.set_filter("state:processing" if key == "K" else "state:failed")
        await pilot.pause()
        await pilot.press(key)

        assert len(app.screen_stack) == 2
        assert app.screen.focused is not None


async def test_a_setting_is_picked_with_enter_typed_and_written_with_enter_and_no_other_is_changed(make_app: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        place = list(SETTINGS).index("job_timeout")

        await pilot.press("C", *["down"] * place, "enter", *"5m", "enter", "enter", "enter")

        stored = await app.fetch(lambda context: context.store.config(), "t")
        assert stored == {"job_timeout": "300"}
        assert app.focused.id == "value-job_timeout"
