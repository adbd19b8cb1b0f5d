"""Boundary files that are programs, not maps: nothing is read but the file, nothing is asked of the network."""

import json
import sqlite3
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import shapely
from shapely import Point, affinity, box

from geo.errors import UnsupportedFile
from server.confined import Limits
from server.grids.imports.boundary_reader import read_boundary_file
from server.grids.imports.parse import Wanted, read_areas
from tests.geo.boundary_files import EAST, WEST, write

pytestmark = pytest.mark.long

SECRET = "secret-of-the-server"
SQUARE = json.dumps(shapely.geometry.mapping(WEST))


@pytest.fixture
def secret(tmp_path):
    """A file of the server that holds polygons, so that a driver led to it would bring it back."""
    path = tmp_path / "elsewhere" / "kept.geojson"
    path.parent.mkdir()
    feature = {"type": "Feature", "properties": {"code": SECRET, "name": SECRET}, "geometry": json.loads(SQUARE)}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    for folder in (path.parent, tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    return path


@pytest.fixture
def asked():
    """What a server on this machine was asked; its address first."""
    heard = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'PROJCS["x"]')

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}", heard
    server.shutdown()
    thread.join()
    server.server_close()


def vrt(source, layer="kept"):
    return (
        f'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{source}</SrcDataSource>'
        f"<SrcLayer>{layer}</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"
    )


def refused(path, **more):
    with pytest.raises(UnsupportedFile) as caught:
        read_areas(Wanted(path, "grid", **more))
    return caught.value


WRAPPED = {
    "behind a brace": "{{{}",
    "in a text": '{{"type": "FeatureCollection", "x": "{}"}}',
    "after GeoJSON": '{{"type": "FeatureCollection", "features": []}} {}',
    "with a mark before": "\ufeff{{{}",
}


@pytest.mark.parametrize("wrap", WRAPPED)
def test_a_file_that_names_another_never_brings_it_back(tmp_path, secret, wrap):
    path = tmp_path / "grids.geojson"
    path.write_text(WRAPPED[wrap].format(vrt(secret)))
    error = refused(path)
    assert error.reason in {"damaged", "empty"}
    assert SECRET not in str(error)


@pytest.mark.parametrize(
    "way", ["/vsicurl/http://{}/x.geojson", "http://{}/x.geojson", "/vsizip//vsicurl/http://{}/x.zip"]
)
def test_a_file_that_names_an_address_asks_nobody(tmp_path, asked, way):
    address, heard = asked
    path = tmp_path / "grids.geojson"
    path.write_text("{" + vrt(way.format(address)))
    refused(path)
    assert heard == []


@pytest.mark.parametrize("kind", ["proj4", "ogcwkt", "esriwkt", None])
def test_a_link_to_a_reference_system_is_not_followed(tmp_path, asked, kind):
    address, heard = asked
    link = {"type": "link", "properties": {"href": f"http://{address}/crs", **({"type": kind} if kind else {})}}
    feature = {"type": "Feature", "properties": {"code": "g1", "name": "格"}, "geometry": json.loads(SQUARE)}
    path = tmp_path / "grids.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": link, "features": [feature]}))
    assert [area.code for area in read_areas(Wanted(path, "grid")).areas] == ["g1"]
    assert heard == []


def programmed(path, *statements):
    """A GeoPackage with something done to it."""
    write(path, fields={"code": ["g1", "g2"], "name": ["西", "东"]}, layer="grids")
    database = sqlite3.connect(path)
    with database:
        for statement in statements:
            database.execute(statement)
    database.close()
    return path


def as_layer(name):
    contents = "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)"
    columns = "INSERT INTO gpkg_geometry_columns (table_name, column_name, geometry_type_name, srs_id, z, m)"
    return (
        f"{contents} VALUES ('{name}', 'features', '{name}', 4490)",
        f"{columns} VALUES ('{name}', 'geom', 'POLYGON', 4490, 0, 0)",
    )


ENDLESS = (
    "CREATE VIEW endless AS WITH RECURSIVE n(fid) AS (SELECT 1 UNION ALL SELECT fid + 1 FROM n) "
    "SELECT n.fid, g.geom, g.code, g.name FROM n, grids g"
)
NEVER = (
    "CREATE VIEW never AS WITH RECURSIVE n(fid) AS (SELECT 1 UNION ALL SELECT fid + 1 FROM n) "
    "SELECT n.fid, g.geom, g.code, g.name FROM n, grids g WHERE n.fid < 0"
)


@pytest.mark.parametrize(("view", "name"), [(ENDLESS, "endless"), (NEVER, "never")])
def test_a_view_without_end_is_refused_by_name_and_a_table_beside_it_is_read(tmp_path, view, name):
    path = programmed(tmp_path / "grids.gpkg", view, *as_layer(name))
    error = refused(path, layer=name)
    assert (error.reason, error.detail) == ("layer-is-a-view", name)
    assert [area.code for area in read_areas(Wanted(path, "grid")).areas] == ["g1", "g2"]


