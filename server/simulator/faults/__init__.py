"""A patrol day in which everything fails: generated histories under kills and restores, and what must hold of them."""

from server.simulator.faults.running import simulate_with_faults

__all__ = ["simulate_with_faults"]
