-- Every statement of the store, by name. The store's classes use names only; a backend loads the statements of its
-- dialect. Most statements are shared, and dialect.py translates them to PostgreSQL's SQL; one that has to differ is
-- marked (sqlite) after its name, and its counterpart is in postgres/queries.sql. Parameters are :named.

-- Fragments --------------------------------------------------------------------------------------------------------
-- Text that <name> in a statement stands for.

-- fragment: edited
-- The columns that are named in :given, between spaces; of those that cannot be NULL, the ones that are not.
command = COALESCE(CAST(:command AS TEXT), command), queue = COALESCE(CAST(:queue AS TEXT), queue),
    priority = COALESCE(CAST(:priority AS INTEGER), priority),
    max_retries = COALESCE(CAST(:max_retries AS INTEGER), max_retries),
    run_at = COALESCE(CAST(:run_at AS BIGINT), run_at),
    timeout_ms = CASE WHEN :given LIKE '% timeout_ms %' THEN CAST(:timeout_ms AS BIGINT) ELSE timeout_ms END,
    cwd = CASE WHEN :given LIKE '% cwd %' THEN CAST(:cwd AS TEXT) ELSE cwd END,
    env = CASE WHEN :given LIKE '% env %' THEN CAST(:env AS TEXT) ELSE env END,
    environment = CASE WHEN :given LIKE '% environment %' THEN CAST(:environment AS BIGINT) ELSE environment END,
    shell = CASE WHEN :given LIKE '% shell %' THEN CAST(:shell AS TEXT) ELSE shell END,
    tags = CASE WHEN :given LIKE '% tags %' THEN CAST(:tags AS TEXT) ELSE tags END,
    needs = CASE WHEN :given LIKE '% needs %' THEN CAST(:needs AS TEXT) ELSE needs END

-- fragment: matches
-- The conditions of a filter on a job (store/criteria.py); a parameter that is NULL is no condition. The planner moves
-- the checks for NULL out of the loop over the jobs. A tag is compared exactly, as it is stored: LIKE ignores case.
AND (CAST(:queues AS TEXT) IS NULL OR jobs.queue IN (SELECT value FROM json_each(:queues)))
    AND (CAST(:not_queues AS TEXT) IS NULL OR jobs.queue NOT IN (SELECT value FROM json_each(:not_queues)))
    AND (CAST(:tag AS TEXT) IS NULL OR replace(jobs.tags, CAST(:tag AS TEXT), '') <> jobs.tags)
    AND (CAST(:not_tag AS TEXT) IS NULL OR jobs.tags IS NULL OR replace(jobs.tags, CAST(:not_tag AS TEXT), '') = jobs.tags)
    AND (CAST(:id AS TEXT) IS NULL OR jobs.id LIKE :id ESCAPE '\')
    AND (CAST(:search AS TEXT) IS NULL OR jobs.id LIKE :search ESCAPE '\' OR jobs.command LIKE :search ESCAPE '\')
    AND (CAST(:error AS TEXT) IS NULL
        OR jobs.state IN ('failed', 'dead') AND COALESCE(jobs.signature, 'none') LIKE :error)
    AND (CAST(:older AS BIGINT) IS NULL OR COALESCE(jobs.finished_at, jobs.created_at) <= :older)
    AND (CAST(:newer AS BIGINT) IS NULL OR COALESCE(jobs.finished_at, jobs.created_at) > :newer)
    AND (CAST(:worker AS TEXT) IS NULL AND CAST(:exits AS TEXT) IS NULL OR EXISTS (
        SELECT 1 FROM runs AS latest WHERE latest.job = jobs.seq AND latest.fence = jobs.fence
            AND (CAST(:worker AS TEXT) IS NULL OR latest.worker = :worker)
            AND (CAST(:exits AS TEXT) IS NULL OR latest.exit_code IN (SELECT value FROM json_each(:exits)))))

-- fragment: image
-- All columns that an action may change, and those that a deleted job gets back.
json_object(
    'command', command, 'queue', queue, 'state', state, 'priority', priority, 'attempts', attempts,
    'max_retries', max_retries, 'losses', losses, 'timeout_ms', timeout_ms, 'run_at', run_at, 'created_at', created_at,
    'updated_at', updated_at, 'finished_at', finished_at, 'fence', fence, 'cwd', cwd, 'env', env, 'tags', tags,
    'signature', signature, 'needs', needs, 'environment', environment, 'shell', shell,
    'enqueued_by', enqueued_by, 'schedule', schedule,
    'scheduled_for', scheduled_for)

-- fragment: claimed
-- What a worker needs to know of a job that it claims (`rows.Claim`). The time limit of its queue is that of the attempt.
seq, id, command, queue, attempts, max_retries, losses,
    COALESCE(timeout_ms, (SELECT queues.timeout_ms FROM queues WHERE queues.name = jobs.queue)),
    run_at, fence, cwd, env, environment, shell, scheduled_for

-- Enqueue ----------------------------------------------------------------------------------------------------------

-- name: last_seq (sqlite)
-- Read under the write lock, so that no other writer can use the following numbers.
SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'jobs'), 0)

-- name: insert_job
INSERT INTO jobs (seq, id, command, queue, priority, max_retries, timeout_ms, run_at, created_at, updated_at, cwd, env, tags,
    needs, environment, shell, enqueued_by, schedule, scheduled_for)
VALUES (:seq, :id, :command, :queue, :priority, :max_retries, :timeout_ms, :run_at, :created_at, :updated_at, :cwd, :env, :tags,
    :needs, :environment, :shell, :enqueued_by, :schedule, :scheduled_for)

-- name: ids_there
-- Those ids, of many, that exist already.
SELECT id FROM jobs WHERE id IN (SELECT value FROM json_each(:ids))

-- name: environment_of
SELECT id, used_at FROM environments WHERE variables = :variables

-- name: use_environment
UPDATE environments SET used_at = :now WHERE id = :id

-- name: insert_environment
-- No row if another session has inserted it since.
INSERT INTO environments (variables, used_at) VALUES (:variables, :now) ON CONFLICT DO NOTHING RETURNING id

-- name: environment_variables
SELECT variables FROM environments WHERE id = :id

-- name: environments_before
-- Candidates for deletion.
SELECT id FROM environments WHERE used_at < :before

-- name: environments_of_jobs
-- One step of a walk over all jobs.
SELECT seq, environment FROM jobs WHERE seq > :after ORDER BY seq LIMIT :limit

-- name: forget_environments (sqlite)
-- Those of the candidates that no undo needs and no job has got since.
DELETE FROM environments
WHERE id IN (SELECT value FROM json_each(:seqs)) AND used_at < :before AND id NOT IN (
    SELECT environment FROM (
        SELECT before ->> 'environment' AS environment FROM undo_jobs
        UNION ALL SELECT after ->> 'environment' FROM undo_jobs
        UNION ALL SELECT before ->> 'environment' FROM undo_rows WHERE kind = 'schedule'
        UNION ALL SELECT environment FROM schedules)
    WHERE environment IS NOT NULL)

-- Claim ------------------------------------------------------------------------------------------------------------

