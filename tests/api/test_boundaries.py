"""An edition as a file, by the API and by the command."""

import pytest

from geo.files.reading import read_boundaries
from server.commands.boundaries import export_boundaries
from tests.api.staff import Desk
from tests.cases import city

PATH = "/v1/boundaries/export"


@pytest.fixture
def desk(app, session):
    return Desk.of(app, session, "gis", "360725")


@pytest.mark.parametrize("suffix", ["gpkg", "zip", "geojson"])
def test_an_edition_is_sent_as_a_file(desk, tmp_path, suffix):
    answer = desk.client.get(PATH, query_string={"format": suffix, "kind": "grid"}, buffered=True)
    assert answer.status_code == 200, answer.text
    assert f"edition-1-grid.{suffix}" in answer.headers["Content-Disposition"]
    path = tmp_path / f"got.{suffix}"
    path.write_bytes(answer.data)
    assert [feature.code for feature in read_boundaries(path).features] == [city.WEST, city.EAST]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"format": "dwg"}, 422), ({"crs": "moon"}, 422), ({"crs": "EPSG:2381"}, 422), ({"crs": "EPSG:99999"}, 422),
        ({"edition": "x"}, 422), ({"edition": 77}, 400), ({"kind": "moon"}, 400),
        ({"format": "geojson", "crs": "EPSG:4547"}, 400), ({"encoding": "BIG5"}, 422),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_told(desk, query, status):
    assert desk.get(PATH, **query).status_code == status


def test_files_are_for_the_staff(app):
    assert app.test_client().get(PATH).status_code == 401


def test_the_command_writes_what_the_importer_reads(app, session, sync_url, tmp_path, monkeypatch, capsys):
    for name, value in {"DATABASE_URL": sync_url, "REDIS_URL": "redis://", "PATROL_SECRET_KEY": "k"}.items():
        monkeypatch.setenv(name, value)
    options = {"edition": None, "crs": "EPSG:4490", "encoding": "GBK"}
    path = tmp_path / "网格.zip"
    assert export_boundaries(file=str(path), kind="grid", **options) == 0
    assert "2 个区域" in capsys.readouterr().out
    assert [feature.name for feature in read_boundaries(path).features] == ["阳岭第一网格", "阳岭第二网格"]
    assert export_boundaries(file=str(tmp_path / "x.kml"), kind="grid", **options) == 1
    assert "kml" in capsys.readouterr().err
