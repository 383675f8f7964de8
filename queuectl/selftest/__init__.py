"""What shows that the queue keeps its promises: a siege of real processes, and the ledger in which jobs testify."""
