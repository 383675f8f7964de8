-- Jobs that only some workers can run.

ALTER TABLE queuectl.jobs ADD COLUMN needs TEXT COLLATE "C"; -- labels, sorted, a space between them; NULL: any worker will do
ALTER TABLE queuectl.pools ADD COLUMN labels TEXT NOT NULL DEFAULT '[]'; -- JSON array

-- A worker without labels looks into indexes that hold nothing but jobs for it, however many others wait.
DROP INDEX queuectl.jobs_ready;
DROP INDEX queuectl.jobs_ready_in_queue;
CREATE INDEX jobs_ready ON queuectl.jobs (priority, run_at, seq)
WHERE state IN ('pending', 'failed') AND needs IS NULL;
CREATE INDEX jobs_ready_in_queue ON queuectl.jobs (queue, priority, run_at, seq)
WHERE state IN ('pending', 'failed') AND needs IS NULL;

-- The others, for workers with labels: they look into all needs in use, and take those that they can serve.
CREATE INDEX jobs_ready_needing ON queuectl.jobs (needs, queue, priority, run_at, seq)
WHERE state IN ('pending', 'failed') AND needs IS NOT NULL;
