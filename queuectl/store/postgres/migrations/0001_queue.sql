-- The queue. Times are integer milliseconds since the epoch, durations integer milliseconds.
--
-- Everything is in a schema of its own, created before this script runs, so that a queue can share a database. Text has
-- the collation "C": it sorts as in SQLite whatever the server's locale, and ILIKE ignores the case of ASCII letters only,
-- as LIKE does there.

CREATE TABLE queuectl.pools (
    id TEXT COLLATE "C" PRIMARY KEY,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    queues TEXT NOT NULL,                       -- JSON array; empty: every queue
    size INTEGER NOT NULL CHECK (size BETWEEN 0 AND 1000),      -- workers wanted
    stop TEXT CHECK (stop IN ('drain', 'now')),                 -- what an operator asked for
    started_at BIGINT NOT NULL,
    stopped_at BIGINT
);

CREATE TABLE queuectl.workers (
    id TEXT COLLATE "C" PRIMARY KEY,            -- new at each start: a reused name would hide orphans
    pool TEXT COLLATE "C" NOT NULL REFERENCES queuectl.pools (id),
    host TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    pid BIGINT NOT NULL,
    pid_start BIGINT,
    started_at BIGINT NOT NULL,
    stopped_at BIGINT,
    completed BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0            -- attempts that ended in any other way
);

-- Numbers are drawn before the insert, so that sessions do not wait for each other. A rollback leaves a gap.
CREATE SEQUENCE queuectl.numbers;

CREATE TABLE queuectl.jobs (
    seq BIGINT PRIMARY KEY,                     -- never reused; the only name that files are given
    id TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 200),
    command TEXT COLLATE "C" NOT NULL CHECK (length(command) > 0),
    queue TEXT COLLATE "C" NOT NULL CHECK (length(queue) BETWEEN 1 AND 200),
    state TEXT COLLATE "C" NOT NULL DEFAULT 'pending' CONSTRAINT jobs_states
        CHECK (state IN ('pending', 'processing', 'completed', 'failed', 'dead', 'cancelled')),
    priority INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1000 AND 1000),
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND max_retries + 1),
    max_retries INTEGER NOT NULL CHECK (max_retries BETWEEN 0 AND 1000),
    losses INTEGER NOT NULL DEFAULT 0 CHECK (losses >= 0),
    timeout_ms BIGINT CHECK (timeout_ms > 0),
    run_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    finished_at BIGINT,
    fence BIGINT NOT NULL DEFAULT 0 CHECK (fence >= 0),
    owner TEXT COLLATE "C",                     -- a worker; no foreign key, which would cost an index at every claim
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested BETWEEN 0 AND 64),
    cwd TEXT,
    env TEXT,                                   -- JSON object
    tags TEXT COLLATE "C",                      -- words between spaces, one before and one after: ' a b '
    CHECK ((state = 'processing') = (owner IS NOT NULL)),
    CHECK ((state IN ('completed', 'dead', 'cancelled')) = (finished_at IS NOT NULL))
);

-- A claim searches, for each priority in use, in order, for the job that has been due longest.
CREATE INDEX jobs_ready ON queuectl.jobs (priority, run_at, seq) WHERE state IN ('pending', 'failed');
CREATE INDEX jobs_ready_in_queue ON queuectl.jobs (queue, priority, run_at, seq) WHERE state IN ('pending', 'failed');
CREATE INDEX jobs_state ON queuectl.jobs (state, seq);

CREATE TABLE queuectl.runs (                    -- one row per attempt, inserted by the claim
    job BIGINT NOT NULL REFERENCES queuectl.jobs (seq) ON DELETE CASCADE,
    fence BIGINT NOT NULL,
    worker TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    duration_ms BIGINT CHECK (duration_ms >= 0),
    outcome TEXT COLLATE "C" CHECK (outcome IN
        ('success', 'exit', 'signal', 'timeout', 'spawn_error', 'lost', 'released', 'cancelled')),
    exit_code BIGINT,
    signal INTEGER,
    error TEXT,
    PRIMARY KEY (job, fence),
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
);

CREATE TABLE queuectl.outputs (                 -- apart from runs, so that reading history stays cheap
    job BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    stream INTEGER NOT NULL CHECK (stream IN (1, 2)),
    head BYTEA NOT NULL,
    tail BYTEA NOT NULL,
    total BIGINT NOT NULL CHECK (total >= length(head) + length(tail)),
    PRIMARY KEY (job, fence, stream),
    FOREIGN KEY (job, fence) REFERENCES queuectl.runs (job, fence) ON DELETE CASCADE
);

CREATE TABLE queuectl.config (
    key TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);

