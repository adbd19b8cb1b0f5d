"""Loopback ports. Owns finding one that nobody listens on."""

import socket


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nobody listens there, not even with SO_REUSEPORT, which would let two servers share it unseen."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def kept_or_free(port: int | None) -> int:
    """The port used before while it is free, else another."""
    return port if port and is_free(port) else free_port()
