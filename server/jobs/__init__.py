"""Job edges: queue names, and coarse, idempotent jobs that call one service and wake the next."""
