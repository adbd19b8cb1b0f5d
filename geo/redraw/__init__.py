"""Redraws: pure operations on a coverage, at fixed precision, that tell what they changed.

Knows nothing of editions, drafts or the database. Every operation takes a `Layer` and returns a `Redrawn`, or raises a
typed error with the place on the ground and leaves everything as it is.
"""

from geo.redraw.divide import divide
from geo.redraw.layer import AreaShape, Entry, Layer, Redrawn
from geo.redraw.laying import add, lay_all, lay_alone, replace_all, retire
from geo.redraw.merge import merge
from geo.redraw.naming import reassign, rename
from geo.redraw.reshape import reshape
from geo.redraw.split import Piece, split

__all__ = [
    "AreaShape",
    "Entry",
    "Layer",
    "Piece",
    "Redrawn",
    "add",
    "divide",
    "lay_all",
    "lay_alone",
    "merge",
    "reassign",
    "rename",
    "replace_all",
    "reshape",
    "retire",
    "split",
]
