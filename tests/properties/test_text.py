"""Text shown to people never controls their terminal."""

from __future__ import annotations

from unicodedata import category

from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.attempt import Outcome, Output, Result
from queuectl.domain.signature import LONGEST, signature
from queuectl.domain.text import one_line, safe, safe_block
from queuectl.operations import find
from queuectl.operations.commandline.redact import recorded_line

letters = st.characters(exclude_categories=[]) | st.sampled_from(
    "\x1b\x9b\x00\x7f\r\n\t\u202e\u2066\u200f\ud800\udcff'"
)
hostile = st.text(letters, max_size=60)
_JOINER = "\u200d"


def is_harmless(text: str) -> bool:
    """Return whether `text` has no control, direction or format characters, except joiners, nor lone surrogates."""
    return not any(
        category(letter) in {"Cc", "Cs", "Zl", "Zp"} or (category(letter) == "Cf" and letter != _JOINER)
        for letter in text
    )


@given(hostile)
def test_safe_text_is_harmless_and_stays_as_it_is(text: str):
    made = safe(text)

    assert is_harmless(made)
    assert safe(made) == made
    made.encode()


@given(hostile)
def test_a_safe_block_keeps_lines_and_tabs_and_nothing_else(text: str):
    made = safe_block(text)

    assert is_harmless(made.replace("\n", "").replace("\t", ""))
    assert made.count("\n") == text.count("\n")
    assert safe_block(made) == made


@given(hostile, st.integers(1, 40))
def test_one_line_is_one_short_harmless_line(text: str, width: int):
    made = one_line(text, width)

    assert is_harmless(made)
    assert len(made) <= width


@given(st.sampled_from(["enqueue", "edit", "retry"]), st.lists(hostile, max_size=4), st.text("xyz", min_size=8))
def test_what_the_history_keeps_of_a_command_has_no_value_of_a_variable(name: str, words: list[str], secret: str):
    for line in (
        recorded_line(find("enqueue"), [*words, "--env", f"A={secret}"]),
        recorded_line(find("edit"), [*words, f"--env=A={secret}"]),
        recorded_line(find("enqueue"), [*words, f"-eA={secret}"]),
        recorded_line(find("enqueue"), [*words, f"-EeA={secret}"]),
        recorded_line(find("edit"), [*words, "-re", f"A={secret}"]),
        recorded_line(find("enqueue"), [*words, f'\ufeff{{"env": {{"A": "{secret}"}}}}']),
        recorded_line(find("enqueue"), [*words, f'{{"\\u0065nv": {{"A": "{secret}"}}}}']),
    ):
        assert secret not in line or any(secret in word for word in words)
    assert len(recorded_line(find(name), words)) <= 2001


@given(st.text("xyz", min_size=8))
def test_what_the_history_keeps_of_a_command_has_no_password_of_a_server(secret: str):
    url = f"postgresql://ann:{secret}@host/db?password={secret}"
    for words in (["--to", url], [f"--to={url}"], [url]):
        assert secret not in recorded_line(find("migrate"), words)


@given(st.binary(max_size=200), st.sampled_from([Outcome.EXIT, Outcome.TIMEOUT, Outcome.SPAWN_ERROR]), hostile)
def test_every_error_signature_is_short_and_harmless(last_words: bytes, outcome: Outcome, error: str):
    output = Output(head=last_words, tail=b"", total=len(last_words))
    for result in (
        Result(outcome=outcome, duration_ms=1, exit_code=1, stderr=output),
        Result(outcome=outcome, duration_ms=1, exit_code=1, error=error),
    ):
        found = signature(result)

        assert found is not None
        assert is_harmless(found.text)
        assert len(found.text) <= LONGEST + 40
        assert len(found.id) == 8
