-- What an action on many jobs that a filter selected has overwritten: numbers, without the images of undo_jobs, so that a
-- million jobs can be kept.
CREATE TABLE undo_states (
    undo INTEGER NOT NULL REFERENCES undos (id) ON DELETE CASCADE,
    job INTEGER NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    finished_at INTEGER,
    fence INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (undo, job)
) STRICT, WITHOUT ROWID;
