"""Who holds a zone is sent what lies in it, and nothing of the grid around."""

import json
import uuid

import pytest
from shapely import box
from sqlalchemy import text

from geo.editions.publish import NewArea
from server.database import ground_cache
from tests.cases.city import EAST, IN_WEST, WEST
from tests.sync.access.ruling import assign, end_all, put_household
from tests.sync.access.seeing import digest_agrees, put_attachment
from tests.sync.redrawing import redraw, redrawn

__all__ = ["assign", "redrawn"]

IN_ZONE, OUT_OF_ZONE = (114.3025, 25.685), (114.3075, 25.685)


@pytest.fixture
def zone(session):
    """The western half of the west grid, as an area of its own below it."""
    code = f"{WEST}{uuid.uuid4().hex[:4]}"
    session.execute(text("INSERT INTO area_kind VALUES ('zone', '责任区', 'Zone', 3, false) ON CONFLICT DO NOTHING"))
    session.execute(text("INSERT INTO area (code, kind) VALUES (:code, 'zone')"), {"code": code})
    session.execute(
        text("""
            INSERT INTO area_version (area_id, parent_id, name, polygon, editions)
            SELECT area.id, (SELECT id FROM area WHERE code = :grid), '责任区',
                   ST_Multi(ST_MakeEnvelope(114.30, 25.68, 114.305, 25.69, 4326)), '[1,)'
            FROM area WHERE code = :code
        """),
        {"code": code, "grid": WEST},
    )
    session.execute(text("UPDATE city_state SET ground_serial = ground_serial + 1"))
    session.commit()
    # Processes keep an edition; this one got an area more, which no edition does.
    ground_cache._caches.clear()  # see above
    yield code
    session.rollback()
    session.execute(
        text("DELETE FROM area_version WHERE area_id = (SELECT id FROM area WHERE code = :code)"), {"code": code}
    )
    session.execute(text("UPDATE city_state SET ground_serial = ground_serial + 1"))
    session.commit()
    ground_cache._caches.clear()  # see above


