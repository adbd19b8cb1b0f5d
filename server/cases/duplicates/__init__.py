"""Cases that may be of one matter, and photos that were handed in before. See the modules."""
