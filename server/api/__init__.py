"""The HTTP edges of devices, staff and desks: they parse, call one service, and render."""
