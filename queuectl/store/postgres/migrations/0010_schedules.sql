-- Schedules: jobs that are enqueued again and again.

CREATE TABLE queuectl.schedules (
    name TEXT COLLATE "C" PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 200),
    cron TEXT COLLATE "C",
    every_ms BIGINT CHECK (every_ms >= 1000),
    zone TEXT COLLATE "C",                      -- the time zone of cron, by name
    since BIGINT NOT NULL,                      -- from which intervals are counted
    overlap TEXT COLLATE "C" NOT NULL CHECK (overlap IN ('skip', 'allow', 'replace')),
    missed TEXT COLLATE "C" NOT NULL CHECK (missed IN ('once', 'skip', 'all')),
    jitter_ms BIGINT NOT NULL CHECK (jitter_ms >= 0),
    job TEXT COLLATE "C" NOT NULL,              -- JSON object: the fields of a new job
    environment BIGINT,                         -- a row of environments; NULL: none
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    paused_at BIGINT,                           -- NULL: not paused
    paused_by TEXT COLLATE "C",
    pause_reason TEXT COLLATE "C",
    next_at BIGINT,                             -- the next planned time; NULL: never again
    last_at BIGINT,                             -- the last planned time that was fired or skipped
    CHECK ((cron IS NULL) <> (every_ms IS NULL)),
    CHECK ((cron IS NULL) = (zone IS NULL)),
    CHECK ((paused_at IS NULL) = (paused_by IS NULL))
);

CREATE INDEX schedules_next ON queuectl.schedules (next_at, name) WHERE paused_at IS NULL AND next_at IS NOT NULL;

CREATE TABLE queuectl.fires (                   -- one row for each planned time: no time fires twice
    schedule TEXT COLLATE "C" NOT NULL,         -- its name; rows outlive it
    planned_at BIGINT NOT NULL,
    at BIGINT NOT NULL,                         -- when it was fired or skipped
    job BIGINT,                                 -- the number of the job
    id TEXT COLLATE "C",                        -- and its ID
    skipped TEXT COLLATE "C" CHECK (skipped IN ('missed', 'overlap')),
    PRIMARY KEY (schedule, planned_at),
    CHECK ((id IS NULL) = (skipped IS NOT NULL))
);

ALTER TABLE queuectl.jobs ADD COLUMN schedule TEXT COLLATE "C";     -- the schedule that enqueued it; NULL: none
ALTER TABLE queuectl.jobs ADD COLUMN scheduled_for BIGINT;          -- the planned time
