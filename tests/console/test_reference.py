"""The page of the console's keys is generated from the keymap."""

from __future__ import annotations

from queuectl_tui.reference import page
from tests.support.queue import ROOT


def test_the_page_is_up_to_date():
    assert (ROOT / "docs" / "console.md").read_text() == page()
