-- The size of a store, in figures that both kinds of store compute alike: a move compares them. The statements are
-- written in SQL that both dialects understand, since they are run without translation.

-- name: rows
-- Number of rows by table. Pools and workers belong to the host that they ran on and are not moved.
SELECT 'jobs', count(*) FROM jobs
UNION ALL SELECT 'environments', count(*) FROM environments
UNION ALL SELECT 'runs', count(*) FROM runs
UNION ALL SELECT 'outputs', count(*) FROM outputs
UNION ALL SELECT 'config', count(*) FROM config
UNION ALL SELECT 'queues', count(*) FROM queues
UNION ALL SELECT 'stats', count(*) FROM stats
UNION ALL SELECT 'signatures', count(*) FROM signatures
UNION ALL SELECT 'views', count(*) FROM views
UNION ALL SELECT 'events', count(*) FROM events
UNION ALL SELECT 'undos', count(*) FROM undos
UNION ALL SELECT 'undo_jobs', count(*) FROM undo_jobs
UNION ALL SELECT 'undo_outputs', count(*) FROM undo_outputs
UNION ALL SELECT 'undo_states', count(*) FROM undo_states
UNION ALL SELECT 'schedules', count(*) FROM schedules
UNION ALL SELECT 'fires', count(*) FROM fires
UNION ALL SELECT 'undo_rows', count(*) FROM undo_rows

-- name: states (sqlite)
-- Without GROUP BY, which would sort all the jobs in memory: the caller counts the rows.
SELECT queue, state FROM jobs

-- name: states (postgresql)
SELECT queue, state, count(*) FROM jobs GROUP BY queue, state ORDER BY queue, state

-- name: counters
-- The same figures, from the counters.
SELECT queue, state, n FROM counters WHERE n <> 0 ORDER BY queue, state

-- name: bytes
-- Bytes of output: kept, and printed. Only lengths are read.
SELECT COALESCE(sum(length(head) + length(tail)), 0), COALESCE(sum(total), 0) FROM outputs

-- name: processing
SELECT id FROM jobs WHERE state = 'processing' ORDER BY seq

-- name: used
-- Further tables whose rows show that a store is in use.
SELECT 'pools', count(*) FROM pools
UNION ALL SELECT 'workers', count(*) FROM workers

-- name: numbers (sqlite)
-- The last number that was drawn, even for a row that has been deleted.
SELECT name, seq FROM sqlite_sequence

-- name: close_jobs (postgresql)
-- From here on no session can draw a number until the transaction ends. A rollback restores the sequence, which it would
-- not after setval.
ALTER SEQUENCE numbers RESTART WITH {next}

-- name: close (postgresql)
-- Locks out all other writers, in the order in which an enqueue takes its locks; reads continue.
LOCK TABLE environments, jobs, runs, outputs, stats, events, config, queues, signatures, views, undos, undo_jobs,
    undo_outputs, undo_states, schedules, fires, undo_rows, pools, workers
IN EXCLUSIVE MODE

-- name: number_environments (postgresql)
ALTER SEQUENCE environments_id_seq RESTART WITH {next}

-- name: number_events (postgresql)
ALTER SEQUENCE events_seq_seq RESTART WITH {next}

-- name: number_undos (postgresql)
ALTER SEQUENCE undos_id_seq RESTART WITH {next}

-- name: learn (postgresql)
-- Without statistics the server takes the tables for empty, and plans accordingly.
ANALYZE jobs, runs, outputs, stats, signatures, events
