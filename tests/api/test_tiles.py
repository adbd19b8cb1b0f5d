"""Vector tiles: what GDAL reads from them, how long they may be kept, and which there are none of."""

import pyogrio
import pytest
import shapely
from sqlalchemy import text

from tests.api.staff import Desk
from tests.cases import city

# The tile of zoom 13 that holds the small city's west grid whole.
Z, X, Y = 13, 6697, 3490


@pytest.fixture
def desk(app, session):
    return Desk.of(app, session, "gis", "360725")


def read(content, tmp_path, layer, tile=(Z, X, Y)):
    path = tmp_path / "tile.mvt"
    path.write_bytes(content)
    z, x, y = tile
    meta, _, shapes, columns = pyogrio.raw.read(path, layer=layer, X=x, Y=y, Z=z)
    names = dict(zip(meta["fields"], columns, strict=True))
    return {code: shapely.from_wkb(shape) for code, shape in zip(names["code"], shapes, strict=True)}, names


def tile_of(session, code):
    """The tile of zoom 13 that the middle of an area lies in."""
    return session.execute(
        text("""
            SELECT 13, floor((ST_X(middle) + 20037508.342789244) / (40075016.68557849 / 8192))::int,
                   floor((20037508.342789244 - ST_Y(middle)) / (40075016.68557849 / 8192))::int
            FROM (SELECT ST_Transform(ST_Centroid(polygon), 3857) AS middle
                  FROM area_version JOIN area ON area.id = area_id WHERE code = :code) AS centre
        """),
        {"code": code},
    ).one()


def test_a_tile_holds_the_grids_with_id_code_and_name(desk, session, tmp_path):
    z, x, y = tile = tile_of(session, city.WEST)
    answer = desk.get(f"/v1/tiles/1/grid/{z}/{x}/{y}.mvt")
    assert answer.content_type == "application/vnd.mapbox-vector-tile"
    shapes, names = read(answer.data, tmp_path, "areas", tile)
    assert set(names["name"]) == {"阳岭第一网格", "阳岭第二网格"}
    assert set(names["mvt_id"]) == {city.id_of(session, "area", code) for code in (city.WEST, city.EAST)}
    wanted = session.scalar(
        text("SELECT ST_AsBinary(ST_Transform(polygon, 3857)) FROM area_version JOIN area ON area.id = area_id "
             "WHERE code = :code"), {"code": city.WEST},
    )  # fmt: skip
    pixel = 40075016.68557849 / 2**z / 4096
    part = shapely.from_wkb(bytes(wanted)).intersection(shapes[city.WEST].envelope)
    assert shapes[city.WEST].symmetric_difference(part).area < 4 * pixel * part.length


def test_each_area_is_labelled_in_one_tile_alone(desk, session, tmp_path):
    labelled = []
    z, x, y = tile_of(session, city.WEST)
    for column in (x - 1, x, x + 1):
        content = desk.get(f"/v1/tiles/1/grid/{z}/{column}/{y}.mvt").data
        if b"labels" in content:
            labelled += read(content, tmp_path, "labels", (z, column, y))[0]
    assert sorted(labelled) == [city.WEST, city.EAST]


def test_a_tile_may_be_kept_for_ever_and_costs_a_304(desk, session):
    z, x, y = tile_of(session, city.WEST)
    path = f"/v1/tiles/1/grid/{z}/{x}/{y}.mvt"
    answer = desk.get(path)
    assert "immutable" in answer.headers["Cache-Control"]
    assert "private" in answer.headers["Cache-Control"]
    again = desk.client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_where_nothing_lies_a_tile_is_empty(desk):
    answer = desk.get("/v1/tiles/1/grid/13/0/0.mvt")
    assert (answer.status_code, answer.data) == (200, b"")


@pytest.mark.parametrize(
    "path",
    ["9/grid/13/0/0", "1/moon/13/0/0", "1/grid/13/9000/0", "1/grid/13/0/8192", "1/grid/25/0/0", "1/grid/x/0/0"],
)
def test_there_is_no_such_tile(desk, path):
    answer = desk.get(f"/v1/tiles/{path}.mvt")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_tiles_are_for_the_staff(app):
    assert app.test_client().get("/v1/tiles/1/grid/13/0/0.mvt").status_code == 401
