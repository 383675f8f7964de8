-- What a job runs in: variables of the environment that it was enqueued from, and its own shell.

CREATE TABLE environments (                     -- environment snapshots: each content once
    id INTEGER PRIMARY KEY AUTOINCREMENT,       -- never reused: workers remember snapshots by it
    variables TEXT NOT NULL UNIQUE,             -- JSON object in ASCII, its names sorted
    used_at INTEGER NOT NULL                    -- when a job last got it, to the hour
) STRICT;

-- No foreign key: a check for each job would slow down bulk enqueues, and an index each claim of a server.
ALTER TABLE jobs ADD COLUMN environment INTEGER;        -- a row of environments; NULL: none
ALTER TABLE jobs ADD COLUMN shell TEXT;                 -- NULL: the setting
