"""The four cities of profiles, small, as they are founded: who and what is there, in its place, and twice is once."""

import json

import numpy as np
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.demo.cities import profile as profiles
from server.demo.cities.dwellings import households_of, houses_of
from server.demo.cities.layout import laid_out
from server.demo.cities.outlines import county_outlines
from server.demo.cities.staffing import cast_of, seats_of, spread
from server.demo.loading import load
from server.demo.patrol_round import beat_of
from server.launch.scratch import scratch_database
from tests.cases import city
from tests.cases.city import rows

FACTOR = 0.01
TABLES = (
    "edition",
    "area_version",
    "organisation",
    "service_link",
    "assignment",
    "household",
    "task",
    "rule",
    "operation",
    "feed",
)


@pytest.fixture(scope="module")
def four(cluster_url, surroundings, tmp_path_factory):
    """A database with all four, and the folder of the sign-ins."""
    folder = tmp_path_factory.mktemp("patrol")
    with scratch_database(cluster_url) as url, pytest.MonkeyPatch.context() as patch:
        engine = city.migrate(url)
        for name, value in {**surroundings, "DATABASE_URL": url}.items():
            patch.setenv(name, value)
        for name in profiles.names():
            assert load(profile=name, folder=folder, factor=FACTOR) == 0
        yield engine, folder
        engine.dispose()


@pytest.fixture
def session(four):
    with Session(four[0]) as opened:
        yield opened


def counted(session, table, column="kind"):
    return dict(session.execute(text(f"SELECT {column}, count(*) FROM {table} GROUP BY 1")).all())


def state(session):
    session.rollback()
    return {table: session.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES}


def test_every_level_of_every_city_is_there(session):
    wanted = {}
    for name in profiles.names():
        for level in profiles.read(name).scaled(FACTOR).levels:
            wanted[level.kind] = wanted.get(level.kind, 0) + level.total
    kinds = counted(session, "area")
    assert wanted.items() <= kinds.items()
    assert (kinds["city"], kinds["county"]) == (3, 22)
    assert kinds["building"] > 100


def test_workers_are_as_many_as_the_profiles_say_and_every_grid_has_one(session):
    posts = [post for name in profiles.names() for post in profiles.read(name).scaled(FACTOR).posts]
    hefei = next(post.total for post in posts if post.role == "grid_worker" and post.total)
    of_hefei = "person.login LIKE 'hefei-worker-%'"
    assert session.scalar(text(f"SELECT count(*) FROM person WHERE {of_hefei}")) == hefei == 200
    unstaffed = """
        SELECT count(*) FROM area WHERE kind = 'grid'
            AND NOT EXISTS (SELECT FROM assignment WHERE area_id = area.id AND role = 'grid_worker')
    """
    assert session.scalar(text(unstaffed)) == 0
    assert session.scalar(text("SELECT count(*) FROM person WHERE name = '' OR login = ''")) == 0


def test_every_household_lies_in_its_grid(session):
    found = rows(
        session,
        """
        SELECT count(*) AS households,
            count(*) FILTER (WHERE located = 'inside' AND ST_Contains(polygon, position)) AS inside
        FROM household JOIN area_version ON area_id = grid_now
        """,
    )[0]
    assert found["households"] == found["inside"] > 4000


def test_households_live_in_the_houses_that_are_areas(session):
    found = rows(
        session,
        """
        SELECT count(*) FILTER (WHERE area.kind = 'building') AS housed, count(DISTINCT area.id) AS houses
        FROM household JOIN area_version ON ST_Contains(polygon, position) AND name = doc ->> 'building'
        JOIN area ON area.id = area_id
        """,
    )[0]
    assert found["housed"] > 1500
    assert found["houses"] == counted(session, "area")["building"]


HOUSES = "FROM area_version AS house JOIN area ON area.id = house.area_id AND area.kind = 'building'"


def test_houses_stand_in_their_areas_and_not_in_one_another(session):
    around = "JOIN area_version AS around ON around.area_id = house.parent_id"
    outside = f"SELECT count(*) {HOUSES} {around} WHERE NOT ST_Within(house.polygon, around.polygon)"
    assert session.scalar(text(outside)) == 0
    other = "JOIN area_version AS other ON other.id > house.id AND ST_Overlaps(house.polygon, other.polygon)"
    kind = "JOIN area AS another ON another.id = other.area_id AND another.kind = 'building'"
    assert session.scalar(text(f"SELECT count(*) {HOUSES} {other} {kind}")) == 0


