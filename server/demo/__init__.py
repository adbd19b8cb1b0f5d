"""The sample city, its simulated patrol day, and importing boundaries. Built on every other layer; none knows it."""

from server.commands.import_boundaries import import_boundaries
from server.demo.loading import load
from server.demo.walk import walk_a_day
from server.simulator.simulate import simulate

__all__ = ["import_boundaries", "load", "simulate", "walk_a_day"]
