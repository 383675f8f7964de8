"""A job may print without end: the worker's memory, its ticks and the other stream are not affected."""

from __future__ import annotations

import pytest

from queuectl.domain.attempt import Outcome
from queuectl.runtime.output import HEAD, TAIL
from tests.support.waiting import PATIENCE, wait_until

MIB = 1 << 20
GIB = 1 << 30


def test_two_gigabytes_pass_in_bounded_memory(start):
    ended = start(f"head -c {2 * GIB} /dev/zero; printf the-end").ended(60)
    output = ended.result.stdout
    assert ended.result.outcome is Outcome.SUCCESS
    assert output.total == 2 * GIB + 7
    assert output.head == bytes(HEAD)
    assert output.tail == bytes(TAIL - 7) + b"the-end"
    assert ended.growth < 16 * MIB


def test_binary_without_a_newline_is_kept_as_it_is(start):
    every_byte = "".join(f"\\{byte:03o}" for byte in range(256))
    result = start(f"printf '{every_byte}'; printf '{every_byte}' >&2").result()
    assert result.stdout.head == result.stderr.head == bytes(range(256))


def test_two_floods_are_served_fairly(start):
    worker = start("cat /dev/zero & cat /dev/zero >&2 & sleep 1")
    result = worker.result()
    smaller, larger = sorted((result.stdout.total, result.stderr.total))
    assert smaller > 10 * MIB
    assert larger < 5 * smaller


def test_a_flood_on_one_stream_does_not_delay_the_other(start):
    worker = start("cat /dev/zero & echo word >&2; sleep 1000")
    wait_until(lambda: worker.printed("err") == b"word\n")
    worker.say("cancel 9")
    assert worker.result().stdout.total > 0


@pytest.mark.usefixtures("half")
def test_output_after_the_end_is_not_waited_for(start):
    worker = start("cat /dev/zero & exit 5")
    result = worker.result()
    assert (result.outcome, result.exit_code) == (Outcome.EXIT, 5)
    assert result.duration_ms < PATIENCE * 1000


@pytest.mark.parametrize("size", [HEAD + TAIL, HEAD + TAIL + 1])
def test_a_job_that_prints_just_so_much_is_kept_complete(start, size):
    output = start(f"head -c {size} /dev/urandom | tee /dev/stderr").result()
    assert output.stdout == output.stderr
    assert output.stdout.left_out == size - HEAD - TAIL
    assert output.stdout.total == size
