"""What devices say, decoded under caps: envelopes, operations, cursors, forms."""
