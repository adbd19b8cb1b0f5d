"""One webhook over real HTTP: signed as the library verifies it, patient to a limit, and only to allowed places."""

import socket
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from server.cases import webhook
from server.cases.errors import InvalidEndpoint
from server.cases.webhook import Guard, Letter, check_secret, check_url, send
from tests.cases.receiver import SECRET, certificate_for, receiving

HERE = Guard(allow_loopback=True, patience_s=1.0)
BODY = '{"type":"issue.dispatched","data":{"description":"井盖缺失"}}'


def letter(url, secret=SECRET):
    return Letter(uuid.uuid4(), url, (secret,), BODY)


def now():
    return datetime.now(UTC)


def test_a_letter_arrives_signed_and_whole():
    with receiving() as body:
        sent = letter(body.url)
        answer = send(sent, HERE, now())
    assert (answer.status_code, answer.error) == (204, None)
    assert body.messages == [{"type": "issue.dispatched", "data": {"description": "井盖缺失"}}]
    assert body.ids == [str(sent.id)]
    assert body.paths == ["/hooks?from=patrol"]


def test_the_signature_holds_whatever_zone_the_clock_is_in():
    shanghai = now().astimezone(timezone(timedelta(hours=8)))
    with receiving() as body:
        assert send(letter(body.url), HERE, shanghai).error is None


def test_a_body_with_another_secret_takes_nothing():
    with receiving(secret="whsec_" + "A" * 43 + "=") as body:
        answer = send(letter(body.url), HERE, now())
    assert answer.error is not None
    assert body.messages == []


@pytest.mark.parametrize("known", [SECRET, "whsec_" + "A" * 43 + "="])
def test_a_letter_of_two_secrets_is_taken_by_whoever_knows_one_of_them(known):
    with receiving(secret=known) as body:
        sent = Letter(uuid.uuid4(), body.url, ("whsec_" + "A" * 43 + "=", SECRET), BODY)
        assert send(sent, HERE, now()).error is None
    assert len(body.messages) == 1


def test_a_letter_signed_long_ago_is_not_taken():
    with receiving() as body:
        assert send(letter(body.url), HERE, now() - timedelta(minutes=10)).error is not None


@pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
def test_an_answer_that_is_no_success_is_an_error_that_names_it(status):
    with receiving(statuses=[status]) as body:
        answer = send(letter(body.url), HERE, now())
    assert (answer.status_code, answer.error, answer.rest) == (status, f"HTTP {status}", None)


@pytest.mark.parametrize(("status", "seconds"), [(429, 120), (503, 7)])
def test_a_busy_body_may_ask_for_rest(status, seconds):
    with receiving(statuses=[status], headers={"Retry-After": str(seconds)}) as body:
        assert send(letter(body.url), HERE, now()).rest == timedelta(seconds=seconds)


def test_nobody_may_ask_for_rest_without_end():
    with receiving(statuses=[503], headers={"Retry-After": "9" * 30}) as body:
        assert send(letter(body.url), HERE, now()).rest == timedelta(hours=6)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused_and_not_followed(status):
    with receiving() as other, receiving(statuses=[status], headers={"Location": other.url}) as body:
        answer = send(letter(body.url), HERE, now())
        assert other.messages == []
    assert "redirect" in answer.error


def test_a_slow_body_is_given_up_after_the_patience():
    with receiving(wait_s=30) as body:
        answer = send(letter(body.url), HERE, now())
    assert answer.status_code is None
    assert answer.error is not None


def test_a_body_that_answers_drop_by_drop_is_given_up_too():
    with receiving(drip=True) as body:
        answer = send(letter(body.url), HERE, now())
    assert answer.error is not None


@pytest.fixture
def trusting(monkeypatch):
    """Makes this machine trust a certificate, as a city's administrator does."""

    def trust(path):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        webhook._trust.cache_clear()

    yield trust
    webhook._trust.cache_clear()


def over_tls(body, name):
    return letter(body.url.replace("http://127.0.0.1", f"https://{name}"))


