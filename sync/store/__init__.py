"""The store of the engine: operations, the feed, records with their places, the fence, broken items."""
