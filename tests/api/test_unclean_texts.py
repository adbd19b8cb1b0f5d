"""Whatever a caller writes into any text of any JSON route: it is refused by its field, and the server never fails.

The routes and their texts are read from the OpenAPI document, so that a new one is tried too.
"""

import base64
import datetime as dt
import hmac
import itertools
import json
import re
import uuid

import pytest

from server.cases.delivery import endpoints
from tests.api.staff import Desk
from tests.cases import city
from tests.emptying import empty

pytestmark = pytest.mark.long

UNCLEAN = {
    "NUL": rb"a\u0000b",
    "half an emoji": rb"\ud83d",
    "a byte of Latin-1": b"caf\xe9",
    "modified UTF-8": b"\xed\xa0\xbd\xed\xb8\x80",
    "a direction override": "\u202e".encode(),
    "a control character": b"\x07",
}
MARK = "MARK"
MOST_NESTED = 6
# Their bodies are read operation by operation, or are no JSON of ours.
READ_BY_ITSELF = {"/v1/sync/push"}
CALLED_BY_BODY, BODY = "/v1/callbacks/", "zhujian"


def resolved(document, schema):
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def sample(document, schema, depth=0):
    """A body that is filled as far as it goes; what it says need not be right, since texts are looked at first."""
    schema = resolved(document, schema)
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return sample(document, schema[several][0], depth)
    if schema.get("properties") and depth < MOST_NESTED:
        return {name: sample(document, each, depth + 1) for name, each in schema["properties"].items()}
    kind = schema.get("type")
    if kind == "array":
        return [sample(document, schema.get("items", {}), depth + 1)]
    if kind == "object" or "additionalProperties" in schema:
        return {"x": "x"}
    return {"integer": 1, "number": 1.5, "boolean": True}.get(kind, "x")


def spoilt(value, path=""):
    """Yield (path, value) for each text in a body, with a mark in its place."""
    if isinstance(value, dict):
        for key, below in value.items():
            for where, changed in spoilt(below, f"{path}.{key}" if path else key):
                yield where, value | {key: changed}
    elif isinstance(value, list):
        for where, changed in spoilt(value[0], f"{path}[0]"):
            yield where, [changed]
    elif isinstance(value, str):
        yield path, MARK


def json_routes(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}) if isinstance(operation, dict) else {}
            if "application/json" in content and path not in READ_BY_ITSELF:
                yield method, path, content["application/json"]["schema"]


def addresses(path):
    """A path with a number, and with a UUID, for whatever it names; of calls of bodies with the one that signs here."""
    if path.startswith(CALLED_BY_BODY):
        return [CALLED_BY_BODY + BODY]
    return [re.sub(r"\{[^}]*\}", filler, path) for filler in ("1", str(uuid.UUID(int=1)))]


@pytest.fixture
def callers(app, session, phone_of):
    desks = [Desk.of(app, session, role, "360725") for role in ("admin", "gis", "supervisor", "dispatcher")]
    phone = phone_of("west")
    staff = [(desk.client, {"X-CSRF-Token": desk.csrf, "If-Match": "*"}) for desk in desks]
    yield [*staff, (phone.client, phone.headers), (app.test_client(), {}), (app.test_client(), signing(app, session))]
    session.rollback()
    empty(session, "endpoint, endpoint_change")
    session.commit()


