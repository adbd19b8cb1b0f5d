"""Sessions, transactions, the pool, and the ground that each process keeps."""
