"""A handling body's own server: takes webhooks over real HTTP and verifies them with the library that it would use."""

import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # of a server that lives for one test


@dataclass
class Receiver:
    """What a body got, in order, and how it answers: the statuses in turn, the last one for ever."""

    url: str = ""
    statuses: list = field(default_factory=lambda: [204])
    headers: dict = field(default_factory=dict)
    wait_s: float = 0.0
    drip: bool = False
    raw: bytes = b""
    says: bytes = b""
    hosts: list = field(default_factory=list)
    secret: str = SECRET
    messages: list = field(default_factory=list)
    ids: list = field(default_factory=list)
    paths: list = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    def answer(self):
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


def _handler(receiver):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            with receiver.lock:
                receiver.at_once += 1
                receiver.most_at_once = max(receiver.most_at_once, receiver.at_once)
            try:
                self.take()
            finally:
                with receiver.lock:
                    receiver.at_once -= 1

        def take(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            # Raises, and so answers nothing at all, unless id, time and signature are right.
            message = Webhook(receiver.secret).verify(body, dict(self.headers))
            with receiver.lock:
                receiver.messages.append(message)
                receiver.ids.append(self.headers["webhook-id"])
                receiver.paths.append(self.path)
                receiver.hosts.append(self.headers["Host"])
                status = receiver.answer()
            receiver.closing.wait(receiver.wait_s)
            if receiver.raw:
                self.wfile.write(receiver.raw)
                return
            if receiver.drip:
                self.drip()
                return
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(receiver.says)))
            self.end_headers()
            self.wfile.write(receiver.says)

        def drip(self):
            """Answer one byte every tenth of a second, and never come to an end."""
            try:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not receiver.closing.is_set():
                    self.wfile.write(b"x")
                    time.sleep(0.1)
            except OSError:
                pass

        def log_message(self, *_):
            pass

    return Handler


def certificate_for(name, folder):
    """Make a self-signed certificate; return the path of a file with certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


@contextmanager
def receiving(*, certificate=None, **behaviour):
    """Serve one body on a loopback port while the block runs; over TLS where a certificate is given."""
    receiver = Receiver(**behaviour)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    server.handle_error = lambda *_: None
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks?from=patrol"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
