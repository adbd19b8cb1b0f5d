"""What happened to a case, step by step: kept, read back, replayed; and the number that people call it by."""