-- Counting rows costs 200 ms a million. One row for each queue and state would be updated by every worker, one after the
-- other: so a statement appends its changes, and a steward folds these into the counted rows now and then. Processing
-- jobs have no counters: there are no more of those than workers.
CREATE TABLE queuectl.counted (
    queue TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (queue, state)
);

CREATE TABLE queuectl.counted_since (           -- no index: rows are appended, and deleted many at a time
    queue TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    n BIGINT NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE VIEW queuectl.counters AS
SELECT queue, state, CAST(sum(n) AS BIGINT) AS n FROM (
    SELECT queue, state, n FROM queuectl.counted
    UNION ALL
    SELECT queue, state, n FROM queuectl.counted_since) AS pieces
GROUP BY queue, state;

CREATE TABLE queuectl.stats (                   -- per minute; survives the pruning of jobs
    minute BIGINT NOT NULL,                     -- since the epoch
    queue TEXT COLLATE "C" NOT NULL,
    measure TEXT COLLATE "C" NOT NULL,          -- enqueued, wait, or an outcome
    bucket INTEGER NOT NULL,                    -- of its duration d in ms: floor(4 * log2(d + 1)); 0 for enqueued
    n BIGINT NOT NULL,
    PRIMARY KEY (minute, queue, measure, bucket)
);

CREATE TABLE queuectl.events (                  -- who did what
    seq BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    verb TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C",                   -- a job, worker, pool or setting
    detail TEXT COLLATE "C"
);

-- Prevents two live attempts of a job. A trigger, not an index: a finished run would have to leave it, which costs more
-- than the query. It sees all committed runs, because a claim has locked the job's row.
CREATE FUNCTION queuectl.refuse_second_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM queuectl.runs WHERE job = NEW.job AND outcome IS NULL) THEN
        RAISE EXCEPTION 'a job has one open run at most' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER runs_one_open BEFORE INSERT ON queuectl.runs
FOR EACH ROW EXECUTE FUNCTION queuectl.refuse_second_run();

CREATE FUNCTION queuectl.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER runs_final BEFORE UPDATE ON queuectl.runs
FOR EACH ROW WHEN (OLD.outcome IS NOT NULL)
EXECUTE FUNCTION queuectl.refuse('a finished run is immutable');

CREATE TRIGGER jobs_transition BEFORE UPDATE OF state ON queuectl.jobs
FOR EACH ROW WHEN (NEW.state <> OLD.state AND OLD.state || '>' || NEW.state NOT IN (
    'pending>processing', 'pending>cancelled',
    'processing>completed', 'processing>failed', 'processing>dead', 'processing>pending', 'processing>cancelled',
    'failed>processing', 'failed>pending', 'failed>cancelled',
    'completed>pending', 'dead>pending', 'cancelled>pending'))
EXECUTE FUNCTION queuectl.refuse('illegal job state transition');

CREATE TRIGGER jobs_fence BEFORE UPDATE OF fence, state ON queuectl.jobs
FOR EACH ROW WHEN (
    NEW.fence <> OLD.fence + CASE WHEN NEW.state = 'processing' AND OLD.state <> 'processing' THEN 1 ELSE 0 END)
EXECUTE FUNCTION queuectl.refuse('the fence grows by one at a claim and never otherwise');

-- Runs once per statement, however many jobs it changed.
CREATE FUNCTION queuectl.count_jobs_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO queuectl.counted_since (queue, state, n)
    SELECT queue, state, count(*) FROM came WHERE state <> 'processing' GROUP BY queue, state;
    RETURN NULL;
END $$;

CREATE FUNCTION queuectl.count_jobs_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO queuectl.counted_since (queue, state, n)
    SELECT queue, state, -count(*) FROM went WHERE state <> 'processing' GROUP BY queue, state;
    RETURN NULL;
END $$;

CREATE FUNCTION queuectl.count_jobs_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO queuectl.counted_since (queue, state, n)
    SELECT queue, state, sum(n) FROM (
        SELECT queue, state, 1 AS n FROM came
        UNION ALL
        SELECT queue, state, -1 FROM went) AS pieces
    WHERE state <> 'processing' GROUP BY queue, state HAVING sum(n) <> 0;
    RETURN NULL;
END $$;

CREATE TRIGGER jobs_counted_in AFTER INSERT ON queuectl.jobs
REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION queuectl.count_jobs_in();

CREATE TRIGGER jobs_counted_out AFTER DELETE ON queuectl.jobs
REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION queuectl.count_jobs_out();

CREATE TRIGGER jobs_counted_over AFTER UPDATE ON queuectl.jobs
REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION queuectl.count_jobs_over();
