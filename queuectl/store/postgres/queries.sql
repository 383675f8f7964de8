-- Statements for which PostgreSQL needs other SQL than queries.sql, and those that only it has. They override the
-- common ones. Everything else is queries.sql, translated by dialect.py.
--
-- No plan of a worker's statement may depend on statistics or on the size of a table, since a plan is kept for the life
-- of the connection: one made for an empty store would scan all of a large one. Sessions switch off sequential scans,
-- bitmaps and sorts (postgres/session.py), so that an ORDER BY with a LIMIT uses the one index with that order. For the
-- same reason there is no max() or min(), which could be computed from all rows of any index; no join where a subquery
-- will do; and no `stopped_at IS NULL` for a single worker: the small index of running workers would serve that.

-- Fragments --------------------------------------------------------------------------------------------------------
-- Text that <name> in a statement stands for.

-- fragment: timeout
-- The time limit of an attempt: of the job, or of its queue.
COALESCE(timeout_ms, (SELECT queues.timeout_ms FROM queues WHERE queues.name = jobs.queue))

-- fragment: no_gates
-- While a queue is paused, limited or weighted, jobs are chosen by store/due_jobs.py.
NOT EXISTS (SELECT 1 FROM queues WHERE paused_at IS NOT NULL OR max_running IS NOT NULL OR weight <> 1)

-- name: last_seq
-- The last number that was drawn, committed or not.
SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM numbers

-- name: schema_version
SELECT version FROM queuectl.schema

-- name: draw_numbers
SELECT nextval('numbers') FROM generate_series(1, :n)

-- name: all_of_insert_job
-- Used by `many` for many rows: one stream instead of one statement per row.
COPY jobs (seq, id, command, queue, priority, max_retries, timeout_ms, run_at, created_at, updated_at, cwd, env, tags,
    needs, environment, shell, enqueued_by, schedule, scheduled_for)
FROM STDIN

-- name: forget_environments
-- Those of the candidates that no undo needs and no job has got since.
DELETE FROM environments
WHERE id IN (SELECT value FROM json_each(:seqs)) AND used_at < :before AND id NOT IN (
    SELECT environment FROM (
        SELECT CAST(CAST(before AS JSON) ->> 'environment' AS BIGINT) AS environment FROM undo_jobs
        UNION ALL SELECT CAST(CAST(after AS JSON) ->> 'environment' AS BIGINT) FROM undo_jobs
        UNION ALL SELECT CAST(CAST(before AS JSON) ->> 'environment' AS BIGINT) FROM undo_rows WHERE kind = 'schedule'
        UNION ALL SELECT environment FROM schedules) AS kept
    WHERE environment IS NOT NULL)

-- name: lock_jobs
-- In the order of their numbers, so that two sessions cannot deadlock. Ordered by an expression that no index has: with
-- sorts off, an order by seq alone would be served by a scan of all jobs.
SELECT 1 FROM jobs WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY seq + 0 FOR UPDATE

-- name: who_locks
-- The job of a row that could not be locked, and the session that holds the lock: the first one, if several share it.
SELECT jobs.id, pg_locks.pid, pg_stat_activity.application_name
FROM jobs
LEFT JOIN pg_locks ON locktype = 'transactionid' AND granted AND transactionid = jobs.xmax
LEFT JOIN pg_stat_activity ON pg_stat_activity.pid = pg_locks.pid
WHERE jobs.ctid = CAST(:place AS TID)

-- name: lock_processing_of
-- Jobs that a worker holds, without those that another session has locked.
SELECT seq FROM jobs WHERE state = 'processing' AND owner = :worker FOR UPDATE SKIP LOCKED