-- name: due_job (sqlite)
-- The most urgent due job of all queues that needs no label. One index search for each priority in use: a million jobs
-- that are not due yet, have finished or need a label cost nothing. Without INDEXED BY the planner may sort the whole
-- queue instead.
WITH RECURSIVE level (priority) AS (
    SELECT max(priority) FROM jobs INDEXED BY ready_jobs WHERE state IN ('pending', 'failed') AND needs IS NULL
    UNION ALL
    SELECT (
        SELECT max(priority) FROM jobs INDEXED BY ready_jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority < level.priority)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT seq, priority, run_at, queue FROM jobs WHERE seq = (
    SELECT (
        SELECT seq FROM jobs INDEXED BY ready_jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority = level.priority AND run_at <= :now
        ORDER BY run_at, seq LIMIT 1) AS due
    FROM level WHERE due IS NOT NULL LIMIT 1)

-- name: due_job_in_queue (sqlite)
-- The same for one queue. The due time is returned so that of several queues the longest-waiting job can be chosen.
WITH RECURSIVE level (priority) AS (
    SELECT max(priority) FROM jobs INDEXED BY ready_jobs_in_queue
    WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue = :queue
    UNION ALL
    SELECT (
        SELECT max(priority) FROM jobs INDEXED BY ready_jobs_in_queue
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue = :queue AND priority < level.priority)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT seq, priority, run_at FROM jobs WHERE seq = (
    SELECT (
        SELECT seq FROM jobs INDEXED BY ready_jobs_in_queue
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue = :queue AND priority = level.priority
            AND run_at <= :now
        ORDER BY run_at, seq LIMIT 1) AS due
    FROM level WHERE due IS NOT NULL LIMIT 1)

-- name: next_due
-- When the next job that needs no label becomes due, in any queue; in the past if one is due already. No max(), which
-- PostgreSQL may compute from all rows (postgres/queries.sql); with a bound that always holds, SQLite searches the index.
WITH RECURSIVE level (priority) AS (
    SELECT (
        SELECT priority FROM jobs INDEXED BY ready_jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority <= 1000
        ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (
        SELECT priority FROM jobs INDEXED BY ready_jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority < level.priority
        ORDER BY priority DESC LIMIT 1)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT min((
    SELECT run_at FROM jobs INDEXED BY ready_jobs
    WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority = level.priority
    ORDER BY run_at LIMIT 1))
FROM level

-- name: next_due_in_queue (sqlite)
WITH RECURSIVE level (priority) AS (
    SELECT max(priority) FROM jobs INDEXED BY ready_jobs_in_queue
    WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue = :queue
    UNION ALL
    SELECT (
        SELECT max(priority) FROM jobs INDEXED BY ready_jobs_in_queue
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue = :queue AND priority < level.priority)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT min((
    SELECT run_at FROM jobs INDEXED BY ready_jobs_in_queue
    WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue = :queue AND priority = level.priority
    ORDER BY run_at LIMIT 1))
FROM level

-- name: claim_due (sqlite)
-- due_job and claim_job in one.
UPDATE jobs
SET state = 'processing', fence = fence + 1, attempts = attempts + 1, owner = :worker, cancel_requested = 0,
    updated_at = CASE WHEN updated_at BETWEEN :now AND :now + 60000 THEN updated_at ELSE :now END
WHERE seq = (
    WITH RECURSIVE level (priority) AS (
        SELECT max(priority) FROM jobs INDEXED BY ready_jobs WHERE state IN ('pending', 'failed') AND needs IS NULL
        UNION ALL
        SELECT (
            SELECT max(priority) FROM jobs INDEXED BY ready_jobs
            WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority < level.priority)
        FROM level WHERE level.priority IS NOT NULL
    )
    SELECT (
        SELECT seq FROM jobs INDEXED BY ready_jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority = level.priority AND run_at <= :now
        ORDER BY run_at, seq LIMIT 1) AS due
    FROM level WHERE due IS NOT NULL LIMIT 1)
RETURNING <claimed>

-- name: claim_several_due (sqlite)
-- Like claim_due, for up to :most jobs of the highest priority of which one is due.
UPDATE jobs
SET state = 'processing', fence = fence + 1, attempts = attempts + 1, owner = :worker, cancel_requested = 0,
    updated_at = CASE WHEN updated_at BETWEEN :now AND :now + 60000 THEN updated_at ELSE :now END
WHERE seq IN (
    WITH RECURSIVE level (priority) AS (
        SELECT max(priority) FROM jobs INDEXED BY ready_jobs WHERE state IN ('pending', 'failed') AND needs IS NULL
        UNION ALL
        SELECT (
            SELECT max(priority) FROM jobs INDEXED BY ready_jobs
            WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority < level.priority)
        FROM level WHERE level.priority IS NOT NULL
    )
    SELECT seq FROM jobs INDEXED BY ready_jobs
    WHERE state IN ('pending', 'failed') AND needs IS NULL AND run_at <= :now AND priority = (
        SELECT level.priority FROM level WHERE EXISTS (
            SELECT 1 FROM jobs INDEXED BY ready_jobs
            WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority = level.priority AND run_at <= :now)
        LIMIT 1)
    ORDER BY run_at, seq LIMIT :most)
RETURNING <claimed>

-- name: claim_job (sqlite)
-- The claim counts the attempt, so that a job that kills its worker cannot loop for ever. Its time is :now, or that of
-- the job's last update if that is later: a worker that waited for the lock read the clock before the previous attempt
-- ended. A difference of more than a minute is taken for a clock that was set back, and :now is used.
UPDATE jobs
SET state = 'processing', fence = fence + 1, attempts = attempts + 1, owner = :worker, cancel_requested = 0,
    updated_at = CASE WHEN updated_at BETWEEN :now AND :now + 60000 THEN updated_at ELSE :now END
WHERE seq = :seq AND state IN ('pending', 'failed')
RETURNING <claimed>

-- name: insert_run (sqlite)
INSERT INTO runs (job, fence, worker, started_at) SELECT seq, fence, :worker, updated_at FROM jobs WHERE seq = :job

-- name: insert_runs (sqlite)
INSERT INTO runs (job, fence, worker, started_at)
SELECT seq, fence, :worker, updated_at FROM jobs WHERE seq IN (SELECT value FROM json_each(:seqs))

-- name: needs_left
-- The distinct needs of the jobs that wait or run.
WITH RECURSIVE need (needs) AS (
    SELECT (
        SELECT needs FROM jobs INDEXED BY ready_jobs_needing WHERE state IN ('pending', 'failed') AND needs IS NOT NULL
        ORDER BY needs LIMIT 1)
    UNION ALL
    SELECT (
        SELECT needs FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND jobs.needs > need.needs
        ORDER BY needs LIMIT 1)
    FROM need WHERE need.needs IS NOT NULL
)
SELECT needs FROM need WHERE needs IS NOT NULL
UNION
SELECT needs FROM jobs WHERE state = 'processing' AND needs IS NOT NULL

-- name: left_to_run
-- Excludes jobs whose needs no worker of the pool satisfies. One statement, so that all counts are of one moment.
SELECT (SELECT COALESCE(sum(n), 0) FROM counters WHERE state IN ('pending', 'failed'))
    + (SELECT count(*) FROM jobs WHERE state = 'processing')
    - (SELECT count(*) FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL
            AND needs IN (SELECT value FROM json_each(:unserved)))
    - (SELECT count(*) FROM jobs
        WHERE state = 'processing' AND needs IN (SELECT value FROM json_each(:unserved)))

-- name: left_to_run_in_queue
SELECT (SELECT COALESCE(sum(n), 0) FROM counters WHERE state IN ('pending', 'failed') AND queue = :queue)
    + (SELECT count(*) FROM jobs WHERE state = 'processing' AND queue = :queue)
    - (SELECT count(*) FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND queue = :queue
            AND needs IN (SELECT value FROM json_each(:unserved)))
    - (SELECT count(*) FROM jobs
        WHERE state = 'processing' AND queue = :queue AND needs IN (SELECT value FROM json_each(:unserved)))

-- name: due_job_alone
-- The one job that a worker of its own may run, if it is due.
SELECT seq, priority, run_at, queue FROM jobs
WHERE seq = :seq AND state IN ('pending', 'failed') AND run_at <= :now /*pg FOR UPDATE SKIP LOCKED */

-- name: next_due_of_job
SELECT run_at, queue FROM jobs WHERE seq = :seq AND state IN ('pending', 'failed')

-- name: left_to_run_of_job
SELECT count(*) FROM jobs WHERE seq = :seq AND state NOT IN ('completed', 'dead', 'cancelled')

-- Gates --------------------------------------------------------------------------------------------------------------
-- Queues that are paused, limited or weighted. Where there are none, a claim is one of the statements above.

-- name: gates
SELECT name, paused_at IS NOT NULL, max_running, weight FROM queues INDEXED BY queues_gated
WHERE paused_at IS NOT NULL OR max_running IS NOT NULL OR weight <> 1

-- name: running_by_queue
-- Counted, not stored: there are no more running jobs than workers, and a count cannot drift from them.
SELECT queue, count(*) FROM jobs WHERE state = 'processing' GROUP BY queue

-- name: ready_queues
-- The queues behind :after that have waiting jobs without needs, in the order of their names.
WITH RECURSIVE ready (queue) AS (
    SELECT (
        SELECT queue FROM jobs INDEXED BY ready_jobs_in_queue
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue > :after
        ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (
        SELECT queue FROM jobs INDEXED BY ready_jobs_in_queue
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND jobs.queue > ready.queue
        ORDER BY queue LIMIT 1)
    FROM ready WHERE ready.queue IS NOT NULL
)
SELECT queue FROM ready WHERE queue IS NOT NULL LIMIT :limit

-- name: running_anywhere
SELECT count(*) FROM jobs
WHERE state = 'processing' AND (needs IS NULL OR NOT needs IN (SELECT value FROM json_each(:unserved)))

-- name: running_in_queue
-- Without jobs that no worker of the pool could have claimed.
SELECT count(*) FROM jobs
WHERE state = 'processing' AND queue = :queue AND (needs IS NULL OR NOT needs IN (SELECT value FROM json_each(:unserved)))

-- Jobs that need labels ---------------------------------------------------------------------------------------------

-- name: heads_needing
-- For each combination of needs, queue and priority in use among waiting jobs with needs: when the first becomes due.
-- One index search for each; the number of jobs behind it does not matter.
WITH RECURSIVE need (needs) AS (
    SELECT (
        SELECT needs FROM jobs INDEXED BY ready_jobs_needing WHERE state IN ('pending', 'failed') AND needs IS NOT NULL
        ORDER BY needs LIMIT 1)
    UNION ALL
    SELECT (
        SELECT needs FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND jobs.needs > need.needs
        ORDER BY needs LIMIT 1)
    FROM need WHERE need.needs IS NOT NULL
), kind (needs, queue) AS (
    SELECT needs, (
        SELECT queue FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND jobs.needs = need.needs
        ORDER BY queue LIMIT 1)
    FROM need WHERE need.needs IS NOT NULL
    UNION ALL
    SELECT needs, (
        SELECT queue FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND jobs.needs = kind.needs AND jobs.queue > kind.queue
        ORDER BY queue LIMIT 1)
    FROM kind WHERE kind.queue IS NOT NULL
), level (needs, queue, priority) AS (
    SELECT needs, queue, (
        SELECT priority FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND jobs.needs = kind.needs AND jobs.queue = kind.queue
        ORDER BY priority DESC LIMIT 1)
    FROM kind WHERE kind.queue IS NOT NULL
    UNION ALL
    SELECT needs, queue, (
        SELECT priority FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND jobs.needs = level.needs AND jobs.queue = level.queue
            AND jobs.priority < level.priority
        ORDER BY priority DESC LIMIT 1)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT needs, queue, priority, (
    SELECT run_at FROM jobs INDEXED BY ready_jobs_needing
    WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND jobs.needs = level.needs AND jobs.queue = level.queue
        AND jobs.priority = level.priority
    ORDER BY run_at LIMIT 1)
FROM level WHERE priority IS NOT NULL

-- name: due_job_needing (sqlite)
-- Like due_job_in_queue, for jobs of a queue with the same needs.
WITH RECURSIVE level (priority) AS (
    SELECT max(priority) FROM jobs INDEXED BY ready_jobs_needing
    WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND needs = :needs AND queue = :queue
    UNION ALL
    SELECT (
        SELECT max(priority) FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND needs = :needs AND queue = :queue
            AND priority < level.priority)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT seq, priority, run_at FROM jobs WHERE seq = (
    SELECT (
        SELECT seq FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND needs = :needs AND queue = :queue
            AND priority = level.priority AND run_at <= :now
        ORDER BY run_at, seq LIMIT 1) AS due
    FROM level WHERE due IS NOT NULL LIMIT 1)

-- Finish -----------------------------------------------------------------------------------------------------------

-- name: finish_run
UPDATE runs
SET outcome = :outcome, ended_at = :now, duration_ms = :duration_ms, exit_code = :exit_code, signal = :signal, error = :error
WHERE job = :job AND fence = :fence AND worker = :worker AND outcome IS NULL

-- name: succeed_runs (sqlite)
-- finish_run for several successes: of each, the number of the job, the fence and the duration.
UPDATE runs SET outcome = 'success', ended_at = :now, exit_code = 0, duration_ms = given.duration_ms
FROM (SELECT value ->> 0 AS job, value ->> 1 AS fence, value ->> 2 AS duration_ms FROM json_each(:ended)) AS given
WHERE runs.job = given.job AND runs.fence = given.fence AND worker = :worker AND outcome IS NULL
RETURNING job

-- name: succeed_jobs (sqlite)
-- finish_job for them: a job whose open run was this worker's has its fence.
UPDATE jobs SET state = 'completed', finished_at = :now, losses = 0, owner = NULL, updated_at = :now
WHERE seq IN (SELECT value FROM json_each(:seqs)) AND owner = :worker AND state = 'processing'

-- name: insert_output
INSERT INTO outputs (job, fence, stream, head, tail, total) VALUES (:job, :fence, :stream, :head, :tail, :total)

-- name: finish_job
-- A job whose cancel was requested is not retried, however its last attempt ended.
UPDATE jobs
SET state = CASE WHEN cancel_requested <> 0 AND :state <> 'completed' THEN 'cancelled' ELSE :state END,
    finished_at = CASE WHEN cancel_requested <> 0 OR :state IN ('completed', 'dead', 'cancelled') THEN :now END,
    run_at = COALESCE(:run_at, run_at), attempts = :attempts,
    losses = CASE WHEN cancel_requested <> 0 THEN 0 ELSE :losses END, owner = NULL, updated_at = :now
WHERE seq = :seq AND fence = :fence AND owner = :worker AND state = 'processing'
RETURNING state

-- name: sign_job
-- Runs before finish_job, while no index of dead jobs contains the job.
UPDATE jobs SET signature = :signature WHERE seq = :seq AND fence = :fence AND state = 'processing'

-- name: count_signature
INSERT INTO signatures (id, text, first_at, last_at, n) VALUES (:id, :text, :now, :now, 1)
ON CONFLICT (id) DO UPDATE SET last_at = excluded.last_at, n = signatures.n + 1

-- name: withdraw_job
-- Undoes a claim: the state is the earlier one, as in release_job, and the next claim gives the attempt the same number.
-- A trigger deletes its run. Not of a job whose cancel was requested meanwhile.
UPDATE jobs
SET fence = fence - 1, attempts = attempts - 1, owner = NULL, updated_at = :now, state = CASE
    WHEN attempts > 1 AND EXISTS (
        SELECT 1 FROM runs WHERE runs.job = jobs.seq AND runs.fence = jobs.fence - 1
            AND runs.outcome IN ('exit', 'signal', 'timeout', 'spawn_error'))
    THEN 'failed' ELSE 'pending' END
WHERE seq = :seq AND fence = :fence AND owner = :worker AND state = 'processing' AND cancel_requested = 0

-- name: processing_of
-- Jobs that a worker holds: the running one, and around it short ones whose results are not recorded or that have not
-- started.
SELECT <claimed>
FROM jobs WHERE state = 'processing' AND owner = :worker

-- name: state_after
-- The state after an attempt whose end its own worker has recorded. Without the fence, which never decreases, PostgreSQL
-- would scan the index of states, which contains all the columns of this query.
SELECT state FROM jobs WHERE seq = :seq AND fence >= :fence AND (
    SELECT count(*) FROM runs
    WHERE job = :seq AND fence = :fence AND worker = :worker AND outcome IS NOT NULL AND outcome <> 'lost') > 0

-- name: run_started_at
SELECT started_at FROM runs WHERE job = :job AND fence = :fence

-- name: cancel_requested
SELECT cancel_requested FROM jobs WHERE seq = :seq AND fence = :fence AND owner = :worker AND state = 'processing'

-- Read -------------------------------------------------------------------------------------------------------------

-- name: newest_seqs
-- The start of a listing of the newest jobs.
SELECT jobs.seq FROM jobs WHERE jobs.seq <= :last
    <matches>
ORDER BY jobs.seq DESC LIMIT :limit

-- name: newest_seqs_in_state
SELECT jobs.seq FROM jobs WHERE jobs.state = :state AND jobs.seq <= :last
    <matches>
ORDER BY jobs.seq DESC LIMIT :limit

-- name: jobs_in_order
-- With the latest attempt of each job: a job's fence is the number of its last run.
SELECT jobs.*, runs.worker, runs.started_at, runs.ended_at, runs.duration_ms, runs.outcome, runs.exit_code,
    runs.signal, runs.error
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.seq > :after AND jobs.seq <= :last
    <matches>
ORDER BY jobs.seq LIMIT :limit

-- name: jobs_in_state_in_order
SELECT jobs.*, runs.worker, runs.started_at, runs.ended_at, runs.duration_ms, runs.outcome, runs.exit_code,
    runs.signal, runs.error
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.state = :state AND jobs.seq > :after AND jobs.seq <= :last
    <matches>
ORDER BY jobs.seq LIMIT :limit

-- name: job_by_id
SELECT jobs.*, runs.worker, runs.started_at, runs.ended_at, runs.duration_ms, runs.outcome, runs.exit_code,
    runs.signal, runs.error
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.id = :id

-- name: jobs_by_ids
SELECT jobs.*, runs.worker, runs.started_at, runs.ended_at, runs.duration_ms, runs.outcome, runs.exit_code,
    runs.signal, runs.error
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.id IN (SELECT value FROM json_each(:ids))

-- name: newest_of
-- The newest job that a user enqueued: as exactly :actor, or on a host whose name may have changed.
SELECT id FROM jobs
WHERE enqueued_by = :actor OR substr(enqueued_by, 1, length(CAST(:prefix AS TEXT))) = CAST(:prefix AS TEXT)
ORDER BY seq DESC LIMIT 1

-- name: newest_of_in_state
SELECT seq, id FROM jobs
WHERE state = :state
    AND (enqueued_by = :actor OR substr(enqueued_by, 1, length(CAST(:prefix AS TEXT))) = CAST(:prefix AS TEXT))
ORDER BY seq DESC LIMIT 1

-- name: state_of
SELECT state FROM jobs WHERE id = :id

-- name: states_of
SELECT id, state FROM jobs WHERE id IN (SELECT value FROM json_each(:ids))

-- name: attempts_of
SELECT fence, worker, started_at, ended_at, duration_ms, outcome, exit_code, signal, error
FROM runs WHERE job = :job ORDER BY fence

-- name: output_of
SELECT stream, head, tail, total FROM outputs WHERE job = :job AND fence = :fence

-- name: last_words
-- The end of an attempt's standard error.
SELECT substr(CASE WHEN length(tail) > 0 THEN tail ELSE head END, -:length)
FROM outputs WHERE job = :job AND fence = :fence AND stream = 2

-- name: counts
SELECT queue, state, n FROM counters WHERE n <> 0
UNION ALL
SELECT queue, state, 1 FROM jobs WHERE state = 'processing'

-- Act --------------------------------------------------------------------------------------------------------------

-- name: cancel_ready
UPDATE jobs SET state = 'cancelled', finished_at = :now, updated_at = :now
WHERE id = :id AND state IN ('pending', 'failed', 'held')
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
-- The dead jobs after a number, one batch at a time.
UPDATE jobs
SET state = 'pending', attempts = 0, losses = 0, run_at = :now, finished_at = NULL, cancel_requested = 0, updated_at = :now
WHERE seq IN (SELECT seq FROM jobs WHERE state = 'dead' AND seq > :after ORDER BY seq LIMIT :limit /*pg FOR UPDATE */)
RETURNING seq, id, queue

-- name: delete_job
DELETE FROM jobs WHERE id = :id AND state IN ('completed', 'dead', 'cancelled') RETURNING seq

-- name: prune
DELETE FROM jobs WHERE seq IN (
    SELECT seq FROM jobs
    WHERE state = :state AND seq > :after AND finished_at <= :before ORDER BY seq LIMIT :limit /*pg FOR UPDATE */)
RETURNING seq

-- name: hold_job
UPDATE jobs SET state = 'held', updated_at = :now WHERE id = :id AND state IN ('pending', 'failed')
RETURNING seq

-- name: release_job
-- Restores the previous state: `failed` if the last attempt failed and counts, which a retry by hand would have reset.
UPDATE jobs
SET updated_at = :now, state = CASE
    WHEN attempts > 0 AND EXISTS (
        SELECT 1 FROM runs WHERE runs.job = jobs.seq AND runs.fence = jobs.fence
            AND runs.outcome IN ('exit', 'signal', 'timeout', 'spawn_error'))
    THEN 'failed' ELSE 'pending' END
WHERE id = :id AND state = 'held'
RETURNING queue

-- name: prioritise_job
UPDATE jobs SET priority = :priority, updated_at = :now
WHERE id = :id AND state IN ('pending', 'failed', 'held')
RETURNING queue

-- name: edit_job
UPDATE jobs
SET command = :command, queue = :queue, priority = :priority, max_retries = :max_retries, timeout_ms = :timeout_ms,
    run_at = :run_at, cwd = :cwd, env = :env, environment = :environment, shell = :shell, tags = :tags, needs = :needs,
    updated_at = :now
WHERE seq = :seq AND state <> 'processing'

-- name: edit_and_requeue_job
UPDATE jobs
SET command = :command, queue = :queue, priority = :priority, max_retries = :max_retries, timeout_ms = :timeout_ms,
    run_at = :run_at, cwd = :cwd, env = :env, environment = :environment, shell = :shell, tags = :tags, needs = :needs,
    updated_at = :now,
    state = 'pending', attempts = 0, losses = 0, finished_at = NULL, cancel_requested = 0
WHERE seq = :seq AND state <> 'processing'

-- Act on jobs that a filter selects ----------------------------------------------------------------------------------
-- A thousand jobs at a time, by number: those whose state does not allow the change any more are left out.

-- name: select_jobs
SELECT jobs.seq FROM jobs
WHERE jobs.seq > :after AND jobs.seq <= :last
    <matches>
ORDER BY jobs.seq LIMIT :limit

-- name: select_jobs_in_state
SELECT jobs.seq FROM jobs
WHERE jobs.state = :state AND jobs.seq > :after AND jobs.seq <= :last
    <matches>
ORDER BY jobs.seq LIMIT :limit

-- name: count_selected
SELECT jobs.queue, jobs.state, count(*) FROM jobs
WHERE jobs.seq <= :last
    <matches>
GROUP BY jobs.queue, jobs.state

-- name: select_these
-- Those of the jobs that still match.
SELECT jobs.seq FROM jobs
WHERE jobs.seq IN (SELECT value FROM json_each(:seqs))
    <matches>

-- name: fences_of_these
SELECT seq, state, fence FROM jobs WHERE seq IN (SELECT value FROM json_each(:seqs))

-- name: ids_of_these
SELECT id FROM jobs WHERE seq IN (SELECT value FROM json_each(:seqs)) ORDER BY seq

-- name: states_of_these
-- Locks them, in the order of their numbers: see lock_jobs.
SELECT seq, state, priority FROM jobs
WHERE seq IN (SELECT value FROM json_each(:seqs)) ORDER BY seq + 0 /*pg FOR UPDATE */

-- name: look_at_these
-- The same without a lock.
SELECT seq, state, priority FROM jobs WHERE seq IN (SELECT value FROM json_each(:seqs))

-- name: queues_of_these
SELECT id, queue FROM jobs WHERE seq IN (SELECT value FROM json_each(:seqs)) ORDER BY seq

-- name: cancel_these
UPDATE jobs SET state = 'cancelled', finished_at = :now, updated_at = :now
WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state IN ('pending', 'failed', 'held')
RETURNING seq, id, queue

-- name: cancel_running_these
UPDATE jobs SET cancel_requested = :signal, updated_at = :now
WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state = 'processing'
RETURNING seq, id, queue, owner

-- name: retry_these
UPDATE jobs
SET state = 'pending', attempts = 0, losses = 0, run_at = :now, finished_at = NULL, cancel_requested = 0, updated_at = :now
WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state IN ('completed', 'failed', 'dead', 'cancelled')
RETURNING seq, id, queue

-- name: hold_these
UPDATE jobs SET state = 'held', updated_at = :now
WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state IN ('pending', 'failed')
RETURNING seq, id, queue

-- name: release_these
-- As release_job.
UPDATE jobs
SET updated_at = :now, state = CASE
    WHEN attempts > 0 AND EXISTS (
        SELECT 1 FROM runs WHERE runs.job = jobs.seq AND runs.fence = jobs.fence
            AND runs.outcome IN ('exit', 'signal', 'timeout', 'spawn_error'))
    THEN 'failed' ELSE 'pending' END
WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state = 'held'
RETURNING seq, id, queue

-- name: prioritise_these
UPDATE jobs SET priority = :priority, updated_at = :now
WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state IN ('pending', 'failed', 'held') AND priority <> :priority
RETURNING seq, id, queue

-- name: delete_these
DELETE FROM jobs WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state IN ('completed', 'dead', 'cancelled')
RETURNING seq, id, queue

-- name: edited_columns_of_these
SELECT seq, state, attempts, command, queue, priority, max_retries, run_at, timeout_ms, cwd, env, environment, shell, tags, needs
FROM jobs WHERE seq IN (SELECT value FROM json_each(:seqs))

-- name: edit_these
UPDATE jobs
SET <edited>,
    updated_at = :now
WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state <> 'processing'
RETURNING seq, id, queue

-- name: edit_and_requeue_these
UPDATE jobs
SET <edited>,
    updated_at = :now,
    state = 'pending', attempts = 0, losses = 0, finished_at = NULL, cancel_requested = 0
WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state <> 'processing'
RETURNING seq, id, queue

-- Dead jobs by error -----------------------------------------------------------------------------------------------

-- name: dead_errors
-- One scan of an index that contains only dead jobs, without reading rows of jobs.
SELECT dead.signature, signatures.text, dead.n, dead.queues, dead.first_at, dead.last_at
FROM (
    SELECT signature, count(*) AS n, json_group_array(DISTINCT queue) AS queues,
        min(finished_at) AS first_at, max(finished_at) AS last_at
    FROM jobs INDEXED BY jobs_dead
    WHERE state = 'dead' AND (CAST(:queue AS TEXT) IS NULL OR queue = :queue)
    GROUP BY signature) AS dead
LEFT JOIN signatures ON signatures.id = dead.signature
ORDER BY dead.n, dead.last_at, dead.signature

-- name: signatures_like (sqlite)
-- Signatures of dead jobs that begin with these digits.
SELECT DISTINCT signature FROM jobs INDEXED BY jobs_dead
WHERE state = 'dead' AND signature >= :prefix AND signature < :prefix || 'g' LIMIT 2

-- name: dead_seqs
SELECT seq FROM jobs WHERE state = 'dead' AND seq > :after ORDER BY seq LIMIT :limit

-- name: dead_seqs_of_error (sqlite)
SELECT seq FROM jobs INDEXED BY jobs_dead
WHERE state = 'dead' AND signature IS :signature AND seq > :after ORDER BY seq LIMIT :limit

-- name: newest_dead_of_error (sqlite)
SELECT seq FROM jobs INDEXED BY jobs_dead
WHERE state = 'dead' AND signature IS :signature AND (CAST(:queue AS TEXT) IS NULL OR queue = :queue)
ORDER BY seq DESC LIMIT :limit

-- name: count_dead_of_error (sqlite)
SELECT count(*) FROM jobs INDEXED BY jobs_dead WHERE state = 'dead' AND signature IS :signature

-- name: jobs_by_seq
SELECT jobs.*, runs.worker, runs.started_at, runs.ended_at, runs.duration_ms, runs.outcome, runs.exit_code,
    runs.signal, runs.error
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.seq IN (SELECT value FROM json_each(:seqs)) ORDER BY jobs.seq

-- name: revive_these
UPDATE jobs
SET state = 'pending', attempts = 0, losses = 0, run_at = :now, finished_at = NULL, cancel_requested = 0, updated_at = :now
WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state = 'dead'
RETURNING seq, id, queue

-- name: purge_these
DELETE FROM jobs WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state = 'dead' RETURNING seq

-- name: prunable_seqs
-- The jobs that prune deletes next.
SELECT seq FROM jobs
WHERE state = :state AND seq > :after AND finished_at <= :before ORDER BY seq LIMIT :limit

-- name: count_prunable
SELECT count(*) FROM jobs WHERE state = :state AND finished_at <= :before

-- name: forget_signatures
-- Signatures without a recent attempt and without a dead job.
DELETE FROM signatures
WHERE last_at < :before AND NOT EXISTS (
    SELECT 1 FROM jobs INDEXED BY jobs_dead WHERE jobs.state = 'dead' AND jobs.signature = signatures.id)

-- Why a job waits --------------------------------------------------------------------------------------------------

-- name: ahead
-- Due jobs that a worker of every queue claims before this one, counted up to :limit for each priority in use.
WITH RECURSIVE level (priority) AS (
    SELECT (
        SELECT priority FROM jobs INDEXED BY ready_jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority <= 1000
        ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (
        SELECT priority FROM jobs INDEXED BY ready_jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority < level.priority
        ORDER BY priority DESC LIMIT 1)
    FROM level WHERE level.priority > :priority
)
SELECT COALESCE(sum((
    SELECT count(*) FROM (
        SELECT 1 FROM jobs INDEXED BY ready_jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND jobs.priority = level.priority AND run_at <= :now
            AND (jobs.priority > :priority OR (run_at, seq) < (:run_at, :seq))
        ORDER BY run_at, seq LIMIT :limit))), 0)
FROM level WHERE level.priority >= :priority

-- name: ahead_in_queue
-- The same for a worker of one queue.
WITH RECURSIVE level (priority) AS (
    SELECT (
        SELECT priority FROM jobs INDEXED BY ready_jobs_in_queue
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue = :queue
        ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (
        SELECT priority FROM jobs INDEXED BY ready_jobs_in_queue
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue = :queue AND priority < level.priority
        ORDER BY priority DESC LIMIT 1)
    FROM level WHERE level.priority > :priority
)
SELECT COALESCE(sum((
    SELECT count(*) FROM (
        SELECT 1 FROM jobs INDEXED BY ready_jobs_in_queue
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue = :queue
            AND jobs.priority = level.priority AND run_at <= :now
            AND (jobs.priority > :priority OR (run_at, seq) < (:run_at, :seq))
        ORDER BY run_at, seq LIMIT :limit))), 0)
FROM level WHERE level.priority >= :priority

-- name: ahead_needing
-- The same for jobs of a queue with the same needs.
WITH RECURSIVE level (priority) AS (
    SELECT (
        SELECT priority FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND needs = :needs AND queue = :queue
        ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (
        SELECT priority FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND needs = :needs AND queue = :queue
            AND priority < level.priority
        ORDER BY priority DESC LIMIT 1)
    FROM level WHERE level.priority > :priority
)
SELECT COALESCE(sum((
    SELECT count(*) FROM (
        SELECT 1 FROM jobs INDEXED BY ready_jobs_needing
        WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND needs = :needs AND queue = :queue
            AND jobs.priority = level.priority AND run_at <= :now
            AND (jobs.priority > :priority OR (run_at, seq) < (:run_at, :seq))
        ORDER BY run_at, seq LIMIT :limit))), 0)
FROM level WHERE level.priority >= :priority

-- Undo -------------------------------------------------------------------------------------------------------------
-- An image holds all columns that an operator's action may change, to be restored, and compared with the current row.

-- name: seqs_of
SELECT seq FROM jobs WHERE id IN (SELECT value FROM json_each(:ids))

-- name: forget_undos
-- Rows that another session is deleting are skipped, so that no session waits for another.
DELETE FROM undos WHERE id IN (SELECT id FROM undos WHERE at < :before /*pg FOR UPDATE SKIP LOCKED */)

-- name: insert_undo
INSERT INTO undos (at, actor, verb, command) VALUES (:now, :actor, :verb, :command) RETURNING id

-- name: size_of_jobs
-- Approximate bytes of the images. Running jobs are left out: no action on them can be undone.
SELECT count(*), COALESCE(sum(length(command) + 500), 0) FROM jobs
WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state <> 'processing'

-- name: size_of_outputs
SELECT COALESCE(sum(length(head) + length(tail)), 0) FROM outputs
WHERE job IN (SELECT value FROM json_each(:seqs))

-- name: keep_jobs
INSERT INTO undo_jobs (undo, job, id, before)
SELECT :undo, seq, id, <image>
FROM jobs WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state <> 'processing'
ORDER BY seq /*pg FOR UPDATE */
ON CONFLICT (undo, job) DO NOTHING

-- name: keep_changes
UPDATE undo_jobs SET after = (
    SELECT <image>
    FROM jobs WHERE jobs.seq = undo_jobs.job)
WHERE undo = :undo AND job IN (SELECT value FROM json_each(:seqs))

-- name: keep_runs
UPDATE undo_jobs SET runs = (
    SELECT COALESCE(json_group_array(
        json_array(fence, worker, started_at, ended_at, duration_ms, outcome, exit_code, signal, error)), '[]')
    FROM runs WHERE runs.job = undo_jobs.job)
WHERE undo = :undo AND job IN (SELECT value FROM json_each(:seqs))

-- name: keep_outputs
INSERT INTO undo_outputs (undo, job, fence, stream, head, tail, total)
SELECT :undo, job, fence, stream, head, tail, total FROM outputs
WHERE job IN (SELECT value FROM json_each(:seqs))

-- name: keep_states
-- What a change of the state or priority of many jobs overwrites, without the text of an image. Running jobs are left out.
INSERT INTO undo_states (undo, job, state, priority, attempts, losses, run_at, finished_at, fence, updated_at)
SELECT :undo, seq, state, priority, attempts, losses, run_at, finished_at, fence, updated_at
FROM jobs WHERE seq IN (SELECT value FROM json_each(:seqs)) AND state <> 'processing'
ORDER BY seq /*pg FOR UPDATE */

-- name: keep_row
-- A row of another table than jobs, as it was before the action and after it; of two changes, before the first.
INSERT INTO undo_rows (undo, kind, name, before, after) VALUES (:undo, :kind, :name, :before, :after)
ON CONFLICT (undo, kind, name) DO UPDATE SET after = excluded.after

-- name: kept_rows
SELECT kind, name, before, after FROM undo_rows WHERE undo = :undo ORDER BY kind, name

-- name: kept_states
SELECT job FROM undo_states WHERE undo = :undo AND job > :after ORDER BY job LIMIT :limit

-- name: begin_undoing_these (sqlite)
INSERT INTO undoing (job) SELECT value FROM json_each(:seqs)

-- name: put_back_states
-- Jobs that the action itself changed last: a later change has another time or is by a later action, and any attempt has
-- another fence. The time of the change before it is restored too, so that an older action can be undone next.
UPDATE jobs
SET state = kept.state, priority = kept.priority, attempts = kept.attempts, losses = kept.losses, run_at = kept.run_at,
    finished_at = kept.finished_at, updated_at = kept.updated_at
FROM undo_states AS kept
WHERE kept.undo = :undo AND kept.job = jobs.seq AND kept.fence = jobs.fence
    AND jobs.seq IN (SELECT value FROM json_each(:seqs)) AND jobs.updated_at = :at AND jobs.state <> 'processing'
    AND NOT EXISTS (
        SELECT 1 FROM undos AS later
        WHERE later.id > :undo AND later.at = :at AND (
            EXISTS (SELECT 1 FROM undo_states AS states WHERE states.undo = later.id AND states.job = jobs.seq)
            OR EXISTS (SELECT 1 FROM undo_jobs AS those WHERE those.undo = later.id AND those.job = jobs.seq)
        )
    )
RETURNING jobs.seq, jobs.queue

-- name: empty_undo_states
DELETE FROM undo_states WHERE undo = :undo

-- name: undos
-- Actions that were not undone yet, the newest first; those without jobs and rows cannot be undone.
SELECT id, at, actor, verb, command, (SELECT count(*) FROM undo_jobs WHERE undo_jobs.undo = undos.id)
    + (SELECT count(*) FROM undo_states WHERE undo_states.undo = undos.id),
    (SELECT count(*) FROM undo_rows WHERE undo_rows.undo = undos.id)
FROM undos WHERE at >= :since AND undone_at IS NULL ORDER BY id DESC

-- name: undo_by_id
SELECT id, at, actor, verb, command, undone_at FROM undos WHERE id = :id

-- name: kept_jobs
SELECT job, id, before, after, runs FROM undo_jobs WHERE undo = :undo ORDER BY job

-- name: image_of
SELECT <image>
FROM jobs WHERE seq = :seq /*pg FOR UPDATE */

-- name: begin_undoing
INSERT INTO undoing (job) VALUES (:job)

-- name: end_undoing
DELETE FROM undoing

-- name: put_back_job
UPDATE jobs
SET command = :command, queue = :queue, state = :state, priority = :priority, attempts = :attempts,
    max_retries = :max_retries, losses = :losses, timeout_ms = :timeout_ms, run_at = :run_at, updated_at = :now,
    finished_at = :finished_at, cwd = :cwd, env = :env, environment = :environment, shell = :shell, tags = :tags,
    needs = :needs
WHERE seq = :seq AND fence = :fence AND state <> 'processing'

-- name: bring_back_job
INSERT INTO jobs (seq, id, command, queue, state, priority, attempts, max_retries, losses, timeout_ms, run_at, created_at,
    updated_at, finished_at, fence, cwd, env, tags, signature, needs, environment, shell, enqueued_by, schedule, scheduled_for)
VALUES (:seq, :id, :command, :queue, :state, :priority, :attempts, :max_retries, :losses, :timeout_ms, :run_at, :created_at,
    :now, :finished_at, :fence, :cwd, :env, :tags, :signature, :needs, :environment, :shell, :enqueued_by,
    :schedule, :scheduled_for)

-- name: bring_back_run
INSERT INTO runs (job, fence, worker, started_at, ended_at, duration_ms, outcome, exit_code, signal, error)
VALUES (:job, :fence, :worker, :started_at, :ended_at, :duration_ms, :outcome, :exit_code, :signal, :error)

-- name: bring_back_outputs
INSERT INTO outputs (job, fence, stream, head, tail, total)
SELECT job, fence, stream, head, tail, total FROM undo_outputs WHERE undo = :undo AND job = :job

-- name: close_undo
UPDATE undos SET undone_at = :now WHERE id = :id

-- name: empty_undo_rows
DELETE FROM undo_rows WHERE undo = :undo

-- name: empty_undo
-- Deletes the recorded jobs, which are not needed any more.
DELETE FROM undo_jobs WHERE undo = :id

-- Workers and pools ------------------------------------------------------------------------------------------------

-- name: insert_pool (sqlite)
INSERT INTO pools (id, host, pid, queues, labels, size, started_at)
VALUES (:id, :host, :pid, :queues, :labels, :size, :now)

-- name: running_pools (sqlite)
SELECT id, host, pid, queues, labels, size, stop, started_at, NULL FROM pools
WHERE stopped_at IS NULL AND (CAST(:host AS TEXT) IS NULL OR host = :host)
ORDER BY started_at, id

-- name: has_host
-- Includes hosts whose pools have stopped, as long as their rows are kept.
SELECT EXISTS (SELECT 1 FROM pools WHERE host = :host)

-- name: orders_of_pool
SELECT size, stop FROM pools WHERE id = :id AND stopped_at IS NULL

-- name: stop_of_pool
-- Includes a pool that was written off: its workers may outlive it.
SELECT stop FROM pools WHERE id = :id

-- name: order_stop
UPDATE pools SET stop = CASE WHEN stop = 'now' THEN stop ELSE :stop END
WHERE stopped_at IS NULL AND (CAST(:host AS TEXT) IS NULL OR host = :host)
RETURNING id

-- name: record_stop
UPDATE pools SET stop = CASE WHEN stop = 'now' THEN stop ELSE :stop END WHERE id = :id AND stopped_at IS NULL

-- name: order_size
UPDATE pools SET size = :size WHERE id = :id AND stopped_at IS NULL RETURNING id

-- name: stop_pool
UPDATE pools SET stopped_at = :now WHERE id = :id AND stopped_at IS NULL

-- name: insert_worker (sqlite)
INSERT INTO workers (id, pool, host, boot_id, pid, pid_start, started_at)
VALUES (:id, :pool, :host, :boot_id, :pid, :pid_start, :now)

-- name: running_workers (sqlite)
-- With one of its jobs: a worker holds several for some milliseconds only, while they are short.
SELECT workers.id, workers.pool, workers.host, workers.boot_id, workers.pid, workers.pid_start, workers.started_at,
    workers.completed, workers.failed,
    (SELECT jobs.id FROM jobs WHERE jobs.state = 'processing' AND jobs.owner = workers.id ORDER BY seq LIMIT 1), NULL, NULL
FROM workers
WHERE workers.stopped_at IS NULL AND (CAST(:host AS TEXT) IS NULL OR workers.host = :host)
ORDER BY workers.started_at, workers.id

-- name: count_attempts (sqlite)
UPDATE workers SET completed = completed + :completed, failed = failed + :failed WHERE id = :id

-- name: tally
SELECT COALESCE(sum(completed), 0), COALESCE(sum(failed), 0) FROM workers WHERE pool = :pool

-- name: died_in_pool
-- Dead jobs whose last attempt was made by a worker of the pool.
SELECT count(*) FROM jobs
JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
JOIN workers ON workers.id = runs.worker
WHERE jobs.state = 'dead' AND workers.pool = :pool

-- name: stop_worker
UPDATE workers SET stopped_at = :now WHERE id = :id AND COALESCE(stopped_at, 0) = 0

-- name: lives
SELECT workers.id, workers.pool, pools.queues, workers.started_at, workers.stopped_at
FROM workers JOIN pools ON pools.id = workers.pool
ORDER BY workers.started_at, workers.id

-- name: forget_workers
-- Attempts keep the workers' names.
DELETE FROM workers WHERE stopped_at < :before

-- name: forget_pools (sqlite)
DELETE FROM pools WHERE stopped_at < :before AND NOT EXISTS (SELECT 1 FROM workers WHERE workers.pool = pools.id)

-- Queries of doctor ------------------------------------------------------------------------------------------------

-- name: attempt_is_over
-- Whether this worker's attempt has ended; that of a deleted job counts as ended if the store knows the worker.
SELECT COALESCE(
    (SELECT outcome IS NOT NULL FROM runs WHERE job = :job AND fence = :fence AND worker = :worker),
    EXISTS (SELECT 1 FROM workers WHERE id = :worker))

-- name: attempt_is_open
SELECT 1 FROM runs WHERE job = :job AND fence = :fence AND outcome IS NULL

-- name: newest_time
-- A scan of all jobs: no index has these times, and only doctor runs it.
SELECT max(at) FROM (
    SELECT max(updated_at) AS at FROM jobs
    UNION ALL SELECT (SELECT at FROM events ORDER BY seq DESC LIMIT 1)
    UNION ALL SELECT max(started_at) FROM workers)

-- Queues -----------------------------------------------------------------------------------------------------------

-- name: queue_rows
SELECT name, max_running, weight, max_retries, timeout_ms, priority, paused_at, paused_by, pause_reason
FROM queues WHERE CAST(:name AS TEXT) IS NULL OR name = :name ORDER BY name

-- name: queue_defaults
-- What jobs get that are enqueued into these queues without it.
SELECT name, max_retries, priority FROM queues WHERE name IN (SELECT value FROM json_each(:queues))

-- name: put_queue
INSERT INTO queues (name, max_running, weight, max_retries, timeout_ms, priority, paused_at, paused_by, pause_reason)
VALUES (:name, :max_running, :weight, :max_retries, :timeout_ms, :priority, :paused_at, :paused_by, :pause_reason)
ON CONFLICT (name) DO UPDATE SET max_running = excluded.max_running, weight = excluded.weight,
    max_retries = excluded.max_retries, timeout_ms = excluded.timeout_ms, priority = excluded.priority,
    paused_at = excluded.paused_at, paused_by = excluded.paused_by, pause_reason = excluded.pause_reason

-- name: delete_queue
DELETE FROM queues WHERE name = :name

-- name: running_jobs_in_queue
SELECT id FROM jobs WHERE state = 'processing' AND queue = :queue ORDER BY seq LIMIT :limit

-- Schedules --------------------------------------------------------------------------------------------------------

-- name: schedule_rows
SELECT name, cron, every_ms, zone, since, overlap, missed, jitter_ms, job, environment, created_at, created_by, paused_at,
    paused_by, pause_reason, next_at, last_at
FROM schedules WHERE CAST(:name AS TEXT) IS NULL OR name = :name ORDER BY name

-- name: schedule_to_fire
-- Skipped while another steward fires it.
SELECT name, cron, every_ms, zone, since, overlap, missed, jitter_ms, job, environment, created_at, created_by, paused_at,
    paused_by, pause_reason, next_at, last_at
FROM schedules WHERE name = :name AND paused_at IS NULL AND next_at <= :now /*pg FOR UPDATE SKIP LOCKED */

-- name: due_schedules
-- A page of them, the longest due first: those whose job before must end first stay due.
SELECT next_at, name FROM schedules INDEXED BY schedules_next
WHERE paused_at IS NULL AND next_at IS NOT NULL AND next_at <= :now AND (next_at, name) > (:after_at, :after)
ORDER BY next_at, name LIMIT :limit

-- name: next_fire
SELECT next_at FROM schedules INDEXED BY schedules_next
WHERE paused_at IS NULL AND next_at IS NOT NULL ORDER BY next_at LIMIT 1

-- name: put_schedule
INSERT INTO schedules (name, cron, every_ms, zone, since, overlap, missed, jitter_ms, job, environment, created_at,
    created_by, paused_at, paused_by, pause_reason, next_at, last_at)
VALUES (:name, :cron, :every_ms, :zone, :since, :overlap, :missed, :jitter_ms, :job, :environment, :created_at,
    :created_by, :paused_at, :paused_by, :pause_reason, :next_at, :last_at)
ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, every_ms = excluded.every_ms, zone = excluded.zone,
    since = excluded.since, overlap = excluded.overlap, missed = excluded.missed, jitter_ms = excluded.jitter_ms,
    job = excluded.job, environment = excluded.environment, paused_at = excluded.paused_at,
    paused_by = excluded.paused_by, pause_reason = excluded.pause_reason, next_at = excluded.next_at,
    last_at = excluded.last_at

-- name: move_schedule
-- The planned time that was fired or skipped, and the next one.
UPDATE schedules SET last_at = COALESCE(CAST(:last_at AS BIGINT), last_at), next_at = :next_at WHERE name = :name

-- name: delete_schedule
DELETE FROM schedules WHERE name = :name

-- name: insert_fire
-- No row if that planned time has been fired.
INSERT INTO fires (schedule, planned_at, at, job, id, skipped) VALUES (:schedule, :planned_at, :now, :job, :id, :skipped)
ON CONFLICT DO NOTHING

-- name: has_fired
SELECT 1 FROM fires WHERE schedule = :schedule AND planned_at = :planned_at

-- name: last_job_of
-- The job of the last fire that enqueued one, if it exists still.
SELECT jobs.seq, jobs.id, jobs.state, jobs.cancel_requested FROM jobs WHERE jobs.seq = (
    SELECT job FROM fires WHERE schedule = :schedule AND job IS NOT NULL ORDER BY planned_at DESC LIMIT 1)

-- name: last_id_of
SELECT id FROM fires WHERE schedule = :schedule AND id IS NOT NULL ORDER BY planned_at DESC LIMIT 1

-- name: fires_of
SELECT schedule, planned_at, at, id, skipped FROM fires WHERE schedule = :schedule ORDER BY planned_at DESC LIMIT :limit

-- name: forget_fires
DELETE FROM fires WHERE planned_at < :before

-- Records ----------------------------------------------------------------------------------------------------------

-- name: count_stats (sqlite)
INSERT INTO stats (minute, queue, measure, bucket, n)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(:rows) WHERE true
ON CONFLICT (minute, queue, measure, bucket) DO UPDATE SET n = stats.n + excluded.n

-- name: stats_since
SELECT measure, sum(n) FROM stats WHERE minute >= :minute GROUP BY measure

-- name: stats_by_queue_since
SELECT queue, measure, sum(n) FROM stats WHERE minute >= :minute GROUP BY queue, measure

-- name: insert_event
INSERT INTO events (at, actor, verb, subject, detail, command)
VALUES (:at, :actor, :verb, :subject, :detail, :command)

-- name: newest_events
SELECT seq, at, actor, verb, subject, detail, command FROM events ORDER BY seq DESC LIMIT :limit

-- name: newest_events_of
SELECT seq, at, actor, verb, subject, detail, command FROM events INDEXED BY events_subject
WHERE subject = :subject AND verb <> 'enqueue' ORDER BY seq DESC LIMIT :limit

-- name: event_back
-- The number of the event before which `back` newer ones were recorded.
SELECT seq FROM events ORDER BY seq DESC LIMIT 1 OFFSET :back

-- name: event_back_of
SELECT seq FROM events INDEXED BY events_subject
WHERE subject = :subject AND verb <> 'enqueue' ORDER BY seq DESC LIMIT 1 OFFSET :back

-- name: events_in_order
SELECT seq, at, actor, verb, subject, detail, command FROM events
WHERE seq > :after AND seq <= :last ORDER BY seq LIMIT :limit

-- name: events_of_in_order
SELECT seq, at, actor, verb, subject, detail, command FROM events INDEXED BY events_subject
WHERE subject = :subject AND verb <> 'enqueue' AND seq > :after AND seq <= :last ORDER BY seq LIMIT :limit

-- name: saved_views
SELECT name, filter, created_at, actor FROM views ORDER BY name

-- name: save_view
INSERT INTO views (name, filter, created_at, actor) VALUES (:name, :filter, :now, :actor)
ON CONFLICT (name) DO UPDATE SET filter = excluded.filter, created_at = excluded.created_at, actor = excluded.actor

-- name: delete_view
DELETE FROM views WHERE name = :name RETURNING name

-- name: config
SELECT key, value FROM config

-- name: set_config
INSERT INTO config (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: unset_config
DELETE FROM config WHERE key = :key RETURNING key

-- Statistics ---------------------------------------------------------------------------------------------------------
-- Queries of store/stats.py: rollups, slow commands and the audit log.

-- name: rollup
-- Statistics from a minute on, in slots of :step minutes. The primary key serves it: only the range is read.
SELECT (minute - :first) / :step, queue, measure, bucket, sum(n)
FROM stats WHERE minute >= :first AND minute <= :last
GROUP BY 1, 2, 3, 4

-- name: slow_commands
-- Only the newest finished jobs, so that a million of them cost no more than :among.
SELECT jobs.command, count(*), CAST(sum(runs.duration_ms) AS BIGINT) / count(*) AS typical, max(runs.duration_ms)
FROM (
    SELECT seq FROM (SELECT seq FROM jobs WHERE state = 'completed' ORDER BY seq DESC LIMIT :among) AS well
    UNION ALL
    SELECT seq FROM (SELECT seq FROM jobs WHERE state = 'dead' ORDER BY seq DESC LIMIT :among) AS badly
) AS newest
JOIN jobs ON jobs.seq = newest.seq
JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence AND runs.duration_ms IS NOT NULL
GROUP BY jobs.command ORDER BY typical DESC, jobs.command LIMIT :limit

-- name: events_before
-- The newest first; a filter searches no further back than :after.
SELECT seq, at, actor, verb, subject, detail, command FROM events
WHERE seq < :before AND seq > :after
    AND (CAST(:search AS TEXT) IS NULL OR actor LIKE :search ESCAPE '\' OR verb LIKE :search ESCAPE '\'
        OR subject LIKE :search ESCAPE '\' OR detail LIKE :search ESCAPE '\' OR command LIKE :search ESCAPE '\')
ORDER BY seq DESC LIMIT :limit

-- name: last_event
SELECT COALESCE(max(seq), 0) FROM events

-- The console's table ----------------------------------------------------------------------------------------------
-- Pages by keyset, never by offset: a page in the middle of a million jobs costs as much as the first. Where a filter
-- matches few, the store scans a range of numbers (:from to :to) at a time, so that it can be stopped in between.

-- name: browse_newest
SELECT jobs.seq, jobs.id, substr(jobs.command, 1, 500), jobs.queue, jobs.state, jobs.priority, jobs.attempts,
    jobs.max_retries, jobs.run_at, jobs.created_at, jobs.finished_at, jobs.cancel_requested, jobs.fence,
    runs.worker, runs.started_at, runs.duration_ms, runs.outcome, runs.exit_code, runs.signal
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.seq BETWEEN :from AND :to
    <matches>
ORDER BY jobs.seq DESC LIMIT :limit

-- name: browse_newest_in_state
SELECT jobs.seq, jobs.id, substr(jobs.command, 1, 500), jobs.queue, jobs.state, jobs.priority, jobs.attempts,
    jobs.max_retries, jobs.run_at, jobs.created_at, jobs.finished_at, jobs.cancel_requested, jobs.fence,
    runs.worker, runs.started_at, runs.duration_ms, runs.outcome, runs.exit_code, runs.signal
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.state = :state AND jobs.seq BETWEEN :from AND :to
    <matches>
ORDER BY jobs.seq DESC LIMIT :limit

-- name: browse_oldest
SELECT jobs.seq, jobs.id, substr(jobs.command, 1, 500), jobs.queue, jobs.state, jobs.priority, jobs.attempts,
    jobs.max_retries, jobs.run_at, jobs.created_at, jobs.finished_at, jobs.cancel_requested, jobs.fence,
    runs.worker, runs.started_at, runs.duration_ms, runs.outcome, runs.exit_code, runs.signal
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.seq BETWEEN :from AND :to
    <matches>
ORDER BY jobs.seq LIMIT :limit

-- name: browse_oldest_in_state
SELECT jobs.seq, jobs.id, substr(jobs.command, 1, 500), jobs.queue, jobs.state, jobs.priority, jobs.attempts,
    jobs.max_retries, jobs.run_at, jobs.created_at, jobs.finished_at, jobs.cancel_requested, jobs.fence,
    runs.worker, runs.started_at, runs.duration_ms, runs.outcome, runs.exit_code, runs.signal
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.state = :state AND jobs.seq BETWEEN :from AND :to
    <matches>
ORDER BY jobs.seq LIMIT :limit

-- name: browse_next
-- Waiting jobs without needs at one level of priority, in the order in which they become due.
SELECT jobs.seq, jobs.id, substr(jobs.command, 1, 500), jobs.queue, jobs.state, jobs.priority, jobs.attempts,
    jobs.max_retries, jobs.run_at, jobs.created_at, jobs.finished_at, jobs.cancel_requested, jobs.fence,
    runs.worker, runs.started_at, runs.duration_ms, runs.outcome, runs.exit_code, runs.signal
FROM jobs INDEXED BY ready_jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.state IN ('pending', 'failed') AND jobs.needs IS NULL AND jobs.priority = :priority
    AND (CAST(:state AS TEXT) IS NULL OR jobs.state = :state)
    <matches>
ORDER BY jobs.run_at, jobs.seq LIMIT :limit

-- name: browse_next_needing
-- The same for jobs of a queue with the same needs.
SELECT jobs.seq, jobs.id, substr(jobs.command, 1, 500), jobs.queue, jobs.state, jobs.priority, jobs.attempts,
    jobs.max_retries, jobs.run_at, jobs.created_at, jobs.finished_at, jobs.cancel_requested, jobs.fence,
    runs.worker, runs.started_at, runs.duration_ms, runs.outcome, runs.exit_code, runs.signal
FROM jobs INDEXED BY ready_jobs_needing LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.state IN ('pending', 'failed') AND jobs.needs IS NOT NULL AND jobs.needs = :needs AND jobs.queue = :of
    AND jobs.priority = :priority
    AND (CAST(:state AS TEXT) IS NULL OR jobs.state = :state)
    <matches>
ORDER BY jobs.run_at, jobs.seq LIMIT :limit

-- name: ready_priorities
-- The levels of priority in use among waiting jobs without needs, the highest first.
WITH RECURSIVE level (priority) AS (
    SELECT (
        SELECT priority FROM jobs INDEXED BY ready_jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority <= 1000
        ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (
        SELECT priority FROM jobs INDEXED BY ready_jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority < level.priority
        ORDER BY priority DESC LIMIT 1)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT priority FROM level WHERE priority IS NOT NULL LIMIT :limit

-- name: not_due
-- Waiting jobs without needs at one level of priority that become due later, by state.
SELECT state, count(*) FROM (
    SELECT state FROM jobs INDEXED BY ready_jobs
    WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority = :priority AND run_at > :now
    LIMIT :limit) AS later
GROUP BY state

-- name: not_due_needing
-- The same for jobs of a queue with the same needs.
SELECT state, count(*) FROM (
    SELECT state FROM jobs INDEXED BY ready_jobs_needing
    WHERE state IN ('pending', 'failed') AND needs IS NOT NULL AND needs = :needs AND queue = :queue
        AND priority = :priority AND run_at > :now
    LIMIT :limit) AS later
GROUP BY state

-- name: browse_these
SELECT jobs.seq, jobs.id, substr(jobs.command, 1, 500), jobs.queue, jobs.state, jobs.priority, jobs.attempts,
    jobs.max_retries, jobs.run_at, jobs.created_at, jobs.finished_at, jobs.cancel_requested, jobs.fence,
    runs.worker, runs.started_at, runs.duration_ms, runs.outcome, runs.exit_code, runs.signal
FROM jobs LEFT JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.id IN (SELECT value FROM json_each(:ids))

-- name: browse_ids
SELECT jobs.seq, jobs.id FROM jobs
WHERE jobs.seq BETWEEN :from AND :to
    <matches>
ORDER BY jobs.seq DESC LIMIT :limit

-- name: browse_ids_in_state
SELECT jobs.seq, jobs.id FROM jobs
WHERE jobs.state = :state AND jobs.seq BETWEEN :from AND :to
    <matches>
ORDER BY jobs.seq DESC LIMIT :limit

-- name: browse_count
-- Counts no more than :limit.
SELECT count(*) FROM (SELECT 1 FROM jobs
WHERE jobs.seq BETWEEN :from AND :to
    <matches>
LIMIT :limit)

-- name: browse_count_in_state
SELECT count(*) FROM (SELECT 1 FROM jobs
WHERE jobs.state = :state AND jobs.seq BETWEEN :from AND :to
    <matches>
LIMIT :limit)

-- name: seq_range
SELECT COALESCE((SELECT seq FROM jobs ORDER BY seq LIMIT 1), 0),
    COALESCE((SELECT seq FROM jobs ORDER BY seq DESC LIMIT 1), 0)

-- name: seq_range_in_state
SELECT COALESCE((SELECT seq FROM jobs WHERE state = :state ORDER BY seq LIMIT 1), 0),
    COALESCE((SELECT seq FROM jobs WHERE state = :state ORDER BY seq DESC LIMIT 1), 0)

-- name: stats_by_minute
SELECT minute, measure, sum(n) FROM stats WHERE minute >= :minute GROUP BY minute, measure

-- name: deaths
-- Deaths of jobs by error and time slot; reads only the index of dead jobs.
SELECT signature, (finished_at - :first) / :step, count(*)
FROM jobs INDEXED BY jobs_dead
WHERE state = 'dead' AND finished_at >= :first AND finished_at < :first + :step * :slots
GROUP BY 1, 2

-- Recently ended attempts --------------------------------------------------------------------------------------------

-- name: took
-- The durations of the last attempts of a bounded number of the newest completed jobs.
SELECT jobs.seq, jobs.queue, substr(jobs.command, 1, 500), runs.duration_ms
FROM jobs JOIN runs ON runs.job = jobs.seq AND runs.fence = jobs.fence
WHERE jobs.state = 'completed' AND jobs.seq < COALESCE(CAST(:below AS BIGINT), 9223372036854775807)
    AND runs.duration_ms IS NOT NULL
ORDER BY jobs.seq DESC LIMIT :limit

-- name: failed_lately
-- Only the newest failed and dead jobs, so that a million of them cost no more than :among. The time of the failure is
-- that of the attempt, since a hold or a change of priority also updates the job's row.
SELECT lately.signature, lately.queue, count(*) AS n, max(signatures.text)
FROM (
    SELECT seq, fence, signature, queue, updated_at FROM (
        SELECT seq, fence, signature, queue, updated_at FROM jobs
        WHERE state = 'failed' ORDER BY seq DESC LIMIT :among) AS waiting
    UNION ALL
    SELECT seq, fence, signature, queue, updated_at FROM (
        SELECT seq, fence, signature, queue, updated_at FROM jobs
        WHERE state = 'dead' ORDER BY seq DESC LIMIT :among) AS buried
) AS lately
JOIN runs ON runs.job = lately.seq AND runs.fence = lately.fence
LEFT JOIN signatures ON signatures.id = lately.signature
WHERE lately.updated_at >= :since AND lately.signature IS NOT NULL AND runs.ended_at >= :since
GROUP BY lately.signature, lately.queue HAVING count(*) >= :least
ORDER BY n DESC, lately.signature LIMIT 1
