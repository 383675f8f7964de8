"""The dialogs as a user drives them: what they ask, refuse and return."""

from __future__ import annotations

import re
from typing import Any

import pytest
from textual.screen import Screen
from textual.widgets import Button, Input, TextArea

from queuectl.domain.errors import Refused, UsageError
from queuectl.domain.units import parse_time
from queuectl.operations.commandline.complete import Choice
from queuectl.operations.commandline.render import command_line
from queuectl.operations.config import Set, Unset
from queuectl.operations.edit import EDIT
from queuectl.operations.operation import Danger
from queuectl_tui.screens.command_line import CommandLine, Jump, Run, read_line
from queuectl_tui.screens.completion import complete
from queuectl_tui.screens.config_editor import ConfigEditor
from queuectl_tui.screens.confirm import Answer, Confirm
from queuectl_tui.screens.form import JobForm
from queuectl_tui.screens.help import Help
from queuectl_tui.screens.job_fields import edit_params
from queuectl_tui.screens.number import NumberPrompt
from queuectl_tui.screens.result import ResultPanel
from queuectl_tui.screens.signals import SignalPicker
from queuectl_tui.widgets.echo_line import EchoLine, toast
from tests.support.dialogs import Stage, delete_many, names, read_names, settings_now, shown

pytestmark = pytest.mark.asyncio

HOSTILE = [
    "[/", "[/b]", "[b]x", "[@click=app.quit]x[/]", "\x1b[31mred\x1b]0;t\x07", "\x9b2J", "a\nb", "\u202egnp.exe",
    "\x00", "\ud800", "é" * 300, "", "👩‍👩‍👧", "\\", "[link=x]", "$error", "{}", "'\"`$(x)",
]  # fmt: skip


# Confirm ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["enter"], Answer.NO),
        (["escape"], Answer.NO),
        (["n"], Answer.NO),
        (["y"], Answer.ALL),
        (["right", "enter"], Answer.FEW),
        (["tab", "tab", "enter"], Answer.ALL),
    ],
)
async def test_cancel_has_the_focus_and_each_key_gives_its_answer(keys: list[str], answer: Answer):
    app = Stage(delete_many())
    async with app.run_test() as pilot:
        assert app.focused is app.screen.query_one("#no")
        text = shown(app)
        await pilot.press(*keys)

    assert app.answers == [answer]
    assert bool(app.answers[0]) is (answer is not Answer.NO)
    assert "and 41 more" in text
    assert "12481  send --to list-[b]a[/b]" in text
    assert "$ queuectl delete 12481" in text
    assert "cannot be undone" in text


async def test_the_number_must_be_typed_before_confirming():
    app = Stage(delete_many(typed=46))
    async with app.run_test() as pilot:
        await pilot.press("y")
        assert app.answers == []
        assert app.screen.query_one("#all", Button).disabled
        await pilot.press("4", "7", "enter", "y")
        assert app.answers == []
        await pilot.press("backspace", "6")
        assert not app.screen.query_one("#all", Button).disabled
        await pilot.press("enter", "enter")

    assert app.answers == [Answer.ALL]


async def test_digits_go_to_the_number_wherever_the_focus_is():
    app = Stage(delete_many(typed=46))
    async with app.run_test() as pilot:
        await pilot.press("4", "6")
        assert app.screen.query_one("#number", Input).value == "46"


async def test_the_first_few_are_offered_only_if_there_are_more():
    app = Stage(Confirm("Cancel 1", ["It runs."], "queuectl cancel 1", Danger.STOPS, names=["1"], few=5))
    async with app.run_test():
        assert not app.screen.query("#few")


# Signals and numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "number"),
    [(["enter"], 15), (["down", "enter"], 2), (["9", "enter"], 9), (["1", "2", "enter"], 12), (["escape"], None)],
)
async def test_a_signal_is_chosen_by_arrows_or_by_its_number(keys: list[str], number: int | None):
    app = Stage(SignalPicker("12480 sleep 5"))
    async with app.run_test() as pilot:
        await pilot.press(*keys)

    assert app.answers == [number]


