-- The queue. Times are integer milliseconds since the epoch, durations integer milliseconds.

CREATE TABLE pools (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    queues TEXT NOT NULL,                       -- JSON array; empty: every queue
    size INTEGER NOT NULL CHECK (size BETWEEN 0 AND 1000),      -- workers wanted
    stop TEXT CHECK (stop IN ('drain', 'now')),                 -- what an operator asked for
    started_at INTEGER NOT NULL,
    stopped_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
    id TEXT PRIMARY KEY,                        -- new at each start: a reused name would hide orphans
    pool TEXT NOT NULL REFERENCES pools (id),
    host TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    pid_start INTEGER,
    started_at INTEGER NOT NULL,
    stopped_at INTEGER,
    completed INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0           -- attempts that ended in any other way
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,      -- never reused; the only name that files are given
    id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 200),
    command TEXT NOT NULL CHECK (length(command) > 0),
    queue TEXT NOT NULL CHECK (length(queue) BETWEEN 1 AND 200),
    state TEXT NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'processing', 'completed', 'failed', 'dead', 'cancelled')),
    priority INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1000 AND 1000),
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND max_retries + 1),
    max_retries INTEGER NOT NULL CHECK (max_retries BETWEEN 0 AND 1000),
    losses INTEGER NOT NULL DEFAULT 0 CHECK (losses >= 0),
    timeout_ms INTEGER CHECK (timeout_ms > 0),
    run_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    finished_at INTEGER,
    fence INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0),
    owner TEXT,                                 -- a worker; no foreign key, which would cost an index at every claim
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested BETWEEN 0 AND 64),
    cwd TEXT,
    env TEXT,                                   -- JSON object
    tags TEXT,                                  -- words between spaces, one before and one after: ' a b '
    CHECK ((state = 'processing') = (owner IS NOT NULL)),
    CHECK ((state IN ('completed', 'dead', 'cancelled')) = (finished_at IS NOT NULL))
) STRICT;

-- A claim searches, for each priority in use, in order, for the job that has been due longest.
CREATE INDEX jobs_ready ON jobs (priority, run_at, seq) WHERE state IN ('pending', 'failed');
CREATE INDEX jobs_ready_in_queue ON jobs (queue, priority, run_at, seq) WHERE state IN ('pending', 'failed');
CREATE INDEX jobs_state ON jobs (state, seq);

CREATE TABLE runs (                             -- one row per attempt, inserted by the claim
    job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
    fence INTEGER NOT NULL,
    worker TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    duration_ms INTEGER CHECK (duration_ms >= 0),
    outcome TEXT CHECK (outcome IN
        ('success', 'exit', 'signal', 'timeout', 'spawn_error', 'lost', 'released', 'cancelled')),
    exit_code INTEGER,
    signal INTEGER,
    error TEXT,
    PRIMARY KEY (job, fence),
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;

-- Prevents two live attempts of a job. A trigger, not an index, which would be one more page for every claim.
CREATE TRIGGER runs_one_open BEFORE INSERT ON runs
WHEN EXISTS (SELECT 1 FROM runs WHERE job = NEW.job AND outcome IS NULL)
BEGIN
    SELECT RAISE(ABORT, 'a job has one open run at most');
END;

CREATE TABLE outputs (                          -- apart from runs, so that reading history stays cheap
    job INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    stream INTEGER NOT NULL CHECK (stream IN (1, 2)),
    head BLOB NOT NULL,
    tail BLOB NOT NULL,
    total INTEGER NOT NULL CHECK (total >= length(head) + length(tail)),
    PRIMARY KEY (job, fence, stream),
    FOREIGN KEY (job, fence) REFERENCES runs (job, fence) ON DELETE CASCADE
) STRICT;

CREATE TABLE config (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Kept by the triggers below: counting rows costs 200 ms a million. Not of processing jobs: there are no more of those
-- than workers, and each of them would cost two more updates.
CREATE TABLE counters (
    queue TEXT NOT NULL,
    state TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (queue, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE stats (                            -- per minute; survives the pruning of jobs
    minute INTEGER NOT NULL,                    -- since the epoch
    queue TEXT NOT NULL,
    measure TEXT NOT NULL,                      -- enqueued, wait, or an outcome
    bucket INTEGER NOT NULL,                    -- of its duration d in ms: floor(4 * log2(d + 1)); 0 for enqueued
    n INTEGER NOT NULL,
    PRIMARY KEY (minute, queue, measure, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (                           -- who did what
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    verb TEXT NOT NULL,
    subject TEXT,                               -- a job, worker, pool or setting
    detail TEXT
) STRICT;

CREATE TRIGGER jobs_transition BEFORE UPDATE OF state ON jobs
WHEN NEW.state <> OLD.state AND OLD.state || '>' || NEW.state NOT IN (
    'pending>processing', 'pending>cancelled',
    'processing>completed', 'processing>failed', 'processing>dead', 'processing>pending', 'processing>cancelled',
    'failed>processing', 'failed>pending', 'failed>cancelled',
    'completed>pending', 'dead>pending', 'cancelled>pending')
BEGIN
    SELECT RAISE(ABORT, 'illegal job state transition');
END;

CREATE TRIGGER jobs_fence BEFORE UPDATE OF fence, state ON jobs
WHEN NEW.fence <> OLD.fence + (NEW.state = 'processing' AND OLD.state <> 'processing')
BEGIN
    SELECT RAISE(ABORT, 'the fence grows by one at a claim and never otherwise');
END;

CREATE TRIGGER runs_final BEFORE UPDATE ON runs
WHEN OLD.outcome IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a finished run is immutable');
END;

CREATE TRIGGER jobs_counted_in AFTER INSERT ON jobs
BEGIN
    INSERT INTO counters (queue, state, n) VALUES (NEW.queue, NEW.state, 1)
    ON CONFLICT (queue, state) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER jobs_counted_out AFTER DELETE ON jobs
WHEN OLD.state <> 'processing'
BEGIN
    UPDATE counters SET n = n - 1 WHERE queue = OLD.queue AND state = OLD.state;
END;

CREATE TRIGGER jobs_counted_away AFTER UPDATE OF state, queue ON jobs
WHEN OLD.state <> 'processing' AND (NEW.state <> OLD.state OR NEW.queue <> OLD.queue)
BEGIN
    UPDATE counters SET n = n - 1 WHERE queue = OLD.queue AND state = OLD.state;
END;

CREATE TRIGGER jobs_counted_over AFTER UPDATE OF state, queue ON jobs
WHEN NEW.state <> 'processing' AND (NEW.state <> OLD.state OR NEW.queue <> OLD.queue)
BEGIN
    INSERT INTO counters (queue, state, n) VALUES (NEW.queue, NEW.state, 1)
    ON CONFLICT (queue, state) DO UPDATE SET n = n + 1;
END;