class TestZones:
    @pytest.fixture
    def holder(self, phone_of, assign, zone):
        phone = phone_of()
        assign(phone.login, "building_head", zone)
        return phone

    @pytest.mark.long
    def test_the_holder_of_a_zone_sees_what_lies_in_it_and_nothing_else_of_the_grid(self, holder, phone_of, session):
        worker = phone_of("west")
        inside, outside = worker.issue(IN_ZONE), worker.issue(OUT_OF_ZONE)
        door = put_household(session, at=IN_ZONE, grid=WEST)
        other = put_household(session, at=OUT_OF_ZONE, grid=WEST)
        at_door, elsewhere = worker.visit(), worker.visit(OUT_OF_ZONE)
        del at_door["data"]["location"]
        at_door["data"]["household_id"] = str(door)
        worker.push(inside, outside, at_door, elsewhere)
        holder.pull()
        assert set(holder.records("issues")) == {inside["id"]}
        assert set(holder.records("visits")) == {at_door["id"]}
        assert set(holder.records("households")) == {str(door)}
        assert str(other) not in json.dumps(sorted(holder.records("households")))
        assert digest_agrees(holder)
        answer = holder.client.get("/v1/sync/records", query_string={"grid": WEST}, headers=holder.headers)
        assert inside["id"] in answer.text
        assert outside["id"] not in answer.text

    def test_zones_are_told_to_those_who_hold_no_more_of_the_grid(self, holder, phone_of, assign, zone):
        worker = phone_of("west")
        assign(worker.login, "building_head", zone)
        assert holder.page()["scope"] | {"version": 0} == {"version": 0, "grids": [WEST], "zones": [zone]}
        assert worker.page()["scope"] | {"version": 0} == {"version": 0, "grids": [WEST]}

    def test_who_holds_the_whole_grid_too_sees_beyond_the_zone(self, phone_of, assign, zone):
        worker = phone_of("west")
        assign(worker.login, "building_head", zone)
        outside = worker.issue(OUT_OF_ZONE)
        phone_of("west").push(outside)
        worker.pull()
        assert outside["id"] in worker.records("issues")

    @pytest.mark.long
    def test_files_are_seen_where_their_records_are(self, holder, phone_of, session):
        worker = phone_of("west")
        issues, visits = [[make(at) for at in (IN_ZONE, OUT_OF_ZONE)] for make in (worker.issue, worker.visit)]
        doors = [put_household(session, at=at, grid=WEST) for at in (IN_ZONE, OUT_OF_ZONE)]
        at_doors = [worker.visit(), worker.visit()]
        for visit, door in zip(at_doors, doors, strict=True):
            del visit["data"]["location"]
            visit["data"]["household_id"] = str(door)
        worker.push(*issues, *visits, *at_doors)
        seen = set()
        for table, inside, outside in (
            ("issue", *[each["id"] for each in issues]), ("visit", *[each["id"] for each in visits]),
            ("visit", *[each["id"] for each in at_doors]), ("household", *doors),
        ):  # fmt: skip
            seen.add(put_attachment(session, inside, table=table))
            put_attachment(session, outside, table=table)
        holder.pull()
        assert set(holder.records("attachments")) == seen
        assert digest_agrees(holder)

    @pytest.mark.long
    def test_a_zone_that_is_redrawn_is_what_it_is_now(self, holder, phone_of, zone, redrawn):
        worker = phone_of("west")
        was, becomes = worker.issue(IN_ZONE), worker.issue(OUT_OF_ZONE)
        worker.push(was, becomes)
        holder.pull()
        assert set(holder.records("issues")) == {was["id"]}
        redraw(redrawn, NewArea(zone, "zone", "责任区", WEST, box(114.305, 25.68, 114.31, 25.69)))
        anew = worker.issue(IN_ZONE)
        worker.push(anew)
        holder.pull()
        assert set(holder.records("issues")) == {becomes["id"]}
        assert digest_agrees(holder)

    def test_a_record_that_is_moved_out_of_the_zone_leaves_and_comes_back(self, holder, phone_of):
        worker = phone_of("west")
        put = worker.issue(IN_ZONE)
        worker.push(put)
        holder.pull()
        for rev, (place, seen) in enumerate([(OUT_OF_ZONE, False), (IN_ZONE, True)], 1):
            there = {"lon": place[0], "lat": place[1]}
            worker.push(worker.patch("issues", put["id"], {"rev": rev}, location=there))
            holder.pull()
            assert (put["id"] in holder.records("issues")) is seen
        assert digest_agrees(holder)

    def test_the_holder_writes_in_the_zone_and_not_beside_it(self, holder, phone_of):
        worker = phone_of("west")
        inside, outside = worker.issue(IN_ZONE), worker.issue(OUT_OF_ZONE)
        worker.push(inside, outside)
        results = holder.push(
            holder.visit(IN_ZONE),
            holder.visit(OUT_OF_ZONE),
            holder.patch("issues", inside["id"], {"rev": 1}, severity="low"),
            holder.patch("issues", outside["id"], {"rev": 1}, severity="low"),
        )
        assert [each["status"] for each in results] == ["applied", "quarantined", "applied", "quarantined"]

    def test_who_stands_at_the_zone_s_border_is_not_punished_by_the_gps(self, holder):
        near, far = holder.visit((114.3052, 25.685)), holder.visit((114.3052, 25.685))
        near["data"]["location"]["accuracy_m"] = 25.0
        far["data"]["location"]["accuracy_m"] = 5.0
        assert [each["status"] for each in holder.push(near, far)] == ["applied", "quarantined"]

    def test_ones_own_issue_beside_the_zone_is_held_and_counted(self, holder):
        own = holder.issue(OUT_OF_ZONE)
        holder.push(own)
        holder.pull()
        assert own["id"] in holder.records("issues")
        assert digest_agrees(holder)

    @pytest.mark.long
    def test_moving_between_zone_grid_and_nothing_brings_and_takes_what_it_must(
        self, holder, phone_of, assign, session, zone
    ):
        worker = phone_of("west")
        inside, outside = worker.issue(IN_ZONE), worker.issue(OUT_OF_ZONE)
        worker.push(inside, outside)
        holder.pull(limit=1)
        for role, code, seen in (
            ("grid_worker", WEST, {inside["id"], outside["id"]}), ("building_head", zone, {inside["id"]}),
            ("grid_worker", EAST, set()), ("unit_head", zone, {inside["id"]}),
        ):  # fmt: skip
            end_all(session, holder.login)
            assign(holder.login, role, code, since=0)
            holder.pull(limit=1)
            assert set(holder.records("issues")) == seen
            assert digest_agrees(holder)

    def test_supervising_the_county_adds_nothing_to_a_zone_on_the_phone(self, holder, phone_of, assign):
        worker = phone_of("west", "east")
        assign(holder.login, "supervisor", "360725")
        inside, outside = worker.issue(IN_ZONE), worker.issue(OUT_OF_ZONE)
        worker.push(inside, outside)
        holder.pull()
        assert set(holder.records("issues")) == {inside["id"]}

    def test_workers_of_whole_grids_are_asked_nothing_about_zones(self, phone_of, session):
        phone = phone_of("west")
        phone.push(phone.issue(IN_WEST))
        phone.pull()
        session.rollback()
        assert session.scalars(text("SELECT DISTINCT zones::text FROM scope_snapshot")).all() == ["{}"]
