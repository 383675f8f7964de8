-- A worker claims several short jobs at a time, and withdraws the claims of those that it could not start in time: as if the
-- job had not been claimed, its attempt keeps its number.

DROP TRIGGER jobs_fence;

CREATE TRIGGER jobs_fence BEFORE UPDATE OF fence, state ON jobs
WHEN NEW.fence <> OLD.fence + (NEW.state = 'processing' AND OLD.state <> 'processing')
    AND NOT (NEW.fence = OLD.fence - 1 AND OLD.state = 'processing' AND NEW.state IN ('pending', 'failed'))
BEGIN
    SELECT RAISE(ABORT, 'the fence grows by one at a claim, shrinks by one at its withdrawal, and never otherwise');
END;

CREATE TRIGGER jobs_withdrawn AFTER UPDATE OF fence ON jobs
WHEN NEW.fence < OLD.fence
BEGIN
    DELETE FROM runs WHERE job = OLD.seq AND fence = OLD.fence AND outcome IS NULL;
END;
