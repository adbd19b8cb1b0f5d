"""Times that callers send: each is one that everything behind can count with, or is refused by its field."""

import uuid

import pytest
from marshmallow import fields, validate

from tests.api.staff import Desk

PLACE = {"lon": 114.305, "lat": 25.685, "datum": "wgs84"}
FAR = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1899-12-31T00:00:00Z", "2201-01-01T00:00:00Z"]


def sent_schemas(app):
    """Every schema that a route reads what it was sent by."""
    for view in app.view_functions.values():
        of_class = getattr(view, "view_class", None)
        verbs = [getattr(of_class, each, None) for each in ("get", "post", "put", "patch", "delete")]
        for each in [view, *verbs]:
            for argument in getattr(each, "_apidoc", {}).get("arguments", {}).get("parameters", ()):
                schema = argument.get("schema")
                yield schema() if isinstance(schema, type) else schema


def within(field):
    """Yield the fields that a field is made of, itself too."""
    yield field
    if isinstance(field, fields.List):
        yield from within(field.inner)
    if isinstance(field, fields.Nested):
        for each in field.schema.fields.values():
            yield from within(each)


def test_no_route_takes_a_time_of_any_century(app):
    found = 0
    for schema in filter(lambda each: hasattr(each, "fields"), sent_schemas(app)):
        for named in schema.fields.values():
            for field in within(named):
                if isinstance(field, fields.DateTime | fields.Date):
                    found += 1
                    assert any(isinstance(each, validate.Range) for each in field.validators), (schema, field)
    assert found > 5


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize(
    ("method", "path", "sent", "query"),
    [
        ("POST", "/v1/cases/duplicates", {"category": "0301", "location": PLACE, "at": None}, {}),
        ("GET", "/v1/categories", None, {"at": None}),
        ("GET", "/v1/issues", None, {"from": None}),
        ("GET", "/v1/map/issues", None, {"to": None}),
        ("POST", "/v1/review/quarantine/1/release", {"captured_at": None, "data": {}}, {}),
    ],
)  # fmt: skip
def test_a_time_of_another_age_is_told_by_its_field(app, session, far, method, path, sent, query):
    desk = Desk.of(app, session, "admin", "360725")
    put = lambda given: given and {name: far if value is None else value for name, value in given.items()}  # noqa: E731
    headers = {"X-CSRF-Token": desk.csrf}
    answer = desk.client.open(path, method=method, json=put(sent), query_string=put(query), headers=headers)
    assert answer.status_code in (400, 422), answer.text


def test_a_day_of_another_age_is_told_by_its_field(app, session):
    desk = Desk.of(app, session, "dispatcher", "360725")
    for day in ("0001-01-01", "9999-12-31"):
        step = {"id": str(uuid.uuid4()), "step": "suspend", "reason": "x", "review_on": day}
        answer = desk.post(f"/v1/cases/{uuid.uuid4()}/steps", step)
        assert answer.status_code == 422
        assert "review_on" in answer.json["errors"][0]["field"]
