"""Sketches: borders stay shared at every zoom, a redraw draws little anew, and no tile is of two editions."""

from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

import numpy as np
import pytest
import shapely
from shapely.ops import split
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.publish import NewArea, NewKind, publish, put_kinds
from geo.geometry.shapes import in_degrees, in_units
from geo.serving.simplified import LAST_ZOOMS, at_zoom, fits, pixel_m, sketched
from geo.serving.simplifying import sketch_next, waits
from geo.serving.tiles import TileAddress, TileName, read_tile
from server.demo.terrain import cells_within, ragged_ellipse
from server.launch.scratch import scratch_database
from tests.api.test_tiles import read, tile_of
from tests.cases import city
from tests.emptying import empty

T0 = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
COUNT = 150
# The tile of zoom 9 in which all of the ground lies, and how its zoom-11 tiles are numbered.
WHOLE = TileAddress(9, 418, 218)


@cache
def rough(seed, count=COUNT):
    """Areas with rough shared borders, some kilometres in all, in degrees on the grid of 1e-8."""
    chance = Random(seed)
    cells = cells_within(chance, ragged_ellipse(chance, 9_000, 6_000, 30), count, 3_000)
    degrees = shapely.transform(np.asarray(cells), lambda metres: [114.3, 25.68] + metres * [1 / 100_300, 1 / 110_800])
    return in_degrees(in_units(degrees))


def holes(shapes):
    return sum(len(part.interiors) for part in shapely.get_parts(shapely.union_all(shapes)))


def unshared(shapes):
    """How much ground lies in two of them, of all."""
    return 1 - shapely.union_all(shapes).area / sum(shape.area for shape in shapes)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_neighbours_share_their_borders_at_every_zoom(seed):
    areas = rough(seed, 60)
    drawn = sketched(areas)
    vertices = []
    exact = shapely.boundary(shapely.from_wkb([at_zoom(each, LAST_ZOOMS[0]) for each in drawn]))
    for zoom in LAST_ZOOMS:
        shapes = shapely.from_wkb([at_zoom(each, zoom) for each in drawn])
        assert shapely.is_valid(shapes).all()
        assert shapely.coverage_is_valid(shapes, 0.01)
        assert holes(shapes) == holes(areas)
        off_m = shapely.hausdorff_distance(shapely.boundary(shapes), exact).max()
        assert off_m < pixel_m(zoom), "nobody sees the difference"
        vertices.append(int(shapely.get_num_coordinates(shapes).sum()))
    assert vertices == sorted(vertices, reverse=True)
    near, far = vertices[LAST_ZOOMS.index(11)], vertices[LAST_ZOOMS.index(9)]
    assert far < near / 5, "from far away thousands of areas are in one tile"
    assert all(shapely.from_wkb(each.label).within(shapely.from_wkb(at_zoom(each, 14))) for each in drawn)


def test_edges_that_no_longer_meet_do_not_fit():
    west, east, moved = (shapely.to_wkb(shapely.box(*sides)) for sides in ((0, 0, 1, 1), (1, 0, 2, 1), (0, 0, 0.9, 1)))
    assert fits([east], [west], [west])
    assert not fits([east], [west], [moved])


@pytest.fixture(scope="module")
def engine(cluster_url):
    with scratch_database(cluster_url) as url:
        engine = city.migrate(url)
        yield engine
        engine.dispose()


@pytest.fixture
def session(engine):
    """A session on a city of one kind, in its first edition, sketched; all of it is taken away after the test."""
    with Session(engine) as opened:
        put_kinds(opened, [NewKind("grid", "网格", "Grid", 5, is_locating=True)])
        areas = [grid(f"{number:03d}", shape) for number, shape in enumerate(rough(7))]
        publish(opened, areas, by="test", name="一", now=T0)
        sketch_next(opened)
        opened.commit()
        yield opened
        opened.rollback()
        empty(
            opened,
            "edition, area, area_version, area_lineage, edition_fragment, area_kind, area_sketch, edition_sketch",
        )
        opened.commit()


def grid(code, shape, name=None):
    return NewArea(code, "grid", name or f"第{code}网格", None, shape)


