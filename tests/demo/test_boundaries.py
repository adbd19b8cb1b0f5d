"""`import-boundaries` on the real database: what is taken, what is refused, and what people are told."""

import json

import pytest
import shapely
from shapely import Polygon, box
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.commands.import_boundaries import import_boundaries, progress
from server.demo.ground import COUNTY_FILE
from server.launch.scratch import scratch_database
from tests.cases import city

BOW = Polygon([(114.30, 25.68), (114.31, 25.69), (114.31, 25.68), (114.30, 25.69)])


@pytest.fixture
def empty_city(cluster_url, surroundings, monkeypatch):
    """A migrated database with nothing in it, as `./patrol up --empty` leaves it."""
    with scratch_database(cluster_url) as url:
        engine = city.migrate(url)
        for name, value in {**surroundings, "DATABASE_URL": url}.items():
            monkeypatch.setenv(name, value)
        yield engine
        engine.dispose()


@pytest.fixture
def write(tmp_path):
    """Writes a GeoJSON file of (code, name, polygon)."""

    def make(*features, name="grids.geojson"):
        path = tmp_path / name
        described = [
            {
                "type": "Feature",
                "properties": {"code": code, "name": label},
                "geometry": shapely.geometry.mapping(polygon),
            }
            for code, label, polygon in features
        ]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": described}))
        return str(path)

    return make


def ground(engine):
    with Session(engine) as session:
        return session.execute(
            text("""
                SELECT area.code, area.kind, version.name, parent.code, editions::text FROM area
                JOIN area_version AS version ON version.area_id = area.id
                LEFT JOIN area AS parent ON parent.id = version.parent_id ORDER BY area.code, editions
            """)
        ).all()


def test_the_county_is_imported_with_every_fault_told_at_its_place(empty_city, capsys):
    assert import_boundaries(file=str(COUNTY_FILE), kind="county") == 0
    told = capsys.readouterr().out
    assert told.count("~ 崇义县: 边界自相交，已修复 · border crosses itself; mended @ 114.") == 20
    assert "border crosses itself; mended: 另有 31 处 · 31 more" in told
    assert "edition 1 is in force" in told
    assert ground(empty_city) == [("360725", "county", "崇义县", None, "[1,)")]


def test_a_dry_run_tells_the_same_and_changes_nothing(empty_city, capsys):
    assert import_boundaries(file=str(COUNTY_FILE), kind="county", dry_run=True) == 0
    told = capsys.readouterr().out
    assert "nothing was changed" in told
    assert told.count("~ 崇义县: 边界自相交，已修复 · border crosses itself; mended @ 114.") == 20
    assert "border crosses itself; mended: 另有 31 处 · 31 more" in told
    assert ground(empty_city) == []
    with Session(empty_city) as session:
        assert session.scalar(text("SELECT count(*) FROM area_kind")) == 0


def test_grids_below_their_community_and_phones_are_told_of_them(empty_city, write):
    assert import_boundaries(file=write(("c1", "社区", box(114.30, 25.68, 114.32, 25.69))), kind="community") == 0
    grids = (("g1", "西", box(114.30, 25.68, 114.31, 25.69)), ("g2", "东", box(114.31, 25.68, 114.32, 25.69)))
    assert import_boundaries(file=write(*grids), kind="grid", parent="c1") == 0
    assert [row[:4] for row in ground(empty_city)[1:]] == [("g1", "grid", "西", "c1"), ("g2", "grid", "东", "c1")]
    with Session(empty_city) as session:
        told = session.execute(text("SELECT channel, area.code FROM feed JOIN area ON uid = ref ORDER BY 2")).all()
        ids = dict(session.execute(text("SELECT code, id FROM area")).all())
    assert told == [(ids["g1"] * 4, "g1"), (ids["g2"] * 4, "g2")]


def test_importing_the_same_file_again_makes_no_edition(empty_city, write, capsys):
    path = write(("g1", "西", box(114.30, 25.68, 114.31, 25.69)))
    assert [import_boundaries(file=path, kind="grid") for _ in range(2)] == [0, 0]
    assert "nothing new" in capsys.readouterr().out
    assert len(ground(empty_city)) == 1


def test_grids_that_overlap_those_in_force_are_refused_with_the_place(empty_city, write, capsys):
    import_boundaries(file=write(("g1", "西", box(114.30, 25.68, 114.31, 25.69))), kind="grid")
    before = ground(empty_city)
    assert import_boundaries(file=write(("g2", "东", box(114.3095, 25.68, 114.32, 25.69))), kind="grid", root=True) == 1
    told = capsys.readouterr().err
    assert "g1 / g2" in told or "g2 / g1" in told
    assert "@ 114.309" in told
    assert ground(empty_city) == before