def test_every_record_has_the_line_of_the_log_that_merging_replays(session):
    for table, collection in (("household", "households"), ("task", "tasks")):
        missing = f"""
            SELECT count(*) FROM {table} WHERE NOT EXISTS (
                SELECT FROM operation WHERE record_id = {table}.id AND collection = '{collection}' AND rev = 1
                    AND data = {table}.doc AND status = 'applied')
        """
        assert session.scalar(text(missing)) == 0


def test_a_visit_goes_to_a_worker_of_the_household_s_grid(session):
    astray = """
        SELECT count(*) FROM task JOIN household ON household.id = household_id
        WHERE NOT EXISTS (SELECT FROM assignment WHERE person_id = task.person_id AND area_id = household.grid_now)
    """
    assert session.scalar(text(astray)) == 0
    assert session.scalar(text("SELECT count(*) FROM task WHERE household_id IS NOT NULL")) > 200


def test_service_centres_serve_all_grids_of_their_community(session):
    unserved = """
        SELECT count(*) FROM area WHERE kind = 'grid' AND NOT EXISTS (
            SELECT FROM service_link JOIN organisation ON organisation.id = organisation_id
            WHERE service_link.area_id = area.id AND organisation.kind = 'service_centre')
    """
    assert session.scalar(text(unserved)) == 0


def test_each_city_has_sign_ins_and_none_takes_those_of_another(four, session):
    users = json.loads((four[1] / "demo-users.json").read_text())
    for name in profiles.names():
        roles = {user["role"] for user in users if user["login"].startswith(f"{name}-")}
        assert {"grid_worker", "dispatcher", "handler", "gis", "admin", "supervisor"} <= roles
    logins = [user["login"] for user in users]
    assert len(set(logins)) == len(logins)
    hashed = session.scalar(
        text("SELECT count(*) FROM person WHERE login = ANY (:logins) AND password_hash IS NOT NULL"),
        {"logins": logins},
    )
    assert hashed == len(logins)


def test_founding_again_changes_nothing(four, session, surroundings, monkeypatch):
    before, users = state(session), (four[1] / "demo-users.json").read_bytes()
    assert load(profile="enshi", folder=four[1], factor=FACTOR) == 0
    assert state(session) == before
    assert sorted(json.loads(users), key=str) == sorted(json.loads((four[1] / "demo-users.json").read_text()), key=str)


def test_another_seed_over_a_city_that_stands_is_refused(four, session, capsys):
    before = state(session)
    assert load(profile="enshi", folder=four[1], seed=7, factor=FACTOR) == 1
    assert "恩施市" in capsys.readouterr().err
    assert state(session) == before


def drawn(name):
    """All that chance draws: people, bodies, houses, households."""
    profile = profiles.read(name).scaled(FACTOR)
    laid = laid_out(profile, county_outlines(profile.outline_file, lambda _line: None), 3, lambda _line: None)
    houses = houses_of(laid, np.random.default_rng(3))
    households = [(each.key, each.doc) for each in households_of(houses.houses, np.random.default_rng(3))]
    places = [(house.code, house.name, house.lon, house.lat, house.doors) for house in houses.houses]
    shapes = [shapely.to_wkb(area.polygon) for area in houses.areas]
    return (
        households,
        places,
        shapes,
        cast_of(profile, laid.areas, np.random.default_rng(3)),
        seats_of(profile, laid.areas),
    )


def test_the_same_seed_draws_the_same_people_and_doors():
    assert repr(drawn("enshi")) == repr(drawn("enshi"))


@pytest.mark.parametrize(("total", "wanted"), [(None, "abc"), (2, "ab"), (3, "abc"), (7, "aaabbcc"), (0, "")])
def test_people_are_spread_evenly(total, wanted):
    assert "".join(spread("abc", total)) == wanted


def test_the_patrol_day_is_walked_in_grids_side_by_side_by_their_own_workers(session):
    beat = beat_of(session)
    grids = beat.ground.of_level("grid")
    assert 5 <= len(grids) <= 25
    assert set(beat.workers) == {grid.code for grid in grids}
    assert beat.heads
    assert shapely.union_all([grid.polygon for grid in grids]).geom_type == "Polygon"
    assert beat.ground.of_level("county")[0].polygon.covers(grids[0].polygon)
    for code, login in beat.workers.items():
        found = "SELECT code FROM person JOIN assignment ON person_id = person.id JOIN area ON area.id = area_id"
        assert session.scalars(text(f"{found} WHERE login = :login"), {"login": login}).all() == [code]
