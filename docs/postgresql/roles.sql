-- Roles for a store on PostgreSQL, besides its owner, who may do everything and makes and migrates the schema.
--
--     queuectl_reader     reads: list, show, logs, status, doctor, the console with --read-only
--     queuectl_enqueue    enqueues, and reads
--     queuectl_worker     runs jobs, and lets them enqueue others
--     queuectl_operator   cancels, retries, deletes, configures and everything else, but cannot change the schema
--
-- They are groups without a login. After `queuectl --db URL status` as the owner has made the store:
--
--     psql -v ON_ERROR_STOP=1 -f roles.sql URL
--     psql -c "CREATE ROLE ann LOGIN IN ROLE queuectl_enqueue" URL     # then set a password: \password ann
--
-- run by the owner, if it has CREATEROLE, or by a superuser. The file may be run again, and must be after each upgrade
-- that has migrated the store: new objects of the schema are granted to no role yet.
--
-- A role that may enqueue runs commands as the workers' user, and can do what that user can do: these roles limit the
-- damage of mistakes and stolen passwords, and do not separate an enqueuer from a worker. A role that may read sees all
-- jobs, their output, and the variables that `--env` gave them or that were captured. The event log and the statistics are what clients report
-- of themselves; and a client that inserts rows with SQL of its own, and not by queuectl, can write rows that no worker
-- reads.

BEGIN;

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['queuectl_reader', 'queuectl_enqueue', 'queuectl_worker', 'queuectl_operator'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
END $$;

-- Revoke what an earlier version of this file granted.
REVOKE ALL ON ALL TABLES IN SCHEMA queuectl
    FROM queuectl_reader, queuectl_enqueue, queuectl_worker, queuectl_operator;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA queuectl
    FROM queuectl_reader, queuectl_enqueue, queuectl_worker, queuectl_operator;

GRANT USAGE ON SCHEMA queuectl TO queuectl_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA queuectl TO queuectl_reader;
GRANT SELECT ON SEQUENCE queuectl.numbers TO queuectl_reader;
-- A client that shows the output of a job on another host registers as a watcher.
GRANT INSERT, UPDATE ON queuectl.watches TO queuectl_reader;
GRANT queuectl_reader TO queuectl_enqueue, queuectl_worker, queuectl_operator;

-- The columns of a new job only, so that none can be inserted as finished or running. And what each enqueue writes
-- beside it: counters, statistics per minute, and the event.
GRANT USAGE ON SEQUENCE queuectl.numbers TO queuectl_enqueue;
GRANT INSERT (seq, id, command, queue, priority, max_retries, timeout_ms, run_at, created_at, updated_at, cwd, env, tags,
    needs, environment, shell, enqueued_by, schedule, scheduled_for) ON queuectl.jobs TO queuectl_enqueue;
GRANT INSERT (variables, used_at), UPDATE (used_at) ON queuectl.environments TO queuectl_enqueue;
GRANT INSERT ON queuectl.counted_since, queuectl.events, queuectl.stats TO queuectl_enqueue;
GRANT UPDATE (n) ON queuectl.stats TO queuectl_enqueue;

-- Only the owner changes the version of the schema.
GRANT USAGE ON SEQUENCE queuectl.numbers TO queuectl_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA queuectl TO queuectl_operator;
REVOKE INSERT, UPDATE, DELETE ON queuectl.schema FROM queuectl_operator;

-- A worker deletes no job and none of its history, changes no setting, and undoes nothing.
GRANT USAGE ON SEQUENCE queuectl.numbers TO queuectl_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA queuectl TO queuectl_worker;
REVOKE INSERT, UPDATE, DELETE ON queuectl.schema, queuectl.config, queuectl.views, queuectl.undos, queuectl.undo_jobs,
    queuectl.undo_outputs, queuectl.undo_states, queuectl.undo_rows, queuectl.undoing FROM queuectl_worker;
REVOKE INSERT, UPDATE, DELETE ON queuectl.queues, queuectl.schedules FROM queuectl_worker;
GRANT UPDATE (name) ON queuectl.queues TO queuectl_worker; -- a claim locks a row, which takes the right to update it
GRANT UPDATE (next_at, last_at) ON queuectl.schedules TO queuectl_worker;
REVOKE DELETE ON queuectl.jobs, queuectl.runs, queuectl.outputs FROM queuectl_worker;
REVOKE UPDATE, DELETE ON queuectl.events FROM queuectl_worker;
REVOKE UPDATE ON queuectl.environments FROM queuectl_worker;
GRANT UPDATE (used_at) ON queuectl.environments TO queuectl_worker;

COMMIT;
