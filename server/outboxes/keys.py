"""The city's pair of keys for outbox files: P-256, made from the city's secret, so that no other secret is to be kept.

Phones are told the public key when they are enrolled. Whoever changes the city's secret changes the pair: files that
were made for the pair before are named as such.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ID_BYTES: Final = 8
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# 16 bytes beyond the order of the curve: what is left of a division by it leans nowhere (FIPS 186-5, A.2.1).
_SEED_BYTES: Final = 48


@dataclass(frozen=True)
class Keys:
    """The pair. ``id``: the first bytes of SHA-256 over ``public``; ``public``: the point, uncompressed, 65 bytes."""

    id: bytes
    public: bytes
    private: ec.EllipticCurvePrivateKey


@cache
def keys_of(secret: str) -> Keys:
    """Return the pair of the city with this secret."""
    seed = HKDF(SHA256(), _SEED_BYTES, None, b"gridpatrol outbox key").derive(secret.encode())
    private = ec.derive_private_key(int.from_bytes(seed) % (_ORDER - 1) + 1, ec.SECP256R1())
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return Keys(hashlib.sha256(public).digest()[:ID_BYTES], public, private)
