"""The city's pair of keys for outbox files: X25519, made from the city's secret, so that no other secret is to be kept.

Phones are told the public key when they are enrolled. Whoever changes the city's secret changes the pair: files that
were made for the pair before are named as such.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ID_BYTES: Final = 8


@dataclass(frozen=True)
class Keys:
    """The pair. ``id``: the first bytes of SHA-256 over ``public``; ``public``: 32 bytes."""

    id: bytes
    public: bytes
    private: X25519PrivateKey


@cache
def keys_of(secret: str) -> Keys:
    """Return the pair of the city with this secret."""
    seed = HKDF(SHA256(), 32, None, b"gridpatrol outbox key").derive(secret.encode())
    private = X25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    return Keys(hashlib.sha256(public).digest()[:ID_BYTES], public, private)
