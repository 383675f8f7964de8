-- Statements that PostgreSQL needs in other words than queries.sql has them, and those that only it has. They win over
-- the common ones. Everything else is queries.sql, translated by dialect.py.
--
-- No plan of what workers run may depend on statistics or on the size of a table, as a plan is kept for as long as the
-- connection: one that was made for an empty store would read all of a large one. Connections switch off sequential scans,
-- bitmaps and sorts (postgres.py), so an ORDER BY with a LIMIT is served by the one index that has that order. Hence no
-- max() and min(), which may also be computed from all rows of any index, no join where a subquery does, and no
-- `stopped_at IS NULL` of one worker, which all that run are an answer to: the index of those is a small one.

-- name: last_seq
-- Of what was drawn, whether committed yet or not.
SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM numbers

-- name: schema_version
SELECT version FROM queuectl.schema

-- name: draw_numbers
SELECT nextval('numbers') FROM generate_series(1, :n)

-- name: all_of_insert_job
-- What `many` uses for many rows: one stream instead of a statement each.
COPY jobs (seq, id, command, queue, priority, max_retries, timeout_ms, run_at, created_at, updated_at, cwd, env, tags,
    needs)
FROM STDIN

-- name: lock_jobs
-- In the order of their numbers, so that two who lock several cannot wait for each other. By an expression, which no index
-- has: where sorts are off, the order of seq alone would be had by a walk over all jobs.
SELECT 1 FROM jobs WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY seq + 0 FOR UPDATE

-- name: who_locks
-- The job of a row that could not be locked, and the session that holds it: the first, where several share it.
SELECT jobs.id, pg_locks.pid, pg_stat_activity.application_name
FROM jobs
LEFT JOIN pg_locks ON locktype = 'transactionid' AND granted AND transactionid = jobs.xmax
LEFT JOIN pg_stat_activity ON pg_stat_activity.pid = pg_locks.pid
WHERE jobs.ctid = CAST(:place AS TID)

-- name: lock_processing_of
-- What a worker holds, without what another session has locked.
SELECT seq FROM jobs WHERE state = 'processing' AND owner = :worker FOR UPDATE SKIP LOCKED

-- name: due_job
-- The most urgent due job that needs no label and that nobody else is taking, and since when it is due. It stays locked
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
SELECT due.seq, level.priority, due.run_at FROM level CROSS JOIN LATERAL (
    SELECT seq, run_at FROM jobs
    WHERE state IN ('pending', 'failed') AND needs IS NULL AND jobs.priority = level.priority AND run_at <= :now
    ORDER BY run_at, seq LIMIT 1 FOR UPDATE SKIP LOCKED) AS due
LIMIT 1

-- name: due_job_in_queue
-- The same for one queue. An equality of the queue would leave it out of the order, which jobs_ready then has too, among
-- the jobs of all other queues: so it is a range, and the order begins with the queue.
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
-- As due_job_in_queue: by the one index that begins with the queue.
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
-- Of the jobs of a queue that need the same.
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

-- name: claim_due
-- One look for each priority in use, the highest first, and no further than the first that finds something. MATERIALIZED
-- and SKIP LOCKED: the job is chosen and locked once, and two workers at the same moment get two jobs. The run begins in
-- the same statement (`Database.compound`): a look that finds nothing, or something, is one message and no transaction.
--
-- The lock of the worker's own row comes first: a server goes on with what a worker sent that is dead by now, or has lost
-- its connection. Whoever asks what the worker holds takes that row too, and so waits for the end of it; a claim that
-- comes later still is of a worker that has stopped, or of an old session, and takes nothing. It is taken only where a job
-- is due: a look that finds nothing must write nothing, as everybody would take that for news.
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
    SELECT 1 FROM workers WHERE id = :worker AND session = :session AND COALESCE(stopped_at, 0) = 0 AND EXISTS (
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
    RETURNING seq, id, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd, env,
        updated_at
), begun AS (
    INSERT INTO runs (job, fence, worker, started_at) SELECT seq, fence, :worker, updated_at FROM taken
)
SELECT seq, id, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd, env FROM taken

-- name: lock_own_row
-- As `me` above, where a claim takes several statements.
SELECT 1 FROM workers WHERE id = :worker AND session = :session AND COALESCE(stopped_at, 0) = 0 FOR NO KEY UPDATE

-- name: renew_session
UPDATE workers SET session = session + 1 WHERE id = :worker AND COALESCE(stopped_at, 0) = 0 RETURNING session

