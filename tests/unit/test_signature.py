"""Error signatures: equal for the same problem, without the parts that vary."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.attempt import FAILURES, Outcome, Output, Result
from queuectl.domain.signature import BLANK, LONGEST, blanked, last_line, signature, signed


def ended(outcome: Outcome = Outcome.EXIT, *, err: bytes = b"", out: bytes = b"", error: str | None = None) -> Result:
    return Result(
        outcome=outcome,
        duration_ms=1,
        exit_code=1 if outcome is Outcome.EXIT else None,
        signal=9 if outcome is Outcome.SIGNAL else None,
        error=error,
        stdout=Output(head=out, tail=b"", total=len(out)),
        stderr=Output(head=err, tail=b"", total=len(err)),
    )


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("KeyError: 'id' in sync.py", "KeyError: … in sync.py"),
        (
            "curl: (28) Operation timed out after 30001 milliseconds",
            "curl: (…) Operation timed out after … milliseconds",
        ),
        ("cannot open /var/lib/app/a.db: No such file", "cannot open …: No such file"),
        ("GET https://api.example/v1/jobs/17 gave 503", "GET https:… gave …"),
        ("job 6f1c0e3a-5a1b-4c1d-9e0f-0123456789ab failed", "job … failed"),
        ("segfault at 0x7ffdeadbeef in 9f86d081884c", "segfault at … in …"),
        ("2026-11-24 04:51:13.229 ERROR \x1b[31mdisk full\x1b[0m", "… … ERROR disk full"),
        ("bad\x07bell \u202e", "bad\\x07bell \\u202e"),
        ("deadbeef is no word of ours, decade is", "deadbeef is no word of ours, decade is"),
        ("", ""),
    ],
)
def test_what_differs_each_time_is_blanked(line: str, text: str):
    assert blanked(line) == text


@given(
    st.lists(st.integers(0, 10**12), min_size=2, max_size=2), st.sampled_from(["{}", "row {} of t", "x={},", "[{}]"])
)
def test_numbers_make_no_difference(numbers: list[int], frame: str):
    first, second = (signed("exit 1", frame.format(number)) for number in numbers)

    assert first == second


@given(st.uuids(), st.uuids())
def test_uuids_make_no_difference(first: object, second: object):
    assert blanked(f"job {first} is gone") == blanked(f"job {second} is gone") == "job … is gone"


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="'\n", exclude_categories=("Cs", "Cc", "Cf"))))
def test_what_is_quoted_makes_no_difference(before: str, quoted: str):
    before = re.sub(r"['\"`/\x1b]", "", before)

    assert blanked(f"{before} no such key: '{quoted}'") == blanked(f"{before} no such key: ''")


@given(st.text(max_size=5000))
def test_the_text_is_one_short_printable_line_and_stays_as_it_is(line: str):
    text = blanked(line)

    assert len(text) <= LONGEST
    assert "\n" not in text
    assert text == text.strip()
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e]", text)


@given(st.binary(max_size=3000), st.binary(max_size=3000))
def test_any_output_has_a_signature(out: bytes, err: bytes):
    found = signature(ended(out=out, err=err))

    assert found is not None
    assert re.fullmatch(r"[0-9a-f]{8}", found.id)
    assert found.text.startswith("exit 1")
    assert found.id == signed("exit 1", last_line(ended(err=err).stderr) or last_line(ended(out=out).stdout)).id


@pytest.mark.parametrize("outcome", Outcome)
def test_only_what_failed_has_a_signature(outcome: Outcome):
    assert (signature(ended(outcome)) is not None) == (outcome in FAILURES)


def test_the_line_is_the_last_of_stderr_else_of_stdout_else_what_we_say_ourselves():
    texts = [
        ended(err=b"first\nlast one\n\n  \n", out=b"out"),
        ended(out=b"only out\n"),
        ended(Outcome.SPAWN_ERROR, error="no such directory: /gone"),
        ended(Outcome.TIMEOUT),
        ended(Outcome.SIGNAL),
    ]

    assert [found.text for found in map(signature, texts) if found] == [
        "exit 1 · last one",
        "exit 1 · only out",
        f"spawn error · no such directory: {BLANK}",
        "timeout",
        "signal 9",
    ]


def test_the_end_of_long_output_is_what_counts():
    result = ended(err=b"x")
    long = Output(head=b"beginning\n", tail=b"y" * 5000 + b"\nthe end\n", total=10**9)

    assert last_line(long) == "the end"
    assert last_line(result.stderr) == "x"
