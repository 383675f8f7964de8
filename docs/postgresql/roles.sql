-- Who may do what in a store on PostgreSQL, beside its owner, who may do everything and makes and migrates the schema.
--
--     queuectl_reader     looks: list, show, logs, status, doctor, the console with --read-only
--     queuectl_enqueue    enqueues, and looks
--     queuectl_worker     runs jobs, and lets them enqueue others
--     queuectl_operator   cancels, retries, deletes, configures and everything else, but cannot change the schema
--
-- They are groups, and nobody logs in as one. After `queuectl --db URL status` as the owner has made the store:
--
--     psql -v ON_ERROR_STOP=1 -f roles.sql URL
--     psql -c "CREATE ROLE ann LOGIN IN ROLE queuectl_enqueue" URL     # and her password: \password ann
--
-- by the owner, if he has CREATEROLE, or by a superuser. It may be run again, and must be after each upgrade that has
-- migrated the store: what is new in the schema is granted to nobody yet.
--
-- Whoever may enqueue runs commands as the workers' user, and can do what that user can do: these roles keep mistakes
-- and stolen passwords small, and are no wall between an enqueuer and a worker. Whoever may look sees all jobs, their
-- output and what `--env` gave them. Who did what, and the statistics, are what clients say of themselves; and whoever
-- inserts rows with SQL of his own, and not by queuectl, can write such that no worker reads.

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

-- What an earlier version of this file gave.
REVOKE ALL ON ALL TABLES IN SCHEMA queuectl
    FROM queuectl_reader, queuectl_enqueue, queuectl_worker, queuectl_operator;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA queuectl
    FROM queuectl_reader, queuectl_enqueue, queuectl_worker, queuectl_operator;

GRANT USAGE ON SCHEMA queuectl TO queuectl_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA queuectl TO queuectl_reader;
GRANT SELECT ON SEQUENCE queuectl.numbers TO queuectl_reader;
-- To look at what a job prints on another host is to ask for it.
GRANT INSERT, UPDATE ON queuectl.watches TO queuectl_reader;
GRANT queuectl_reader TO queuectl_enqueue, queuectl_worker, queuectl_operator;

-- A new job, as a new job is: nobody makes one that has run already, or that somebody runs. And what each enqueue
-- writes beside it: how many there are, per minute too, and who did it.
GRANT USAGE ON SEQUENCE queuectl.numbers TO queuectl_enqueue;
GRANT INSERT (seq, id, command, queue, priority, max_retries, timeout_ms, run_at, created_at, updated_at, cwd, env, tags,
    needs) ON queuectl.jobs TO queuectl_enqueue;
GRANT INSERT ON queuectl.counted_since, queuectl.events, queuectl.stats TO queuectl_enqueue;
GRANT UPDATE (n) ON queuectl.stats TO queuectl_enqueue;

-- The version of the schema is its owner's business.
GRANT USAGE ON SEQUENCE queuectl.numbers TO queuectl_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA queuectl TO queuectl_operator;
REVOKE INSERT, UPDATE, DELETE ON queuectl.schema FROM queuectl_operator;

-- No job is taken away by a worker, none of its history, no setting is changed, and nothing is undone.
GRANT USAGE ON SEQUENCE queuectl.numbers TO queuectl_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA queuectl TO queuectl_worker;
REVOKE INSERT, UPDATE, DELETE ON queuectl.schema, queuectl.config, queuectl.views, queuectl.undos, queuectl.undo_jobs,
    queuectl.undo_outputs, queuectl.undoing FROM queuectl_worker;
REVOKE DELETE ON queuectl.jobs, queuectl.runs, queuectl.outputs FROM queuectl_worker;
REVOKE UPDATE, DELETE ON queuectl.events FROM queuectl_worker;

COMMIT;
