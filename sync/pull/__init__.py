"""What a device is told: pages of changes, states, digests, status."""
