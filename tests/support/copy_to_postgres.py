"""Copy of the rows of an SQLite store into PostgreSQL, so that a test has the same jobs in both."""

from __future__ import annotations

import apsw
import psycopg
from psycopg import sql

TABLES = ("pools", "workers", "jobs", "runs", "outputs", "config", "stats", "events", "signatures", "views", "undos")


def move(path: str, url: str) -> None:
    """Copy every row, without NUL in texts, which PostgreSQL cannot store."""
    source = apsw.Connection(path)
    with psycopg.connect(url) as target:
        target.execute("SET search_path = queuectl; SET session_replication_role = replica")
        for table in TABLES:
            columns = [str(row[1]) for row in source.execute(f"PRAGMA table_info({table})").fetchall()]
            stream = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with target.cursor().copy(stream) as copy:
                for row in source.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall():
                    copy.write_row([each.replace("\0", "") if isinstance(each, str) else each for each in row])
        target.execute(
            "INSERT INTO counted SELECT queue, state, count(*) FROM jobs WHERE state <> 'processing' GROUP BY 1, 2"
        )
        target.execute("SELECT setval('numbers', max(seq)) FROM jobs")
    source.close()
