"""Which grid a point lies in, exactly: the lattice, the borders, and what is near."""
