"""No way that gives an area a name takes one that nobody can read, and each refuses it by the same error."""

import pytest
import shapely
from shapely import box

from tests.api.drawing import Drawing, split
from tests.api.staff import Desk
from tests.cases.city import EAST, WEST
from tests.ogc.drawing import Layer, square
from tests.sync.redrawing import redrawn

__all__ = ["redrawn"]
COMMUNITY, THIRD = "360725100001", "360725100001003"
# A name that turns the direction of reading is refused as any such text, before anybody knows that it is a name.
UNCLEAN = "格\u202e网"
BAD = ["\u3000", UNCLEAN, "格\u2028网", "\u200b"]
PARTS = {WEST: box(114.30, 25.68, 114.304, 25.69), THIRD: box(114.304, 25.68, 114.31, 25.69)}


@pytest.fixture
def desk(app, redrawn):
    return Desk.of(app, redrawn, "gis", "360725")


def refused(answer, name):
    told = "text-unclean" if name == UNCLEAN else "area-name-invalid"
    assert (answer.status_code, answer.json["type"]) == (422, f"/problems/{told}"), answer.text
    field = answer.json["errors"][0]["field"] if name == UNCLEAN else answer.json["field"]
    return field.rpartition(".")[2] == "name"


@pytest.mark.parametrize("name", BAD)
def test_operations_of_drafts_refuse_it(desk, name):
    drawing = Drawing(desk)
    square_of = shapely.geometry.mapping(PARTS[THIRD])
    cut = split()
    for operation in (
        {"kind": "rename", "code": WEST, "name": name},
        {**cut, "right": {**cut["right"], "name": name}},
        {"kind": "merge", "codes": [WEST, EAST], "into": WEST, "name": name},
        {"kind": "add", "code": THIRD, "name": name, "parent": COMMUNITY, "polygon": square_of},
        {"kind": "replace", "areas": [{"code": THIRD, "name": name, "parent": COMMUNITY, "polygon": square_of}]},
    ):
        assert refused(drawing.do(operation), name), operation["kind"]
    assert drawing.get("")["operations"] == 0


@pytest.mark.parametrize("name", BAD)
def test_programs_that_write_features_are_refused_it(desk, name):
    layer = Layer(desk)
    assert refused(layer.add(square(114.32, 114.33), name=name), name)
    renamed = layer.send("PATCH", f"/items/{layer.id_of(WEST)}", {"type": "Feature", "properties": {"name": name}})
    assert renamed.status_code in {415, 422}
    assert layer.features()[WEST]["properties"]["name"] != name


@pytest.mark.parametrize("name", BAD)
def test_editions_sent_by_programs_are_refused_it(desk, name):
    features = [
        {"type": "Feature", "geometry": shapely.geometry.mapping(shape),
         "properties": {"code": code, "kind": "grid", "name": name, "parent": COMMUNITY}}
        for code, shape in PARTS.items()
    ]  # fmt: skip
    sent = {"areas": {"type": "FeatureCollection", "features": features}, "base": 1, "name": "改"}
    assert refused(desk.post("/v1/editions", sent), name)
    assert refused(desk.post("/v1/editions/preview", {"areas": sent["areas"], "retired": []}), name)
