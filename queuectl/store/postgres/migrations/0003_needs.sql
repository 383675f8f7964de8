-- Jobs that only some workers can run.

ALTER TABLE queuectl.jobs ADD COLUMN needs TEXT COLLATE "C"; -- labels, sorted, a space between them; NULL: any worker will do
ALTER TABLE queuectl.pools ADD COLUMN labels TEXT NOT NULL DEFAULT '[]'; -- JSON array

-- A worker without labels uses indexes that contain only jobs without needs, however many others wait.
DROP INDEX queuectl.jobs_ready;
DROP INDEX queuectl.jobs_ready_in_queue;
CREATE INDEX jobs_ready ON queuectl.jobs (priority, run_at, seq)
WHERE state IN ('pending', 'failed') AND needs IS NULL;
CREATE INDEX jobs_ready_in_queue ON queuectl.jobs (queue, priority, run_at, seq)
WHERE state IN ('pending', 'failed') AND needs IS NULL;

-- For workers with labels, which search each combination of needs in use that they satisfy.
CREATE INDEX jobs_ready_needing ON queuectl.jobs (needs, queue, priority, run_at, seq)
WHERE state IN ('pending', 'failed') AND needs IS NOT NULL;
