"""Whatever is sent to any route of the OpenAPI document, the server never fails and says clearly what is wrong.

Requests are generated from the document itself, right ones and wrong ones, for a phone, an administrator and a
stranger. ``PATROL_FUZZ_EXAMPLES`` says how many of each sort go to each route (few, and always the same, by default).
"""

import os
import secrets
from dataclasses import dataclass, field

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from sqlalchemy.orm import Session

from server.app import create_app
from server.cases.catalogues.workbook import MEDIA_TYPE
from server.config import Config, sqlalchemy_url
from server.database.extensions import db
from server.launch.scratch import scratch_database
from tests.api.staff import Desk
from tests.cases import city
from tests.sync.phone import Phone

ASKED = int(os.environ.get("PATROL_FUZZ_EXAMPLES", "0"))
FEW = 2
DOCUMENTED = "/v1/openapi.json"
PLAIN = {"Accept-Encoding": "identity"}
PLENTY = "1000000 per minute"
MODES = {"right": GenerationMode.POSITIVE, "wrong": GenerationMode.NEGATIVE}


@pytest.fixture(scope="module")
def fuzzed(cluster_url, redis_url, tmp_path_factory):
    """An app over a city of its own: what is fuzzed into it is in nobody's way."""
    with scratch_database(cluster_url) as url:
        engine = city.migrate(url)
        with Session(engine) as session:
            city.found(session)
            session.commit()
        engine.dispose()
        config = Config(
            database_url=sqlalchemy_url(url), redis_url=redis_url, secret_key=secrets.token_hex(), testing=True,
            push_rate=PLENTY, sign_in_rate=PLENTY, files_url=tmp_path_factory.mktemp("files").as_uri(),
        )  # fmt: skip
        app = create_app(config)
        yield app
        with app.app_context():
            db.engine.dispose()


@schemathesis.serializer("application/offset+octet-stream", MEDIA_TYPE)
def bytes_of(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@dataclass
class Caller:
    """Somebody who calls, with what they show at the door; ``sign_in`` lets them in again where they were put out."""

    app: object
    sign_in: object
    headers: dict = field(default_factory=dict)
    cookies: dict = field(default_factory=dict)


@pytest.fixture(scope="module", params=["phone", "administrator", "stranger"])
def caller(request, fuzzed):
    with fuzzed.app_context(), Session(db.engine, expire_on_commit=False) as session:
        yield {"phone": phone, "administrator": administrator, "stranger": stranger}[request.param](fuzzed, session)


def stranger(app, session):
    return Caller(app, lambda: None)


def phone(app, session):
    login = Desk.of(app, session, "grid_worker", city.WEST).login
    device = Phone.enrolled(app.test_client(), session, login)
    device.push(*[device.visit() for _ in range(3)], device.issue())
    return Caller(app, lambda: None, device.headers)


def administrator(app, session):
    caller = Caller(app, None)

    def sign_in():
        client = app.test_client()
        for name, value in caller.cookies.items():
            client.set_cookie(name, value)
        if client.get("/v1/session").status_code == 200:
            return
        desk = Desk.of(app, session, "admin", "360725")
        cookie = desk.client.get_cookie("patrol_session")
        caller.cookies = {"patrol_session": cookie.value}
        caller.headers = {"X-CSRF-Token": desk.csrf}

    caller.sign_in = sign_in
    return caller


def hypothesis_of(mode):
    return settings(
        max_examples=ASKED or FEW,
        derandomize=not ASKED,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if ASKED else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def judge(case, answer):
    told = f"{case.method} {case.formatted_path} -> {answer.status_code} {answer.content[:300]!r}"
    assert answer.status_code < 500, told
    if answer.status_code >= 400:
        (kind,) = answer.headers["content-type"]
        assert kind == "application/problem+json", told
        if case.method != "HEAD":
            problem = answer.json()
            assert problem["status"] == answer.status_code, told
            assert problem["type"].startswith("/problems/"), told
            assert problem["title"], told
    case.validate_response(answer, checks=[content_type_conformance, response_schema_conformance])


def told(error):
    """Return what went wrong in a line; checks raise groups."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(told(each) for each in error.exceptions)
    return f"{type(error).__name__}: {error}"


# What a download was sent from is left open by the client that plays the server here.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("mode", MODES)
def test_no_request_fails_the_server(caller, mode):
    document = schemathesis.openapi.from_wsgi(DOCUMENTED, caller.app)
    failed = {}
    for found in document.get_all_operations():
        operation = found.ok()
        caller.sign_in()

        @hypothesis_of(mode)
        @given(case=operation.as_strategy(generation_mode=MODES[mode]))
        def ask(case):
            judge(case, case.call(headers=PLAIN | caller.headers, cookies=caller.cookies))

        try:
            ask()
        except Unsatisfiable:
            continue  # a route that takes nothing can be sent nothing wrong
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001  # each route has its say
            failed[operation.label] = f"{operation.label}: {told(error)}"
    assert not failed, "\n".join(failed.values())