def test_over_tls_a_body_is_known_by_its_name_though_the_connection_goes_to_its_address(trusting, tmp_path):
    certificate = certificate_for("localhost", tmp_path)
    trusting(certificate)
    with receiving(certificate=certificate) as body:
        assert send(over_tls(body, "localhost"), HERE, now()).error is None
    assert len(body.messages) == 1


def test_over_tls_a_body_with_the_name_of_another_gets_nothing(trusting, tmp_path):
    certificate = certificate_for("other.example", tmp_path)
    trusting(certificate)
    with receiving(certificate=certificate) as body:
        assert "doesn't match" in send(over_tls(body, "localhost"), HERE, now()).error
    assert body.messages == []


def test_over_tls_a_body_that_nobody_vouches_for_gets_nothing(tmp_path):
    with receiving(certificate=certificate_for("localhost", tmp_path)) as body:
        assert "CERTIFICATE_VERIFY_FAILED" in send(over_tls(body, "localhost"), HERE, now()).error
    assert body.messages == []


def test_a_body_that_is_down_is_an_error_and_no_exception():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "refused" in send(letter(f"http://127.0.0.1:{port}/"), HERE, now()).error


def test_a_host_that_does_not_exist_is_an_error_and_no_exception():
    assert send(letter("https://nobody.invalid/"), HERE, now()).error is not None


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433"])
def test_this_machine_is_refused_unless_allowed(name):
    answer = send(letter(f"http://{name}:9/"), Guard(), now())
    assert "address refused" in answer.error


@pytest.mark.parametrize(
    "name",
    [
        "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "0.0.0.1", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "[fd00::1]", "[fe80::1]", "[::]", "[64:ff9b::a9fe:a9fe]", "[2002:0a00:0001::1]",
        "[::ffff:192.168.1.1]", "192.0.2.1", "[2001:db8::1]",
    ],
)  # fmt: skip
def test_addresses_that_no_outside_body_lives_at_are_refused(name):
    with pytest.raises(InvalidEndpoint) as caught:
        check_url(f"https://{name}/", Guard())
    assert caught.value.reason == "address-refused"


@pytest.mark.parametrize("name", ["10.0.0.1", "172.16.3.4", "192.168.1.1", "[fd00::1]"])
def test_the_offices_own_network_can_be_allowed(name):
    check_url(f"https://{name}/", Guard(allow_private=True))


@pytest.mark.parametrize("name", ["169.254.169.254", "127.0.0.1", "0.0.0.1"])
def test_allowing_the_offices_network_allows_no_more_than_that(name):
    with pytest.raises(InvalidEndpoint):
        check_url(f"https://{name}/", Guard(allow_private=True))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "not-a-url"),
        ("ftp://8.8.8.8/", "not-a-url"),
        ("https://", "not-a-url"),
        ("https://8.8.8.8:port/", "not-a-url"),
        ("https://[", "not-a-url"),
        ("https://name:word@8.8.8.8/", "has-credentials"),
        ("https://8.8.8.8/#part", "has-fragment"),
        ("http://8.8.8.8/", "not-https"),
        ("https://nobody.invalid/", "not-found"),
    ],
)
def test_an_address_that_is_none_is_refused_with_the_reason(url, reason):
    with pytest.raises(InvalidEndpoint) as caught:
        check_url(url, HERE)
    assert (caught.value.field, caught.value.reason) == ("url", reason)


def test_a_public_https_address_is_taken():
    check_url("https://8.8.8.8:8443/hooks?x=1", Guard())


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_")])
def test_a_secret_that_is_none_is_refused(secret):
    with pytest.raises(InvalidEndpoint) as caught:
        check_secret(secret)
    assert caught.value.field == "secret"


def test_neither_secret_nor_message_is_in_what_gets_logged():
    assert SECRET not in repr(letter("https://8.8.8.8/"))
    assert "井盖" not in repr(letter("https://8.8.8.8/"))