-- name: due_job
-- The most urgent due job that needs no label and is not locked by another claim, and its due time. It stays locked
-- until the transaction ends.
WITH RECURSIVE level (priority) AS (
    SELECT (
        SELECT priority FROM jobs WHERE state IN ('pending', 'failed') AND needs IS NULL
        ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (
        SELECT priority FROM jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority < level.priority
        ORDER BY priority DESC LIMIT 1)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT due.seq, level.priority, due.run_at, due.queue FROM level CROSS JOIN LATERAL (
    SELECT seq, run_at, queue FROM jobs
    WHERE state IN ('pending', 'failed') AND needs IS NULL AND jobs.priority = level.priority AND run_at <= :now
    ORDER BY run_at, seq LIMIT 1 FOR UPDATE SKIP LOCKED) AS due
LIMIT 1

-- name: due_job_in_queue
-- The same for one queue. With an equality, the planner would drop the queue from the order, which ready_jobs then
-- provides as well, by scanning the jobs of all other queues: so it is a range, and the order begins with the queue.
WITH RECURSIVE level (priority) AS (
    SELECT (
        SELECT priority FROM jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue >= :queue AND queue <= :queue
        ORDER BY queue DESC, priority DESC LIMIT 1)
    UNION ALL
    SELECT (
        SELECT priority FROM jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue >= :queue
            AND (queue, priority) < (:queue, level.priority)
        ORDER BY queue DESC, priority DESC LIMIT 1)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT due.seq, level.priority, due.run_at FROM level CROSS JOIN LATERAL (
    SELECT seq, run_at FROM jobs
    WHERE state IN ('pending', 'failed') AND needs IS NULL AND (queue, priority) >= (:queue, level.priority)
        AND (queue, priority, run_at) <= (:queue, level.priority, :now)
    ORDER BY queue, priority, run_at, seq LIMIT 1 FOR UPDATE SKIP LOCKED) AS due
LIMIT 1

-- name: next_due_in_queue
-- Like due_job_in_queue, it uses the one index that begins with the queue.
WITH RECURSIVE level (priority) AS (
    SELECT (
        SELECT priority FROM jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue >= :queue AND queue <= :queue
        ORDER BY queue DESC, priority DESC LIMIT 1)
    UNION ALL
    SELECT (
        SELECT priority FROM jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND queue >= :queue
            AND (queue, priority) < (:queue, level.priority)
        ORDER BY queue DESC, priority DESC LIMIT 1)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT min((
    SELECT run_at FROM jobs
    WHERE state IN ('pending', 'failed') AND needs IS NULL AND (queue, priority) >= (:queue, level.priority)
        AND (queue, priority) <= (:queue, level.priority)
    ORDER BY queue, priority, run_at LIMIT 1))
FROM level

-- name: due_job_needing
-- For jobs of a queue with the same needs.
WITH RECURSIVE level (priority) AS (
    SELECT (
        SELECT priority FROM jobs WHERE state IN ('pending', 'failed') AND needs = :needs AND queue = :queue
        ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (
        SELECT priority FROM jobs
        WHERE state IN ('pending', 'failed') AND needs = :needs AND queue = :queue AND priority < level.priority
        ORDER BY priority DESC LIMIT 1)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT due.seq, level.priority, due.run_at FROM level CROSS JOIN LATERAL (
    SELECT seq, run_at FROM jobs
    WHERE state IN ('pending', 'failed') AND needs = :needs AND queue = :queue AND jobs.priority = level.priority
        AND run_at <= :now
    ORDER BY run_at, seq LIMIT 1 FOR UPDATE SKIP LOCKED) AS due
LIMIT 1

-- name: lock_queue
-- Held until a job of a limited queue is claimed. Skipped where another session has it: a batch of claims may hold several
-- of these rows, in any order.
SELECT paused_at IS NOT NULL, max_running FROM queues WHERE name = :name FOR NO KEY UPDATE SKIP LOCKED

-- name: lock_queues
-- Excludes other changes of queues, whose rows may not exist yet: an advisory lock (`QUES` in ASCII).
SELECT pg_advisory_xact_lock(1364542803)

-- name: lock_schedules
-- The same for schedules (`SCHE` in ASCII).
SELECT pg_advisory_xact_lock(1396918341)

-- name: claim_due
-- One index search for each priority in use, the highest first, up to the first that finds a job. MATERIALIZED and SKIP
-- LOCKED: the job is chosen and locked once, and two simultaneous workers get two jobs. The run is inserted by the same
-- statement (`Database.compound`): whether it finds a job or not, it is one message without an explicit transaction.
--
-- The worker's own row is locked first: a server continues with a statement after its sender has died or lost the
-- connection. A process that queries what a worker holds locks that row too, and so waits for such a statement to end; a
-- claim that arrives still later is of a stopped worker or an old session, and claims nothing. The row is locked only if
-- a job is due: a claim without a result must not write, since all pollers of `changed` would take that for a change.
WITH RECURSIVE level (priority) AS (
    SELECT (
        SELECT priority FROM jobs WHERE state IN ('pending', 'failed') AND needs IS NULL
        ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (
        SELECT priority FROM jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority < level.priority
        ORDER BY priority DESC LIMIT 1)
    FROM level WHERE level.priority IS NOT NULL
), me AS MATERIALIZED (
    SELECT 1 FROM workers WHERE id = :worker AND session = :session AND COALESCE(stopped_at, 0) = 0 AND <no_gates> AND EXISTS (
        SELECT 1 FROM level CROSS JOIN LATERAL (
            SELECT 1 FROM jobs
            WHERE state IN ('pending', 'failed') AND needs IS NULL AND jobs.priority = level.priority AND run_at <= :now
            ORDER BY run_at, seq LIMIT 1) AS job)
    FOR NO KEY UPDATE
), due AS MATERIALIZED (
    SELECT job.seq FROM level CROSS JOIN LATERAL (
        SELECT seq FROM jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND jobs.priority = level.priority AND run_at <= :now
        ORDER BY run_at, seq LIMIT 1 FOR UPDATE SKIP LOCKED) AS job
    WHERE (SELECT count(*) FROM me) > 0
    LIMIT 1
), taken AS (
    UPDATE jobs
    SET state = 'processing', fence = fence + 1, attempts = attempts + 1, owner = :worker, cancel_requested = 0,
        updated_at = CASE WHEN updated_at BETWEEN :now AND :now + 60000 THEN updated_at ELSE :now END
    WHERE seq = (SELECT seq FROM due)
    RETURNING seq, id, command, queue, attempts, max_retries, losses, <timeout> AS timeout_ms, run_at, fence, cwd, env,
        environment, shell, scheduled_for, updated_at
), begun AS (
    INSERT INTO runs (job, fence, worker, started_at) SELECT seq, fence, :worker, updated_at FROM taken
)
SELECT seq, id, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd, env, environment, shell,
    scheduled_for
FROM taken

-- name: lock_own_row
-- Like `me` above, for a claim of several statements.
SELECT 1 FROM workers WHERE id = :worker AND session = :session AND COALESCE(stopped_at, 0) = 0 FOR NO KEY UPDATE

-- name: renew_session
UPDATE workers SET session = session + 1 WHERE id = :worker AND COALESCE(stopped_at, 0) = 0 RETURNING session

-- name: claim_job
WITH taken AS (
    UPDATE jobs
    SET state = 'processing', fence = fence + 1, attempts = attempts + 1, owner = :worker, cancel_requested = 0,
        updated_at = CASE WHEN updated_at BETWEEN :now AND :now + 60000 THEN updated_at ELSE :now END
    WHERE seq = :seq AND state IN ('pending', 'failed')
    RETURNING seq, id, command, queue, attempts, max_retries, losses, <timeout> AS timeout_ms, run_at, fence, cwd, env,
        environment, shell, scheduled_for, updated_at
), begun AS (
    INSERT INTO runs (job, fence, worker, started_at) SELECT seq, fence, :worker, updated_at FROM taken
)
SELECT seq, id, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd, env, environment, shell,
    scheduled_for
FROM taken

-- name: succeed_and_claim
-- finish_run, insert_output, finish_job for a success, and claim_due in one: between two jobs a worker sends one message
-- to the server instead of six. Not for other outcomes: a job that is due again at once must be visible to the claim
-- after it, and a statement does not see its own writes.
--
-- The first column is the state, NULL for an attempt with another owner; the rest is NULL when no job is due. The count
-- makes `due` run after `finished`: a session that waits for the lock of its own job must not hold another one meanwhile.
WITH RECURSIVE me AS MATERIALIZED (
    SELECT 1 FROM workers WHERE id = :worker AND session = :session AND COALESCE(stopped_at, 0) = 0 FOR NO KEY UPDATE
), ended AS (
    UPDATE runs
    SET outcome = 'success', ended_at = :now, duration_ms = :duration_ms, exit_code = :exit_code,
        signal = :signal, error = :error
    FROM me
    WHERE job = :job AND fence = :fence AND worker = :worker AND outcome IS NULL
    RETURNING job, fence
), written AS (
    INSERT INTO outputs (job, fence, stream, head, tail, total)
    SELECT job, fence, stream, head, tail, total FROM ended CROSS JOIN (VALUES
        (1, CAST(:out_head AS BYTEA), CAST(:out_tail AS BYTEA), CAST(:out_total AS BIGINT)),
        (2, CAST(:err_head AS BYTEA), CAST(:err_tail AS BYTEA), CAST(:err_total AS BIGINT))
    ) AS given (stream, head, tail, total) WHERE total > 0
), finished AS (
    UPDATE jobs
    SET state = 'completed', finished_at = :now, attempts = :attempts, losses = 0, owner = NULL, updated_at = :now
    WHERE seq = (SELECT job FROM ended) AND fence = (SELECT fence FROM ended) AND owner = :worker
        AND state = 'processing'
    RETURNING state
), level (priority) AS (
    SELECT (
        SELECT priority FROM jobs WHERE state IN ('pending', 'failed') AND needs IS NULL
        ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (
        SELECT priority FROM jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority < level.priority
        ORDER BY priority DESC LIMIT 1)
    FROM level WHERE level.priority IS NOT NULL
), due AS MATERIALIZED (
    SELECT job.seq FROM level CROSS JOIN LATERAL (
        SELECT seq FROM jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND jobs.priority = level.priority AND run_at <= :now
        ORDER BY run_at, seq LIMIT 1 FOR UPDATE SKIP LOCKED) AS job
    WHERE (SELECT count(*) FROM finished) >= 0 AND (SELECT count(*) FROM me) > 0 AND <no_gates>
    LIMIT 1
), taken AS (
    UPDATE jobs
    SET state = 'processing', fence = fence + 1, attempts = attempts + 1, owner = :worker, cancel_requested = 0,
        updated_at = CASE WHEN updated_at BETWEEN :now AND :now + 60000 THEN updated_at ELSE :now END
    WHERE seq = (SELECT seq FROM due)
    RETURNING seq, id, command, queue, attempts, max_retries, losses, <timeout> AS timeout_ms, run_at, fence, cwd, env,
        environment, shell, scheduled_for, updated_at
), begun AS (
    INSERT INTO runs (job, fence, worker, started_at) SELECT seq, fence, :worker, updated_at FROM taken
)
SELECT (SELECT state FROM finished), seq, id, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd,
    env, environment, shell, scheduled_for
FROM (SELECT 1) AS always LEFT JOIN taken ON true

-- name: succeed_and_claim_several
-- succeed_and_claim for several successes of one worker and several jobs: a message for a batch of short jobs. For one of each
-- it takes half as long again.
--
-- The first column has the numbers of the jobs whose results were recorded; the second the place of a claim in their order;
-- all but the first are NULL when no job is due. Jobs are locked in the order of their numbers, as everywhere. Without
-- joins: their order would depend on statistics.
WITH RECURSIVE me AS MATERIALIZED (
    SELECT 1 FROM workers WHERE id = :worker AND session = :session AND COALESCE(stopped_at, 0) = 0 FOR NO KEY UPDATE
), given AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:jobs AS BIGINT[]), CAST(:fences AS BIGINT[]), CAST(:durations AS BIGINT[]))
        AS each (job, fence, duration_ms)
), held AS MATERIALIZED (
    SELECT seq FROM jobs
    WHERE seq = ANY (CAST(:jobs AS BIGINT[])) AND state = 'processing' AND owner = :worker AND (SELECT count(*) FROM me) > 0
    ORDER BY seq FOR NO KEY UPDATE
), ended AS (
    UPDATE runs
    SET outcome = 'success', ended_at = :now, exit_code = 0,
        duration_ms = (SELECT given.duration_ms FROM given WHERE given.job = runs.job)
    WHERE job = ANY (ARRAY(SELECT seq FROM held)) AND worker = :worker AND outcome IS NULL
        AND fence = (SELECT given.fence FROM given WHERE given.job = runs.job)
    RETURNING job
), written AS (
    INSERT INTO outputs (job, fence, stream, head, tail, total)
    SELECT job, fence, stream, head, tail, total FROM unnest(
        CAST(:out_jobs AS BIGINT[]), CAST(:out_fences AS BIGINT[]), CAST(:streams AS INTEGER[]), CAST(:heads AS BYTEA[]),
        CAST(:tails AS BYTEA[]), CAST(:totals AS BIGINT[])
    ) AS each (job, fence, stream, head, tail, total)
    WHERE job = ANY (ARRAY(SELECT job FROM ended))
), finished AS (
    UPDATE jobs SET state = 'completed', finished_at = :now, losses = 0, owner = NULL, updated_at = :now
    WHERE seq = ANY (ARRAY(SELECT job FROM ended))
    RETURNING seq
), level (priority) AS (
    SELECT (
        SELECT priority FROM jobs WHERE state IN ('pending', 'failed') AND needs IS NULL
        ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT (
        SELECT priority FROM jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND priority < level.priority
        ORDER BY priority DESC LIMIT 1)
    FROM level WHERE level.priority IS NOT NULL
), due AS MATERIALIZED (
    SELECT job.seq FROM level CROSS JOIN LATERAL (
        SELECT seq FROM jobs
        WHERE state IN ('pending', 'failed') AND needs IS NULL AND jobs.priority = level.priority AND run_at <= :now
        ORDER BY run_at, seq LIMIT :most FOR UPDATE SKIP LOCKED) AS job
    WHERE (SELECT count(*) FROM finished) >= 0 AND (SELECT count(*) FROM me) > 0 AND <no_gates>
    LIMIT :most
), taken AS (
    UPDATE jobs
    SET state = 'processing', fence = fence + 1, attempts = attempts + 1, owner = :worker, cancel_requested = 0,
        updated_at = CASE WHEN updated_at BETWEEN :now AND :now + 60000 THEN updated_at ELSE :now END
    WHERE seq = ANY (ARRAY(SELECT seq FROM due))
    RETURNING seq, id, command, queue, attempts, max_retries, losses, <timeout> AS timeout_ms, run_at, fence, cwd, env,
        environment, shell, scheduled_for, updated_at
), begun AS (
    INSERT INTO runs (job, fence, worker, started_at) SELECT seq, fence, :worker, updated_at FROM taken
)
SELECT ARRAY(SELECT seq FROM finished), array_position(ARRAY(SELECT seq FROM due), seq), seq, id, command, queue, attempts,
    max_retries, losses, timeout_ms, run_at, fence, cwd, env, environment, shell, scheduled_for
FROM (SELECT 1) AS always LEFT JOIN taken ON true

-- name: count_stats
-- One transaction at a time, in the order of arrival: all enqueues add to the same row and lock it until they commit. In
-- the queue of an advisory lock each waits for one and wakes one; for a row lock all wake each time, and all but one wait
-- again.
WITH given AS (
    SELECT CAST(:rows AS JSON) AS counted
), turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(hashtext('queuectl.count_stats'), hashtext(counted -> 0 ->> 1)) FROM given
)
INSERT INTO stats (minute, queue, measure, bucket, n)
SELECT CAST(each ->> 0 AS BIGINT), each ->> 1, each ->> 2, CAST(each ->> 3 AS INTEGER), CAST(each ->> 4 AS BIGINT)
FROM turn, given, json_array_elements(counted) AS each
ON CONFLICT (minute, queue, measure, bucket) DO UPDATE SET n = stats.n + excluded.n

-- name: write_down
-- count_attempts and count_stats in one, for a worker: no lock is held while a message is under way. Changes nothing if
-- the worker's counts differ from the expected ones: then the batch was stored before, and only the reply was lost.
WITH given AS (
    SELECT CAST(:rows AS JSON) AS counted
), attempts AS (
    UPDATE workers SET completed = completed + :completed, failed = failed + :failed
    WHERE id = :id AND completed = :found_completed AND failed = :found_failed
    RETURNING 1
), turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(hashtext('queuectl.write_down'), hashtext(counted -> 0 ->> 1)) FROM given
    WHERE (SELECT count(*) FROM attempts) > 0
)
INSERT INTO stats (minute, queue, measure, bucket, n)
SELECT CAST(each ->> 0 AS BIGINT), each ->> 1, each ->> 2, CAST(each ->> 3 AS INTEGER), CAST(each ->> 4 AS BIGINT)
FROM turn, given, json_array_elements(counted) AS each
ON CONFLICT (minute, queue, measure, bucket) DO UPDATE SET n = stats.n + excluded.n

-- name: tally_of
SELECT completed, failed FROM workers WHERE id = :id

-- name: last_words
-- The end of an attempt's standard error.
SELECT substr(words, CAST(greatest(length(words) - :length, 0) + 1 AS INTEGER))
FROM (
    SELECT CASE WHEN length(tail) > 0 THEN tail ELSE head END AS words
    FROM outputs WHERE job = :job AND fence = :fence AND stream = 2) AS written

-- name: signatures_like
-- Signatures of dead jobs that begin with these digits.
SELECT DISTINCT signature FROM jobs
WHERE state = 'dead' AND COALESCE(signature, '') >= CAST(:prefix AS TEXT)
    AND COALESCE(signature, '') < CAST(:prefix AS TEXT) || 'g' LIMIT 2

-- name: dead_seqs_of_error
SELECT seq FROM jobs
WHERE state = 'dead' AND COALESCE(signature, '') = COALESCE(CAST(:signature AS TEXT), '') AND seq > :after
ORDER BY seq LIMIT :limit

-- name: newest_dead_of_error
-- In SQLite a negative number means no limit.
SELECT seq FROM jobs
WHERE state = 'dead' AND COALESCE(signature, '') = COALESCE(CAST(:signature AS TEXT), '')
    AND (CAST(:queue AS TEXT) IS NULL OR queue = :queue)
ORDER BY seq DESC LIMIT NULLIF(:limit, -1)

-- name: count_dead_of_error
SELECT count(*) FROM jobs
WHERE state = 'dead' AND COALESCE(signature, '') = COALESCE(CAST(:signature AS TEXT), '')

-- name: fold
-- Adds some of the pending changes to the counted rows. In the order of the key, so that two sessions cannot deadlock;
-- rows that another session is folding are skipped.
WITH chosen AS MATERIALIZED (
    SELECT ctid AS place FROM counted_since LIMIT :limit FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM counted_since WHERE ctid = ANY (ARRAY(SELECT place FROM chosen)) RETURNING queue, state, n
)
INSERT INTO counted (queue, state, n)
SELECT queue, state, sum(n) FROM taken GROUP BY queue, state HAVING sum(n) <> 0 ORDER BY queue, state
ON CONFLICT (queue, state) DO UPDATE SET n = counted.n + excluded.n

-- name: changed
-- One number for the set of completed transactions. Every writer has a transaction number, which was not complete before
-- its commit: so the snapshot differs afterwards. A read-only transaction has none, and changes nothing.
SELECT hashtextextended(CAST(pg_current_snapshot() AS TEXT), 0), queuectl.clock()

-- name: health
SELECT current_setting('server_version'), current_setting('server_version_num'), current_setting('max_connections'),
    -- Not pg_stat_activity, which hides other users' sessions from roles that are not superusers.
    (SELECT sum(numbackends) FROM pg_stat_database),
    (SELECT COALESCE(sum(pg_total_relation_size(oid)), 0) FROM pg_class
        WHERE relnamespace = 'queuectl'::regnamespace AND relkind = 'r'),
    current_setting('fsync'), current_setting('full_page_writes'), current_setting('autovacuum')

-- name: clients
SELECT numbackends FROM pg_stat_database WHERE datname = current_database()

-- name: waste
-- Tables with more than twice as many dead as live rows: autovacuum does not keep up.
SELECT relname, n_live_tup, n_dead_tup FROM pg_stat_user_tables
WHERE schemaname = 'queuectl' AND n_dead_tup > 10000 AND n_dead_tup > 2 * n_live_tup ORDER BY relname

-- name: unfolded
SELECT count(*) FROM (SELECT 1 FROM counted_since LIMIT :limit) AS pieces

-- name: invalid_indexes
SELECT CAST(indexrelid::regclass AS TEXT) FROM pg_index
JOIN pg_class ON pg_class.oid = pg_index.indexrelid
WHERE pg_class.relnamespace = 'queuectl'::regnamespace AND NOT indisvalid

-- name: notify
SELECT pg_notify(:channel, word) FROM json_array_elements_text(CAST(:words AS JSON)) AS word

-- Leases -----------------------------------------------------------------------------------------------------------

-- name: insert_pool
INSERT INTO pools (id, host, pid, queues, labels, size, started_at, lease_until)
VALUES (:id, :host, :pid, :queues, :labels, :size, :now, queuectl.clock() + :lease)

-- name: renew_pool
UPDATE pools SET renewed_at = queuectl.clock(), lease_until = queuectl.clock() + :lease
WHERE id = :id AND stopped_at IS NULL

-- name: running_pools
SELECT id, host, pid, queues, labels, size, stop, started_at, lease_until - queuectl.clock()
FROM pools WHERE stopped_at IS NULL AND (CAST(:host AS TEXT) IS NULL OR host = :host)
ORDER BY started_at, id

-- name: forget_pools
-- Pools that have stopped, and those of hosts that disappeared.
DELETE FROM pools WHERE (stopped_at < :before OR lease_until < :before)
    AND NOT EXISTS (SELECT 1 FROM workers WHERE workers.pool = pools.id)

-- name: insert_worker
INSERT INTO workers (id, pool, host, boot_id, pid, pid_start, started_at, lease_until)
VALUES (:id, :pool, :host, :boot_id, :pid, :pid_start, :now, queuectl.clock() + :lease)

-- name: renew_worker
-- With the fence of its current job: no row for a worker that was written off; NULL for a job that it has lost, otherwise
-- the signal that a cancel asked for. Also returns whether the job's output is being watched on another host.
UPDATE workers SET renewed_at = queuectl.clock(), lease_until = queuectl.clock() + :lease
WHERE id = :worker AND COALESCE(stopped_at, 0) = 0
RETURNING
    (SELECT cancel_requested FROM jobs WHERE seq = :seq AND fence = :fence AND owner = :worker AND state = 'processing'),
    EXISTS (SELECT 1 FROM watches WHERE job = :seq AND until > queuectl.clock())

-- name: running_workers
SELECT workers.id, workers.pool, workers.host, workers.boot_id, workers.pid, workers.pid_start, workers.started_at,
    workers.completed, workers.failed,
    (SELECT jobs.id FROM jobs WHERE jobs.state = 'processing' AND jobs.owner = workers.id ORDER BY seq LIMIT 1),
    workers.lease_until - queuectl.clock(), workers.renewed_at
FROM workers
WHERE workers.stopped_at IS NULL AND (CAST(:host AS TEXT) IS NULL OR workers.host = :host)
ORDER BY workers.started_at, workers.id

-- name: expired_workers
-- Without an order: an order by id would be served by a scan of all workers that ever stopped.
SELECT id FROM workers WHERE stopped_at IS NULL AND lease_until < queuectl.clock()

-- name: write_off_worker
-- The lease is checked again under the row lock, as the worker may have renewed it a moment ago; from here on it cannot.
-- If the server is still running a statement of the worker, the row is skipped until the next check, without a wait.
UPDATE workers SET stopped_at = :now
WHERE id = (
    SELECT id FROM workers WHERE id = :id AND COALESCE(stopped_at, 0) = 0 AND lease_until < queuectl.clock()
    FOR UPDATE SKIP LOCKED)
RETURNING host, pid

-- name: take_chore
-- A row if the caller is to do the chore: its last execution is at least that long ago.
INSERT INTO chores (name, done_at) VALUES (:name, queuectl.clock())
ON CONFLICT (name) DO UPDATE SET done_at = excluded.done_at WHERE chores.done_at <= excluded.done_at - :every
RETURNING 1

-- Output for viewers on other hosts ------------------------------------------------------------------------------------

-- name: watch
-- Extends the announcement of a viewer; a longer one is kept. No row for a job that is not running.
WITH owned AS (
    SELECT owner FROM jobs WHERE seq = :job AND state = 'processing'
), watching AS (
    INSERT INTO watches (job, until) SELECT :job, queuectl.clock() + :for FROM owned
    ON CONFLICT (job) DO UPDATE SET until = greatest(watches.until, excluded.until)
)
SELECT owner FROM owned

-- name: send_output
-- No row once the job has no viewer.
INSERT INTO live_outputs (job, fence, stream, total, tail)
SELECT :job, :fence, :stream, :total, :tail
WHERE EXISTS (SELECT 1 FROM watches WHERE job = :job AND until > queuectl.clock())
ON CONFLICT (job, fence, stream) DO UPDATE SET total = excluded.total, tail = excluded.tail

-- name: sent_output
SELECT total, tail FROM live_outputs WHERE job = :job AND fence = :fence AND stream = :stream AND total > :known

-- name: sent_outputs
SELECT stream, total, tail FROM live_outputs WHERE job = :job AND fence = :fence

-- name: discard_output
DELETE FROM live_outputs WHERE job = :job AND fence = :fence

-- name: forget_watches
DELETE FROM watches WHERE until < queuectl.clock()

-- name: forget_outputs
DELETE FROM live_outputs WHERE NOT EXISTS (
    SELECT 1 FROM jobs WHERE seq = live_outputs.job AND fence = live_outputs.fence AND state = 'processing')

-- name: begin_undoing_these
INSERT INTO undoing (job) SELECT CAST(json_array_elements_text(CAST(:seqs AS JSON)) AS BIGINT)
