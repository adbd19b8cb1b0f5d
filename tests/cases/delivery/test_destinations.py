"""Where webhooks may go: globally reachable unicast by https, on the city's ports; asked when saved and when sent."""

import socket
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cases.delivery.destinations import Guard, check_url, is_allowed, read_url
from server.cases.delivery.webhook import Letter, send
from server.cases.errors import InvalidEndpoint
from server.config import webhook_ports_of
from tests.cases.receiver import SECRET

HERE = Guard(allow_loopback=True)
REFUSED = [
    "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "0.0.0.1", "100.64.0.1", "100.127.255.255",
    "192.0.0.9", "192.0.0.170", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.175.48.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "233.252.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "127.0.0.1", "127.255.255.255",
    "[::]", "[::1]", "[::7f00:1]", "[::808:808]", "[::ffff:127.0.0.1]", "[::ffff:192.168.1.1]", "[::ffff:8.8.8.8]",
    "[::ffff:0:808:808]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::808:808]", "[64:ff9b:1::1]", "[100::1]", "[2001::1]",
    "[2001:0:a9fe:a9fe::1]", "[2001:2::1]", "[2001:4:112::1]", "[2001:20::1]", "[2001:db8::1]", "[2002:a00:1::1]",
    "[2002:808:808::1]", "[2620:4f:8000::1]", "[3fff::1]", "[4000::1]", "[5f00::1]", "[fc00::1]", "[fd00::1]",
    "[fe80::1]", "[fec0::1]", "[ff02::1]", "[ff0e::1]",
]  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_addresses_that_no_outside_body_lives_at_are_refused_when_saved_and_when_sent(name):
    with pytest.raises(InvalidEndpoint) as caught:
        check_url(f"https://{name}/", Guard())
    assert caught.value.reason == "address-refused"
    letter = Letter(uuid.uuid4(), f"https://{name}/", (SECRET,), "{}")
    assert send(letter, Guard(), datetime.now(UTC)).error.startswith("address refused: ")


@pytest.mark.parametrize("name", ["10.0.0.1", "172.16.3.4", "192.168.1.1", "[fd00::1]"])
def test_the_offices_own_network_can_be_allowed(name):
    check_url(f"https://{name}/", Guard(allow_private=True))


@pytest.mark.parametrize(
    "name", sorted(set(REFUSED) - {"10.0.0.1", "172.16.3.4", "192.168.1.1", "[fd00::1]", "[fc00::1]"})
)
def test_allowing_the_offices_network_allows_no_more_than_that(name):
    with pytest.raises(InvalidEndpoint):
        check_url(f"https://{name}/", Guard(allow_private=True))


@pytest.mark.parametrize("name", sorted(set(REFUSED) - {"127.0.0.1", "127.255.255.255", "[::1]"}))
def test_allowing_this_machine_allows_no_more_than_that(name):
    with pytest.raises(InvalidEndpoint):
        check_url(f"https://{name}/", Guard(allow_loopback=True))


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_what_is_allowed_is_never_more_than_what_the_library_calls_global_unicast(address):
    if is_allowed(address, Guard()):
        assert address.is_global
        assert not any(
            (address.is_multicast, address.is_private, address.is_loopback, address.is_link_local, address.is_reserved)
        )


@pytest.mark.parametrize("name", ["8.8.8.8", "114.114.114.114", "[2400:3200::1]", "[2606:4700:4700::1111]"])
def test_public_addresses_are_taken(name):
    check_url(f"https://{name}/hooks?x=1", Guard())


