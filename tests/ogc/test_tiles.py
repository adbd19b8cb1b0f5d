"""Tiles as OGC API Tiles and TileJSON have them, and that none is ever stale."""

from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from server.tiles.cache import TileCache
from tests.api.test_tiles import drawn, lent, read, tile_of
from tests.cases import city

__all__ = ["drawn"]

TILES = "/ogc/collections/areas-grid/tiles/WebMercatorQuad"


def path_of(gis, z, x, y):
    (template,) = gis.get(TILES, f="tilejson").json["tiles"]
    address = urlsplit(template.format(z=z, x=x, y=y))
    return f"{address.path}?{address.query}"


def test_tilejson_leads_to_a_tile_that_may_be_kept_for_ever(gis, session, drawn, tmp_path):
    z, x, y = tile_of(session, city.WEST)
    answer = gis.client.get(path_of(gis, z, x, y))
    assert answer.content_type == "application/vnd.mapbox-vector-tile"
    assert "immutable" in answer.headers["Cache-Control"]
    _, names = read(answer.data, tmp_path, "areas", (z, x, y))
    assert set(names["code"]) == {city.WEST, city.EAST}
    again = gis.client.get(path_of(gis, z, x, y), headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_tile_that_is_kept_costs_no_statement_at_either_edge(app, gis, session, drawn):
    z, x, y = tile_of(session, city.WEST)
    path = path_of(gis, z, x, y)
    first = gis.client.get(path)
    with lent(app) as seen:
        assert gis.client.get(path).data == first.data
        assert gis.client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
        assert gis.get(f"/v1/tiles/1/grid/{z}/{x}/{y}.mvt", epoch=drawn).data == first.data
    assert seen == []


def test_a_program_is_believed_by_its_password_alone(app, gis, session, drawn):
    z, x, y = tile_of(session, city.WEST)
    path = path_of(gis, z, x, y)
    secret = gis.post("/v1/session/passwords", {"name": "QGIS"}).json["secret"]
    stranger = app.test_client()
    assert stranger.get(path, auth=(gis.login, secret)).status_code == 200
    assert stranger.get(path, auth=(gis.login, secret)).status_code == 200
    assert stranger.get(path, auth=(gis.login, f"{secret}x")).status_code == 401
    assert stranger.get(path, auth=("another", secret)).status_code == 401
    assert stranger.get(path).status_code == 401


def test_the_tile_without_an_edition_is_of_the_one_in_force_at_once(gis, session):
    z, x, y = tile_of(session, city.WEST)
    path = f"{TILES}/{z}/{y}/{x}"
    epoch = str(session.scalar(text("SELECT epoch FROM city_state")))[:8]
    before = gis.client.get(path)
    assert before.headers["Cache-Control"] == "private, no-cache"
    try:
        session.execute(text("UPDATE edition SET in_force = '[2026-01-01,2026-02-01)' WHERE number = 1"))
        session.execute(text("INSERT INTO edition (number, name, in_force, published_by) "
                             "VALUES (2, '二', '[2026-02-01,)', 'test')"))  # fmt: skip
        session.execute(
            text("UPDATE area_version SET editions = '[1,2)' WHERE area_id = :id"),
            {"id": city.id_of(session, "area", city.WEST)},
        )
        session.commit()
        after = gis.client.get(path, headers={"If-None-Match": before.headers["ETag"]})
        assert after.status_code == 200
        assert city.WEST.encode() in before.data
        assert city.WEST.encode() not in after.data
        assert city.WEST.encode() in gis.client.get(f"{path}?edition=1&epoch={epoch}").data
    finally:
        session.execute(text("UPDATE area_version SET editions = '[1,)'"))
        session.execute(text("ALTER TABLE edition DISABLE TRIGGER edition_kept"))
        session.execute(text("DELETE FROM edition WHERE number = 2"))
        session.execute(text("UPDATE edition SET in_force = '[2026-01-01,)' WHERE number = 1"))
        session.execute(text("ALTER TABLE edition ENABLE TRIGGER edition_kept"))
        session.commit()


@pytest.mark.parametrize(
    ("path", "status"),
    [("13/8192/0", 404), ("25/0/0", 404), ("13/0/0?edition=1&epoch=other", 404), ("13/0/0?edition=9", 404),
     ("13/0/0?edition=x", 400)],
)  # fmt: skip
def test_there_is_no_such_tile(gis, path, status):
    assert gis.client.get(f"{TILES}/{path}").status_code == status


def test_issues_have_no_tiles(gis):
    assert gis.get("/ogc/collections/issues/tiles").status_code == 404


def test_the_shelf_holds_no_more_than_it_may():
    shelf = TileCache(most_bytes=200)
    for number in range(50):
        shelf.keep(number, bytes(20))
    assert shelf.get(0) is None
    assert shelf.get(49) is not None
    assert sum(shelf.get(number) is not None for number in range(50)) == 10


def test_a_tile_kept_twice_takes_its_room_once():
    shelf = TileCache(most_bytes=100)
    for _ in range(9):
        shelf.keep("same", bytes(40))
    shelf.keep("other", bytes(40))
    assert shelf.get("same") is not None
