"""Words of the server, in Chinese and English."""
