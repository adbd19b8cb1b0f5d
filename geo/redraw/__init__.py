"""Redraws: pure operations on a coverage, at fixed precision, that tell what they changed.

Knows nothing of editions, drafts or the database. Every operation takes a `Sheet` and returns a `Redrawn`, or raises a
typed error with the place on the ground and leaves everything as it is.
"""
