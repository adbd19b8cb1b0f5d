"""What a new edition of the calendar does to deadlines: entered, counted again, told."""
