"""Publishing on the real database: editions that follow one another, what they store, and what they refuse."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from shapely import MultiPolygon, Polygon, box
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.difference import _standing as standing_areas
from geo.editions.ground import Grounds, ground_after, load_ground
from geo.editions.publish import NewArea, NewKind, begin, publish, put_kinds
from geo.errors import BrokenCoverage, InvalidShape, PublicationRefused
from server.launch.scratch import scratch_database
from tests.cases import city

T0 = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
KINDS = (
    NewKind("county", "县", "County", 1),
    NewKind("community", "社区", "Community", 3),
    NewKind("grid", "网格", "Grid", 5, is_locating=True),
)
TOWN = (
    NewArea("36", "county", "县", None, box(114.0, 25.0, 115.0, 26.0)),
    NewArea("361", "community", "社区", "36", box(114.30, 25.68, 114.32, 25.69)),
    NewArea("3611", "grid", "西", "361", box(114.30, 25.68, 114.31, 25.69)),
    NewArea("3612", "grid", "东", "361", box(114.31, 25.68, 114.32, 25.69)),
)


@pytest.fixture(scope="module")
def engine(cluster_url):
    with scratch_database(cluster_url) as url:
        engine = city.migrate(url)
        with Session(engine) as session:
            put_kinds(session, KINDS)
            session.commit()
        yield engine
        engine.dispose()


@pytest.fixture
def session(engine):
    """A session on an empty city; nothing of it is committed."""
    with Session(engine) as opened:
        yield opened
        opened.rollback()


def first(session, areas=TOWN):
    return publish(session, areas, by="test", name="第一版", now=T0)


def then(session, *areas, after_h=1):
    return publish(session, areas, by="test", name="后版", now=T0 + timedelta(hours=after_h))


def versions(session, code):
    rows = session.execute(
        text("""
            SELECT editions::text, name FROM area_version JOIN area ON area.id = area_id
            WHERE code = :code ORDER BY editions
        """),
        {"code": code},
    )
    return [tuple(row) for row in rows]


def lineage(session):
    rows = session.execute(
        text("""
            SELECT edition_number, code, how FROM area_lineage JOIN area ON area.id = to_area_id
            WHERE from_area_id = to_area_id ORDER BY 1, 2, 3
        """)
    )
    return [tuple(row) for row in rows]


def with_polygon(area, polygon):
    return NewArea(area.code, area.kind, area.name, area.parent_code, polygon)


def test_the_first_edition_is_in_force_for_all_time(session):
    done = first(session)
    assert (done.number, [area.code for area in done.added], done.changed) == (1, ["36", "361", "3611", "3612"], ())
    assert [area.code for area in done.added if area.is_locating] == ["3611", "3612"]
    grounds = Grounds()
    for moment in (datetime(1990, 1, 1, tzinfo=UTC), T0, T0 + timedelta(days=9999)):
        assert grounds.at(session, 1, moment).number == 1


def test_a_published_ground_locates_and_has_its_tree(session):
    first(session)
    ground = load_ground(session, 1)
    west = ground.locator.locate_one(114.305, 25.685)
    assert ground.areas[west].code == "3611"
    assert [ground.areas[area].code for area in ground.ancestors(west)] == ["3611", "361", "36"]


def test_publishing_the_same_again_makes_no_edition(session):
    first(session)
    turned = with_polygon(TOWN[2], shapely.reverse(TOWN[2].polygon))
    as_multi = with_polygon(TOWN[3], MultiPolygon([TOWN[3].polygon]))
    done = then(session, *TOWN[:2], turned, as_multi)
    assert (done.number, done.is_new, done.unchanged) == (1, False, 4)
    assert session.scalar(text("SELECT count(*) FROM edition")) == 1
    assert session.scalar(text("SELECT count(*) FROM area_version")) == 4


def test_only_what_changed_is_stored_and_what_became_of_it_is_told(session):
    first(session)
    border = 114.3123
    done = then(
        session,
        *TOWN[:2],
        with_polygon(TOWN[2], box(114.30, 25.68, border, 25.69)),
        NewArea("3612", "grid", "新东", "361", box(border, 25.68, 114.32, 25.69)),
    )
    assert (done.number, [area.code for area in done.changed], done.added, done.unchanged) == (
        2,
        ["3611", "3612"],
        (),
        2,
    )
    assert versions(session, "3612") == [("[1,2)", "东"), ("[2,)", "新东")]
    assert versions(session, "361") == [("[1,)", "社区")]
    assert lineage(session) == [(2, "3611", "reshaped"), (2, "3612", "renamed"), (2, "3612", "reshaped")]
    assert [load_ground(session, n).locator.locate_one(114.312, 25.685) for n in (1, 2)] == [
        done.changed[1].id,
        done.changed[0].id,
    ]


@pytest.mark.long
def test_the_edition_before_ends_where_the_next_begins(session):
    first(session)
    then(session, NewArea("361", "community", "新名", "36", TOWN[1].polygon))
    periods = session.execute(text("SELECT in_force FROM edition ORDER BY number")).scalars().all()
    assert (periods[0].lower, periods[0].upper) == (None, T0 + timedelta(hours=1))
    assert (periods[1].lower, periods[1].upper) == (T0 + timedelta(hours=1), None)


def test_an_area_added_below_one_added_with_it_finds_its_parent(session):
    first(session)
    done = then(
        session,
        NewArea("362", "community", "新社区", "36", box(114.32, 25.68, 114.33, 25.69)),
        NewArea("3621", "grid", "新网格", "362", box(114.32, 25.68, 114.33, 25.69)),
        NewArea("3612", "grid", "东", "362", TOWN[3].polygon),
    )
    assert [area.code for area in done.added] == ["362", "3621"]
    assert lineage(session) == [(2, "3612", "moved")]


def test_grids_that_would_overlap_with_one_that_stays_are_refused_with_the_place(session):
    first(session)
    with pytest.raises(BrokenCoverage) as refused, session.begin_nested():
        then(session, with_polygon(TOWN[2], box(114.30, 25.68, 114.311, 25.69)))
    (fault,) = refused.value.faults
    assert fault["code"] == "overlap"
    assert sorted(fault["areas"]) == ["3611", "3612"]
    assert 114.31 < fault["lon"] < 114.311
    assert 25.68 < fault["lat"] < 25.69
    assert versions(session, "3611") == [("[1,)", "西")]


def test_a_gap_between_grids_is_refused(session):
    with pytest.raises(BrokenCoverage) as refused:
        first(session, [*TOWN[:3], with_polygon(TOWN[3], box(114.310005, 25.68, 114.32, 25.69))])
    assert {fault["code"] for fault in refused.value.faults} == {"gap"}


def test_a_self_crossing_polygon_is_refused_with_the_place(session):
    bow = Polygon([(114.3, 25.68), (114.31, 25.69), (114.31, 25.68), (114.3, 25.69)])
    with pytest.raises(InvalidShape) as refused:
        first(session, [*TOWN[:2], with_polygon(TOWN[2], bow)])
    assert (refused.value.reason, refused.value.feature) == ("self-crossing", 2)
    assert (round(refused.value.lon, 6), round(refused.value.lat, 6)) == (114.305, 25.685)


@pytest.mark.parametrize(
    ("area", "reason"),
    [
        (NewArea("3612", "grid", "又一个", "361", TOWN[3].polygon), "repeated-code"),
        (NewArea("9", "village", "村", "36", box(114.4, 25.4, 114.5, 25.5)), "unknown-kind"),
        (NewArea("9", "grid", "网格", "35", box(114.4, 25.4, 114.5, 25.5)), "unknown-parent"),
        (NewArea("9", "community", "社区", "3611", box(114.4, 25.4, 114.5, 25.5)), "parent-not-above"),
        (NewArea("9", "grid", "网格", "9", box(114.4, 25.4, 114.5, 25.5)), "parent-not-above"),
    ],
)
def test_an_area_that_cannot_be_in_the_tree_is_refused_by_name(session, area, reason):
    with pytest.raises(PublicationRefused) as refused:
        first(session, [*TOWN, area])
    assert (refused.value.reason, refused.value.area) == (reason, area.code)


def test_an_area_keeps_its_kind(session):
    first(session)
    with pytest.raises(PublicationRefused) as refused:
        then(session, NewArea("3611", "community", "西", "36", TOWN[2].polygon))
    assert (refused.value.reason, refused.value.detail) == ("other-kind", "grid")


def test_an_edition_cannot_begin_before_the_one_in_force(session):
    first(session)
    then(session, NewArea("361", "community", "新名", "36", TOWN[1].polygon))
    with pytest.raises(PublicationRefused) as refused:
        then(session, NewArea("361", "community", "旧名", "36", TOWN[1].polygon), after_h=0)
    assert refused.value.reason == "before-the-last"


def test_kinds_get_new_names_but_the_city_goes_on_locating_in_its_own(session):
    put_kinds(session, [NewKind("grid", "格", "Cell", 6), NewKind("zone", "责任区", "Zone", 7)])
    rows = session.execute(text("SELECT code, name_zh, rank, is_locating FROM area_kind ORDER BY rank DESC LIMIT 2"))
    assert [tuple(row) for row in rows] == [("zone", "责任区", 7, False), ("grid", "格", 6, True)]


def kept_fragments(session):
    rows = session.execute(
        text("""
            SELECT came.code, went.code, round(ST_Area(polygon)::numeric, 8) FROM edition_fragment
            JOIN area AS came ON came.id = from_area_id LEFT JOIN area AS went ON went.id = to_area_id ORDER BY 1, 2
        """)
    )
    return [(came, went, float(size)) for came, went, size in rows]


def descent(session):
    rows = session.execute(
        text("""
            SELECT came.code, went.code, how FROM area_lineage
            JOIN area AS came ON came.id = from_area_id JOIN area AS went ON went.id = to_area_id ORDER BY 1, 2, 3
        """)
    )
    return [tuple(row) for row in rows]


def split_east(session):
    south = NewArea("3613", "grid", "东南", "361", box(114.31, 25.68, 114.32, 25.685))
    north = NewArea("3614", "grid", "东北", "361", box(114.31, 25.685, 114.32, 25.69))
    return publish(session, [south, north], retired=["3612"], by="test", name="分", now=T0 + timedelta(hours=1))


def test_a_retired_grid_is_in_the_next_edition_no_more_and_what_became_of_it_is_told(session):
    first(session)
    done = split_east(session)
    assert [area.code for area in done.retired] == ["3612"]
    assert versions(session, "3612") == [("[1,2)", "东")]
    assert descent(session) == [("3612", "3612", "retired"), ("3612", "3613", "split"), ("3612", "3614", "split")]
    assert kept_fragments(session) == [("3612", "3613", 5e-05), ("3612", "3614", 5e-05)]
    east = session.scalar(text("SELECT id FROM area WHERE code = '3612'"))
    assert done.redrawn.area_ids == (east,)
    assert done.redrawn.box == (114.31, 25.68, 114.32, 25.69)


def test_grids_that_were_split_come_back_when_they_are_merged_again(session):
    first(session)
    split_east(session)
    done = publish(session, [TOWN[3]], retired=["3613", "3614"], by="test", name="合", now=T0 + timedelta(hours=2))
    assert versions(session, "3612") == [("[1,2)", "东"), ("[3,)", "东")]
    assert [area.code for area in done.changed] == ["3612"]
    assert len(done.redrawn.area_ids) == 2


@pytest.mark.parametrize(
    ("retired", "reason"),
    [(["9999"], "not-in-force"), (["361"], "has-children")],
)
def test_what_is_not_there_or_has_areas_below_it_cannot_be_retired(session, retired, reason):
    first(session)
    with pytest.raises(PublicationRefused) as refused:
        publish(session, [], retired=retired, by="test", name="撤", now=T0 + timedelta(hours=1))
    assert refused.value.reason == reason


def test_to_retire_and_publish_one_code_at_once_is_refused(session):
    first(session)
    with pytest.raises(PublicationRefused, match="repeated-code"):
        publish(session, [TOWN[3]], retired=["3612"], by="test", name="撤", now=T0 + timedelta(hours=1))


def test_a_rename_moves_no_ground(session):
    first(session)
    assert then(session, NewArea("3612", "grid", "新东", "361", TOWN[3].polygon)).redrawn is None


def test_an_overlap_with_a_neighbour_that_was_not_named_is_found(session):
    first(session)
    with pytest.raises(BrokenCoverage) as broken:
        then(session, with_polygon(TOWN[2], box(114.30, 25.68, 114.3102, 25.69)))
    assert set(broken.value.faults[0]["areas"]) == {"3611", "3612"}


@pytest.mark.long
def test_a_strip_left_open_towards_a_neighbour_that_was_not_named_is_found(session):
    first(session)
    with pytest.raises(BrokenCoverage):
        then(session, with_polygon(TOWN[2], box(114.30, 25.68, 114.309995, 25.69)))


def test_an_edition_may_begin_when_all_that_was_under_way_is_over(session):
    first(session)
    done = then(session, with_polygon(TOWN[3], box(114.31, 25.68, 114.33, 25.69)))
    later = T0 + timedelta(hours=1, seconds=3)
    begin(session, done.number, later)
    periods = session.execute(text("SELECT lower(in_force), upper(in_force) FROM edition ORDER BY number")).all()
    assert [tuple(row) for row in periods] == [(None, later), (later, None)]


@pytest.mark.long
def test_a_ground_read_from_another_is_the_one_read_whole(session):
    first(session)
    split_east(session)
    moved = 114.3087
    then(
        session,
        with_polygon(TOWN[2], box(114.30, 25.68, moved, 25.69)),
        NewArea("3613", "grid", "东南", "361", box(moved, 25.68, 114.32, 25.685)),
        NewArea("3614", "grid", "东北新", "361", box(moved, 25.685, 114.32, 25.69)),
        after_h=2,
    )
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(114.295, 114.325, 2000), rng.uniform(25.678, 25.692, 2000)
    whole = {number: load_ground(session, number) for number in (1, 2, 3)}
    for known in whole.values():
        for number, expected in whole.items():
            found = ground_after(session, known, number)
            assert found.areas == expected.areas
            assert found.grid_ids == expected.grid_ids
            assert (found.locator.locate(lon, lat) == expected.locator.locate(lon, lat)).all()
            assert found.outline.equals(expected.outline)


@pytest.mark.long
def test_more_areas_can_be_asked_for_than_a_statement_has_parameters(session):
    first(session)
    named = [f"99{number:07}" for number in range(70_000)]
    assert set(standing_areas(session, [*named, "3611"])) == {"3611"}


def test_a_smaller_city_that_stood_first_or_comes_whole_stays_beside_a_larger_one(session):
    put_kinds(session, [NewKind("city", "市", "City", 0)])
    first(session)
    larger = (
        NewArea("34", "city", "市", None, box(116.0, 25.0, 117.0, 26.0)),
        NewArea("341", "grid", "格", "34", box(116.0, 25.0, 117.0, 26.0)),
    )
    assert then(session, *larger).is_new
    assert not then(session, *TOWN, after_h=2).is_new
    another = [
        NewArea("52", "county", "县", None, box(118.0, 25.0, 119.0, 26.0)),
        NewArea("521", "grid", "格", "52", box(118.0, 25.0, 119.0, 26.0)),
    ]
    with pytest.raises(PublicationRefused) as refused:
        then(session, another[0], after_h=3)
    assert refused.value.reason == "no-parent"
    assert then(session, *another, after_h=3).is_new