def test_a_layer_that_is_not_there_is_not_another(tmp_path):
    error = refused(programmed(tmp_path / "grids.gpkg"), layer="grid")
    assert (error.reason, error.detail) == ("no-layer", "grid: grids")


def test_a_file_with_a_view_alone_is_refused_by_name(tmp_path):
    gone = ("DELETE FROM gpkg_contents", "DELETE FROM gpkg_geometry_columns")
    path = programmed(tmp_path / "grids.gpkg", *gone, ENDLESS, *as_layer("endless"))
    assert refused(path).reason == "layer-is-a-view"


def test_a_table_that_became_a_view_under_its_name_is_refused(tmp_path):
    path = programmed(
        tmp_path / "grids.gpkg",
        "ALTER TABLE grids RENAME TO held",
        ENDLESS.replace("VIEW endless", "VIEW grids").replace("FROM n, grids g", "FROM n, held g"),
        "UPDATE gpkg_contents SET table_name = 'grids'",
        "UPDATE gpkg_geometry_columns SET table_name = 'grids'",
    )
    assert refused(path).reason == "layer-is-a-view"


def heap(count):
    return [affinity.translate(WEST, n * 1e-6, n * 1e-6) for n in range(count)]


def test_a_heap_of_areas_is_refused_by_name(tmp_path):
    fields = {"code": [f"g{n}" for n in range(600)], "name": ["格"] * 600}
    path = write(tmp_path / "grids.gpkg", heap(600), fields=fields)
    assert refused(path).reason == "too-many-overlaps"


def test_the_levels_of_a_city_in_one_file_are_no_heap(tmp_path):
    """Grids, their communities, street and county, and neighbours all round."""
    grids = [box(114 + x / 100, 25 + y / 100, 114.01 + x / 100, 25.01 + y / 100) for x in range(20) for y in range(20)]
    levels = [box(114, 25, 114.2, 25.2)] * 3
    fields = {"code": [f"g{n}" for n in range(403)], "name": ["格"] * 403}
    assert (
        len(read_areas(Wanted(write(tmp_path / "grids.gpkg", [*grids, *levels], fields=fields), "grid")).areas) == 403
    )


@pytest.mark.parametrize(
    ("limits", "reason", "exceeded"),
    [
        ({"wall_s": 0.3}, "out-of-time", "0.3 s"),
        ({"cpu_s": 1}, "out-of-time", "1 s CPU"),
        ({"memory_bytes": 96 << 20}, "out-of-memory", "96 MiB RAM"),
        ({"output_bytes": 50}, "too-much-output", "0 MiB"),
    ],
)
def test_a_file_that_takes_too_much_is_refused_by_what_it_took(tmp_path, limits, reason, exceeded):
    circles = [Point(114 + n / 100, 25.0).buffer(0.02, quad_segs=1000) for n in range(300)]
    fields = {"code": [f"g{n}" for n in range(300)], "name": ["格"] * 300}
    path = write(tmp_path / "grids.gpkg", circles, fields=fields)
    with pytest.raises(UnsupportedFile) as caught:
        read_boundary_file(path, {}, told=lambda *_: None, limits=Limits(**limits))
    assert (caught.value.reason, caught.value.detail) == (reason, f"grids.gpkg: > {exceeded}")


def test_only_the_form_of_what_a_child_sends_is_believed(tmp_path, monkeypatch):
    path = write(tmp_path / "grids.gpkg")
    for sent in (None, [], {"features": []}, {"data": {}, "code": "geo-error"}, {"data": {"reason": 1}, "code": 7}):
        monkeypatch.setattr("server.grids.imports.boundary_reader.run", lambda *_, sent=sent, **__: sent)
        assert refused(path).reason == "unreadable"


@pytest.mark.parametrize(
    "name", ["PG:host=127.0.0.1.geojson", "a!b.zip.geojson", "http:grids.geojson", "网格 (1).geojson"]
)
def test_the_name_of_a_file_is_only_a_name(tmp_path, name):
    feature = {"type": "Feature", "properties": {"code": "g1", "name": "格"}, "geometry": json.loads(SQUARE)}
    path = tmp_path / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert [area.code for area in read_areas(Wanted(path, "grid")).areas] == ["g1"]


def test_a_shapefile_beside_others_and_a_folder_of_them_are_handed_over_whole(tmp_path):
    for name, areas in (("grids", (WEST, EAST)), ("grids2", (WEST,))):
        write(tmp_path / f"{name}.shp", areas, encoding="UTF-8")
    assert len(read_areas(Wanted(tmp_path / "grids.shp", "grid")).areas) == 2
    assert len(read_areas(Wanted(tmp_path, "grid", layer="grids2")).areas) == 1


def test_a_link_beside_a_shapefile_is_not_read_with_rights_that_its_sender_lacks(tmp_path, secret):
    """In an archive no link is unpacked at all; see also ``tests/geo/files/test_hostile_files``."""
    info = zipfile.ZipInfo("grids.geojson")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "grids.zip", "w") as archive:
        archive.writestr(info, str(secret))
    assert refused(tmp_path / "grids.zip").reason == "unsafe-path"
