-- Invariants, which hold at every moment in every store, whatever is killed. Each statement returns the jobs (or workers,
-- or queues) that violate it; `queuectl doctor --check` and the tests run them all. The sentence under a name is printed
-- by doctor. Wall-clock times are compared in one statement only, which its sentence mentions.

-- name: open_run
-- a job is processing exactly while its latest run is open
SELECT id FROM jobs
WHERE (state = 'processing') <> EXISTS (
    SELECT 1 FROM runs WHERE runs.job = jobs.seq AND runs.fence = jobs.fence AND runs.outcome IS NULL)

-- name: stray_run
-- an open run is the latest of a processing job
SELECT runs.job FROM runs LEFT JOIN jobs ON jobs.seq = runs.job
WHERE runs.outcome IS NULL AND (jobs.seq IS NULL OR jobs.state <> 'processing' OR jobs.fence <> runs.fence)

-- name: one_job_per_id (sqlite)
-- each id is there once (the table holds it by an index, which a damaged file may have lost)
SELECT id FROM jobs NOT INDEXED GROUP BY +id HAVING count(*) > 1

-- name: one_job_per_id (postgresql)
-- each id is there once (the table holds it by an index, which a damaged file may have lost)
SELECT id || '' FROM jobs GROUP BY id || '' HAVING count(*) > 1

-- name: run_of_every_claim
-- each claim left one run behind, numbered 1, 2, …
SELECT id FROM jobs
WHERE fence <> (SELECT count(*) FROM runs WHERE runs.job = jobs.seq)
    OR fence <> (SELECT COALESCE(max(runs.fence), 0) FROM runs WHERE runs.job = jobs.seq)

-- name: owner
-- a processing job belongs to the worker of its run, and that worker has not stopped
SELECT jobs.id FROM jobs
LEFT JOIN workers ON workers.id = jobs.owner
LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.state = 'processing'
    AND (workers.id IS NULL OR workers.stopped_at IS NOT NULL OR runs.worker IS NULL OR runs.worker <> jobs.owner)

-- name: completed
-- a completed job's latest run was a success
SELECT jobs.id FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.state = 'completed' AND (runs.outcome IS NULL OR runs.outcome <> 'success')

-- name: failed
-- a failed job's latest run was no success, and it has retries left
SELECT jobs.id FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.state = 'failed'
    AND (runs.outcome IS NULL OR runs.outcome NOT IN ('exit', 'signal', 'timeout', 'spawn_error')
        OR jobs.attempts < 1 OR jobs.attempts > jobs.max_retries)

-- name: dead
-- a dead job's latest run was no success, and it has no retry left or was lost three times
SELECT jobs.id FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.state = 'dead'
    AND (runs.outcome IS NULL OR runs.outcome NOT IN ('exit', 'signal', 'timeout', 'spawn_error', 'lost')
        OR (jobs.attempts <> jobs.max_retries + 1 AND jobs.losses < 3))

-- name: budget
-- no job has more attempts than its retries allow, or three losses without being dead
SELECT id FROM jobs WHERE attempts > max_retries + 1 OR attempts > fence OR (losses >= 3 AND state <> 'dead')

-- name: overlap
-- no run began before the one before it had ended (a clock that was set back may look like it)
SELECT earlier.job FROM runs AS earlier
JOIN runs AS later ON later.job = earlier.job AND later.fence = earlier.fence + 1
WHERE earlier.ended_at IS NULL OR earlier.ended_at > later.started_at

-- name: finished
-- a job has a time at which it finished exactly when it is final
SELECT id FROM jobs WHERE (finished_at IS NOT NULL) <> (state IN ('completed', 'dead', 'cancelled'))

-- name: output_of_finished_run
-- output is stored with a finished run
SELECT outputs.job FROM outputs LEFT JOIN runs ON runs.job = outputs.job AND runs.fence = outputs.fence
WHERE runs.outcome IS NULL

-- name: counters
-- the counters equal the rows; processing jobs have none
SELECT queue FROM (
    SELECT queue, state, n FROM counters WHERE n <> 0
    UNION ALL
    SELECT queue, state, -count(*) FROM jobs WHERE state <> 'processing' GROUP BY queue, state)
GROUP BY queue, state HAVING sum(n) <> 0

-- name: numbers (sqlite)
-- the next number is beyond all that were given
SELECT max(seq) FROM jobs HAVING max(seq) > COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'jobs'), 0)

-- name: numbers (postgresql)
-- the next number is beyond all that were given
SELECT max(seq) FROM jobs HAVING max(seq) > (SELECT last_value FROM numbers)

-- name: held
-- a held job has not used up its attempts
SELECT id FROM jobs WHERE state = 'held' AND attempts > max_retries

-- name: environment
-- the environment snapshot of each job is stored
SELECT jobs.id FROM jobs LEFT JOIN environments ON environments.id = jobs.environment
WHERE jobs.environment IS NOT NULL AND environments.id IS NULL

-- name: undoing
-- nothing is half undone
SELECT job FROM undoing
