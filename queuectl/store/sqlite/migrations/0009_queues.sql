-- Settings of queues, and their pauses.

CREATE TABLE queues (
    name TEXT PRIMARY KEY CHECK (length(name) <= 200),  -- '' stands for all queues, and has a pause only
    max_running INTEGER CHECK (max_running > 0),        -- jobs that may run at a time; NULL: any number
    weight INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
    max_retries INTEGER CHECK (max_retries BETWEEN 0 AND 1000),     -- of jobs that are enqueued without one
    timeout_ms INTEGER CHECK (timeout_ms > 0),          -- of attempts of jobs without one
    priority INTEGER CHECK (priority BETWEEN -1000 AND 1000),       -- of jobs that are enqueued without one
    paused_at INTEGER,                                  -- NULL: not paused
    paused_by TEXT,
    pause_reason TEXT,
    CHECK ((paused_at IS NULL) = (paused_by IS NULL))
) STRICT, WITHOUT ROWID;

-- The queues that a claim has to look at. It is empty where none is used.
CREATE INDEX queues_gated ON queues (name) WHERE paused_at IS NOT NULL OR max_running IS NOT NULL OR weight <> 1;

CREATE TABLE undo_rows (                        -- rows of other tables than jobs that an action has changed
    undo INTEGER NOT NULL REFERENCES undos (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,                         -- queue, schedule
    name TEXT NOT NULL,
    before TEXT,                                -- JSON object of its columns; NULL: there was none
    after TEXT,                                 -- the same
    PRIMARY KEY (undo, kind, name)
) STRICT, WITHOUT ROWID;

-- Workers of earlier versions know no pauses and limits. Their claims name these indexes, which have other names from now
-- on: they claim nothing more, and record the results of what they run. Only the names change: creating an index would
-- read all jobs.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'INDEX jobs_ready', 'INDEX ready_jobs'), name = replace(name, 'jobs_ready', 'ready_jobs')
WHERE type = 'index' AND name IN ('jobs_ready', 'jobs_ready_in_queue', 'jobs_ready_needing');
PRAGMA writable_schema = RESET;
