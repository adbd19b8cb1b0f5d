"""A local authority and the certificate of this machine, so that phones in its network reach it by HTTPS.

Owns the files: the authority's certificate (10 years) and the machine's (397 days, as browsers take at most), which
names every local address and name that it has now, and their keys. A browser that trusts the authority believes it for
addresses and names of local networks and of this machine alone (X.509 name constraints), so whoever takes its key
cannot pass for another site. Knows nothing of nginx.
"""

import datetime as dt
import ipaddress
import os
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS: Final = 3650
LEAF_DAYS: Final = 397
RENEWED_BEFORE: Final = dt.timedelta(days=30)
# Phones with a slow clock take a new certificate too.
_BACKDATED: Final = dt.timedelta(days=1)
_LOCAL_NETWORKS: Final = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"),
    *("fc00::/7", "fe80::/10", "::1/128"),
)
_LOCAL_NAMES: Final = ("localhost", "local", "lan", "internal", "home.arpa")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Reached:
    """By what this machine is reached: names in lower case, and addresses."""

    names: tuple[str, ...]
    addresses: tuple[Address, ...]

    @classmethod
    def of_this_machine(cls, *further: str) -> "Reached":
        """Return what it has now in local networks; ``further``: names or addresses that people use besides.

        Addresses of the whole internet come and go by themselves, and each would need another authority.
        """
        host = socket.gethostname().lower().rstrip(".")
        said = ["localhost", host, f"{host.partition('.')[0]}.local", *(each.lower() for each in further)]
        interfaces = psutil.net_if_addrs().values()
        told = cls.of(each.address for addresses in interfaces for each in addresses if each.family in _FAMILIES)
        networks = [ipaddress.ip_network(each) for each in _LOCAL_NETWORKS]
        return cls.of([*said, *(str(each) for each in told.addresses if _within(each, networks))])

    @classmethod
    def of(cls, told: Iterable[str]) -> "Reached":
        """Part names from addresses; what is neither, and what no certificate may name, is passed over."""
        names, addresses = dict[str, None](), dict[Address, None]()
        for each in told:
            try:
                address = ipaddress.ip_address(each.partition("%")[0].strip("[]"))
            except ValueError:
                if _is_name(each):
                    names[each] = None
            else:
                # One of a link needs a zone beside it, which no certificate has.
                if not address.is_unspecified and not (address.version == _V6 and address.is_link_local):
                    addresses[address] = None
        return cls(tuple(names), tuple(addresses))

    @property
    def label(self) -> str:
        """What to call the machine."""
        return next((each for each in self.names if each != "localhost"), "localhost")

    def covers(self, other: "Reached") -> bool:
        """Return whether all that the other names is named here."""
        return set(other.names) <= set(self.names) and set(other.addresses) <= set(self.addresses)


_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)
_V6: Final = 6


@dataclass(frozen=True)
class Made:
    """The files, and what people compare.

    ``is_new``: the machine's certificate was made now; ``is_new_authority``: phones have to be told to trust it.
    """

    authority: x509.Certificate
    leaf: Path
    key: Path
    ends_at: dt.datetime
    is_new: bool
    is_new_authority: bool

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate as phones show it: pairs of hexadecimal digits."""
        return self.authority.fingerprint(SHA256()).hex(":").upper()


def ensure(folder: Path, reached: Reached, now: dt.datetime) -> Made:
    """Make what is missing, near its end or does not name all that the machine is reached by; keep what is right.

    ``folder``: where it lies, readable by its owner alone. The caller holds the home's lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    authority, authority_key, is_new_authority = _authority(folder, reached, now)
    leaf, key = folder / "machine.pem", folder / "machine.key"
    found = _read(leaf)
    is_new = found is None or not key.exists() or not _is_right(found, authority, reached, now)
    if is_new:
        own_key = ec.generate_private_key(ec.SECP256R1())
        found = _make_leaf(own_key, authority, authority_key, reached, now)
        _write(key, _pem_of(own_key))
        # Second: with a key of another, nginx would not start; without one it is made again.
        _write(leaf, found.public_bytes(Encoding.PEM))
    assert found is not None  # noqa: S101  # made where there was none
    return Made(authority, leaf, key, found.not_valid_after_utc, is_new, is_new_authority)