-- name: claim_job
WITH taken AS (
    UPDATE jobs
    SET state = 'processing', fence = fence + 1, attempts = attempts + 1, owner = :worker, cancel_requested = 0,
        updated_at = CASE WHEN updated_at BETWEEN :now AND :now + 60000 THEN updated_at ELSE :now END
    WHERE seq = :seq AND state IN ('pending', 'failed')
    RETURNING seq, id, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd, env,
        updated_at
), begun AS (
    INSERT INTO runs (job, fence, worker, started_at) SELECT seq, fence, :worker, updated_at FROM taken
)
SELECT seq, id, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd, env FROM taken

-- name: succeed_and_claim
-- finish_run, insert_output, finish_job as it is for a success, and claim_due in one: what a worker does between two jobs
-- costs one message to the server instead of six. Not for other ends: a job that is due again at once must be seen by
-- the claim after it, and a statement does not see what it has written itself.
--
-- The first column is the state, NULL for an attempt that is no longer ours; the rest is NULL when nothing is due. The
-- count makes `due` wait for `finished`: who waits for the lock of his own job must not hold another one meanwhile.
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
    WHERE (SELECT count(*) FROM finished) >= 0 AND (SELECT count(*) FROM me) > 0
    LIMIT 1
), taken AS (
    UPDATE jobs
    SET state = 'processing', fence = fence + 1, attempts = attempts + 1, owner = :worker, cancel_requested = 0,
        updated_at = CASE WHEN updated_at BETWEEN :now AND :now + 60000 THEN updated_at ELSE :now END
    WHERE seq = (SELECT seq FROM due)
    RETURNING seq, id, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd, env,
        updated_at
), begun AS (
    INSERT INTO runs (job, fence, worker, started_at) SELECT seq, fence, :worker, updated_at FROM taken
)
SELECT (SELECT state FROM finished), seq, id, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd, env
FROM (SELECT 1) AS always LEFT JOIN taken ON true

-- name: count_stats
-- One after the other, in the order in which they come: all who enqueue add to the same row, and hold it until they have
-- committed. In a queue each waits for one and wakes one; for the row itself all wake each time, and all but one wait again.
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
-- count_attempts and count_stats in one, for a worker: no other one waits for us while a message is on its way. Nothing
-- is changed where the worker's counts have moved on: then it was done already, and only the answer was lost.
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
-- The end of what an attempt wrote to standard error.
SELECT substr(words, CAST(greatest(length(words) - :length, 0) + 1 AS INTEGER))
FROM (
    SELECT CASE WHEN length(tail) > 0 THEN tail ELSE head END AS words
    FROM outputs WHERE job = :job AND fence = :fence AND stream = 2) AS written

-- name: signatures_like
-- Of dead jobs, those that begin with these digits.
SELECT DISTINCT signature FROM jobs
WHERE state = 'dead' AND COALESCE(signature, '') >= CAST(:prefix AS TEXT)
    AND COALESCE(signature, '') < CAST(:prefix AS TEXT) || 'g' LIMIT 2

-- name: dead_seqs_of_error
SELECT seq FROM jobs
WHERE state = 'dead' AND COALESCE(signature, '') = COALESCE(CAST(:signature AS TEXT), '') AND seq > :after
ORDER BY seq LIMIT :limit

-- name: newest_dead_of_error
-- SQLite says no limit by a negative one.
SELECT seq FROM jobs
WHERE state = 'dead' AND COALESCE(signature, '') = COALESCE(CAST(:signature AS TEXT), '')
    AND (CAST(:queue AS TEXT) IS NULL OR queue = :queue)
ORDER BY seq DESC LIMIT NULLIF(:limit, -1)

-- name: count_dead_of_error
SELECT count(*) FROM jobs
WHERE state = 'dead' AND COALESCE(signature, '') = COALESCE(CAST(:signature AS TEXT), '')

-- name: fold
-- Some of what was counted since, into the counted rows. In the order of the key, so that two who fold cannot wait for
-- each other; rows that somebody else is folding are left to him.
WITH chosen AS MATERIALIZED (
    SELECT ctid AS place FROM counted_since LIMIT :limit FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM counted_since WHERE ctid = ANY (ARRAY(SELECT place FROM chosen)) RETURNING queue, state, n
)
INSERT INTO counted (queue, state, n)
SELECT queue, state, sum(n) FROM taken GROUP BY queue, state HAVING sum(n) <> 0 ORDER BY queue, state
ON CONFLICT (queue, state) DO UPDATE SET n = counted.n + excluded.n

