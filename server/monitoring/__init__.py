"""Logs as JSON, and what stands still."""
