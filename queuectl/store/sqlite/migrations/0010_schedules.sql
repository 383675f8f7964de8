-- Schedules: jobs that are enqueued again and again.

CREATE TABLE schedules (
    name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 200),
    cron TEXT,
    every_ms INTEGER CHECK (every_ms >= 1000),
    zone TEXT,                                  -- the time zone of cron, by name
    since INTEGER NOT NULL,                     -- from which intervals are counted
    overlap TEXT NOT NULL CHECK (overlap IN ('skip', 'allow', 'replace')),
    missed TEXT NOT NULL CHECK (missed IN ('once', 'skip', 'all')),
    jitter_ms INTEGER NOT NULL CHECK (jitter_ms >= 0),
    job TEXT NOT NULL,                          -- JSON object: the fields of a new job
    environment INTEGER,                        -- a row of environments; NULL: none
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    paused_at INTEGER,                          -- NULL: not paused
    paused_by TEXT,
    pause_reason TEXT,
    next_at INTEGER,                            -- the next planned time; NULL: never again
    last_at INTEGER,                            -- the last planned time that was fired or skipped
    CHECK ((cron IS NULL) <> (every_ms IS NULL)),
    CHECK ((cron IS NULL) = (zone IS NULL)),
    CHECK ((paused_at IS NULL) = (paused_by IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX schedules_next ON schedules (next_at, name) WHERE paused_at IS NULL AND next_at IS NOT NULL;

CREATE TABLE fires (                            -- one row for each planned time: no time fires twice
    schedule TEXT NOT NULL,                     -- its name; rows outlive it
    planned_at INTEGER NOT NULL,
    at INTEGER NOT NULL,                        -- when it was fired or skipped
    job INTEGER,                                -- the number of the job
    id TEXT,                                    -- and its ID
    skipped TEXT CHECK (skipped IN ('missed', 'overlap')),
    PRIMARY KEY (schedule, planned_at),
    CHECK ((id IS NULL) = (skipped IS NOT NULL))
) STRICT, WITHOUT ROWID;

ALTER TABLE jobs ADD COLUMN schedule TEXT;                  -- the schedule that enqueued it; NULL: none
ALTER TABLE jobs ADD COLUMN scheduled_for INTEGER;          -- the planned time
