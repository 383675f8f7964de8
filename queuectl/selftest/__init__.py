"""Self-tests of the queue's promises: a siege and a soak with real processes, and a ledger written by their jobs."""