def test_a_self_crossing_polygon_is_mended_and_told(empty_city, write, capsys):
    assert import_boundaries(file=write(("g1", "结", BOW)), kind="grid") == 0
    assert "结: 边界自相交，已修复 · border crosses itself; mended @ 114.305000, 25.685000" in capsys.readouterr().out


def test_a_feature_without_a_code_keeps_the_whole_file_out(empty_city, write, capsys):
    good, bad = ("g1", "西", box(114.30, 25.68, 114.31, 25.69)), (None, "东", box(114.31, 25.68, 114.32, 25.69))
    assert import_boundaries(file=write(good, bad), kind="grid") == 1
    told = capsys.readouterr()
    assert "东: 没有编码 · no code" in told.out
    assert "--code-field" in told.out
    assert "in force is as it was" in told.err
    assert ground(empty_city) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "palace"}, "unknown-kind"),
        ({"kind": "grid", "parent": "nowhere"}, "unknown-parent"),
        ({"kind": "grid", "code_field": "wgbm"}, "field=wgbm"),
        ({"kind": "grid", "crs": "EPSG:2379"}, "EPSG:2379"),
    ],
)
def test_what_cannot_be_done_is_named(empty_city, write, capsys, options, words):
    path = write(("g1", "西", box(114.30, 25.68, 114.31, 25.69)))
    assert import_boundaries(file=path, **options) == 1
    assert words in capsys.readouterr().err
    assert ground(empty_city) == []


def test_a_file_that_is_none_is_refused(empty_city, tmp_path, capsys):
    path = tmp_path / "grids.geojson"
    path.write_text("{]")
    assert import_boundaries(file=str(path), kind="grid") == 1
    assert "This file cannot be read" in capsys.readouterr().err


def test_the_national_codes_lose_the_country_before_them(empty_city, write):
    assert import_boundaries(file=write(("156360725", "崇义县", box(114, 25, 115, 26))), kind="county") == 0
    assert [row[0] for row in ground(empty_city)] == ["360725"]


def test_an_area_that_reaches_out_of_its_parent_is_told(empty_city, write, capsys):
    import_boundaries(file=write(("c1", "社区", box(114.30, 25.68, 114.32, 25.69))), kind="community")
    assert import_boundaries(file=write(("g1", "远", box(114.30, 25.68, 114.33, 25.69))), kind="grid", parent="c1") == 0
    assert "远: 超出上级区域 · reaches out of its parent @ 114.325" in capsys.readouterr().out


def test_a_file_without_parents_beside_a_city_is_refused_in_words(empty_city, write, capsys):
    import_boundaries(file=write(("c1", "社区", box(114.30, 25.68, 114.32, 25.69))), kind="community")
    before = ground(empty_city)
    path = write(("g1", "西", box(114.30, 25.68, 114.31, 25.69)))
    assert import_boundaries(file=path, kind="grid") == 1
    assert "✗ 西 g1: 没有上级区域 · no parent @ 114.305" in capsys.readouterr().out
    assert import_boundaries(file=path, kind="grid", root=True) == 1, "a grid beside a community is no root"
    told = capsys.readouterr().err
    assert "没有上级区域" in told
    assert "area=g1" in told
    assert ground(empty_city) == before


def test_a_file_that_would_leave_ground_of_a_grid_to_none_is_refused_in_words(empty_city, write, capsys):
    whole = box(114.30, 25.68, 114.31, 25.69)
    import_boundaries(file=write(("g1", "西", whole)), kind="grid")
    before = ground(empty_city)
    ring = whole.difference(box(114.303, 25.683, 114.306, 25.686))
    assert import_boundaries(file=write(("g1", "西", ring)), kind="grid") == 1
    told = capsys.readouterr().err
    assert "g1 围住的" in told
    assert "were in a grid and are in none now" in told
    assert ground(empty_city) == before


def test_a_long_import_says_how_far_it_is_and_a_short_one_nothing():
    said, seconds = [], iter([0.0, 0.5, 5.0, 5.5, 6.0, 6.5])
    told = progress(said.append, lambda: next(seconds))
    told("read", 77_284)
    assert said == []
    for count in (500, 1000, 1500):
        told("mended", count)
    assert said == ["▸ 已检查形状 · shapes looked at: 500\n", "▸ 已检查形状 · shapes looked at: 1,500\n"]
    told("storing", 77_284)
    assert said[-1] == "▸ 正在写入 · being stored: 77,284\n"
