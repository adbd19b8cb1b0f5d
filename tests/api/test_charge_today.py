"""Only today's assignments count: of whoever asks, and of whoever is asked about."""

import datetime as dt
import json
import secrets
import uuid

import pytest
from sqlalchemy import text

from geo.editions.ground import load_ground
from server.cases.routing.service import route_awaiting
from tests.api.staff import Desk
from tests.api.test_editions import sending
from tests.cases.city import EAST, IN_EAST, IN_WEST, WEST
from tests.sync.redrawing import redraw, redrawn, strip

__all__ = ["redrawn"]
COUNTY = "360725"


@pytest.fixture
def desk(app, session):
    return lambda role="supervisor", place=COUNTY: Desk.of(app, session, role, place)


def end(session, login, *, role=None):
    """End what somebody holds, as of a moment ago."""
    session.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during) - interval '1 hour', now())
            FROM person WHERE person.id = person_id AND login = :login AND (role = :role OR :role IS NULL)
        """),
        {"login": login, "role": role},
    )
    session.commit()


def assign(session, login, area, role="grid_worker"):
    session.execute(
        text("""
            INSERT INTO assignment (person_id, role, area_id, during)
            SELECT person.id, :role, area.id, tstzrange(now() - interval '1 second', NULL)
            FROM person, area WHERE login = :login AND area.code = :area
        """),
        {"login": login, "role": role, "area": area},
    )
    session.commit()


def moved(session, phone, area):
    """A worker leaves all areas for one."""
    session.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during), now() - interval '2 seconds')
            FROM person WHERE person.id = person_id AND login = :login
        """),
        {"login": phone.login},
    )
    session.commit()
    assign(session, phone.login, area)


def devices(desk):
    return {each["device_id"] for each in desk.get("/v1/support/devices", limit=500).json["devices"]}


def waiting(desk):
    return [each["op_id"] for each in desk.get("/v1/review/quarantine").json["operations"]]


def test_a_worker_who_moved_is_in_the_charge_of_the_new_supervisor_alone(phone_of, session, desk):
    phone, west, east = phone_of("west"), desk(place=WEST), desk(place=EAST)
    assert (phone.device_id in devices(west), phone.device_id in devices(east)) == (True, False)
    moved(session, phone, EAST)
    assert (phone.device_id in devices(west), phone.device_id in devices(east)) == (False, True)
    revoke = f"/v1/devices/{phone.device_id}/revoke"
    assert west.get(f"/v1/support/devices/{phone.device_id}").status_code == 404
    assert west.post(revoke, {"wipe": True}).status_code == 404
    assert west.post("/v1/enrolments", {"worker": phone.login}).status_code == 404
    assert phone.client.get("/v1/sync/pull", headers=phone.headers).status_code == 200
    assert east.post(revoke, {"wipe": True}).status_code == 204


def test_a_worker_who_left_is_in_the_charge_of_the_whole_city_alone(phone_of, session, desk):
    phone, west, chief = phone_of("west"), desk(place=WEST), desk()
    end(session, phone.login)
    assert phone.device_id not in devices(west)
    assert phone.device_id in devices(chief)
    assert west.post(f"/v1/devices/{phone.device_id}/revoke", {}).status_code == 404
    assert chief.post(f"/v1/devices/{phone.device_id}/revoke", {}).status_code == 204


def test_what_an_auditor_may_read_puts_nobodys_phone_in_that_areas_charge(phone_of, session, desk):
    phone, west = phone_of("east"), desk(place=WEST)
    assign(session, phone.login, WEST, "auditor")
    assert phone.device_id not in devices(west)
    assert west.post(f"/v1/devices/{phone.device_id}/revoke", {"wipe": True}).status_code == 404


def test_a_former_supervisor_reads_rules_and_revokes_nothing(phone_of, session, desk):
    phone, former = phone_of("west"), desk(place=WEST)
    phone.push(phone.visit(outcome="maybe"))
    (operation,) = former.get("/v1/review/quarantine").json["operations"]
    end(session, former.login)
    dismiss = f"/v1/review/quarantine/{operation['id']}/dismiss"
    for ask in (
        lambda: former.get("/v1/review/quarantine"),
        lambda: former.get("/v1/support/devices"),
        lambda: former.post(dismiss, {"reason": "x"}),
        lambda: former.post(f"/v1/devices/{phone.device_id}/revoke", {"wipe": True}),
        lambda: former.post("/v1/enrolments", {"worker": phone.login}),
    ):
        assert ask().status_code == 403
    assign(session, former.login, EAST, "supervisor")
    assert waiting(former) == []
    assert former.post(dismiss, {"reason": "x"}).status_code == 404
    assert phone.device_id not in devices(former)


def quarantined(session, phone, **columns):
    """An operation in quarantine as it is after its author has moved on, whatever it speaks of."""
    op_id = uuid.uuid4()
    given = {"collection": "visits", "record": None, "data": None} | columns
    session.execute(
        text("""
            INSERT INTO operation (device_id, op_id, body_hash, collection, record_id, action, author_id, received_at,
                                   corrected_at, data, status, problem)
            SELECT device.id, :op, :hash, :collection, :record, 'put', person_id, now(), now() - interval '1 hour',
                   CAST(:data AS jsonb), 'quarantined', '{"type": "/problems/fields-invalid"}'
            FROM device WHERE uid = :uid
        """),
        given | {"op": op_id, "hash": secrets.token_bytes(16), "uid": phone.device_id,
                 "data": None if given["data"] is None else json.dumps(given["data"])},
    )  # fmt: skip
    session.commit()
    return str(op_id)


def place(at, **more):
    return {"location": {"lon": at[0], "lat": at[1], **more}}


