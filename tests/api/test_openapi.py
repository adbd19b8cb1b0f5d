"""The OpenAPI document is valid, names every route, and tells the fields of every collection."""

from openapi_spec_validator import validate

from sync.collections import COLLECTIONS


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
    for name, collection in COLLECTIONS.items():
        properties = document["components"]["schemas"][name]["properties"]
        assert set(properties) == set(collection.schema().fields)
        if collection.actions:
            assert properties["extra"]["type"] == "object"
    schema = document["paths"]["/v1/sync/push"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["required"]) == {"batch_id", "sent_at", "ops"}


def test_the_push_tells_what_it_takes_at_most(app):
    document = app.test_client().get("/v1/openapi.json").json
    told = document["paths"]["/v1/sync/push"]["post"]["requestBody"]["description"]
    for limit in ("1,000 operations", "8 MiB", "32 deep", "1,024 bytes", "64 fields", "100 values"):
        assert limit in told, limit
