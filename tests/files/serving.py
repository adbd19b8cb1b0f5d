"""The app under a real gunicorn that can be killed and started again at the same address, and a wire that is cut."""

import contextlib
import os
import signal
import socket
import threading
import time
import urllib.request
from itertools import chain, repeat

from tests.api.serving import free_port
from tests.programs import GUNICORN, Program

FOR_EVER = None


class Server:
    """Gunicorn with the settings of `up`."""

    def __init__(self, database_url, redis_url, files_url, **environment):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = (
            os.environ
            | {
                "DATABASE_URL": database_url,
                "REDIS_URL": redis_url,
                "PATROL_SECRET_KEY": "k" * 32,
                "PATROL_FILES_URL": files_url,
                "PATROL_PUSH_RATE": "100000 per minute",
                "PATROL_BIND": f"127.0.0.1:{self.port}",
                "PATROL_WEB_WORKERS": "2",
                "PATROL_WEB_THREADS": "6",
            }
            | environment
        )
        self.process = None

    def start(self):
        self.process = Program(GUNICORN, self.environment, own_session=True)
        for _ in range(300):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/healthz") as answer:  # noqa: S310  # our own
                if answer.status == 200:
                    return self
            time.sleep(0.1)
        raise AssertionError("the server does not answer")

    def kill(self):
        """kill -9, workers and all."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Wire:
    """A TCP proxy. The connections that come get a cut each: (direction, bytes), then the wire breaks both ways."""

    def __init__(self, port, cuts=()):
        self.target = port
        self.cuts = chain(cuts, repeat(("up", FOR_EVER)))
        self.broken = 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            direction, limit = next(self.cuts)
            server = socket.create_connection(("127.0.0.1", self.target))
            for way, source, sink in (("up", client, server), ("down", server, client)):
                allowed = limit if way == direction else FOR_EVER
                threading.Thread(target=self._carry, args=(source, sink, allowed), daemon=True).start()

    def _carry(self, source, sink, allowed):
        """Carry bytes until the source ends or the limit is reached; then nothing goes either way."""
        with contextlib.suppress(OSError):
            while allowed is FOR_EVER or allowed > 0:
                data = source.recv(65536 if allowed is FOR_EVER else min(65536, allowed))
                if not data:
                    break
                sink.sendall(data)
                allowed = allowed if allowed is FOR_EVER else allowed - len(data)
            self.broken += allowed == 0
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self):
        self.listening.close()
