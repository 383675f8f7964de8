"""What runs jobs: processes and their output, locks and trees, workers and the pool that keeps them."""
