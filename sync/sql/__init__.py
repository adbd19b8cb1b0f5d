"""How the engine speaks SQL: arrays as parameters, statements kept compiled."""