-- name: changed
-- Which transactions are over, as one number. Whoever commits a write had a number of his own, and it was not over
-- before: so the snapshot reads differently ever after. A read has no number and moves nothing.
SELECT hashtextextended(CAST(pg_current_snapshot() AS TEXT), 0), queuectl.clock()

-- name: health
SELECT current_setting('server_version'), current_setting('server_version_num'), current_setting('max_connections'),
    -- Not pg_stat_activity, which shows whoever is no superuser only his own.
    (SELECT sum(numbackends) FROM pg_stat_database),
    (SELECT COALESCE(sum(pg_total_relation_size(oid)), 0) FROM pg_class
        WHERE relnamespace = 'queuectl'::regnamespace AND relkind = 'r'),
    current_setting('fsync'), current_setting('full_page_writes'), current_setting('autovacuum')

-- name: clients
SELECT numbackends FROM pg_stat_database WHERE datname = current_database()

-- name: waste
-- Tables most of whose rows are dead: autovacuum does not keep up with them.
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
-- Those that have stopped, and those of hosts that were never heard of again.
DELETE FROM pools WHERE (stopped_at < :before OR lease_until < :before)
    AND NOT EXISTS (SELECT 1 FROM workers WHERE workers.pool = pools.id)

-- name: insert_worker
INSERT INTO workers (id, pool, host, boot_id, pid, pid_start, started_at, lease_until)
VALUES (:id, :pool, :host, :boot_id, :pid, :pid_start, :now, queuectl.clock() + :lease)

-- name: renew_worker
-- With the fence of the job that it runs: no row for a worker that was written off, NULL for a job that is no longer its
-- own, otherwise the signal that a cancel asked for. And whether somebody on another host looks at what the job prints.
UPDATE workers SET renewed_at = queuectl.clock(), lease_until = queuectl.clock() + :lease
WHERE id = :worker AND COALESCE(stopped_at, 0) = 0
RETURNING
    (SELECT cancel_requested FROM jobs WHERE seq = :seq AND fence = :fence AND owner = :worker AND state = 'processing'),
    EXISTS (SELECT 1 FROM watches WHERE job = :seq AND until > queuectl.clock())

-- name: running_workers
SELECT workers.id, workers.pool, workers.host, workers.boot_id, workers.pid, workers.pid_start, workers.started_at,
    workers.completed, workers.failed, jobs.id, workers.lease_until - queuectl.clock(), workers.renewed_at
FROM workers LEFT JOIN jobs ON jobs.state = 'processing' AND jobs.owner = workers.id
WHERE workers.stopped_at IS NULL AND (CAST(:host AS TEXT) IS NULL OR workers.host = :host)
ORDER BY workers.started_at, workers.id

-- name: expired_workers
-- In no order: that of the ids would be had by a walk over all that have ever stopped.
SELECT id FROM workers WHERE stopped_at IS NULL AND lease_until < queuectl.clock()

-- name: write_off_worker
-- Looked at again under the lock of its row, as it may have renewed its lease a moment ago. From here on it cannot. Where
-- the server is still at something that it has sent, it is left to the next look: the others do not wait for that.
UPDATE workers SET stopped_at = :now
WHERE id = (
    SELECT id FROM workers WHERE id = :id AND COALESCE(stopped_at, 0) = 0 AND lease_until < queuectl.clock()
    FOR UPDATE SKIP LOCKED)
RETURNING host, pid

-- name: take_chore
-- Whether it is our turn: nobody has done it for as long as that.
INSERT INTO chores (name, done_at) VALUES (:name, queuectl.clock())
ON CONFLICT (name) DO UPDATE SET done_at = excluded.done_at WHERE chores.done_at <= excluded.done_at - :every
RETURNING 1

-- Output on its way to somebody on another host ----------------------------------------------------------------------

-- name: watch
-- For a few seconds, and for longer if somebody else does so already. No row for a job that does not run.
WITH owned AS (
    SELECT owner FROM jobs WHERE seq = :job AND state = 'processing'
), watching AS (
    INSERT INTO watches (job, until) SELECT :job, queuectl.clock() + :for FROM owned
    ON CONFLICT (job) DO UPDATE SET until = greatest(watches.until, excluded.until)
)
SELECT owner FROM owned

-- name: send_output
-- No row once nobody looks any more.
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
