"""OGC API: the ground, issues and visits for GIS programs, under /ogc."""

# The routes of these modules join the blueprint when they are read.
from server.ogc import refusals as refusals
from server.ogc import tiles as tiles
from server.ogc import writing as writing
from server.ogc.routes import blueprint as blueprint

__all__ = ["blueprint", "refusals", "tiles", "writing"]
