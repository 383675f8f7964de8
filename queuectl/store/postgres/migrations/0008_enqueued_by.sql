-- Who enqueued a job. Jobs of earlier versions have none.
ALTER TABLE queuectl.jobs ADD COLUMN enqueued_by TEXT COLLATE "C";      -- user@host