async def test_a_number_out_of_bounds_is_refused():
    app = Stage(
        NumberPrompt("Priority", "higher first", value=5, low=-10, high=10, line=lambda n: f"queuectl priority {n} x")
    )
    async with app.run_test() as pilot:
        await pilot.press("9", "9", "enter")
        assert app.answers == []
        assert "from -10 to 10" in shown(app)
        await pilot.press("backspace", "up", "enter")

    assert app.answers == [10]


async def test_an_empty_number_is_refused_unless_it_stands_for_one():
    for empty, answers in ((None, []), (0, [0])):
        app = Stage(NumberPrompt("Limit", "jobs", value=5, low=0, high=9, line=lambda n: f"set {n}", empty=empty))
        async with app.run_test() as pilot:
            await pilot.press("backspace", "enter")
        assert app.answers == answers


# The form -----------------------------------------------------------------------------------------------------------


async def test_the_form_returns_the_typed_job():
    app = Stage(JobForm())
    async with app.run_test() as pilot:
        assert app.screen.query_one("#submit", Button).disabled
        await pilot.press(*"echo hi")
        for name, text in {
            "queue": "mail",
            "priority": "-5",
            "timeout": "90s",
            "tags": "a b",
            "needs": "gpu big",
            "env": "A=1 B='x y'",
        }.items():
            app.screen.query_one(f"#{name}", Input).value = text
        await pilot.pause()
        text = shown(app)
        await pilot.press("ctrl+s")

    assert app.answers == [
        {
            "command": "echo hi",
            "queue": "mail",
            "priority": -5,
            "timeout": "90s",
            "tags": ["a", "b"],
            "needs": ["gpu", "big"],
            "env": {"A": "1", "B": "x y"},
        }
    ]
    assert "$ queuectl enqueue --queue mail --priority=-5 --timeout 90s" in text


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("priority", "x", "priority must be a whole number"),
        ("priority", "1001", "priority must be from -1000 to 1000"),
        ("max_retries", "-1", "max_retries must be from"),
        ("timeout", "soon", "'soon' is not a duration"),
        ("when", "2026-01-01", "has no time of day"),
        ("cwd", "rel", "cwd must be an absolute path"),
        ("env", "A", "'A' is not NAME=VALUE"),
        ("env", "QUEUECTL_X=1", "set by queuectl itself"),
        ("env", "A='1", "a quote is not closed"),
    ],
)
async def test_an_error_is_shown_under_its_field_and_disables_the_button(field: str, text: str, message: str):
    app = Stage(JobForm({"command": "x"}))
    async with app.run_test(size=(120, 40)) as pilot:
        app.screen.query_one(f"#{field}", Input).value = text
        await pilot.pause()
        assert message in shown(app)
        assert app.screen.query_one("#submit", Button).disabled
        await pilot.press("ctrl+s")
        assert app.answers == []
        app.screen.query_one(f"#{field}", Input).value = ""
        await pilot.pause()
        assert not app.screen.query_one("#submit", Button).disabled


async def test_editing_shows_the_changes_and_keeps_untouched_fields():
    before = {"command": "printf '\x1b[1m'\n", "id": "7", "priority": 5, "env": {"A": "x\x1b"}}
    app = Stage(JobForm(before, editing="7"))
    async with app.run_test() as pilot:
        assert "nothing changes" in shown(app)
        assert "\x1b" not in shown(app)
        app.screen.query_one("#priority", Input).value = "6"
        await pilot.pause()
        assert "- 5  + 6" in shown(app)
        await pilot.press("ctrl+s")

    assert app.answers == [before | {"priority": 6}]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("gpu", "queuectl edit --retry 7"),
        ("gpu  big", "queuectl edit --needs gpu --needs big --retry 7"),
        ("", "queuectl edit --retry 7 '{\"needs\": null}'"),
    ],
)
async def test_the_needs_of_a_job_can_be_edited_in_the_form(typed: str, line: str):
    before = {"command": "true", "id": "7", "needs": ["gpu"]}
    app = Stage(JobForm(before, editing="7"))
    async with app.run_test() as pilot:
        assert app.screen.query_one("#needs", Input).value == "gpu"
        app.screen.query_one("#needs", Input).value = typed
        await pilot.pause()
        await pilot.press("ctrl+s")

    (after,) = app.answers
    assert after == ({"command": "true", "id": "7"} | ({"needs": typed.split()} if typed else {}))
    assert command_line(EDIT, edit_params("7", before, after)) == line


