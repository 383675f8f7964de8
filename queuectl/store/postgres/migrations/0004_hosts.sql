-- Workers on several hosts: leases, by the server's clock alone, decide which workers live.

CREATE FUNCTION queuectl.clock() RETURNS BIGINT LANGUAGE sql VOLATILE AS $$
    SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)
$$;

ALTER TABLE queuectl.pools
    ADD COLUMN renewed_at BIGINT NOT NULL DEFAULT queuectl.clock(),
    ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0;

-- Renewed every few seconds by each worker: in no index, and with free space on the page, so that an update stays there.
ALTER TABLE queuectl.workers
    ADD COLUMN renewed_at BIGINT NOT NULL DEFAULT queuectl.clock(),
    ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN session BIGINT NOT NULL DEFAULT 0; -- raised when a reply may be lost: statements of older sessions are void
ALTER TABLE queuectl.workers SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE queuectl.pools SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Each claim and each result leaves a dead row. A share of all rows, the default threshold, grows with the finished jobs,
-- and claims would scan ever more dead rows: with a million finished jobs their cost doubled in 200,000 jobs.
ALTER TABLE queuectl.jobs SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- The few running workers among the many that have stopped.
CREATE INDEX workers_running ON queuectl.workers (host) WHERE stopped_at IS NULL;

-- Chores that one steward of all does now and then.
CREATE TABLE queuectl.chores (
    name TEXT COLLATE "C" PRIMARY KEY,
    done_at BIGINT NOT NULL
) WITH (fillfactor = 50);

-- Output for viewers on other hosts. Unlogged: after a crash of the server it is worthless.
CREATE UNLOGGED TABLE queuectl.watches (        -- jobs with a viewer on another host
    job BIGINT PRIMARY KEY,
    until BIGINT NOT NULL                       -- by the server's clock
);

CREATE UNLOGGED TABLE queuectl.live_outputs (   -- the newest bytes of their output
    job BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    stream INTEGER NOT NULL CHECK (stream IN (1, 2)),
    total BIGINT NOT NULL CHECK (total >= length(tail)),
    tail BYTEA NOT NULL,
    PRIMARY KEY (job, fence, stream)
);
