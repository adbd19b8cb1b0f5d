"""Vector tiles: answered, kept, and handed out before Flask."""
