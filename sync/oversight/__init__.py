"""What staff see of devices and of operations that wait."""
