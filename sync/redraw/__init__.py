"""What a new edition of the ground does to records, tasks and scopes."""
