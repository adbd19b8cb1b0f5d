"""Hints to phones and open pages: one thread that looks, and the streams that tell."""