def standing(session):
    rows = session.execute(text("SELECT code, ST_AsBinary(polygon) FROM area_version JOIN area ON area.id = area_id "
                                "WHERE upper_inf(editions)"))  # fmt: skip
    return {code: shapely.from_wkb(bytes(shape)) for code, shape in rows}


def cut_in_two(session, code, edition):
    """Publish a grid as two, from corner to corner of its border."""
    areas = standing(session)
    ring = areas[code].geoms[0].exterior
    ends = shapely.get_coordinates(ring)
    for far in range(len(ends) // 2, len(ends)):
        line = shapely.LineString([ends[0], ends[far]])
        parts = split(areas[code].geoms[0], line).geoms
        if len(parts) == 2 and line.within(areas[code]):
            break
    one, two = parts
    publish(session, [grid(code, one), grid(f"{code}b", two)], by="test", name="后",
            now=T0 + timedelta(hours=edition))  # fmt: skip


def inner(session):
    """A grid that has neighbours all around."""
    areas = standing(session)
    rim = shapely.union_all(list(areas.values())).boundary
    return max((code for code in areas if not areas[code].intersects(rim)), key=lambda code: areas[code].area)


def epoch(session):
    return str(session.scalar(text("SELECT epoch FROM city_state")))[:8]


def driver(session):
    return session.connection().connection.driver_connection


def tile(session, edition, at=WHOLE, kind="grid"):
    return read_tile(driver(session), TileName(epoch(session), edition, kind, at))


def sketches(session, edition):
    rows = session.execute(
        text("""
            SELECT code, name, zooms::text, ST_AsBinary(shape) AS shape, ST_AsBinary(label) AS label, across_m
            FROM area_sketch WHERE editions @> CAST(:edition AS int) ORDER BY code, zooms
        """),
        {"edition": edition},
    )
    return [(*row[:3], bytes(row.shape), bytes(row.label), row.across_m) for row in rows]


def drawn_anew(session, edition):
    """The sketches of an edition as they come out where there were none before."""
    session.execute(text("DELETE FROM edition_sketch"))
    session.execute(text("DELETE FROM area_sketch"))
    sketch_next(session)
    found = sketches(session, edition)
    session.rollback()
    return found


@pytest.mark.long
@pytest.mark.parametrize("zoom", [9, 10, 12])
def test_a_tile_of_sketches_has_no_gap_and_no_overlap(session, tmp_path, zoom):
    unit = 40_075_016.7 / 2**zoom / 4096
    seen = set()
    for number in range(4 ** (zoom - 9)):
        at = TileAddress(zoom, *(corner + part for corner, part in zip(
            (WHOLE.x << zoom - 9, WHOLE.y << zoom - 9), divmod(number, 2 ** (zoom - 9)), strict=True
        )))  # fmt: skip
        found = tile(session, 1, at)
        assert found.is_sketched
        shapes = read(found.content, tmp_path, "areas", (zoom, at.x, at.y))[0] if b"areas" in found.content else {}
        if shapes:
            units = shapely.set_precision(list(shapes.values()), unit)
            assert unshared(units) == pytest.approx(0, abs=1e-9)
            assert holes(units) == 0
            seen |= set(shapes)
    assert len(seen) == COUNT


def test_a_tile_of_sketches_shows_what_the_areas_are(session, tmp_path):
    as_drawn = read(tile(session, 1).content, tmp_path, "areas", (WHOLE.z, WHOLE.x, WHOLE.y))[0]
    session.execute(text("DELETE FROM edition_sketch"))
    found = tile(session, 1)
    assert not found.is_sketched
    as_they_are = read(found.content, tmp_path, "areas", (WHOLE.z, WHOLE.x, WHOLE.y))[0]
    pixel = 40_075_016.7 / 2**WHOLE.z / 512
    assert set(as_drawn) == set(as_they_are)
    assert max(shapely.hausdorff_distance(as_drawn[code], as_they_are[code]) for code in as_drawn) < 2 * pixel


def test_after_a_redraw_only_what_it_touched_is_drawn_and_all_of_it_comes_out_as_if_drawn_anew(session):
    cut_in_two(session, inner(session), 2)
    assert waits(session)
    done = sketch_next(session)
    assert done.edition == 2
    assert done.drawn < COUNT
    assert 2 <= done.written <= done.drawn
    assert not waits(session)
    session.commit()
    assert sketches(session, 2) == drawn_anew(session, 2)


def test_a_retired_grid_and_a_renamed_one_are_drawn_so(session):
    areas = standing(session)
    code = inner(session)
    other = next(each for each in areas if each != code and areas[each].intersection(areas[code]).length > 0)
    joined = shapely.coverage_union_all([areas[code], areas[other]])
    publish(session, [grid(code, joined, "新名")], retired=[other], by="test", name="二", now=T0 + timedelta(hours=2))
    sketch_next(session)
    session.commit()
    told = {row[0]: row[1] for row in sketches(session, 2)}
    assert other not in told
    assert told[code] == "新名"
    assert sketches(session, 2) == drawn_anew(session, 2)


@pytest.mark.long
def test_where_what_lies_around_would_not_fit_all_is_drawn_anew(session):
    session.execute(text("UPDATE area_sketch SET shape = ST_Translate(shape, 0.5, 0)"))
    cut_in_two(session, inner(session), 2)
    done = sketch_next(session)
    assert done.drawn == COUNT + 1
    assert sketches(session, 2) == drawn_anew(session, 2)


@pytest.mark.long
def test_an_edition_goes_on_being_drawn_as_it_was(session, tmp_path):
    def seen(edition):
        shapes, _ = read(tile(session, edition).content, tmp_path, "areas", (WHOLE.z, WHOLE.x, WHOLE.y))
        return {code: shape.wkt for code, shape in shapes.items()}

    before = seen(1)
    cut_in_two(session, inner(session), 2)
    assert seen(1) == before
    sketch_next(session)
    assert seen(1) == before
    assert seen(2) != before


@pytest.mark.long
def test_until_the_sketches_are_whole_a_tile_is_cut_from_the_areas_of_its_own_edition_alone(session, engine, tmp_path):
    code = inner(session)
    cut_in_two(session, code, 2)
    session.commit()
    with Session(engine) as reader:
        first = tile(reader, 2)
        reader.commit()
        sketch_next(session)
        during = tile(reader, 2)
        reader.commit()
        session.commit()
        after = tile(reader, 2)
    assert [each.is_sketched for each in (first, during, after)] == [False, False, True]
    for each in (first, during, after):
        shapes, names = read(each.content, tmp_path, "areas", (WHOLE.z, WHOLE.x, WHOLE.y))
        assert {code, f"{code}b"} <= set(shapes)
        assert len(names["code"]) == COUNT + 1


@pytest.mark.long
def test_two_processes_do_not_sketch_at_once(session, engine):
    cut_in_two(session, inner(session), 2)
    session.commit()
    assert sketch_next(session) is not None
    with Session(engine) as other:
        assert sketch_next(other) is None
    session.commit()
    with Session(engine) as other:
        assert sketch_next(other) is None
        assert not waits(other)


@pytest.mark.long
def test_where_editions_came_quickly_the_newest_is_sketched_and_the_one_between_is_cut(session):
    cut_in_two(session, inner(session), 2)
    cut_in_two(session, inner(session), 3)
    sketch_next(session)
    assert [tile(session, edition).is_sketched for edition in (1, 2, 3)] == [True, False, True]
    session.commit()
    assert sketches(session, 3) == drawn_anew(session, 3)


@pytest.mark.long
def test_names_are_left_out_where_they_cannot_be_read(session, tmp_path):
    near, far = TileAddress(*tile_of(session, inner(session))), TileAddress(5, WHOLE.x >> 4, WHOLE.y >> 4)
    assert b"labels" in tile(session, 1, near).content
    found = tile(session, 1, far).content
    assert b"labels" not in found
    assert b"areas" in found
    assert "网格".encode() not in found


@pytest.mark.long
def test_of_another_life_of_the_city_another_edition_or_kind_there_is_no_tile(session):
    assert read_tile(driver(session), TileName("00000000", 1, "grid", WHOLE)) is None
    assert tile(session, 2) is None
    assert tile(session, 1, kind="moon") is None
