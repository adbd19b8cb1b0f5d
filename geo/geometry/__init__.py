"""Coordinates and shapes: datums, reference systems, polygons that are valid, lines that can be meant."""
