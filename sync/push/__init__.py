"""The walk of a batch: locking, replays, judging, placing, receipts."""
