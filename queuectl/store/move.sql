-- What a store holds, in figures that both kinds of store give alike: a move counts with them on either side. In words
-- that both understand, for they are run as they stand.

-- name: rows
-- How many rows each table has. Pools and workers belong to the host that they ran on and are not moved.
SELECT 'jobs', count(*) FROM jobs
UNION ALL SELECT 'runs', count(*) FROM runs
UNION ALL SELECT 'outputs', count(*) FROM outputs
UNION ALL SELECT 'config', count(*) FROM config
UNION ALL SELECT 'stats', count(*) FROM stats
UNION ALL SELECT 'signatures', count(*) FROM signatures
UNION ALL SELECT 'views', count(*) FROM views
UNION ALL SELECT 'events', count(*) FROM events
UNION ALL SELECT 'undos', count(*) FROM undos
UNION ALL SELECT 'undo_jobs', count(*) FROM undo_jobs
UNION ALL SELECT 'undo_outputs', count(*) FROM undo_outputs

-- name: states (sqlite)
-- Without GROUP BY, which would sort all the jobs in memory: whoever asks counts them as they come.
SELECT queue, state FROM jobs

-- name: states (postgresql)
SELECT queue, state, count(*) FROM jobs GROUP BY queue, state ORDER BY queue, state

-- name: counters
-- The same, as they were counted on the way.
SELECT queue, state, n FROM counters WHERE n <> 0 ORDER BY queue, state

-- name: bytes
-- Of output: what is kept, and what was printed. Lengths alone: no output is read for it.
SELECT COALESCE(sum(length(head) + length(tail)), 0), COALESCE(sum(total), 0) FROM outputs

-- name: processing
SELECT id FROM jobs WHERE state = 'processing' ORDER BY seq

-- name: used
-- What beside those tables shows that somebody works with a store.
SELECT 'pools', count(*) FROM pools
UNION ALL SELECT 'workers', count(*) FROM workers

-- name: numbers (sqlite)
-- The last number that was given, also to what is gone again.
SELECT name, seq FROM sqlite_sequence

-- name: close_jobs (postgresql)
-- From here on nobody draws a number until the transaction ends, and as it is rolled back, so are the numbers: setval
-- would stay.
ALTER SEQUENCE numbers RESTART WITH {next}

-- name: close (postgresql)
-- Nobody else writes, in the order in which an enqueue would; reading goes on.
LOCK TABLE jobs, runs, outputs, stats, events, config, signatures, views, undos, undo_jobs, undo_outputs, pools, workers
IN EXCLUSIVE MODE

-- name: number_events (postgresql)
ALTER SEQUENCE events_seq_seq RESTART WITH {next}

-- name: number_undos (postgresql)
ALTER SEQUENCE undos_id_seq RESTART WITH {next}

-- name: learn (postgresql)
-- Until it has looked, the server takes the tables for empty, and plans accordingly.
ANALYZE jobs, runs, outputs, stats, signatures, events