def _authority(
    folder: Path, reached: Reached, now: dt.datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey, bool]:
    file, key_file = folder / "authority.pem", folder / "authority.key"
    found = _read(file)
    if found is not None and key_file.exists() and now < found.not_valid_after_utc - RENEWED_BEFORE:
        key = load_pem_private_key(key_file.read_bytes(), None)
        if isinstance(key, ec.EllipticCurvePrivateKey) and _permits(found, reached):
            return found, key, False
    key = ec.generate_private_key(ec.SECP256R1())
    made = _make_authority(key, reached, now)
    _write(key_file, _pem_of(key))
    _write(file, made.public_bytes(Encoding.PEM))
    return made, key, True


def _make_authority(key: ec.EllipticCurvePrivateKey, reached: Reached, now: dt.datetime) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "GridPatrol 巡格"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"GridPatrol {reached.label}"[:64]),
        ]
    )
    ends_at = now - _BACKDATED + dt.timedelta(days=AUTHORITY_DAYS)
    return (
        _begun(name, name, key, now, ends_at)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(_permitted(reached), None), critical=True)
        .sign(key, SHA256())
    )


def _make_leaf(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    reached: Reached,
    now: dt.datetime,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, reached.label[:64])])
    ends_at = min(now - _BACKDATED + dt.timedelta(days=LEAF_DAYS), authority.not_valid_after_utc)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    named = [*map(x509.DNSName, reached.names), *map(x509.IPAddress, reached.addresses)]
    return (
        _begun(name, authority.subject, key, now, ends_at)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .add_extension(x509.SubjectAlternativeName(named), critical=False)
        .sign(authority_key, SHA256())
    )


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, ends_at: dt.datetime
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(ends_at)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _permitted(reached: Reached) -> list[x509.GeneralName]:
    """Return for what the authority may be believed: local networks and names, and what the machine has beyond them."""
    networks = [ipaddress.ip_network(each) for each in _LOCAL_NETWORKS]
    names = list(_LOCAL_NAMES)
    networks += [ipaddress.ip_network(each) for each in reached.addresses if not _within(each, networks)]
    names += [each for each in reached.names if not _below(each, names)]
    return [*map(x509.DNSName, names), *map(x509.IPAddress, networks)]


def _permits(authority: x509.Certificate, reached: Reached) -> bool:
    """Return whether an authority may sign for all that the machine is reached by."""
    try:
        permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    except x509.ExtensionNotFound:
        return False
    networks = [each.value for each in permitted if isinstance(each, x509.IPAddress)]
    names = [each.value for each in permitted if isinstance(each, x509.DNSName)]
    within = all(_within(each, networks) for each in reached.addresses)
    return within and all(_below(each, names) for each in reached.names)


def _within(address: Address, networks: Sequence[object]) -> bool:
    return any(isinstance(each, Network) and address.version == each.version and address in each for each in networks)


def _below(name: str, names: Sequence[str]) -> bool:
    return any(name == each or name.endswith(f".{each}") for each in names)


def _is_right(leaf: x509.Certificate, authority: x509.Certificate, reached: Reached, now: dt.datetime) -> bool:
    """Return whether a certificate is this authority's, lasts a while and names all that the machine is reached by."""
    try:
        leaf.verify_directly_issued_by(authority)
        named = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound, InvalidSignature):
        return False
    told = Reached.of([*named.get_values_for_type(x509.DNSName), *map(str, named.get_values_for_type(x509.IPAddress))])
    return now < leaf.not_valid_after_utc - RENEWED_BEFORE and told.covers(reached)


def _is_name(text: str) -> bool:
    return text.isascii() and all(
        re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", each) for each in text.split(".")
    )


def _read(file: Path) -> x509.Certificate | None:
    """Return a certificate; None where there is none that can be read."""
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(file: Path, content: bytes) -> None:
    """Write a file whole, for its owner alone."""
    draft = file.with_name(f"{file.name}.new")
    with open(draft, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
