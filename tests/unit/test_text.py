"""Widths of text in a terminal, and text that is cut off to fit."""

import pytest

from queuectl.domain.text import cut, width_of

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("plain", 5),
        ("日本", 4),
        ("e\u0301", 1),
        (FAMILY, 2),
        ("\u2764\ufe0f", 2),
        ("\U0001f1e9\U0001f1ea", 2),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", 7),
        ("a\u00a0b", 3),
    ],
    ids=[
        "ascii",
        "wide",
        "combining accent",
        "family emoji",
        "emoji by selector",
        "flag",
        "non-joiner",
        "no-break space",
    ],
)
def test_width_counts_columns_and_not_code_points(text: str, columns: int):
    assert width_of(text) == columns


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("plain", 5, "plain"),
        ("plain text", 6, "plain…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日 …"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        (f"a{FAMILY}b", 3, "a …"),
        (f"a{FAMILY}b", 4, f"a{FAMILY}b"),
        ("日本", 1, "…"),
    ],
)
def test_cut_text_fits_and_splits_no_letter(text: str, width: int, shown: str):
    assert cut(text, width) == shown
    assert width_of(shown) <= width
