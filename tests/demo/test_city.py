"""The sample city as it is founded: who and what is there, that it is all in its place, and that twice is once."""

import json

from argon2 import PasswordHasher
from sqlalchemy import text

from geo.editions.ground import load_ground
from server.demo.loading import load
from tests.cases.city import rows

TABLES = (
    "edition", "area", "area_version", "organisation", "service_link", "person", "assignment", "household", "task",
    "rule", "operation", "feed", "category",
)  # fmt: skip


def state(session):
    session.rollback()
    counts = {table: session.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES}
    return counts, rows(session, "SELECT * FROM city_state"), rows(session, "SELECT * FROM person ORDER BY id")


def test_founding_twice_changes_nothing(in_city, session):
    before, users = state(session), (in_city[1] / "demo-users.json").read_bytes()
    assert load(profile="chongyi", folder=in_city[1]) == 0
    assert state(session) == before
    assert (in_city[1] / "demo-users.json").read_bytes() == users


def test_an_unknown_profile_is_refused_with_those_there_are(in_city, capsys):
    assert load(profile="atlantis", folder=in_city[1]) == 1
    assert "chongyi" in capsys.readouterr().err


def test_the_city_has_what_the_profile_says(session):
    kinds = dict(session.execute(text("SELECT kind, count(*) FROM area GROUP BY kind")).all())
    assert kinds == {"county": 1, "committee": 1, "community": 6, "grid": 25, "zone": 60}
    bodies = dict(session.execute(text("SELECT kind, count(*) FROM organisation GROUP BY kind")).all())
    assert (bodies["service_centre"], bodies["party"]) == (19, 71)
    parts = dict(session.execute(text("SELECT role, count(*) FROM assignment GROUP BY role")).all())
    assert parts["grid_worker"] == 25
    assert {"dispatcher", "handler", "gis", "admin", "supervisor", "grid_head"} <= parts.keys()


def test_every_centre_serves_grids_and_has_two_party_units_at_its_grid(session):
    found = rows(
        session,
        """
        SELECT centre.code, count(DISTINCT unit.code) AS units FROM organisation AS centre
        JOIN service_link AS served ON served.organisation_id = centre.id
        LEFT JOIN organisation AS unit ON unit.kind = 'party' AND unit.area_id = centre.area_id
        WHERE centre.kind = 'service_centre' GROUP BY centre.code
        """,
    )
    assert len(found) == 19
    assert min(each["units"] for each in found) >= 2


def test_every_household_lies_in_the_grid_that_postgis_says(session):
    found = rows(
        session,
        """
        SELECT count(*) AS households, count(*) FILTER (WHERE ST_Contains(polygon, position)) AS inside
        FROM household JOIN area_version ON area_id = grid_now
        """,
    )[0]
    assert found["households"] > 2000
    assert found["inside"] == found["households"]
    assert rows(session, "SELECT count(DISTINCT grid_now) FROM household") == [{"count": 25}]


def test_every_record_has_the_line_of_the_log_that_merging_replays(session):
    for table, collection in (("household", "households"), ("task", "tasks")):
        missing = session.scalar(
            text(f"""
                SELECT count(*) FROM {table} WHERE NOT EXISTS (
                    SELECT FROM operation WHERE record_id = {table}.id AND collection = :name AND rev = 1
                        AND action = 'put' AND data = {table}.doc AND status = 'applied')
            """),
            {"name": collection},
        )
        assert missing == 0


def test_a_task_for_a_household_goes_to_the_worker_of_its_grid(session):
    astray = session.scalar(
        text("""
            SELECT count(*) FROM task JOIN household ON household.id = household_id
            WHERE NOT EXISTS (SELECT FROM assignment WHERE person_id = task.person_id AND area_id = household.grid_now)
        """)
    )
    assert astray == 0
    assert session.scalar(text("SELECT count(*) FROM task WHERE household_id IS NOT NULL")) > 100


def test_the_sign_ins_work_and_only_their_owner_reads_them(in_city, session):
    path = in_city[1] / "demo-users.json"
    users = json.loads(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    assert {"grid_worker", "dispatcher", "handler", "gis", "admin", "supervisor"} <= {user["role"] for user in users}
    hashes = dict(session.execute(text("SELECT login, password_hash FROM person")).all())
    for user in users[:3]:
        assert user.keys() == {"login", "password", "role", "area"}
        assert PasswordHasher().verify(hashes[user["login"]], user["password"])


def test_lost_sign_ins_are_made_anew_and_work(in_city, session, tmp_path):
    assert load(profile="chongyi", folder=tmp_path) == 0
    user = json.loads((tmp_path / "demo-users.json").read_text())[0]
    hashed = session.scalar(text("SELECT password_hash FROM person WHERE login = :login"), {"login": user["login"]})
    assert PasswordHasher().verify(hashed, user["password"])
    # The other tests' sign-ins are right again afterwards.
    session.rollback()
    (in_city[1] / "demo-users.json").write_bytes((tmp_path / "demo-users.json").read_bytes())


def test_the_grids_of_the_city_are_located_in(session):
    ground = load_ground(session, 1)
    assert len(ground.grid_ids) == 25
    assert ground.areas[ground.locator.locate_one(114.308, 25.682)].kind == "grid"