def test_what_waits_is_looked_after_where_its_record_lies_then_its_place_then_its_author(phone_of, session, desk):
    phone, west, east, chief = phone_of("west"), desk(place=WEST), desk(place=EAST), desk()
    report = phone.issue(IN_WEST)
    assert phone.push(report)[0]["status"] == "applied"
    moved(session, phone, EAST)
    of_record = quarantined(session, phone, collection="issues", record=report["id"], data=place(IN_EAST))
    of_place = quarantined(session, phone, data=place(IN_WEST))
    of_author = quarantined(session, phone, data={"note": "x"})
    strange = [
        quarantined(session, phone, data=data)
        for data in (place((1e300, "x")), place((500, 25)), place(IN_WEST, datum="gcj02"), [1], place((120.0, 30.0)))
    ]
    assert waiting(west) == [of_record, of_place]
    assert waiting(east) == [of_author, *strange]
    end(session, phone.login)
    assert waiting(west) == [of_record, of_place]
    assert waiting(east) == []
    assert waiting(chief) == [of_record, of_place, of_author, *strange], "what nobody has falls to the whole city"


def test_what_waits_lies_where_the_newest_edition_draws_its_place(phone_of, redrawn, app):
    phone = phone_of("west")
    end(redrawn, phone.login)
    redraw(redrawn, strip(WEST, 114.30, 114.303), strip(EAST, 114.303, 114.32))
    waits = quarantined(redrawn, phone, data=place(IN_WEST))
    west, east = (Desk.of(app, redrawn, "supervisor", area) for area in (WEST, EAST))
    assert (waiting(west), waiting(east)) == ([], [waits])


def test_what_is_looked_after_elsewhere_can_be_neither_released_nor_dismissed(phone_of, session, desk):
    phone, west, east = phone_of("west"), desk(place=WEST), desk(place=EAST)
    moved(session, phone, EAST)
    quarantined(session, phone, data=place(IN_WEST))
    (operation,) = west.get("/v1/review/quarantine").json["operations"]
    assert east.get("/v1/review/quarantine").json["operations"] == []
    for action, sent in (("dismiss", {"reason": "x"}), ("release", {})):
        assert east.post(f"/v1/review/quarantine/{operation['id']}/{action}", sent).status_code == 404
    assert west.post(f"/v1/review/quarantine/{operation['id']}/dismiss", {"reason": "x"}).status_code == 204


def test_who_mistook_a_place_is_looked_after_at_home_too(phone_of, session, desk):
    phone, west, east = phone_of("west"), desk(place=WEST), desk(place=EAST)
    mistaken = quarantined(session, phone, data=place(IN_EAST))
    assert waiting(west) == waiting(east) == [mistaken]


def test_the_life_of_a_record_is_told_in_its_own_collection_alone(phone_of, desk):
    phone, west, east = phone_of("west", "east"), desk(place=WEST), desk(place=EAST)
    private = phone.issue(IN_EAST, category="0601", description="家中纠纷", private=True)
    phone.push(private)
    for collection in ("tasks", "visits", "households", "attachments", "cases", "issue", "operation"):
        answer = west.get(f"/v1/support/records/{collection}/{private['id']}")
        assert (answer.status_code, "家中纠纷" in answer.text) == (404, False), collection
        assert east.get(f"/v1/support/records/{collection}/{private['id']}").status_code == 404
    assert west.get(f"/v1/support/records/issues/{private['id']}").status_code == 404
    assert "家中纠纷" in east.get(f"/v1/support/records/issues/{private['id']}").text


def test_the_life_of_an_issue_in_charge_is_told_with_what_the_server_noted_of_its_case(phone_of, session, desk):
    phone = phone_of("west")
    report = phone.issue(IN_WEST)
    phone.push(report)
    route_awaiting(session, dt.datetime.now(dt.UTC), load_ground(session, 1))
    session.commit()
    moved(session, phone, EAST)
    told = desk(place=WEST).get(f"/v1/support/records/issues/{report['id']}").json["operations"]
    assert [each["action"] for each in told] == ["put", "route"]
    assert told[1]["author"] is None, "by the server"


def test_what_was_sent_under_an_id_to_another_collection_is_no_way_to_its_record(phone_of, desk):
    """A worker of the west sends a task under the id of a private issue of the east: only that is told of it."""
    author, west = phone_of("east"), desk(place=WEST)
    private = author.issue(IN_EAST, category="0601", description="家中纠纷")
    author.push(private)
    spy = phone_of("west")
    spy.push(spy.op("tasks", {"note": "看"}, action="patch", id=private["id"], base={"rev": 1}))
    told = west.get(f"/v1/support/records/tasks/{private['id']}")
    assert [each["author"] for each in told.json["operations"]] == [spy.login]
    assert "家中纠纷" not in told.text


def test_a_role_in_one_area_and_another_in_the_city_do_not_add_up(app, session):
    """Dispatcher of the west and auditor of the county: neither dispatches nor disables anything for the county."""
    desk = Desk.of(app, session, "dispatcher", WEST)
    assign(session, desk.login, COUNTY, "supervisor")
    rule = {"label": "全市", "lead_body": "chengguan"}
    assert desk.post("/v1/rules", rule).status_code == 404
    assert desk.post("/v1/rules", rule | {"area": EAST}).status_code == 404
    admin = Desk.of(app, session, "admin", WEST)
    assign(session, admin.login, COUNTY, "dispatcher")
    assert admin.get("/v1/organisations/chengguan/endpoint").status_code == 404
    drawer = Desk.of(app, session, "gis", WEST)
    assign(session, drawer.login, COUNTY, "auditor")
    assert drawer.post("/v1/editions", sending(retired=[EAST])).status_code == 404
