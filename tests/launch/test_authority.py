"""The local authority: what its certificates say, when they are made anew, and for what they are believed."""

import datetime as dt
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from server.launch import authority
from server.launch.authority import Reached, ensure

NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)
HERE = Reached.of(["localhost", "grid-server", "192.168.1.20", "127.0.0.1"])


def days(count):
    return dt.timedelta(days=count)


def named(certificate):
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))}


def leaf(made):
    return x509.load_pem_x509_certificate(made.leaf.read_bytes())


def test_the_machines_certificate_names_all_it_is_reached_by_and_lasts_as_long_as_browsers_take(tmp_path):
    made = ensure(tmp_path / "tls", HERE, NOW)
    assert named(leaf(made)) == {"localhost", "grid-server", "192.168.1.20", "127.0.0.1"}
    for certificate, lasts in ((leaf(made), 397), (made.authority, 3650)):
        assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == days(lasts)
        assert certificate.not_valid_before_utc < NOW
    leaf(made).verify_directly_issued_by(made.authority)
    assert made.is_new
    assert made.is_new_authority


def test_keys_are_read_by_their_owner_alone(tmp_path):
    folder = tmp_path / "tls"
    ensure(folder, HERE, NOW)
    assert {file.name for file in folder.iterdir()} == {"authority.pem", "authority.key", "machine.pem", "machine.key"}
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_is_right_is_kept_and_what_is_near_its_end_is_renewed_by_the_same_authority(tmp_path):
    first = ensure(tmp_path, HERE, NOW)
    again = ensure(tmp_path, HERE, NOW + days(365))
    assert (again.is_new, again.is_new_authority, leaf(again)) == (False, False, leaf(first))
    renewed = ensure(tmp_path, HERE, NOW + days(367))
    assert (renewed.is_new, renewed.is_new_authority) == (True, False)
    assert renewed.authority == first.authority
    assert leaf(renewed).not_valid_after_utc == NOW + days(367 + 396)


def test_another_address_in_the_local_network_needs_another_certificate_and_no_other_authority(tmp_path):
    first = ensure(tmp_path, HERE, NOW)
    moved = Reached.of([*HERE.names, "10.7.0.3", "fd00::5"])
    made = ensure(tmp_path, moved, NOW)
    assert (made.is_new, made.authority) == (True, first.authority)
    assert named(leaf(made)) >= {"10.7.0.3", "fd00::5"}
    assert not ensure(tmp_path, Reached.of(["localhost"]), NOW).is_new, "what is named beyond need is no fault"


def test_an_authority_near_its_end_or_that_may_not_name_the_machine_gives_way_to_a_new_one(tmp_path):
    first = ensure(tmp_path, HERE, NOW)
    elsewhere = ensure(tmp_path, Reached.of([*HERE.names, "8.8.4.4", "patrol.example.cn"]), NOW)
    assert elsewhere.is_new_authority
    assert elsewhere.authority != first.authority
    old = ensure(tmp_path, HERE, NOW + days(3650 - 60))
    assert not old.is_new_authority
    assert leaf(old).not_valid_after_utc == old.authority.not_valid_after_utc
    assert ensure(tmp_path, HERE, NOW + days(3650 - 30)).is_new_authority


@pytest.mark.parametrize("name", ["authority.pem", "authority.key", "machine.pem", "machine.key"])
def test_what_is_missing_or_cut_off_is_made_again(tmp_path, name):
    ensure(tmp_path, HERE, NOW)
    (tmp_path / name).unlink()
    made = ensure(tmp_path, HERE, NOW)
    leaf(made).verify_directly_issued_by(made.authority)
    if name.endswith("pem"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:100])
        made = ensure(tmp_path, HERE, NOW)
        leaf(made).verify_directly_issued_by(made.authority)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="asks OpenSSL")
@pytest.mark.parametrize(
    ("told", "is_believed"),
    [("grid-server", True), ("a.local", True), ("192.168.9.9", True), ("www.example.com", False), ("8.8.8.8", False)],
)
def test_whoever_takes_the_authoritys_key_passes_for_no_site_elsewhere(tmp_path, told, is_believed):
    made = ensure(tmp_path, HERE, NOW)
    key = authority.load_pem_private_key((tmp_path / "authority.key").read_bytes(), None)
    reached = Reached.of([told])
    forged = authority._make_leaf(ec.generate_private_key(ec.SECP256R1()), made.authority, key, reached, NOW)
    assert isinstance(forged.signature_hash_algorithm, SHA256)
    (tmp_path / "forged.pem").write_bytes(forged.public_bytes(Encoding.PEM))
    argv = ["openssl", "verify", "-attime", str(int(NOW.timestamp())), "-CAfile", tmp_path / "authority.pem"]
    done = subprocess.run([*argv, tmp_path / "forged.pem"], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is is_believed, done.stderr


def test_names_and_addresses_are_told_apart_and_nonsense_is_passed_over():
    told = Reached.of(["Not A Name", "fe80::1%eth0", "::", "[fd00::1]", "a.b", "-x", "", "10.0.0.1", "10.0.0.1"])
    assert told.names == ("a.b",)
    assert list(map(str, told.addresses)) == ["fd00::1", "10.0.0.1"]


def test_this_machine_is_reached_by_itself_and_no_address_of_the_internet_is_named_unasked():
    found = Reached.of_this_machine()
    assert {"localhost"} <= set(found.names)
    assert "127.0.0.1" in map(str, found.addresses)
    assert not [each for each in found.addresses if each.is_global]
    assert "8.8.4.4" in map(str, Reached.of_this_machine("8.8.4.4").addresses)
