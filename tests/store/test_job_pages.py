"""Pages of the console's table: the right rows, without a scan of the others."""

from __future__ import annotations

import re

import pytest

from queuectl import bootstrap
from queuectl.domain.filter import Filter, parse_filter
from queuectl.domain.job import JobState
from queuectl.store.job_pages import Sort
from queuectl.store.queries import load
from tests.support import seed as seeds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from queuectl.store.job_pages import JobPages
    from queuectl.store.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    location = seeds.seeded(tmp_path)
    if request.param == "postgresql":
        # Imported here: only this needs it.
        from tests.support.copy_to_postgres import move

        url = request.getfixturevalue("database")
        move(location, url)
        location = url
    opened = bootstrap.open_store(location, actor="test@here")
    yield opened
    opened.close()


@pytest.fixture
def browse(store: Store) -> JobPages:
    return store.job_pages


@pytest.mark.parametrize("text", ["", "state:dead", "state:dead,failed", "queue:mail", "tag:vip", "id:build", "sync"])
@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.OLDEST])
def test_pages_put_together_are_the_whole_list(browse: JobPages, text: str, sort: Sort) -> None:
    chosen = parse_filter(text)
    newest = sort is Sort.NEWEST
    whole = browse.page(chosen, newest=newest, after=None, limit=1000)
    pieces, after = [], None
    while page := browse.page(chosen, newest=newest, after=after, limit=7):
        pieces += page
        after = page[-1].seq
    assert pieces == whole
    assert [row.seq for row in whole] == sorted((row.seq for row in whole), reverse=newest)
    assert len(whole) == browse.count(chosen, cap=1000)
    assert {row.id for row in whole} == set(browse.ids(chosen, limit=1000))


@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.OLDEST])
def test_a_window_reports_its_position(browse: JobPages, sort: Sort) -> None:
    whole = browse.page(Filter(), newest=sort is Sort.NEWEST, after=None, limit=1000)
    for place in range(0, len(whole), 5):
        window = browse.window(Filter(), sort, around=whole[place].seq, above=6, below=9, cap=1000)
        assert window.above is not None
        assert list(window.rows) == whole[window.above : window.above + len(window.rows)]
        assert whole[place] in window.rows
        assert window.at_top == (window.above == 0)
        assert window.at_end == (window.rows[-1] == whole[-1])


def test_the_end_holds_the_last_rows(browse: JobPages) -> None:
    window = browse.end(Filter(), Sort.NEWEST, limit=5)
    assert [row.seq for row in window.rows] == [5, 4, 3, 2, 1]
    assert window.at_end
    assert not window.at_top


def test_the_next_run_order_is_the_order_of_claims(browse: JobPages) -> None:
    found = browse.best(Filter(), Sort.NEXT_RUN)
    assert [row.id for row in found[:9]] == ["64", "65", "66", "67", "68", "59", "60", "61", "weekly"]
    assert [row.seq for row in found[9:]] == sorted((row.seq for row in found[9:]), reverse=True)
    waiting = browse.best(parse_filter("state:failed"), Sort.NEXT_RUN)
    assert {row.state for row in waiting} == {"failed"}


@pytest.mark.parametrize("sort", [each for each in Sort if not each.paged])
@pytest.mark.parametrize(
    "words", ["", *(f"state:{state}" for state in JobState), "state:dead state:pending", "queue:video", "ffmpeg"]
)
def test_every_order_contains_all_matches_of_the_filter(browse: JobPages, sort: Sort, words: str) -> None:
    chosen = parse_filter(words)
    covered = browse.page(chosen, newest=True, after=None, limit=1000)

    assert sorted(browse.best(chosen, sort)) == sorted(covered)


def test_a_rank_above_its_cap_is_none(browse: JobPages) -> None:
    assert browse.rank(Filter(), 60, newest=True, cap=100) == 8
    assert browse.rank(Filter(), 60, newest=True, cap=7) is None


def test_counts_agree_with_the_rows(browse: JobPages) -> None:
    for state in JobState:
        chosen = Filter(states=(state,))
        assert browse.count(chosen, cap=1) == len(browse.page(chosen, newest=True, after=None, limit=1000))


def test_a_long_read_can_be_stopped(browse: JobPages) -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        browse.page(parse_filter("nothing like it"), newest=True, after=None, limit=10, stop=stop)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", [name for name in load("sqlite") if name.startswith("browse_")])
def test_no_page_needs_a_sort_or_an_offset(store: Store, name: str) -> None:
    statement = re.sub(r":(ids|state|queues|not_queues|exits)\b", "'[1]'", load("sqlite")[name])
    statement = re.sub(r":[a-z_]+\b", "1", statement)
    assert "OFFSET" not in statement.upper()
    plan = " | ".join(str(row[3]) for row in store.database.query(f"EXPLAIN QUERY PLAN {statement}"))
    assert "TEMP B-TREE" not in plan
    assert "SCAN jobs" not in plan
