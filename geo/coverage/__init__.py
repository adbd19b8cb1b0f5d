"""Whether a set of areas is a coverage, nests and may be published: gaps, overlaps, slivers, with their words."""