def signing(app, session):
    """Returns what signs a call as a body does: its headers by the bytes that are sent."""
    now = dt.datetime.now(dt.UTC)
    seal = endpoints.seal(app.config["PATROL"].secret_key)
    secret = endpoints.save(session, BODY, "https://body.example/", seal_with=seal, now=now, rotate=True).secret
    session.commit()

    def headers(sent):
        signed = b"msg.%d." % now.timestamp() + sent
        mark = base64.b64encode(hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256"))
        return {
            "webhook-id": "msg", "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": f"v1,{mark.decode()}",
        }  # fmt: skip

    return headers


def asked(client, method, path, body, headers):
    """Ask; only the body itself calls back, since wrong signatures of an address are counted."""
    if callable(headers) != path.startswith(CALLED_BY_BODY):
        return None
    if callable(headers):
        headers = headers(body)
    return client.open(
        path, method=method.upper(), data=body, headers={**headers, "Content-Type": "application/json"}
    )  # fmt: skip


def test_no_text_of_any_json_route_fails_the_server(app, callers):
    document = app.test_client().get("/v1/openapi.json").json
    routes = list(json_routes(document))
    assert len(routes) >= 15
    untold = set()
    for method, path, schema in routes:
        whole = sample(document, schema)
        told = False
        for where, body in spoilt(whole):
            for name, bad in UNCLEAN.items():
                sent = json.dumps(body).encode().replace(MARK.encode(), bad)
                for (client, headers), address in itertools.product(callers, addresses(path)):
                    if (answer := asked(client, method, address, sent, headers)) is None:
                        continue
                    said = (method, path, where, name, answer.status_code, answer.text[:300])
                    assert 400 <= answer.status_code < 500, said
                    assert answer.content_type == "application/problem+json", said
                    if answer.json["type"] == "/problems/text-unclean":
                        told = True
                        assert where in [fault["field"] for fault in answer.json["errors"]], said
                        break
        if not told and list(spoilt(whole)):
            untold.add((method, path))
    assert not untold, f"nobody was told what is unclean at {sorted(untold)}"


@pytest.mark.parametrize("body", [b'{"login":"x","password":"x","x":"\\ud83d', b"\xff"])
def test_what_is_no_json_is_refused(app, body):
    answer = asked(app.test_client(), "post", "/v1/session", body, {})
    assert (answer.status_code, answer.json["type"]) == (400, "/problems/bad-request")


NESTS = {
    "never closed": b"[" * 100_000,
    "objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "one more than may be": b"[" * 65 + b"]" * 65,
}


@pytest.mark.parametrize("nest", NESTS)
def test_json_that_nests_too_deep_is_told_so_at_every_door(app, callers, nest):
    """Whoever may write there, or nobody at all: no reader descends into it."""
    told = set()
    doors = {(method, path) for method, path, _ in json_routes(app.test_client().get("/v1/openapi.json").json)}
    for method, path in sorted(doors):
        for (client, headers), address in itertools.product(callers, addresses(path)):
            if (answer := asked(client, method, address, NESTS[nest], headers)) is None:
                continue
            assert 400 <= answer.status_code < 500, (method, path, answer.status_code, answer.text[:300])
            if answer.json["type"] == "/problems/nested-too-deep":
                assert answer.json["limit"] == 64
                told.add((method, path))
                break
    assert told == doors


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e999", b"9" * 400])
def test_what_is_no_number_is_refused_by_its_field(app, callers, number):
    client, headers = callers[0]
    body = b'{"wipe": %s, "x": {"y": [1, %s]}}' % (b"false", number)
    answer = asked(client, "post", f"/v1/devices/{uuid.uuid4()}/revoke", body, headers)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "x.y[1]"


@pytest.mark.parametrize("path", ["/v1/support/records/visits%00/{id}", "/v1/issues/%07", "/%E2%80%AE"])
def test_an_address_that_is_not_clean_is_not_found(callers, path):
    for client, headers in callers[:-1]:
        assert client.get(path.replace("{id}", str(uuid.uuid4())), headers=headers).status_code == 404


@pytest.mark.parametrize("query", ["q=%00", "area=%1b", "x%00=1", "q=%E2%81%A6"])
def test_a_query_that_is_not_clean_is_refused_by_name(callers, query):
    client, headers = callers[0]
    answer = client.get(f"/v1/support/devices?{query}", headers=headers)
    assert answer.status_code == 422
    assert answer.json["type"] == "/problems/text-unclean"
    assert answer.json["errors"][0]["field"].startswith(query[0])


def test_a_feature_of_a_draft_is_looked_at_too(app, session):
    desk = Desk.of(app, session, "gis", "360725")
    draft = desk.post("/v1/drafts", {"name": "x"})
    body = json.dumps({"type": "Feature", "properties": {"name": MARK}, "geometry": None}).encode()
    number = (draft.json or {}).get("id", 1)
    for bad in UNCLEAN.values():
        answer = desk.client.put(
            f"/ogc/collections/draft-{number}/items/{city.WEST}", data=body.replace(MARK.encode(), bad),
            headers={"X-CSRF-Token": desk.csrf, "Content-Type": "application/geo+json"},
        )  # fmt: skip
        assert 400 <= answer.status_code < 500
