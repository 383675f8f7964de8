"""The newest output of a running job is read without reading all of it."""

from __future__ import annotations

import pytest

from queuectl.runtime.live import newest, path_of
from queuectl.runtime.output import HEAD, TAIL
from tests.support.live_job import LiveJob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def numbered(size: int) -> bytes:
    return b"".join(b"%07d\n" % number for number in range(size // 8 + 1))[:size]


@pytest.mark.parametrize(
    "size", [1, 99, 100, 101, HEAD - 1, HEAD, HEAD + 1, HEAD + 50, HEAD + TAIL, HEAD + TAIL + 50, HEAD + 2 * TAIL + 30]
)
def test_the_last_bytes_are_read_from_head_and_ring(tmp_path: Path, size: int):
    job = LiveJob(tmp_path)
    job.begin()
    printed = numbered(size)
    job.print(printed)

    assert newest(path_of(job.context.run_dir.live, 1, 1, "out"), 100) == (size, printed[-100:])


def test_what_is_known_is_not_read_again(tmp_path: Path):
    job = LiveJob(tmp_path)
    job.begin()
    job.print(b"one")
    path = path_of(job.context.run_dir.live, 1, 1, "out")

    assert newest(path, 100, 3) == (3, b"")
    job.print(b"two")
    assert newest(path, 100, 3) == (6, b"onetwo")


def test_a_file_that_is_no_live_file_has_no_output(tmp_path: Path):
    (tmp_path / "other").write_bytes(b"\xff" * 5000)
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to("other")

    for name in ("missing", "other", "empty", "link"):
        assert newest(str(tmp_path / name), 100) == (0, b"")
