"""The sample city, its simulated patrol day, and importing boundaries. Built on every other layer; none knows it."""
