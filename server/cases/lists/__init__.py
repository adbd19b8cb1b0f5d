"""What staff read of issues: the list, the detail, the desk, layers."""
