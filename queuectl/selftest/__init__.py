"""Self-tests of the queue's promises: a stress run and a soak of real processes, and the ledger of their jobs."""
