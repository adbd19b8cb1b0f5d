"""OGC API: the ground, issues and visits for GIS programs, under /ogc."""

# The tiles' routes join the blueprint when their module is read.
from server.ogc import tiles as tiles
from server.ogc.routes import blueprint as blueprint

__all__ = ["blueprint", "tiles"]
