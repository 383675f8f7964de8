-- Workers on several hosts: who lives is a question of leases, by the server's clock alone.

CREATE FUNCTION queuectl.clock() RETURNS BIGINT LANGUAGE sql VOLATILE AS $$
    SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)
$$;

ALTER TABLE queuectl.pools
    ADD COLUMN renewed_at BIGINT NOT NULL DEFAULT queuectl.clock(),
    ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0;

-- Renewed every few seconds by everybody: in no index, and with room on the page, so that nothing else is touched.
ALTER TABLE queuectl.workers
    ADD COLUMN renewed_at BIGINT NOT NULL DEFAULT queuectl.clock(),
    ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN session BIGINT NOT NULL DEFAULT 0; -- grows when it cannot know what became of what it sent: that counts no more
ALTER TABLE queuectl.workers SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE queuectl.pools SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Each claim and each result leaves a dead row. A part of all rows, which is the default, grows with the finished jobs,
-- and claims would walk over ever more of the dead: with a million finished ones their cost doubled in 200,000 jobs.
ALTER TABLE queuectl.jobs SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- The few that run among the many that ran.
CREATE INDEX workers_running ON queuectl.workers (host) WHERE stopped_at IS NULL;

-- What one steward of all does now and then, so that they do not all do it at once.
CREATE TABLE queuectl.chores (
    name TEXT COLLATE "C" PRIMARY KEY,
    done_at BIGINT NOT NULL
) WITH (fillfactor = 50);

-- Output on its way to somebody on another host. Not logged: it is worth nothing after a crash of the server.
CREATE UNLOGGED TABLE queuectl.watches (        -- jobs that somebody looks at
    job BIGINT PRIMARY KEY,
    until BIGINT NOT NULL                       -- by the server's clock
);

CREATE UNLOGGED TABLE queuectl.live_outputs (   -- the newest bytes of what they print
    job BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    stream INTEGER NOT NULL CHECK (stream IN (1, 2)),
    total BIGINT NOT NULL CHECK (total >= length(tail)),
    tail BYTEA NOT NULL,
    PRIMARY KEY (job, fence, stream)
);
