"""Vector tiles: what GDAL reads from them, how long they may be kept, and which there are none of."""

import gzip
from contextlib import contextmanager

import pyogrio
import pytest
import shapely
from sqlalchemy import event, text

from geo.serving.simplifying import sketch_next
from server.database.extensions import db
from tests.api.staff import Desk
from tests.cases import city
from tests.emptying import empty

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


@pytest.fixture
def drawn(app, session):
    """The city's first edition, sketched. The name of its life; what was sketched and kept is gone after the test."""
    app.extensions.pop("tile_cache", None)
    while sketch_next(session):
        pass
    session.commit()
    yield str(session.scalar(text("SELECT epoch FROM city_state")))[:8]
    session.rollback()
    empty(session, "area_sketch, edition_sketch")
    session.commit()
    app.extensions.pop("tile_cache", None)


@pytest.fixture
def path(session, drawn):
    z, x, y = tile_of(session, city.WEST)
    return f"/v1/tiles/1/grid/{z}/{x}/{y}.mvt?epoch={drawn}"


def test_the_map_is_told_addresses_that_may_be_kept_for_ever_and_cost_a_304(desk, session, drawn):
    z, x, y = tile_of(session, city.WEST)
    path = desk.get("/v1/areas").json["tiles"].format(kind="grid", z=z, x=x, y=y)
    answer = desk.client.get(path)
    assert "immutable" in answer.headers["Cache-Control"]
    assert "private" in answer.headers["Cache-Control"]
    again = desk.client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == answer.headers["ETag"]


@contextmanager
def lent(app):
    """Count the connections to the database that are lent inside: without one there is no statement."""
    with app.app_context():
        engine = db.engine
    seen = []

    def note(*connection):
        seen.append(connection)

    event.listen(engine, "checkout", note)
    try:
        yield seen
    finally:
        event.remove(engine, "checkout", note)


def test_a_kept_tile_and_a_304_cost_no_statement(app, desk, path):
    with lent(app) as seen:
        first = desk.client.get(path)
    assert len(seen) == 2, "who asks is looked up, and the tile is drawn"
    with lent(app) as seen:
        assert desk.client.get(path).data == first.data
        assert desk.client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert seen == []


def test_whoever_takes_gzip_gets_what_others_get(desk, path):
    plain = desk.client.get(path)
    packed = desk.client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.data) == plain.data != b""


def test_an_address_without_the_life_of_the_city_is_asked_for_again(desk, path):
    answer = desk.client.get(path.partition("?")[0])
    assert answer.headers["Cache-Control"] == "private, no-cache"
    again = desk.client.get(path.partition("?")[0], headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_of_another_life_of_the_city_there_is_no_tile(desk, path):
    assert desk.client.get(path[:-8] + "00000000").status_code == 404
    assert desk.client.get(path[:-8] + "00000000", headers={"If-None-Match": "*"}).status_code == 404


def test_a_tile_cut_before_the_sketches_are_whole_is_not_kept(desk, session, path):
    session.execute(text("DELETE FROM edition_sketch"))
    session.commit()
    cut = desk.client.get(path)
    assert cut.headers["Cache-Control"] == "private, max-age=60"
    while sketch_next(session):
        pass
    session.commit()
    whole = desk.client.get(path, headers={"If-None-Match": cut.headers["ETag"]})
    assert whole.status_code == 200
    assert "immutable" in whole.headers["Cache-Control"]


def test_who_was_let_in_is_believed_for_tiles_alone_and_not_for_long(app, desk, path):
    desk.client.get(path)
    cookie = desk.client.get_cookie("patrol_session").value
    assert desk.client.delete("/v1/session", headers={"X-CSRF-Token": desk.csrf}).status_code == 204
    desk.client.set_cookie("patrol_session", cookie)
    assert desk.client.get(path).status_code == 200
    assert desk.get("/v1/areas").status_code == 401
    app.extensions["staff_cache"].forget(f"session {cookie}")
    assert desk.client.get(path).status_code == 401
    assert desk.client.get(path).status_code == 401


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