@pytest.mark.parametrize("command", ["{ echo; }", "-x", "[1]", "12", "true", "null", "a\nb"])
async def test_a_command_that_looks_like_json_or_an_option_is_kept(command: str):
    from queuectl.operations.enqueue import _one, options_of
    from queuectl_tui.screens.job_fields import enqueue_params

    params = enqueue_params({"command": command, "queue": "q"})

    assert _one(params, options_of(params)).command == command


@pytest.mark.parametrize("typed", ["tomorrow 09:00", "in 3h", "2050-12-01 09:00", "2050-12-01T09:00:00Z"])
async def test_the_form_takes_due_times_as_the_command_line_does_and_shows_what_they_became(typed: str):
    app = Stage(JobForm({"command": "true"}))
    async with app.run_test() as pilot:
        app.screen.query_one("#when", Input).value = typed
        await pilot.pause()
        assert re.search(r"due 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \S+, in ", shown(app))
        await pilot.press("ctrl+s")

    (job,) = app.answers
    assert parse_time(job["run_at"]) > 0, "it is RFC 3339"


@pytest.mark.parametrize("typed", ["90s", "500ms", "1h30m", "90"])
async def test_a_delay_in_the_form_is_no_due_time(typed: str):
    app = Stage(JobForm({"command": "true"}))
    async with app.run_test() as pilot:
        app.screen.query_one("#when", Input).value = typed
        await pilot.pause()
        await pilot.press("ctrl+s")

    assert app.answers == [{"command": "true", "delay": typed}]


async def test_a_due_time_that_can_mean_two_is_refused_in_the_form():
    app = Stage(JobForm({"command": "true"}))
    async with app.run_test() as pilot:
        app.screen.query_one("#when", Input).value = "01/02/2026"
        await pilot.pause()
        assert "can mean several" in shown(app)


async def test_the_form_of_an_edit_shows_the_shell_and_the_captured_variables_without_their_values():
    app = Stage(JobForm({"command": "true"}, editing="7", kept="shell /bin/bash, captured LANG=*** PATH=***"))
    async with app.run_test():
        assert "shell /bin/bash, captured LANG=*** PATH=***" in shown(app)


# Help ---------------------------------------------------------------------------------------------------------------


async def test_help_lists_the_focused_scope_first_and_search_finds_the_others():
    app = Stage(Help("log"))
    async with app.run_test(size=(120, 40)) as pilot:
        text = shown(app)
        assert text.index("A job's output") < text.index("Everywhere")
        assert "Dead letters" not in text.replace("Dead letters\n", "", 0).split("Everywhere")[0]
        await pilot.press(*"whole")
        assert "Delete the job or the whole group" in shown(app)
        await pilot.press("escape")

    assert app.answers == [None]


# The command line ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("dlq r", ["retry"]),
        ("ret", ["retry"]),
        ("retry ", ["12481", "12480", "'a b'", "'[/x]'"]),
        ("retry 12481 1", ["12480"]),
        ("retry a", ["'a b'"]),
        ("list --state de", ["dead"]),
        ("list --state=de", ["--state=dead"]),
        ("list --queue m", ["'ma il'", "mail"]),
        ("config set job", ["job_timeout"]),
        ("cancel --signal KI", ["KILL"]),
        ("jobs state:d", ["state:dead"]),
        ("jobs queue:m", ["'queue:ma il'", "queue:mail"]),
        ("queuectl dlq pu", ["purge"]),
        ("dlq show ", ["12440"]),
        ("dlq retry --error ", ["3f2a"]),
        ("list --tag n", ["nightly", "'new tag'"]),
        ("list --tag=ne", ["--tag='new tag'"]),
        ("list --view ", ["'night shift'"]),
        ("view delete nig", ["'night shift'"]),
        ("view save x queue:ma", ["'queue:ma il'", "queue:mail"]),
        ("enqueue --needs ", ["gpu"]),
        ("worker start --label g", ["gpu"]),
        ("worker stop --host ", ["alpha.example"]),
        ("worker scale 2 --pool ", ["p1"]),
        ("retry 'a b' a", []),
        ("list --queue m -", ["--limit", "--ids", "--sort"]),
        ("enqueue --file ", []),
        ("enqueue -- ", []),
        ("nonsense x", []),
    ],
)
async def test_words_are_completed(line: str, wanted: list[str]):
    texts = [choice.text for choice in complete(line, names).choices]

    assert texts[: len(wanted)] == wanted
    assert wanted or not texts


