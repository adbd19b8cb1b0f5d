"""Places: datums, shapes, coverages, point to grid, editions and files.

Owns everything that has coordinates. Must not know Flask, Redis, sync or anything built on them. Inside,
coordinates are lon, lat in EPSG:4326; integers of them are units of 1e-8 degree.
"""
