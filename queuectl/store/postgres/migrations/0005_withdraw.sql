-- A worker claims several short jobs at a time, and withdraws the claims of those that it could not start in time: as if the
-- job had not been claimed, its attempt keeps its number.

DROP TRIGGER jobs_fence ON queuectl.jobs;

CREATE TRIGGER jobs_fence BEFORE UPDATE OF fence, state ON queuectl.jobs
FOR EACH ROW WHEN (
    NEW.fence <> OLD.fence + CASE WHEN NEW.state = 'processing' AND OLD.state <> 'processing' THEN 1 ELSE 0 END
    AND NOT (NEW.fence = OLD.fence - 1 AND OLD.state = 'processing' AND NEW.state IN ('pending', 'failed')))
EXECUTE FUNCTION queuectl.refuse('the fence grows by one at a claim, shrinks by one at its withdrawal, and never otherwise');

-- With the rights of its owner: a worker's role may delete no run, and needs to delete only those that have not begun.
CREATE FUNCTION queuectl.delete_withdrawn_run() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM queuectl.runs WHERE job = OLD.seq AND fence = OLD.fence AND outcome IS NULL;
    RETURN NULL;
END $$;

CREATE TRIGGER jobs_withdrawn AFTER UPDATE OF fence ON queuectl.jobs
FOR EACH ROW WHEN (NEW.fence < OLD.fence)
EXECUTE FUNCTION queuectl.delete_withdrawn_run();
