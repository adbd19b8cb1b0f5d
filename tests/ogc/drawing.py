"""A layer of a draft, written to as GIS programs do."""

import json

import pytest
import shapely

from tests.api.staff import Desk
from tests.emptying import empty

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
    empty(redrawn, "draft_operation, draft")
    redrawn.commit()


@pytest.fixture
def layer(desk):
    return Layer(desk)


def allowed(answer):
    assert answer.status_code == 204, answer.text
    return set(answer.headers["Allow"].split(", "))


BENT = [(114.308, 25.68), (114.3085, 25.685), (114.307, 25.69)]


PATCH = "application/merge-patch+json"


def west_of(line=BENT):
    return shapely.geometry.mapping(shapely.Polygon([(114.30, 25.68), *line, (114.30, 25.69)]))


def east_of(line=BENT):
    return shapely.geometry.mapping(shapely.Polygon([(114.32, 25.68), *line, (114.32, 25.69)]))


def draw(layer, code, geometry, *, kind=PATCH, **headers):
    answer = layer.send("PATCH", f"/items/{layer.id_of(code)}", {"geometry": geometry}, kind=kind, **headers)
    assert answer.status_code == 204, answer.text
    return answer


def shape_of(layer, code, **query):
    return shapely.from_geojson(json.dumps(layer.features(**query)[code]["geometry"]))


def done(layer):
    return [(each["kind"], each["undone"]) for each in layer.desk.get(f"/v1/drafts/{layer.draft}").json["done"]]


def findings(layer):
    told = layer.desk.get(f"/v1/drafts/{layer.draft}/findings").json
    return told["open"], {each["properties"]["code"] for each in told["features"]
                          if each["properties"]["severity"] == "error"}  # fmt: skip


def draft_of(layer, action, sent=None):
    return layer.desk.client.post(
        f"/v1/drafts/{layer.draft}/{action}",
        json=sent or {},
        headers={"X-CSRF-Token": layer.desk.csrf, "If-Match": "*"},
    )


EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
