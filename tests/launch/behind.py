"""A front as `up` starts it, with two small programs behind it that tell what has come through to them."""

import json
import socket
import socketserver
import threading
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler

import requests

from server.launch import nginx, packages
from server.launch.account import front_account
from server.launch.ports import free_port
from tests.launch.homes import open_home


class Behind(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Stands where gunicorn stands, and tells each caller what has come through."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, path, name):
        super().__init__(str(path), Telling)
        path.chmod(0o777)
        self.name, self.seen, self.dies = name, [], False
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Telling(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "front"

    def log_message(self, *_):
        """Nothing."""

    def answer(self):
        self.server.seen.append(self.path)
        if self.server.dies:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if self.path.endswith("/events"):
            self.stream()
            return
        length = int(self.headers.get("Content-Length", 0))
        came = 0
        while came < length and (block := self.rfile.read1(min(65536, length - came))):
            came += len(block)
            self.server.came = came
        told = {"by": self.server.name, "headers": dict(self.headers), "bytes": came, "path": self.path}
        content = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815 - the library's names

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"event: hello\n\n")
        try:
            while True:
                time.sleep(0.05)
                self.wfile.write(b": \n\n")
        except OSError:
            self.close_connection = True


class Front:
    def __init__(self, home, port, programs, behind, dist):
        self.home, self.port, self.programs, self.behind, self.dist = home, port, programs, behind, dist
        self.url = f"http://127.0.0.1:{port}"

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def told(self, path="/x", **options):
        return requests.get(self.url + path, timeout=20, **options).json()


@contextmanager
def in_front(settings):
    """A front of the settings given, as the environment would give them."""
    packages.ensure(packages.FRONT)
    with open_home() as home, ExitStack() as stack:
        place = home.path.parent / "behind"
        place.mkdir()
        place.chmod(0o755)
        dist = home.path.parent / "dist"
        (dist / "assets").mkdir(parents=True)
        (dist / "map.html").write_text("<p>map</p>")
        (dist / "assets" / "a-1.js").write_text("1")
        (dist / "assets" / "a-1.js.gz").write_bytes(b"\x1f\x8b packed")
        programs = [stack.enter_context(Behind(place / f"{name}.sock", name)) for name in ("one", "two")]
        port = free_port()
        behind = tuple(f"unix:{place}/{name}.sock" for name in ("one", "two"))
        with home.lock():
            nginx.start(home, nginx.Place("127.0.0.1", port, behind, dist), front_account(), settings)
        try:
            yield Front(home, port, programs, behind, dist)
        finally:
            nginx.stop(home)
            for program in programs:
                program.shutdown()
