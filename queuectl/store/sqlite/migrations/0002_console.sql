-- Actions of operators beside running jobs: hold, errors of dead jobs, undo.

-- Adds the state `held`. The CHECK is edited in place, as SQLite's documentation of ALTER TABLE allows for a change that
-- needs no change of rows on disk: the new one allows all that the old one did. Rebuilding the table would copy ten
-- million jobs under the write lock. Later statements raise the schema's number, so that every connection reloads it.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''dead'', ''cancelled'')),', '''dead'', ''cancelled'', ''held'')),')
WHERE type = 'table' AND name = 'jobs';
PRAGMA writable_schema = RESET;

DROP TRIGGER jobs_transition;

CREATE TRIGGER jobs_transition BEFORE UPDATE OF state ON jobs
WHEN NEW.state <> OLD.state AND OLD.state || '>' || NEW.state NOT IN (
    'pending>processing', 'pending>cancelled', 'pending>held',
    'processing>completed', 'processing>failed', 'processing>dead', 'processing>pending', 'processing>cancelled',
    'failed>processing', 'failed>pending', 'failed>cancelled', 'failed>held',
    'completed>pending', 'dead>pending', 'cancelled>pending',
    'held>pending', 'held>failed', 'held>cancelled')
AND NOT (
    OLD.state || '>' || NEW.state IN (
        'pending>completed', 'pending>failed', 'pending>dead', 'cancelled>failed', 'cancelled>held')
    AND EXISTS (SELECT 1 FROM undoing WHERE job = NEW.seq))
BEGIN
    SELECT RAISE(ABORT, 'illegal job state transition');
END;

-- Jobs that an undo is restoring. Empty outside that transaction.
CREATE TABLE undoing (
    job INTEGER PRIMARY KEY
) STRICT;

-- Error of the last failed attempt. Written while the job is still processing, by a separate statement: a success pays
-- nothing.
ALTER TABLE jobs ADD COLUMN signature TEXT;

CREATE INDEX jobs_dead ON jobs (signature, seq, finished_at, queue) WHERE state = 'dead';

CREATE TABLE signatures (                       -- errors that attempts have ended with, grouped by their form
    id TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    n INTEGER NOT NULL                          -- attempts
) STRICT, WITHOUT ROWID;

ALTER TABLE events ADD COLUMN command TEXT;     -- the command line that did it, or would have

-- For events of one subject. Without enqueues: they are most of the events, and each would write one more page.
CREATE INDEX events_subject ON events (subject, seq) WHERE verb <> 'enqueue';

CREATE TABLE views (                            -- saved filters
    name TEXT PRIMARY KEY,
    filter TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    actor TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE undos (                            -- what was done a short while ago and can be taken back
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    verb TEXT NOT NULL,
    command TEXT,
    undone_at INTEGER
) STRICT;

CREATE TABLE undo_jobs (                        -- each job that it was done to
    undo INTEGER NOT NULL REFERENCES undos (id) ON DELETE CASCADE,
    job INTEGER NOT NULL,
    id TEXT NOT NULL,
    before TEXT NOT NULL,                       -- JSON object of its columns
    after TEXT,                                 -- the same; NULL: it was deleted
    runs TEXT,                                  -- JSON array of the rows of runs that went with it
    PRIMARY KEY (undo, job)
) STRICT, WITHOUT ROWID;

CREATE TABLE undo_outputs (                     -- the output that went with it
    undo INTEGER NOT NULL,
    job INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    head BLOB NOT NULL,
    tail BLOB NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (undo, job, fence, stream),
    FOREIGN KEY (undo, job) REFERENCES undo_jobs (undo, job) ON DELETE CASCADE
) STRICT;
