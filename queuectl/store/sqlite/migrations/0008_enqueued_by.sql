-- Who enqueued a job. Jobs of earlier versions have none.
ALTER TABLE jobs ADD COLUMN enqueued_by TEXT;           -- user@host
