"""docs/cli.md says what the program does."""

from __future__ import annotations

from queuectl.cli import reference
from queuectl.cli.help import by_heading
from queuectl.cli.reference import KEYS
from queuectl.domain.job import NewJob
from queuectl.domain.spec import FIELDS
from queuectl.operations import WHERE
from tests.support.queue import ROOT


def test_the_page_is_up_to_date():
    page = (ROOT / "docs" / "cli.md").read_text()

    assert page == reference.reference(), "run: .venv/bin/python -m queuectl.cli.reference > docs/cli.md"


def test_the_page_has_every_command():
    page = reference.reference()

    headings = [line for line in page.partition("## Commands\n")[2].splitlines() if line.startswith("#")]
    assert headings == [
        line
        for heading, operations in by_heading(WHERE)
        for line in (f"### {heading.capitalize()}", *(f"#### {each.name}" for each in operations))
    ]


def test_the_page_has_every_key_of_a_job():
    assert list(KEYS) == list(FIELDS)
    fields = {field for field, _ in FIELDS.values()} | {"schedule", "scheduled_for"}  # which only a schedule sets
    assert fields == set(NewJob.__slots__)  # type: ignore[attr-defined]  # as `record` makes it