async def test_tab_cycles_through_completions_and_enter_runs():
    app = Stage(CommandLine(read_names=read_names))
    async with app.run_test() as pilot:
        await pilot.press(*"retr", "tab", "tab", "tab", "tab")
        assert app.screen.query_one(Input).value == "retry 12480 "
        await pilot.press("enter")

    (answer,) = app.answers
    assert isinstance(answer, Run)
    assert (answer.operation.name, answer.params.ids) == ("retry", ("12480",))


async def test_names_are_read_once_when_a_line_needs_them_and_complete_it_when_they_arrive():
    asked: list[Any] = []
    app = Stage(CommandLine(read_names=lambda kind, take: asked.append((kind, take))))
    async with app.run_test() as pilot:
        await pilot.press(*"list --tag ")
        assert [kind for kind, _ in asked] == ["tags"]
        assert "nightly" not in shown(app)

        asked[0][1](names("tags"))
        await pilot.pause()
        assert "nightly" in shown(app)
        await pilot.press("n", "tab")
        assert app.screen.query_one(Input).value == "list --tag nightly "
    assert len(asked) == 1


async def test_names_that_arrive_late_do_not_change_the_choice():
    asked: list[Any] = []
    app = Stage(CommandLine("cancel ", read_names=lambda _, take: asked.append(take)))
    async with app.run_test() as pilot:
        await pilot.press("tab")
        assert app.screen.query_one(Input).value == "cancel --signal "
        asked[0](names("jobs"))
        await pilot.press("tab", "tab")
        assert app.screen.query_one(Input).value == "cancel --queue "

    asked[0](names("jobs"))  # the dialog is closed: nothing happens


async def test_an_error_is_shown_with_its_hint_and_the_line_stays():
    app = Stage(CommandLine("retyr 1"))
    async with app.run_test() as pilot:
        await pilot.press("enter")
        text = shown(app)

    assert app.answers == []
    assert "unknown command 'retyr'" in text
    assert "did you mean retry?" in text


async def test_arrows_recall_earlier_lines():
    history = ["retry 1", "status"]
    app = Stage(CommandLine(history=history))
    async with app.run_test() as pilot:
        await pilot.press("up", "up")
        assert app.screen.query_one(Input).value == "retry 1"
        await pilot.press("down")
        assert app.screen.query_one(Input).value == "status"
        await pilot.press("enter")

    assert history == ["retry 1", "status"]


async def test_the_name_of_a_view_opens_it():
    assert read_line("jobs state:dead mail") == Jump(view="jobs", filter="state:dead mail")
    assert read_line("dead") == Jump(view="dead", filter="")


@pytest.mark.parametrize(
    "line", ["wait 1", "demo", "tui", "enqueue --file -", "logs 1 --follow", "retry 'a", "x", "worker"]
)
async def test_commands_that_would_block_the_console_are_refused(line: str):
    with pytest.raises(UsageError) as error:
        read_line(line)

    assert error.value.hint is not None or "quote" in error.value.message


async def test_a_watch_of_the_status_is_not_for_the_console():
    with pytest.raises(UsageError, match="the console's overview is such a watch"):
        read_line("status --watch")


async def test_workers_are_always_started_detached():
    answer = read_line("worker start --count 3")

    assert isinstance(answer, Run)
    assert answer.params.detach