@pytest.mark.parametrize(
    "host",
    [
        "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "127.0.0.01", "1.2.3.4.5", "256.1.1.1", "0x",
        "8.8.8.8.", "body.example.", "body..example", ".example", "-body.example", "body-.example", "bo_dy!.example",
        "[fe80::1%25eth0]", "[fe80::1%eth0]", "[::ffff:127.0.0.01]", "a" * 64 + ".example", "%31%32%37.0.0.1",
        ".".join(["a" * 60] * 5),
    ],
)  # fmt: skip
def test_a_host_in_an_unusual_form_is_refused_before_anybody_is_asked_for_it(host, monkeypatch):
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: asked.append(host))
    with pytest.raises(InvalidEndpoint) as caught:
        check_url(f"https://{host}/", HERE)
    assert caught.value.reason in ("not-a-host", "not-a-url")
    assert asked == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "not-a-url"),
        ("8.8.8.8", "not-a-url"),
        ("ftp://8.8.8.8/", "not-a-url"),
        ("file:///etc/passwd", "not-a-url"),
        ("https://", "not-a-url"),
        ("https:///hooks", "not-a-url"),
        ("https://8.8.8.8:port/", "not-a-url"),
        ("https://8.8.8.8:99999/", "not-a-url"),
        ("https://[", "not-a-url"),
        ("https://8.8.8.8\\@127.0.0.1/", "not-a-url"),
        ("https://8.8.8.8/\r\nX-More: 1", "not-a-url"),
        ("https://8.8\t.8.8/", "not-a-url"),
        (" https://8.8.8.8/", "not-a-url"),
        ("https://8.8.8.8/a b", "not-a-url"),
        ("https://8.8.8.8/\x00", "not-a-url"),
        ("https://8.8.8.8/\u202eevil", "not-a-url"),
        ("https://8.8.8.8/\ud83d", "not-a-url"),
        ("https://１２７.0.0.1/", "not-a-url"),
        ("https://name:word@8.8.8.8/", "has-credentials"),
        ("https://@8.8.8.8/", "has-credentials"),
        ("https://8.8.8.8@127.0.0.1/", "has-credentials"),
        ("https://8.8.8.8/#part", "has-fragment"),
        ("https://8.8.8.8/#", "has-fragment"),
        ("http://8.8.8.8/", "not-https"),
        ("https://nobody.invalid/", "not-found"),
    ],
)
def test_an_address_that_is_none_is_refused_with_the_reason(url, reason):
    with pytest.raises(InvalidEndpoint) as caught:
        check_url(url, HERE)
    assert (caught.value.field, caught.value.reason) == ("url", reason)


@pytest.mark.parametrize("port", [0, 1, 22, 25, 80, 5432, 6379, 8443, 65535])
def test_other_ports_than_those_of_the_city_are_refused_and_these_are_named(port):
    with pytest.raises(InvalidEndpoint) as caught:
        check_url(f"https://8.8.8.8:{port}/", Guard())
    assert caught.value.data == {"field": "url", "reason": "port-refused", "takes": [443]}
    with pytest.raises(InvalidEndpoint):
        check_url(f"https://10.0.0.1:{port}/", Guard(allow_private=True))
    check_url(f"https://8.8.8.8:{port}/", Guard(ports=frozenset({443, port})))


@pytest.mark.parametrize(
    ("url", "host", "authority"),
    [
        ("https://例子.中国/", "xn--fsqu00a.xn--fiqs8s", "xn--fsqu00a.xn--fiqs8s"),
        ("HTTPS://Body.Example:443/", "body.example", "body.example:443"),
        ("https://[2400:3200::1]:443/", "2400:3200::1", "[2400:3200::1]:443"),
    ],
)
def test_a_host_is_asked_for_and_named_in_ascii(url, host, authority):
    read = read_url(url)
    assert (read.host, read.authority, read.target) == (host, authority, "/")


@given(st.text(max_size=40))
def test_no_text_at_all_makes_the_reader_fail_otherwise_than_by_refusing(text):
    for url in (text, "https://" + text, f"https://body.example/{text}"):
        try:
            assert read_url(url).target.isascii()
        except InvalidEndpoint:
            continue


@pytest.mark.parametrize(
    ("said", "ports"), [("", {443}), ("443", {443}), ("443, 8443", {443, 8443}), ("9443", {9443}), ("65535", {65535})]
)
def test_the_ports_of_the_city_come_from_its_settings(said, ports):
    assert webhook_ports_of({"PATROL_WEBHOOK_PORTS": said}) == ports


@pytest.mark.parametrize("said", ["https", "443;8443", "0", "65536", "-1", "443,", "٤٤٣", "4 43"])
def test_ports_that_are_none_are_named_with_their_setting(said):
    with pytest.raises(ValueError, match="PATROL_WEBHOOK_PORTS"):
        webhook_ports_of({"PATROL_WEBHOOK_PORTS": said})
