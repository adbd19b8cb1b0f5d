"""Outbox files as a phone writes them, and as nobody should: each part of one can be made wrong."""

import base64
import datetime as dt
import hashlib
import hmac
import io
import json
import uuid
import zipfile
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.outboxes.keys import keys_of

CHUNK = 65536


def outbox_key(secret):
    """The key of the city with this secret, as its server tells it."""
    keys = keys_of(secret)
    return {"id": keys.id.hex(), "public": base64.b64encode(keys.public).decode()}


@dataclass
class OutboxFile:
    """What one phone could not send. ``photos``: (facts, bytes). ``spoilt``: bytes of one that differ in the file."""

    phone: object
    ops: list = field(default_factory=list)
    photos: list = field(default_factory=list)
    said: dict = field(default_factory=dict)
    compression: int = zipfile.ZIP_STORED
    manifest: bytes | None = None
    extra: dict = field(default_factory=dict)
    spoilt: bytes = b""

    def add_photo(self, content, record, **more):
        facts = {
            "id": str(uuid.uuid4()), "collection": "visits", "record": record, "type": "image/jpeg", "name": "a.jpg",
            "sha256": hashlib.sha256(content).hexdigest(), "size": len(content),
        } | more  # fmt: skip
        self.photos.append((facts, content))
        return facts["id"]

    def written(self):
        """Return what the phone writes of it, as ``outbox.json``."""
        told = {
            "format": "gridpatrol-outbox", "version": 1, "device_id": self.phone.device_id, "app_version": "1.0.0",
            "exported_at": dt.datetime.now(dt.UTC).isoformat(), "ops": self.ops,
            "attachments": [facts for facts, _ in self.photos],
        } | self.said  # fmt: skip
        return json.dumps(told).encode()

    def plain(self, head):
        manifest = self.written() if self.manifest is None else self.manifest
        secret = hashlib.sha256(self.phone.token.encode()).digest()
        entries = {
            "outbox.json": manifest, "proof": hmac.digest(secret, head + manifest, "sha256"),
            **{f"attachments/{facts['id']}": content for facts, content in self.photos},
        } | self.extra  # fmt: skip
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", self.compression) as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        # What the archive says of an entry and what stands there: not the same for this one.
        return written.getvalue().replace(self.spoilt, self.spoilt[::-1]) if self.spoilt else written.getvalue()

    def sealed(self, key, *, plain=None):
        """Return the file for a server's key, as ``/v1/devices/outbox-key`` tells it."""
        public = base64.b64decode(key["public"])
        own = X25519PrivateKey.generate()
        point = own.public_key().public_bytes_raw()
        head = b"GPOUTBOX\x01" + bytes.fromhex(key["id"]) + point
        theirs = X25519PublicKey.from_public_bytes(public)
        info = b"gridpatrol outbox v1" + head + public
        cipher = AESGCM(HKDF(SHA256(), 32, b"", info).derive(own.exchange(theirs)))
        content = self.plain(head) if plain is None else plain
        chunks = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)] or [b""]
        last = len(chunks) - 1
        return head + b"".join(
            cipher.encrypt(b"\0" * 7 + number.to_bytes(4) + bytes([number == last]), chunk, None)
            for number, chunk in enumerate(chunks)
        )