# Settings -----------------------------------------------------------------------------------------------------------


async def test_a_setting_is_validated_while_typed_and_written_by_enter():
    written: list[Any] = []
    app = Stage(ConfigEditor(settings_now(lease=60), lambda change, about, _: written.append((change, about))))
    async with app.run_test() as pilot:
        await pilot.press("x")
        assert "max_retries cannot be 'x'" in shown(app)
        await pilot.press("enter")
        assert written == []
        await pilot.press("backspace", "7")
        assert "$ queuectl config set max_retries 7" in shown(app)
        await pilot.press("enter")
        assert written == [(Set(key="max_retries", value="7"), "set max_retries to 7")]
        app.screen.query_one("#value-lease").focus()
        await pilot.press("ctrl+d")
        assert written[-1] == (Unset(key="lease"), "reset lease to its default")


async def test_escape_first_restores_the_value():
    app = Stage(ConfigEditor(settings_now(), lambda *_: None))
    async with app.run_test() as pilot:
        await pilot.press("9", "escape")
        assert app.answers == []
        assert app.screen.query_one("#value-max_retries", Input).value == "3"
        await pilot.press("escape")

    assert app.answers == [None]


# Palette, echo, toasts ----------------------------------------------------------------------------------------------


async def test_the_palette_finds_keys_and_commands():
    app = Stage()
    async with app.run_test() as pilot:
        app.action_command_palette()
        await pilot.pause()
        await pilot.press(*"dlq retry")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause(0.3)
        await pilot.press("down", "enter")
        await pilot.pause(0.1)

    assert app.opened == ["dlq retry "]


async def test_the_echo_line_reports_the_action_and_offers_undo():
    app = Stage()
    async with app.run_test() as pilot:
        line = app.query_one(EchoLine)
        line.done(51_805_000, "retried 12476", "queuectl retry 12476", undo=True)
        await pilot.pause()
        first = " ".join(shown(app).splitlines()[0].split())
        assert first == "✓ 14:23:25 retried 12476 $ queuectl retry 12476 u undo"
        line.failed(51_805_000, "cancel 1", Refused("job 1 is dead [/]", hint="queuectl show 1"))
        await pilot.pause()
        assert "job 1 is dead [/]   queuectl show 1" in shown(app)
        assert "undo" not in shown(app)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_shown_without_control_sequences(text: str):
    dialogs: list[Screen[Any]] = [
        Confirm(text, [text, text], text, Danger.DESTROYS, 3, do=text, names=[text] * 3, few=1),
        SignalPicker(text),
        JobForm({"command": text, "id": text, "cwd": text, "tags": [text], "env": {text: text}}, {"id": text}),
        JobForm({"command": text, "queue": text}, editing=text),
        CommandLine(text, read_names=lambda _, take: take([Choice(text=text, about=text)] * 3), history=[text]),
        CommandLine("retry ", read_names=lambda _, take: take([Choice(text=text, about=text)] * 3)),
        ResultPanel(text, [{"id": text, "command": text}]),
        ResultPanel(text, {text: text, "list": [text], "stdout": text + "\n" + text, "in": {text: [{text: text}]}}),
        NumberPrompt(text, text, value=1, low=0, high=2, line=lambda _: text, do=text),
    ]
    app = Stage()
    async with app.run_test() as pilot:
        app.query_one(EchoLine).done(1, text, text, undo=True)
        toast(app, text, title=text)
        for dialog in dialogs:
            app.push_screen(dialog)
            await pilot.pause()
            for field in app.screen.query(Input):
                field.value = text
            for area in app.screen.query(TextArea):
                area.insert(text)
            await pilot.pause()
            on_screen = shown(app)
            assert all(letter.isprintable() or letter in "\n\u200d\u00a0\u3000" for letter in on_screen)
            app.pop_screen()
        app.query_one(EchoLine).failed(1, text, Refused(text or "x", hint=text), text)
        await pilot.pause()
        assert all(letter.isprintable() or letter in "\n\u200d" for letter in shown(app))
