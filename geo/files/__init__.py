"""Boundary files: which are taken, how they are opened and read, and how areas leave as files."""
