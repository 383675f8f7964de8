-- Every statement of the store, by name. The store's classes know only the names; a backend loads the statements of
-- its dialect. What is plain SQL stands once; a statement that truly differs is marked (sqlite) or (postgres) after
-- its name, and the other backend brings its own. Parameters are :named.

-- Enqueue ----------------------------------------------------------------------------------------------------------

-- name: last_seq (sqlite)
-- Read under the write lock, so the numbers after it are ours.
SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'jobs'), 0)

-- name: insert_job
INSERT INTO jobs (seq, id, command, queue, priority, max_retries, timeout_ms, run_at, created_at, updated_at, cwd, env, tags)
VALUES (:seq, :id, :command, :queue, :priority, :max_retries, :timeout_ms, :run_at, :created_at, :updated_at, :cwd, :env, :tags)

-- name: ids_there (sqlite)
-- Which of many ids are taken.
SELECT id FROM jobs WHERE id IN (SELECT value FROM json_each(:ids))

-- Claim ------------------------------------------------------------------------------------------------------------

-- name: due_job (sqlite)
-- The most urgent due job of all queues. One look for each priority in use: a million jobs that are not due yet, or
-- that have finished, cost nothing. Without INDEXED BY the planner may sort the whole queue instead.
WITH RECURSIVE level (priority) AS (
    SELECT max(priority) FROM jobs INDEXED BY jobs_ready WHERE state IN ('pending', 'failed')
    UNION ALL
    SELECT (
        SELECT max(priority) FROM jobs INDEXED BY jobs_ready
        WHERE state IN ('pending', 'failed') AND priority < level.priority)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT (
    SELECT seq FROM jobs INDEXED BY jobs_ready
    WHERE state IN ('pending', 'failed') AND priority = level.priority AND run_at <= :now
    ORDER BY run_at, seq LIMIT 1) AS due, priority
FROM level WHERE due IS NOT NULL LIMIT 1

-- name: due_job_in_queue (sqlite)
-- The same for one queue.
WITH RECURSIVE level (priority) AS (
    SELECT max(priority) FROM jobs INDEXED BY jobs_ready_in_queue
    WHERE state IN ('pending', 'failed') AND queue = :queue
    UNION ALL
    SELECT (
        SELECT max(priority) FROM jobs INDEXED BY jobs_ready_in_queue
        WHERE state IN ('pending', 'failed') AND queue = :queue AND priority < level.priority)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT (
    SELECT seq FROM jobs INDEXED BY jobs_ready_in_queue
    WHERE state IN ('pending', 'failed') AND queue = :queue AND priority = level.priority AND run_at <= :now
    ORDER BY run_at, seq LIMIT 1) AS due, priority
FROM level WHERE due IS NOT NULL LIMIT 1

-- name: next_due (sqlite)
-- When the next job becomes due, in any queue; in the past for one that waits already.
WITH RECURSIVE level (priority) AS (
    SELECT max(priority) FROM jobs INDEXED BY jobs_ready WHERE state IN ('pending', 'failed')
    UNION ALL
    SELECT (
        SELECT max(priority) FROM jobs INDEXED BY jobs_ready
        WHERE state IN ('pending', 'failed') AND priority < level.priority)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT min((
    SELECT run_at FROM jobs INDEXED BY jobs_ready
    WHERE state IN ('pending', 'failed') AND priority = level.priority
    ORDER BY run_at LIMIT 1))
FROM level

-- name: next_due_in_queue (sqlite)
WITH RECURSIVE level (priority) AS (
    SELECT max(priority) FROM jobs INDEXED BY jobs_ready_in_queue
    WHERE state IN ('pending', 'failed') AND queue = :queue
    UNION ALL
    SELECT (
        SELECT max(priority) FROM jobs INDEXED BY jobs_ready_in_queue
        WHERE state IN ('pending', 'failed') AND queue = :queue AND priority < level.priority)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT min((
    SELECT run_at FROM jobs INDEXED BY jobs_ready_in_queue
    WHERE state IN ('pending', 'failed') AND queue = :queue AND priority = level.priority
    ORDER BY run_at LIMIT 1))
FROM level

-- name: claim_due (sqlite)
-- due_job and claim_job in one: what a worker without a queue of its own does between two jobs.
UPDATE jobs
SET state = 'processing', fence = fence + 1, attempts = attempts + 1, owner = :worker, cancel_requested = 0,
    updated_at = :now
WHERE seq = (
    WITH RECURSIVE level (priority) AS (
        SELECT max(priority) FROM jobs INDEXED BY jobs_ready WHERE state IN ('pending', 'failed')
        UNION ALL
        SELECT (
            SELECT max(priority) FROM jobs INDEXED BY jobs_ready
            WHERE state IN ('pending', 'failed') AND priority < level.priority)
        FROM level WHERE level.priority IS NOT NULL
    )
    SELECT (
        SELECT seq FROM jobs INDEXED BY jobs_ready
        WHERE state IN ('pending', 'failed') AND priority = level.priority AND run_at <= :now
        ORDER BY run_at, seq LIMIT 1) AS due
    FROM level WHERE due IS NOT NULL LIMIT 1)
RETURNING seq, id, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd, env

-- name: claim_job
-- The claim counts the attempt, so that a job which kills its worker cannot loop for ever.
UPDATE jobs
SET state = 'processing', fence = fence + 1, attempts = attempts + 1, owner = :worker, cancel_requested = 0,
    updated_at = :now
WHERE seq = :seq AND state IN ('pending', 'failed')
RETURNING seq, id, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd, env

-- name: insert_run
INSERT INTO runs (job, fence, worker, started_at) VALUES (:job, :fence, :worker, :now)

-- name: left_to_run
SELECT (SELECT COALESCE(sum(n), 0) FROM counters WHERE state IN ('pending', 'failed'))
    + (SELECT count(*) FROM jobs WHERE state = 'processing')

-- name: left_to_run_in_queue
SELECT (SELECT COALESCE(sum(n), 0) FROM counters WHERE state IN ('pending', 'failed') AND queue = :queue)
    + (SELECT count(*) FROM jobs WHERE state = 'processing' AND queue = :queue)

-- Finish -----------------------------------------------------------------------------------------------------------

-- name: finish_run
UPDATE runs
SET outcome = :outcome, ended_at = :now, duration_ms = :duration_ms, exit_code = :exit_code, signal = :signal, error = :error
WHERE job = :job AND fence = :fence AND worker = :worker AND outcome IS NULL

-- name: insert_output
INSERT INTO outputs (job, fence, stream, head, tail, total) VALUES (:job, :fence, :stream, :head, :tail, :total)

-- name: finish_job
-- A job that was asked to be cancelled is not tried again, however its last attempt ended.
UPDATE jobs
SET state = CASE WHEN cancel_requested <> 0 AND :state <> 'completed' THEN 'cancelled' ELSE :state END,
    finished_at = CASE WHEN cancel_requested <> 0 OR :state IN ('completed', 'dead', 'cancelled') THEN :now END,
    run_at = COALESCE(:run_at, run_at), attempts = :attempts, losses = :losses, owner = NULL, updated_at = :now
WHERE seq = :seq AND fence = :fence AND owner = :worker AND state = 'processing'
RETURNING state

-- name: processing_of
-- What a worker holds; more than one row only if it was lied to.
SELECT seq, id, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd, env
FROM jobs WHERE state = 'processing' AND owner = :worker

-- name: run_started_at
SELECT started_at FROM runs WHERE job = :job AND fence = :fence

-- name: cancel_requested
SELECT cancel_requested FROM jobs WHERE seq = :seq AND fence = :fence AND owner = :worker AND state = 'processing'

-- Read -------------------------------------------------------------------------------------------------------------

-- name: newest_seqs
-- Where a listing of the newest begins.
SELECT jobs.seq FROM jobs WHERE jobs.seq <= :last
    AND (CAST(:queue AS TEXT) IS NULL OR jobs.queue = :queue)
    AND (CAST(:tag AS TEXT) IS NULL OR jobs.tags LIKE :tag ESCAPE '\')
    AND (CAST(:search AS TEXT) IS NULL OR jobs.id LIKE :search ESCAPE '\' OR jobs.command LIKE :search ESCAPE '\')
ORDER BY jobs.seq DESC LIMIT :limit

-- name: newest_seqs_in_state
SELECT jobs.seq FROM jobs WHERE jobs.state = :state AND jobs.seq <= :last
    AND (CAST(:queue AS TEXT) IS NULL OR jobs.queue = :queue)
    AND (CAST(:tag AS TEXT) IS NULL OR jobs.tags LIKE :tag ESCAPE '\')
    AND (CAST(:search AS TEXT) IS NULL OR jobs.id LIKE :search ESCAPE '\' OR jobs.command LIKE :search ESCAPE '\')
ORDER BY jobs.seq DESC LIMIT :limit

-- name: jobs_in_order
-- With the latest attempt of each: a job's fence is the number of its last run.
SELECT jobs.*, runs.worker, runs.started_at, runs.ended_at, runs.duration_ms, runs.outcome, runs.exit_code,
    runs.signal, runs.error
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.seq > :after AND jobs.seq <= :last
    AND (CAST(:queue AS TEXT) IS NULL OR jobs.queue = :queue)
    AND (CAST(:tag AS TEXT) IS NULL OR jobs.tags LIKE :tag ESCAPE '\')
    AND (CAST(:search AS TEXT) IS NULL OR jobs.id LIKE :search ESCAPE '\' OR jobs.command LIKE :search ESCAPE '\')
ORDER BY jobs.seq LIMIT :limit

-- name: jobs_in_state_in_order
SELECT jobs.*, runs.worker, runs.started_at, runs.ended_at, runs.duration_ms, runs.outcome, runs.exit_code,
    runs.signal, runs.error
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.state = :state AND jobs.seq > :after AND jobs.seq <= :last
    AND (CAST(:queue AS TEXT) IS NULL OR jobs.queue = :queue)
    AND (CAST(:tag AS TEXT) IS NULL OR jobs.tags LIKE :tag ESCAPE '\')
    AND (CAST(:search AS TEXT) IS NULL OR jobs.id LIKE :search ESCAPE '\' OR jobs.command LIKE :search ESCAPE '\')
ORDER BY jobs.seq LIMIT :limit

-- name: job_by_id
SELECT jobs.*, runs.worker, runs.started_at, runs.ended_at, runs.duration_ms, runs.outcome, runs.exit_code,
    runs.signal, runs.error
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.id = :id

-- name: state_of
SELECT state FROM jobs WHERE id = :id

-- name: attempts_of
SELECT fence, worker, started_at, ended_at, duration_ms, outcome, exit_code, signal, error
FROM runs WHERE job = :job ORDER BY fence

-- name: output_of
SELECT stream, head, tail, total FROM outputs WHERE job = :job AND fence = :fence

-- name: last_words
-- The end of what an attempt wrote to standard error.
SELECT substr(CASE WHEN length(tail) > 0 THEN tail ELSE head END, -:length)
FROM outputs WHERE job = :job AND fence = :fence AND stream = 2

-- name: counts
SELECT queue, state, n FROM counters WHERE n <> 0
UNION ALL
SELECT queue, state, 1 FROM jobs WHERE state = 'processing'

-- Act --------------------------------------------------------------------------------------------------------------

-- name: cancel_ready
UPDATE jobs SET state = 'cancelled', finished_at = :now, updated_at = :now
WHERE id = :id AND state IN ('pending', 'failed')
RETURNING seq

-- name: cancel_processing
UPDATE jobs SET cancel_requested = :signal, updated_at = :now
WHERE id = :id AND state = 'processing'
RETURNING owner

-- name: retry_job
UPDATE jobs
SET state = 'pending', attempts = 0, losses = 0, run_at = :now, finished_at = NULL, cancel_requested = 0, updated_at = :now
WHERE id = :id AND state IN ('completed', 'failed', 'dead', 'cancelled')
RETURNING queue

-- name: retry_dead
UPDATE jobs
SET state = 'pending', attempts = 0, losses = 0, run_at = :now, finished_at = NULL, cancel_requested = 0, updated_at = :now
WHERE id = :id AND state = 'dead'
RETURNING queue

-- name: revive
-- The dead jobs after a number, some at a time.
UPDATE jobs
SET state = 'pending', attempts = 0, losses = 0, run_at = :now, finished_at = NULL, cancel_requested = 0, updated_at = :now
WHERE seq IN (SELECT seq FROM jobs WHERE state = 'dead' AND seq > :after ORDER BY seq LIMIT :limit)
RETURNING seq, id, queue

-- name: delete_job
DELETE FROM jobs WHERE id = :id AND state IN ('completed', 'dead', 'cancelled') RETURNING seq

-- name: prune
DELETE FROM jobs WHERE seq IN (
    SELECT seq FROM jobs
    WHERE state = :state AND seq > :after AND finished_at <= :before ORDER BY seq LIMIT :limit)
RETURNING seq

-- Workers and pools ------------------------------------------------------------------------------------------------

-- name: insert_pool
INSERT INTO pools (id, host, pid, queues, size, started_at) VALUES (:id, :host, :pid, :queues, :size, :now)

-- name: running_pools
SELECT id, host, pid, queues, size, stop, started_at FROM pools WHERE stopped_at IS NULL ORDER BY started_at, id

-- name: orders_of_pool
SELECT size, stop FROM pools WHERE id = :id AND stopped_at IS NULL

-- name: order_stop
UPDATE pools SET stop = CASE WHEN stop = 'now' THEN stop ELSE :stop END WHERE stopped_at IS NULL RETURNING id

-- name: order_size
UPDATE pools SET size = :size WHERE id = :id AND stopped_at IS NULL RETURNING id

-- name: stop_pool
UPDATE pools SET stopped_at = :now WHERE id = :id AND stopped_at IS NULL

-- name: insert_worker
INSERT INTO workers (id, pool, host, boot_id, pid, pid_start, started_at)
VALUES (:id, :pool, :host, :boot_id, :pid, :pid_start, :now)

-- name: running_workers
SELECT workers.id, workers.pool, workers.host, workers.boot_id, workers.pid, workers.pid_start, workers.started_at,
    workers.completed, workers.failed, jobs.id
FROM workers LEFT JOIN jobs ON jobs.state = 'processing' AND jobs.owner = workers.id
WHERE workers.stopped_at IS NULL ORDER BY workers.started_at, workers.id

-- name: count_attempts
UPDATE workers SET completed = completed + :completed, failed = failed + :failed WHERE id = :id

-- name: tally
SELECT COALESCE(sum(completed), 0), COALESCE(sum(failed), 0) FROM workers WHERE pool = :pool

-- name: stop_worker
UPDATE workers SET stopped_at = :now WHERE id = :id AND stopped_at IS NULL

-- name: forget_workers
-- Their attempts keep the names.
DELETE FROM workers WHERE stopped_at < :before

-- name: forget_pools
DELETE FROM pools WHERE stopped_at < :before AND NOT EXISTS (SELECT 1 FROM workers WHERE workers.pool = pools.id)

-- Records ----------------------------------------------------------------------------------------------------------

-- name: count_stat
INSERT INTO stats (minute, queue, measure, bucket, n) VALUES (:minute, :queue, :measure, :bucket, :n)
ON CONFLICT (minute, queue, measure, bucket) DO UPDATE SET n = stats.n + excluded.n

-- name: stats_since
SELECT measure, sum(n) FROM stats WHERE minute >= :minute GROUP BY measure

-- name: insert_event
INSERT INTO events (at, actor, verb, subject, detail) VALUES (:at, :actor, :verb, :subject, :detail)

-- name: config
SELECT key, value FROM config

-- name: set_config
INSERT INTO config (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: unset_config
DELETE FROM config WHERE key = :key RETURNING key
