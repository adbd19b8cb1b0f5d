"""Boundary files that staff hand in: kept, read by a job, reported on, applied to a draft."""
