"""Translation of the shared statements to PostgreSQL."""

from __future__ import annotations

import pytest

from queuectl.store.postgres.dialect import statements, translated
from queuectl.store.queries import load


@pytest.mark.parametrize(
    ("shared", "text", "parameters"),
    [
        ("SELECT :b, :a, :b", "SELECT %(b)s, %(a)s, %(b)s", ("b", "a")),
        (
            "SELECT 'a:b 100%', '''', n::text WHERE n % 2 = :n",
            "SELECT 'a:b 100%%', '''', n::text WHERE n %% 2 = %(n)s",
            ("n",),
        ),
        ("SELECT 1 FROM jobs INDEXED BY jobs_dead", "SELECT 1 FROM jobs", ()),
        (r"x LIKE :x ESCAPE '\' OR :y", r"x ILIKE %(x)s ESCAPE '\' OR %(y)s", ("x", "y")),
        ("-- why: it :says\nSELECT 1 /*pg FOR UPDATE */", "SELECT 1 FOR UPDATE", ()),
        (
            "id IN (SELECT value FROM json_each(:ids))",
            "id = ANY (ARRAY(SELECT json_array_elements_text(CAST(%(ids)s AS JSON))))",
            ("ids",),
        ),
    ],
)
def test_a_shared_statement_is_translated(shared: str, text: str, parameters: tuple[str, ...]):
    found = translated(shared)

    assert (found.text, found.parameters) == (text, parameters)


def test_a_translation_contains_no_sqlite_syntax():
    for name, statement in statements().items():
        for word in ("INDEXED", "json_each(", "json_group_array", "sqlite", "/*", "--"):
            assert word not in statement.text, name


def test_every_statement_for_sqlite_has_a_postgresql_counterpart():
    only_sqlite = set(load("sqlite")) - set(load("postgresql"))

    # On PostgreSQL one statement covers several of these.
    assert only_sqlite - set(statements()) == {
        *("insert_run", "insert_runs", "count_attempts", "claim_several_due", "succeed_runs", "succeed_jobs")
    }
