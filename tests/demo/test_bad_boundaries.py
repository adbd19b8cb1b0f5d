"""Files that nobody should send, by the command: each is refused in words, and the edition in force stays."""

import json
import stat
import zipfile

import pytest
import shapely
from shapely import Polygon, box

from geo.files.opening import FileLimits
from server.commands.import_boundaries import import_boundaries
from tests.demo.test_boundaries import empty_city, ground

__all__ = ["empty_city"]
ROUND_THE_WORLD = box(-179.0, 25.0, 179.0, 26.0)
BESIDE = box(114.31, 25.68, 114.32, 25.69)
FLAT = Polygon([(114.30, 25.68), (114.31, 25.68), (114.305, 25.68)])


def geojson(*polygons):
    features = [
        {
            "type": "Feature",
            "properties": {"code": f"g{n}", "name": "格"},
            "geometry": shapely.geometry.mapping(polygon),
        }
        for n, polygon in enumerate(polygons)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def as_zip(path, name, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)


def linked():
    info = zipfile.ZipInfo("grids.geojson")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def large(path):
    with path.open("wb") as sparse:
        sparse.truncate(FileLimits().file_bytes + 1)


FILES = {
    "200 MB": ("grids.gpkg", large, "reason=too-large"),
    "a bomb": ("grids.zip", lambda path: as_zip(path, "grids.geojson", b"0" * 60_000_000), "reason=bomb"),
    "a path": ("grids.zip", lambda path: as_zip(path, "../../grids.geojson", geojson(box(1, 1, 2, 2))), "unsafe-path"),
    "a link": ("grids.zip", lambda path: as_zip(path, linked(), "/etc/passwd"), "reason=unsafe-path"),
    "the world": (
        "grids.geojson",
        lambda path: path.write_text(geojson(ROUND_THE_WORLD, BESIDE)),
        "half the earth; left out @ 179.0",
    ),
    "no area": ("grids.geojson", lambda path: path.write_text(geojson(FLAT, BESIDE)), "no area; left out @ 114.3"),
}


@pytest.mark.parametrize("sort", FILES)
def test_a_bad_file_is_refused_in_words_and_the_edition_in_force_stays(empty_city, tmp_path, capsys, sort):
    good = tmp_path / "good.geojson"
    good.write_text(geojson(box(114.30, 25.68, 114.31, 25.69)))
    assert import_boundaries(file=str(good), kind="grid") == 0
    before = ground(empty_city)
    capsys.readouterr()
    name, make, words = FILES[sort]
    make(tmp_path / name)
    assert import_boundaries(file=str(tmp_path / name), kind="grid") == 1
    told = "".join(capsys.readouterr())
    assert words in told, told
    assert "in force is as it was" in told
    assert ground(empty_city) == before
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted({"good.geojson", name})
