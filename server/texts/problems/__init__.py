"""What a caller is told of each error: status, title and advice, in Chinese and English; one module a domain."""
