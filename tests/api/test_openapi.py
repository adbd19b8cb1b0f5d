"""The OpenAPI document is valid, names every route, and tells the fields of every collection."""

import collections
import re

import pytest
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT4

from server.api.described import component_names
from server.api.document import operation_id
from sync.collections import COLLECTIONS
from tests.sync.phone import Phone

UNSAFE = {"post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document(app):
    return app.test_client().get("/v1/openapi.json").json


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield path, method, operation


def view_of(app, path, method):
    """Return the view behind an operation, by its path as the document writes it."""
    for rule in app.url_map.iter_rules():
        plain = re.sub(r"<(?:[^:<>]*:)?(\w+)>", r"{\1}", rule.rule)
        if plain == path and method.upper() in rule.methods:
            return app.view_functions[rule.endpoint]
    raise AssertionError(path)


@pytest.mark.long
def test_the_document_is_valid(app):
    document = app.test_client().get("/v1/openapi.json").json
    validate(document)


def test_errors_are_told_as_problem_documents(app):
    document = app.test_client().get("/v1/openapi.json").json
    for response in document["components"]["responses"].values():
        assert set(response.get("content", {"application/problem+json": None})) == {"application/problem+json"}
    assert set(document["components"]["schemas"]["Problem"]["required"]) == {"type", "title", "status"}


def test_every_v1_route_is_in_the_document(app):
    document = app.test_client().get("/v1/openapi.json").json
    told = {path.replace("{", "<").replace("}", ">") for path in document["paths"]}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/v1/") and "openapi" not in rule.rule:
            plain = "".join(
                part.split(":")[-1] if i and ":" in part else part for i, part in enumerate(rule.rule.split("<"))
            )
            assert any(plain.replace(">", "") == path.replace("<", "").replace(">", "") for path in told), rule.rule


def test_the_push_tells_the_fields_of_each_collection(app):
    document = app.test_client().get("/v1/openapi.json").json
    schemas = document["components"]["schemas"]
    for name, collection in COLLECTIONS.items():
        whole, *changes = (schemas[each] for each in component_names(name))
        for told in (whole, *changes):
            assert set(told["properties"]) == set(collection.schema().fields)
            if collection.actions:
                assert told["properties"]["extra"]["type"] == "object"
        assert [each.get("required") for each in changes] == [None] * ("patch" in collection.actions)
    schema = document["paths"]["/v1/sync/push"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Push"}
    assert set(schemas["Push"]["required"]) == {"batch_id", "sent_at", "ops"}


def test_the_push_tells_what_it_takes_at_most(app):
    document = app.test_client().get("/v1/openapi.json").json
    told = document["paths"]["/v1/sync/push"]["post"]["requestBody"]["description"]
    for limit in ("1,000 operations", "8 MiB", "32 deep", "1,024 bytes", "64 fields", "100 values"):
        assert limit in told, limit


def test_every_operation_says_who_may_call_it_and_what_they_show(app, document):
    for path, method, operation in operations(document):
        statement = view_of(app, path, method).access
        schemes = {scheme for each in operation["security"] for scheme in each}
        assert schemes <= set(document["components"]["securitySchemes"])
        assert statement in operation["description"], path
        assert bool(schemes) != statement.startswith("public"), (path, method)
        assert ("device" in schemes) == ("device: " in statement), (path, method)
        assert ("staff" in schemes) == ("staff (" in statement), (path, method)


def test_what_changes_something_by_a_session_asks_for_its_csrf_token(document):
    for path, method, operation in operations(document):
        schemes = {scheme for each in operation["security"] for scheme in each}
        asked = [each for each in operation.get("parameters", ()) if each["name"] == "X-CSRF-Token"]
        assert len(asked) == (method in UNSAFE and "staff" in schemes), (path, method)


def test_every_operation_has_an_id_of_its_own_made_of_method_and_path(document):
    found = collections.Counter(operation["operationId"] for _, _, operation in operations(document))
    assert max(found.values()) == 1
    assert {"post_devices", "post_sync_push", "get_sync_pull", "post_session", "get_issues"} <= set(found)
    assert operation_id("post", "/v1/people/<string:login>/sign-out") == "post_people_by_login_sign_out"


def test_no_two_components_differ_by_case_alone(document):
    for kind, components in document["components"].items():
        spellings = collections.Counter(name.casefold() for name in components)
        assert [name for name, number in spellings.items() if number > 1] == [], kind


def test_every_answer_with_a_body_tells_its_shape(document):
    bare = [
        (path, method, status)
        for path, method, operation in operations(document)
        for status, answer in operation["responses"].items()
        if status in ("200", "201") and method != "head" and "content" not in answer
    ]
    assert bare == [("/v1/files", "post", "201")], "the answer to a new upload is all in its head"


def test_the_document_names_a_server(document):
    assert [each["url"] for each in document["servers"]] == ["/"]


def judge(document, name, value):
    """Return what JSON Schema says against a value, by a component of the document."""
    registry = Registry().with_resource("urn:patrol", DRAFT4.create_resource(document))
    validator = OAS30Validator({"$ref": f"urn:patrol#/components/schemas/{name}"}, registry=registry)
    return [each.message for each in validator.iter_errors(value)]


@pytest.mark.parametrize("collection", sorted(name for name, each in COLLECTIONS.items() if "patch" in each.actions))
def test_a_change_of_one_field_is_valid_by_the_document(document, phone_of, collection):
    field = {"issues": {"severity": "urgent"}, "tasks": {"note": "x"}, "households": {"needs": []}}.get(collection)
    phone: Phone = phone_of("west")
    operation = {**phone.issue(), "collection": collection, "action": "patch", "base": {"rev": 1}, "data": field}
    batch = {"batch_id": operation["op_id"], "sent_at": operation["captured_at"], "ops": [operation]}
    assert field is not None, collection
    assert judge(document, "Push", batch) == []
    assert judge(document, "Push", {**batch, "ops": [{**operation, "data": {"no_such_field": 1}}]}) != []


def test_what_phones_send_and_are_answered_is_as_the_document_says(app, document, phone_of):
    phone = phone_of("west")
    ops = [phone.visit(), phone.issue()]
    assert judge(document, "Push", {"batch_id": ops[0]["op_id"], "sent_at": ops[0]["captured_at"], "ops": ops}) == []
    client = app.test_client()
    for path, name in (("pull", "Pulled"), ("digest", "DeviceDigest"), ("status", "DeviceStatus")):
        answer = client.get(f"/v1/sync/{path}", headers=phone.headers)
        assert answer.status_code == 200
        assert set(document["components"]["schemas"][name]["required"]) <= set(answer.json)
