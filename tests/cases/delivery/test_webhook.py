"""One webhook over real HTTP: signed as the library verifies it, patient to a limit, and only to allowed places."""

import gzip
import socket
import threading
import tracemalloc
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from server.cases.delivery import webhook
from server.cases.delivery.destinations import Guard
from server.cases.delivery.webhook import Answer, Letter, check_secret, send
from server.cases.errors import InvalidEndpoint
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


@pytest.mark.parametrize(("status", "seconds"), [(429, 120), (503, 7), (500, 45), (413, 1)])
def test_a_body_in_trouble_may_ask_for_rest(status, seconds):
    with receiving(statuses=[status], headers={"Retry-After": str(seconds)}) as body:
        assert send(letter(body.url), HERE, now()).rest == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "style", ["{:%a, %d %b %Y %H:%M:%S} GMT", "{:%A, %d-%b-%y %H:%M:%S} GMT", "{:%a %b %e %H:%M:%S %Y}"]
)
def test_rest_may_be_asked_for_until_a_time_of_day(style):
    at = now().replace(microsecond=0)
    raw = f"HTTP/1.1 503 No\r\nRetry-After: {style.format(at + timedelta(seconds=90))}\r\nContent-Length: 0\r\n\r\n"
    with receiving(raw=raw.encode()) as body:
        assert send(letter(body.url), HERE, at).rest == timedelta(seconds=90)


def test_a_time_of_day_is_counted_by_the_clock_of_the_body_that_names_it():
    raw = (
        b"HTTP/1.1 503 No\r\nDate: Fri, 01 Jan 2016 00:00:00 GMT\r\nRetry-After: Fri, 01 Jan 2016 00:00:45 GMT\r\n\r\n"
    )
    with receiving(raw=raw) as body:
        assert send(letter(body.url), HERE, now()).rest == timedelta(seconds=45)


@pytest.mark.parametrize("asked", ["9" * 30, "Fri, 01 Jan 9999 00:00:00 GMT"])
def test_nobody_may_ask_for_rest_without_end(asked):
    with receiving(statuses=[503], headers={"Retry-After": asked}) as body:
        assert send(letter(body.url), HERE, now()).rest == timedelta(hours=6)


@pytest.mark.parametrize(
    "asked",
    ["", "0", "-5", "1.5", "soon", "٤٥", "Fri, 01 Jan 2016 00:00:00 GMT", "Fri, 99 Jan 99999 00:00:00 GMT", ","],
)
def test_what_asks_for_no_rest_or_cannot_be_read_gives_none(asked):
    raw = f"HTTP/1.1 503 No\r\nRetry-After: {asked}\r\nContent-Length: 0\r\n\r\n".encode()
    with receiving(raw=raw) as body:
        answer = send(letter(body.url), HERE, now())
    assert (answer.error, answer.rest) == ("HTTP 503", None)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused_and_not_followed(status):
    with receiving() as other, receiving(statuses=[status], headers={"Location": other.url}) as body:
        answer = send(letter(body.url), HERE, now())
        assert other.messages == []
    assert "redirect" in answer.error


OURS = "no answer within 1 s"


@pytest.mark.long
def test_a_slow_body_is_given_up_after_the_patience_and_told_so():
    with receiving(wait_s=30) as body:
        assert send(letter(body.url), HERE, now()) == Answer(error=OURS)


@pytest.mark.long
def test_a_body_that_answers_drop_by_drop_is_given_up_too():
    with receiving(drip=True) as body:
        assert send(letter(body.url), HERE, now()) == Answer(error=OURS)


@pytest.mark.long
def test_a_body_that_takes_the_connection_and_says_nothing_over_tls_is_given_up_too():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        assert send(letter(url), HERE, now()) == Answer(error=OURS)


def test_a_body_that_says_continue_for_ever_is_given_up_too():
    with receiving(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 10, wait_s=0) as body:
        assert send(letter(body.url), HERE, now()).error is not None


