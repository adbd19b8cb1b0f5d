"""Phones that behave as real ones do: a shift, bad lines, agreement with the server."""
