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

-- A comma separates the queues of a filter from now on: in a saved view it was a part of the name, which quotes keep.
UPDATE views SET filter = (
    WITH RECURSIVE split (n, word, rest) AS (
        SELECT 0, '', views.filter || ' '
        UNION ALL
        SELECT n + 1, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1) FROM split WHERE rest <> ''
    )
    SELECT group_concat(
        CASE WHEN word GLOB 'queue:*,*' THEN 'queue:"' || replace(substr(word, 7), '"', '\"') || '"' ELSE word END, ' ')
    FROM (SELECT word FROM split WHERE n > 0 ORDER BY n))
WHERE filter GLOB '*queue:*,*';