@pytest.mark.long
def test_a_name_that_is_not_looked_up_in_time_is_given_up_too(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30))
    answer = send(letter("https://slow.example/"), HERE, now())
    over.set()
    assert "not found within 1 s" in answer.error


def test_a_body_that_hangs_up_is_told_as_that():
    with receiving(secret="whsec_" + "A" * 43 + "=") as body:
        assert "Remote end closed" in send(letter(body.url), HERE, now()).error


@pytest.mark.parametrize(
    "said", [b"\x00\x1b[31mred\xe2\x80\xae\r\n\r\n", b"\x00" * 70_000, b"HTTP/1.1 9999 \x00\r\n\r\n"]
)
def test_whatever_a_body_says_becomes_text_of_one_line_that_can_be_kept(said):
    with receiving(raw=said) as body:
        error = send(letter(body.url), HERE, now()).error
    assert error.isprintable()
    assert len(error) <= 500


def test_no_more_of_an_answer_is_read_than_its_beginning():
    said = b"busy\x00\n\xe2\x80\xae" + b"x" * 50_000_000
    with receiving(statuses=[500], says=said) as body:
        tracemalloc.start()
        answer = send(letter(body.url), HERE, now())
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert answer.error == "HTTP 500"
    assert answer.excerpt.startswith("busy···xxx")
    assert len(answer.excerpt) <= 1000
    assert most < 10_000_000


@pytest.mark.long
def test_an_answer_that_unpacks_to_more_is_not_unpacked():
    said = gzip.compress(b"x" * 50_000_000)
    with receiving(statuses=[500], says=said, headers={"Content-Encoding": "gzip"}) as body:
        assert "xxxx" not in send(letter(body.url), HERE, now()).excerpt


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_passed_by(monkeypatch, name):
    with receiving() as proxy, receiving() as body:
        monkeypatch.setenv(name, proxy.url)
        assert send(letter(body.url), HERE, now()).error is None
    assert (len(body.messages), proxy.messages) == (1, [])


def test_a_name_that_points_elsewhere_a_moment_later_is_connected_to_where_it_was_checked(monkeypatch):
    asked, real = [], socket.getaddrinfo

    def rebinding(host, *args, **kwargs):
        if host != "body.example":
            return real(host, *args, **kwargs)
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with receiving() as body:
        url = body.url.replace("127.0.0.1", "body.example")
        assert send(letter(url), HERE, now()).error is None
    assert asked == ["body.example"]
    assert body.hosts == [url.split("/")[2]]


def test_one_refused_address_among_several_of_a_name_refuses_it(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in ("127.0.0.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert send(letter("https://body.example/"), HERE, now()).error == "address refused: 10.0.0.1"


def test_of_several_addresses_the_first_that_takes_the_connection_is_used(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80)) for each in ("127.0.0.9", "127.0.0.1")]
    with receiving() as body:
        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *a, **k: found if host == "body.example" else real(host, *a, **k)
        )
        assert send(letter(body.url.replace("127.0.0.1", "body.example")), HERE, now()).error is None


def test_a_path_in_chinese_arrives_as_browsers_send_it():
    with receiving() as body:
        assert send(letter(body.url.replace("/hooks", "/案件 1".replace(" ", "%20"))), HERE, now()).error is None
    assert body.paths == ["/%E6%A1%88%E4%BB%B6%201?from=patrol"]


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
        assert "not valid for 'localhost'" in send(over_tls(body, "localhost"), HERE, now()).error
    assert body.messages == []


@pytest.mark.long
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


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_")])
def test_a_secret_that_is_none_is_refused(secret):
    with pytest.raises(InvalidEndpoint) as caught:
        check_secret(secret)
    assert caught.value.field == "secret"


def test_neither_secret_nor_message_is_in_what_gets_logged():
    assert SECRET not in repr(letter("https://8.8.8.8/"))
    assert "井盖" not in repr(letter("https://8.8.8.8/"))
