-- Jobs that only some workers can run.

ALTER TABLE jobs ADD COLUMN needs TEXT;         -- labels, sorted, a space between them; NULL: any worker will do
ALTER TABLE pools ADD COLUMN labels TEXT NOT NULL DEFAULT '[]';     -- JSON array

-- A worker without labels uses indexes that contain only jobs without needs, however many others wait.
DROP INDEX jobs_ready;
DROP INDEX jobs_ready_in_queue;
CREATE INDEX jobs_ready ON jobs (priority, run_at, seq) WHERE state IN ('pending', 'failed') AND needs IS NULL;
CREATE INDEX jobs_ready_in_queue ON jobs (queue, priority, run_at, seq)
WHERE state IN ('pending', 'failed') AND needs IS NULL;

-- For workers with labels, which search each combination of needs in use that they satisfy.
CREATE INDEX jobs_ready_needing ON jobs (needs, queue, priority, run_at, seq)
WHERE state IN ('pending', 'failed') AND needs IS NOT NULL;
