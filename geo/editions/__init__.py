"""The ground over time: areas, editions in force, plans, publishing, history and what differs between two."""
