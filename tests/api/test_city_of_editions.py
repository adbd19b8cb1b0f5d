"""An edition that is read from another is the one that is read whole, whichever of the two is the later."""

import shapely
from sqlalchemy import text

from geo.editions.publish import NewArea
from server.grids import draft_ground as cities
from server.grids.draft_cache import DraftCache
from server.grids.draft_ground import read_city, read_city_after
from tests.cases import city
from tests.cases.city import EAST, WEST
from tests.sync.redrawing import COMMUNITY, redraw, redrawn, strip

__all__ = ["redrawn"]


def told(read):
    return {
        kind: {code: (each.name, each.parent_code, shapely.to_wkb(each.polygon)) for code, each in sheet.tracts.items()}
        for kind, sheet in read.sheets.items()
    }


def redraw_often(session):
    """Five editions: a split, a rename, a merge, a new grid beside, all of it undone."""
    redraw(session, strip(WEST, 114.30, 114.304), strip("x1", 114.304, 114.31))
    redraw(session, strip("x1", 114.304, 114.31, name="新名"))
    redraw(session, strip(WEST, 114.30, 114.32), retired=["x1", EAST])
    redraw(session, NewArea("x2", "grid", "外", COMMUNITY, shapely.box(114.32, 25.68, 114.33, 25.69)))
    redraw(session, strip(WEST, 114.30, 114.31), strip(EAST, 114.31, 114.32), retired=["x2"])
    return range(1, 7)


def test_any_edition_read_from_any_other_is_the_one_read_whole(redrawn):
    numbers = redraw_often(redrawn)
    whole = {number: read_city(redrawn, number) for number in numbers}
    for known in numbers:
        for wanted in numbers:
            read = read_city_after(redrawn, whole[known], known, wanted)
            assert told(read) == told(whole[wanted]), (known, wanted)
            assert {kind: sheet.near(shapely.box(114.2, 25.6, 114.4, 25.7)) for kind, sheet in read.sheets.items()}


def test_editions_read_one_from_another_in_a_row_stay_right(redrawn):
    numbers = redraw_often(redrawn)
    read = read_city(redrawn, 1)
    for before, number in zip(numbers, [*numbers][1:], strict=False):
        read = read_city_after(redrawn, read, before, number)
        assert told(read) == told(read_city(redrawn, number))


def test_a_shelf_reads_only_what_differs_from_what_it_holds(redrawn, monkeypatch):
    redraw(redrawn, strip("x1", 114.30, 114.31), retired=[WEST])
    cache = DraftCache()
    cache.city(redrawn, 1)
    monkeypatch.setattr("server.grids.draft_cache.read_city", None)
    assert told(cache.city(redrawn, 2)) == told(read_city(redrawn, 2))


def test_a_shelf_never_reads_from_an_edition_of_another_life_of_the_database(redrawn):
    redraw(redrawn, strip("x1", 114.30, 114.31), retired=[WEST])
    cache = DraftCache()
    cache.city(redrawn, 2)
    redrawn.execute(text("SET LOCAL session_replication_role = replica"))
    redrawn.execute(text("UPDATE edition SET published_at = published_at + interval '1 second' WHERE number = 2"))
    redrawn.execute(
        text("UPDATE area_version SET name = '另一' WHERE area_id = (SELECT id FROM area WHERE code = 'x1')")
    )
    assert told(cache.city(redrawn, 2))["grid"]["x1"][0] == "另一"
    redrawn.rollback()


def test_editions_that_are_far_apart_are_read_whole(redrawn, monkeypatch):
    redraw_often(redrawn)
    first = read_city(redrawn, 1)
    monkeypatch.setattr(cities, "_MOST_APART", 0)
    assert told(read_city_after(redrawn, first, 1, 3)) == told(read_city(redrawn, 3))
    assert city.WEST in first.grids.tracts
