-- What an action on many jobs that a filter selected has overwritten: numbers, without the images of undo_jobs, so that a
-- million jobs can be kept.
CREATE TABLE queuectl.undo_states (
    undo BIGINT NOT NULL REFERENCES queuectl.undos (id) ON DELETE CASCADE,
    job BIGINT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    run_at BIGINT NOT NULL,
    finished_at BIGINT,
    fence BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (undo, job)
);

-- A comma separates the queues of a filter from now on: in a saved view it was a part of the name, which quotes keep.
UPDATE queuectl.views SET filter = (
    SELECT string_agg(
        CASE WHEN word ~ '^queue:.*,' THEN 'queue:"' || replace(substr(word, 7), '"', '\"') || '"' ELSE word END,
        ' ' ORDER BY n)
    FROM regexp_split_to_table(filter, ' ') WITH ORDINALITY AS words (word, n))
WHERE filter ~ 'queue:.*,';
