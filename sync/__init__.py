"""The sync engine: devices, operations, merging, and the feed of changes. Knows geo; knows no Flask, Redis or RQ."""
