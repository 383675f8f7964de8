"""What shows that the queue keeps its promises: a ledger that jobs write themselves, and a siege that kills workers."""
