"""Drafts as collections that GIS staff write, as OGC API Features part 4 has it."""

import json
from urllib.parse import urlsplit

import pytest
import shapely
from openapi_spec_validator import validate
from sqlalchemy import text

from tests.api.staff import Desk
from tests.cases.city import EAST, WEST
from tests.sync.redrawing import redrawn

__all__ = ["redrawn"]
COMMUNITY, THIRD = "360725100001", "360725100001003"
GEOJSON = "application/geo+json"


def square(west, east, *, south=25.68, north=25.69):
    return shapely.geometry.mapping(shapely.MultiPolygon([shapely.box(west, south, east, north)]))


def feature(geometry, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties}


class Layer:
    """A draft's grids (or areas of another kind), as a program of somebody works on them."""

    def __init__(self, desk, *, draft=None, kind="grid"):
        self.desk = desk
        self.draft = draft or desk.post("/v1/drafts", {"name": "改划"}).json["id"]
        self.path = f"/ogc/collections/draft-{self.draft}-{kind}"

    def send(self, verb, where="/items", sent=None, kind=GEOJSON, **headers):
        body = sent if isinstance(sent, bytes | str | None) else json.dumps(sent)
        told = {"X-CSRF-Token": self.desk.csrf, "Content-Type": kind} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.desk.client.open(f"{self.path}{where}", method=verb, data=body, headers=told)

    def add(self, geometry, code=THIRD, name="新网格", **more):
        return self.send("POST", sent=feature(geometry, code=code, name=name, **({"parent": COMMUNITY} | more)))

    def features(self, **query):
        answer = self.desk.get(f"{self.path}/items", **query)
        assert answer.status_code == 200, answer.text
        return {each["properties"]["code"]: each for each in answer.json["features"]}

    def id_of(self, code):
        return self.features()[code]["id"]


@pytest.fixture
def desk(app, redrawn):
    yield Desk.of(app, redrawn, "gis", "360725")
    redrawn.rollback()
    redrawn.execute(text("TRUNCATE draft_operation, draft RESTART IDENTITY"))
    redrawn.commit()


@pytest.fixture
def layer(desk):
    return Layer(desk)


def allowed(answer):
    assert answer.status_code == 204, answer.text
    return set(answer.headers["Allow"].split(", "))


def test_a_draft_may_be_written_by_item_and_by_any_id(layer):
    assert allowed(layer.send("OPTIONS")) >= {"GET", "POST"}
    assert allowed(layer.send("OPTIONS", f"/items/{layer.id_of(WEST)}")) >= {"GET", "PUT", "PATCH", "DELETE"}
    assert "PUT" in allowed(layer.send("OPTIONS", "/items/unknown_id"))


def test_what_is_posted_is_in_the_draft_where_location_says(layer):
    answer = layer.add(square(114.32, 114.33))
    assert answer.status_code == 201, answer.text
    place = urlsplit(answer.headers["Location"]).path
    made = layer.desk.get(place).json
    assert isinstance(made["id"], int)
    assert made["properties"] == {"code": THIRD, "name": "新网格", "kind": "grid", "parent": COMMUNITY}
    assert list(layer.features()) == [WEST, EAST, THIRD]
    assert layer.desk.get("/ogc/collections/areas-grid/items").json["numberMatched"] == 2


def test_a_draft_is_listed_for_gis_staff_by_kind_and_its_paths_are_literal(app, redrawn, layer):
    listed = {each["id"] for each in layer.desk.get("/ogc/collections").json["collections"]}
    assert {f"draft-{layer.draft}-grid", f"draft-{layer.draft}-community"} <= listed
    document = layer.desk.get("/ogc/api").json
    validate(document)
    assert {"get", "post"} <= set(document["paths"][f"/collections/draft-{layer.draft}-grid/items"])
    other = Desk.of(app, redrawn, "supervisor", "360725")
    assert not any(each["id"].startswith("draft-") for each in other.get("/ogc/collections").json["collections"])
    assert other.get(layer.path).status_code == 403


def test_every_link_of_a_draft_leads_somewhere(layer):
    for linked in layer.desk.get(layer.path).json["links"]:
        assert layer.desk.get(urlsplit(linked["href"]).path).status_code == 200, linked
    properties = layer.desk.get(f"{layer.path}/schema").json["properties"]
    numbers = [each["x-ogc-propertySeq"] for each in properties.values() if "type" in each]
    assert len(set(numbers)) == len(numbers) == 5
