-- Settings of queues, and their pauses.

CREATE TABLE queuectl.queues (
    name TEXT COLLATE "C" PRIMARY KEY CHECK (length(name) <= 200),      -- '' stands for all queues, and has a pause only
    max_running INTEGER CHECK (max_running > 0),        -- jobs that may run at a time; NULL: any number
    weight INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
    max_retries INTEGER CHECK (max_retries BETWEEN 0 AND 1000),         -- of jobs that are enqueued without one
    timeout_ms BIGINT CHECK (timeout_ms > 0),           -- of attempts of jobs without one
    priority INTEGER CHECK (priority BETWEEN -1000 AND 1000),           -- of jobs that are enqueued without one
    paused_at BIGINT,                                   -- NULL: not paused
    paused_by TEXT COLLATE "C",
    pause_reason TEXT COLLATE "C",
    CHECK ((paused_at IS NULL) = (paused_by IS NULL))
);

-- The queues that a claim has to look at. It is empty where none is used.
CREATE INDEX queues_gated ON queuectl.queues (name)
WHERE paused_at IS NOT NULL OR max_running IS NOT NULL OR weight <> 1;

CREATE TABLE queuectl.undo_rows (               -- rows of other tables than jobs that an action has changed
    undo BIGINT NOT NULL REFERENCES queuectl.undos (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL,             -- queue, schedule
    name TEXT COLLATE "C" NOT NULL,
    before TEXT COLLATE "C",                    -- JSON object of its columns; NULL: there was none
    after TEXT COLLATE "C",                     -- the same
    PRIMARY KEY (undo, kind, name)
);

-- Workers of earlier versions know no pauses and limits. Their sessions do not set `queuectl.schema`: they claim nothing
-- more, and record the results of what they run.
ALTER INDEX queuectl.jobs_ready RENAME TO ready_jobs;
ALTER INDEX queuectl.jobs_ready_in_queue RENAME TO ready_jobs_in_queue;
ALTER INDEX queuectl.jobs_ready_needing RENAME TO ready_jobs_needing;

CREATE FUNCTION queuectl.leave_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN NULL;
END $$;

CREATE TRIGGER jobs_claimed_by_old_worker BEFORE UPDATE OF state ON queuectl.jobs
FOR EACH ROW WHEN (
    NEW.state = 'processing' AND OLD.state <> 'processing'
    AND COALESCE(current_setting('queuectl.schema', true), '') = '')
EXECUTE FUNCTION queuectl.leave_out();
