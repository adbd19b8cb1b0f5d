"""Somebody who listens to hints over a connection of their own, as the server sends them."""

import socket
import time
from urllib.parse import urlsplit


def listening(url, path, **headers):
    """Ask for a stream; the connection on which it will come."""
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=30)
    shown = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{shown}Accept: text/event-stream\r\n\r\n".encode())
    return connection


def heard(connection, within_s):
    """All that arrives on a connection in that time."""
    told, until = b"", time.monotonic() + within_s
    while (left := until - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            part = connection.recv(4096)
        except TimeoutError:
            break
        if not part:
            break
        told += part
    return told


def hears(connection, word, within_s=30):
    """Whether a word arrives on a connection in time."""
    heard, until = b"", time.monotonic() + within_s
    while time.monotonic() < until:
        connection.settimeout(max(0.05, until - time.monotonic()))
        try:
            part = connection.recv(4096)
        except TimeoutError:
            break
        if not part:
            break
        heard += part
        if word in heard:
            return True
    return False


def ends(connection, within_s=30):
    """Whether the other side closes a connection in time, whatever it says before."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        connection.settimeout(max(0.05, until - time.monotonic()))
        try:
            if not connection.recv(4096):
                return True
        except TimeoutError:
            break
    return False
