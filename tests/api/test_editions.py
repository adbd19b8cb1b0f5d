"""Editions by the API: read, previewed, published now and at a set time, rolled back; and who may."""

import datetime as dt
import random
import uuid

import pytest
from sqlalchemy import text

from geo.geometry.datum import from_wgs84
from server.jobs.editions import permit
from sync.redraw.cutover import publish_due
from tests.api.staff import Desk
from tests.cases import city
from tests.cases.city import EAST, IN_WEST, WEST
from tests.sync.redrawing import clock, follow, put_household, put_task, redrawn

__all__ = ["redrawn"]
THIRD = "360725100001003"
COMMUNITY = "360725100001"


@pytest.fixture
def desk(app, redrawn):
    return Desk.of(app, redrawn, "gis", "360725")


def feature(code, west, east, *, name=None, parent=COMMUNITY, kind="grid"):
    ring = [[west, 25.68], [east, 25.68], [east, 25.69], [west, 25.69], [west, 25.68]]
    properties = {"code": code, "kind": kind, "name": name or code, "parent": parent}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}


def sending(*features, base=1, name="拆分", **more):
    return {"areas": {"type": "FeatureCollection", "features": list(features)}, "base": base, "name": name, **more}


def split_west(**more):
    return sending(feature(WEST, 114.30, 114.304), feature(THIRD, 114.304, 114.31, name="三网格"), **more)


def codes(desk, **query):
    answer = desk.get("/v1/editions/areas", **query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json["features"]]


def test_an_edition_is_published_and_can_be_read_with_the_one_before(desk, redrawn):
    before = clock()
    answer = desk.post("/v1/editions", split_west(note="说明\n第二行"))
    assert answer.status_code == 201, answer.text
    assert (answer.json["edition"], answer.json["added"], answer.json["changed"]) == (2, [THIRD], [WEST])
    assert answer.json["move"]["stage"] == "households"
    told = desk.get("/v1/editions").json["editions"]
    assert [(each["number"], each["name"], each["by"]) for each in told] == [(2, "拆分", desk.login), (1, "一", "test")]
    assert told[1]["ends"] == told[0]["begins"]
    assert codes(desk, kind="grid") == [WEST, EAST, THIRD]
    assert codes(desk, kind="grid", edition=1) == codes(desk, kind="grid", at=before.isoformat()) == [WEST, EAST]
    assert desk.get("/v1/editions/in-force", at=before.isoformat()).json["number"] == 1
    assert desk.get("/v1/editions/2").json["note"] == "说明\n第二行"


def test_areas_come_in_pages(desk):
    first = desk.get("/v1/editions/areas", limit=3).json
    assert (len(first["features"]), first["edition"], first["after"]) == (3, 1, WEST)
    rest = desk.get("/v1/editions/areas", limit=3, after=first["after"]).json
    assert ([each["id"] for each in rest["features"]], rest["after"]) == ([EAST], None)


def test_what_changed_hands_and_what_became_of_an_area_is_told(desk):
    desk.post("/v1/editions", split_west())
    [piece] = desk.get("/v1/editions/2/fragments").json["features"]
    assert (piece["properties"]["from"], piece["properties"]["to"]) == (WEST, THIRD)
    life = desk.get(f"/v1/editions/areas/{WEST}/lineage").json
    assert [(each["edition"], each["how"], each["to"]) for each in life["events"]] == [
        (2, "renamed", WEST), (2, "reshaped", WEST), (2, "split", THIRD),
    ]  # fmt: skip
    assert [(each["edition"], each["until_edition"]) for each in life["versions"]] == [(1, 2), (2, None)]


@pytest.mark.long
def test_how_far_the_records_have_followed_is_told(desk, redrawn, phone_of):
    phone = phone_of("west")
    phone.push(phone.visit(IN_WEST), phone.visit((114.302, 25.685)))
    desk.post("/v1/editions", split_west())
    follow(redrawn)
    told = desk.get("/v1/editions/2/move").json
    assert (told["stage"], told["moved"], told["looked_at"]) == ("done", 1, 2)
    assert desk.get("/v1/editions/1/move").json["stage"] == "done"


@pytest.mark.long
def test_rolling_back_makes_a_new_edition_like_the_old_one(desk, redrawn, phone_of):
    phone = phone_of("west")
    visit = phone.visit(IN_WEST)
    phone.push(visit)
    desk.post("/v1/editions", split_west())
    follow(redrawn)
    answer = desk.post("/v1/editions/1/restoration", {"note": "误操作"})
    assert answer.status_code == 201, answer.text
    assert (answer.json["edition"], answer.json["changed"], answer.json["retired"]) == (3, [WEST], [THIRD])
    assert codes(desk, kind="grid") == [WEST, EAST]
    follow(redrawn)
    grids = desk.get(f"/v1/records/visits/{visit['id']}/grids").json
    assert (grids["now"]["code"], grids["at_capture"]["code"]) == (WEST, WEST)
    shape = "SELECT count(DISTINCT polygon) FROM area_version JOIN area ON area.id = area_id WHERE code = :code"
    assert redrawn.scalar(text(shape), {"code": WEST}) == 2, "the third is as the first"
    life = desk.get(f"/v1/editions/areas/{THIRD}/lineage").json["events"]
    assert [(each["edition"], each["how"]) for each in life] == [(2, "split"), (3, "merged"), (3, "retired")]


def test_rolling_back_to_what_is_in_force_changes_nothing(desk):
    answer = desk.post("/v1/editions/1/restoration")
    assert (answer.json["edition"], answer.json["new"]) == (1, False)


def test_the_grid_of_a_point_and_of_a_record_at_a_time_is_told(desk, redrawn, phone_of):
    phone = phone_of("west")
    visit = phone.visit(IN_WEST)
    phone.push(visit)
    before = clock().isoformat()
    desk.post("/v1/editions", split_west())
    follow(redrawn)
    point = {"lon": IN_WEST[0], "lat": IN_WEST[1]}
    assert desk.get("/v1/editions/place", **point).json["grid"]["code"] == THIRD
    assert desk.get("/v1/editions/place", **point, at=before).json["grid"]["code"] == WEST
    lon, lat = (float(each) for each in from_wgs84(point["lon"], point["lat"], "gcj02"))
    shifted = desk.get("/v1/editions/place", lon=lon, lat=lat, datum="gcj02").json
    assert (shifted["grid"]["code"], shifted["lon"]) == (THIRD, pytest.approx(point["lon"], abs=1e-7))
    assert desk.get("/v1/editions/place", **point, datum="mars").status_code == 422
    grids = desk.get(f"/v1/records/visits/{visit['id']}/grids", at=before).json
    assert [grids[when]["code"] for when in ("at_capture", "now", "at")] == [WEST, THIRD, WEST]
    assert desk.get(f"/v1/records/visits/{uuid.uuid4()}/grids").status_code == 404
    assert desk.get(f"/v1/records/moons/{uuid.uuid4()}/grids").status_code == 422


def test_an_edition_comes_into_force_at_its_set_time_and_not_before(desk, redrawn):
    due = clock() + dt.timedelta(hours=2)
    answer = desk.post("/v1/editions", split_west(at=due.isoformat()))
    assert (answer.status_code, answer.json["state"]) == (202, "waiting"), answer.text
    assert not publish_due(redrawn, lambda: due - dt.timedelta(seconds=1), permit)
    assert codes(desk, kind="grid") == [WEST, EAST]
    assert publish_due(redrawn, lambda: due + dt.timedelta(seconds=1), permit)
    redrawn.commit()
    assert codes(desk, kind="grid", at=(due + dt.timedelta(seconds=2)).isoformat()) == [WEST, EAST, THIRD]
    [plan] = desk.get("/v1/editions/plans").json["plans"]
    assert (plan["state"], plan["edition"]) == ("published", 2)


def test_a_plan_over_an_edition_that_was_superseded_is_refused_and_says_so(desk, redrawn):
    due = clock() + dt.timedelta(hours=2)
    desk.post("/v1/editions", split_west(at=due.isoformat()))
    desk.post("/v1/editions", sending(feature(EAST, 114.31, 114.32, name="新名")))
    assert publish_due(redrawn, lambda: due, permit)
    redrawn.commit()
    [plan] = desk.get("/v1/editions/plans").json["plans"]
    assert (plan["state"], plan["problem"]) == ("refused", {"code": "base-superseded", "base": 1, "in_force": 2})
    assert codes(desk, kind="grid") == [WEST, EAST]


def test_a_plan_can_be_withdrawn_once(desk, redrawn):
    due = clock() + dt.timedelta(hours=2)
    plan = desk.post("/v1/editions", split_west(at=due.isoformat())).json
    path = f"/v1/editions/plans/{plan['id']}"
    headers = {"X-CSRF-Token": desk.csrf}
    assert desk.client.delete(path, headers=headers).json["state"] == "withdrawn"
    assert desk.client.delete(path, headers=headers).status_code == 404
    assert not publish_due(redrawn, lambda: due, permit)


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (lambda: split_west(at=(clock() - dt.timedelta(minutes=1)).isoformat()), 422, "set-time-refused"),
        (lambda: split_west(at=(clock() + dt.timedelta(days=400)).isoformat()), 422, "set-time-refused"),
        (lambda: split_west(at="2026-13-01T00:00:00Z"), 422, "fields-invalid"),
        (lambda: split_west(at="2027-01-01T00:00:00"), 422, "fields-invalid"),
        (lambda: split_west(base=7), 409, "base-superseded"),
        (lambda: sending(feature(WEST, 114.30, 114.312)), 422, "broken-coverage"),
        (lambda: sending(feature(WEST, 114.30, 114.312), at=(clock() + dt.timedelta(days=1)).isoformat()), 422,
         "broken-coverage"),
        (lambda: sending(feature(WEST, 114.30, 114.30)), 422, "invalid-shape"),
        (lambda: sending(feature(WEST, 114.30, 500.0)), 422, "invalid-coordinate"),
        (lambda: sending(feature("9" * 41, 114.30, 114.31)), 422, "fields-invalid"),
        (lambda: sending(feature(WEST, 114.30, 114.31, name="a\0b")), 422, "text-unclean"),
        (lambda: sending(feature(THIRD, 114.32, 114.33, kind="moon")), 422, "publication-refused"),
        (lambda: sending(retired=["777"]), 422, "publication-refused"),
        (lambda: sending(retired=[COMMUNITY]), 422, "publication-refused"),
        (lambda: sending(retired=[WEST, WEST]), 422, "publication-refused"),
        (lambda: sending(feature(WEST, 114.30, 114.31), feature(WEST, 114.30, 114.31)), 422, "publication-refused"),
        (lambda: sending(base="1"), 422, "fields-invalid"),
        (lambda: {"base": 1, "name": "x", "areas": []}, 422, "fields-invalid"),
        (lambda: sending(7), 422, "fields-invalid"),
    ],
)  # fmt: skip
def test_what_cannot_be_published_is_told_and_leaves_the_edition_in_force(desk, sent, status, code):
    answer = desk.post("/v1/editions", sent())
    assert (answer.status_code, answer.json.get("type", "").rpartition("/")[2]) == (status, code), answer.text
    assert codes(desk, kind="grid") == [WEST, EAST]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/v1/editions/99", {}, 404), ("/v1/editions/99999999999999", {}, 404), ("/v1/editions/0/move", {}, 404),
        ("/v1/editions/5/fragments", {}, 404), ("/v1/editions", {"limit": 0}, 422),
        ("/v1/editions/areas", {"edition": 9}, 404), ("/v1/editions/areas", {"kind": "a\0"}, 422),
        ("/v1/editions/areas", {"at": "yesterday"}, 422),
        ("/v1/editions/areas", {"at": "0001-01-01T00:00:00+14:00"}, 422),
        ("/v1/editions/areas/moon/lineage", {}, 404), ("/v1/editions/areas/%00/lineage", {}, 404),
        ("/v1/editions/place", {"lon": "nan", "lat": 25}, 422), ("/v1/editions/place", {"lon": 500, "lat": 25}, 422),
        ("/v1/editions/in-force", {"at": "9999-12-31T23:59:59-14:00"}, 422),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_answered_is_told(desk, path, query, status):
    answer = desk.get(path, **query)
    assert answer.status_code == status, answer.text
    assert "title" in answer.json


def test_only_gis_staff_of_the_ground_may_redraw_it(app, redrawn):
    supervisor = Desk.of(app, redrawn, "supervisor", "360725")
    assert supervisor.get("/v1/editions").status_code == 200
    assert supervisor.post("/v1/editions", split_west()).status_code == 403
    assert supervisor.post("/v1/editions/1/restoration").status_code == 403
    assert app.test_client().get("/v1/editions").status_code == 401
    of_east = Desk.of(app, redrawn, "gis", EAST)
    for answer in (
        of_east.post("/v1/editions", split_west()),
        of_east.post("/v1/editions/preview", {"areas": split_west()["areas"]}),
        of_east.post("/v1/editions", sending(retired=[WEST])),
        of_east.post("/v1/editions", sending(feature(THIRD, 114.32, 114.33))),
    ):
        assert answer.status_code == 404, answer.text
    of_community = Desk.of(app, redrawn, "gis", COMMUNITY)
    assert of_community.post("/v1/editions", split_west()).status_code == 201
    assert of_east.post("/v1/editions/1/restoration").status_code == 404


def test_a_plan_is_withdrawn_only_by_staff_of_its_ground(app, redrawn, desk):
    plan = desk.post("/v1/editions", split_west(at=(clock() + dt.timedelta(hours=2)).isoformat())).json
    of_east = Desk.of(app, redrawn, "gis", EAST)
    answer = of_east.client.delete(f"/v1/editions/plans/{plan['id']}", headers={"X-CSRF-Token": of_east.csrf})
    assert answer.status_code == 404
    assert desk.get("/v1/editions/plans").json["plans"][0]["state"] == "waiting"


def test_the_preview_counts_what_would_go_where_and_changes_nothing(desk, redrawn, phone_of):
    west = phone_of("west", login="west-worker")
    phone_of("east", login="east-worker")
    household = put_household(redrawn, IN_WEST, WEST)
    put_household(redrawn, (114.302, 25.685), WEST)
    put_task(redrawn, west.login, household=household)
    put_task(redrawn, west.login, household=household, state="done")
    west.push(west.issue(IN_WEST), west.issue((114.302, 25.685)), west.visit(IN_WEST))
    sent = sending(feature(WEST, 114.30, 114.303), feature(EAST, 114.303, 114.32))
    answer = desk.post("/v1/editions/preview", {"areas": sent["areas"]})
    assert answer.status_code == 200, answer.text
    [pair] = answer.json["pairs"]
    assert (pair["from"]["code"], pair["to"]["code"]) == (WEST, EAST)
    counted = {name: pair[name] for name in ("households", "open_issues", "due_visits", "workers", "devices")}
    assert counted == {"households": 1, "open_issues": 1, "due_visits": 1, "workers": 2, "devices": 2}
    assert (pair["loses"], pair["gains"]) == ([west.login], ["east-worker"])
    assert pair["area_m2"] == pytest.approx(0.007 * 0.01 * 111_320**2 * 0.9, rel=0.02)
    loads = {
        each["login"]: (each["before"]["households"], each["after"]["households"]) for each in answer.json["workers"]
    }
    assert loads == {west.login: (2, 1), "east-worker": (0, 1)}
    [ground] = answer.json["ground"]["features"]
    assert ground["properties"] == pair
    assert codes(desk, kind="grid") == [WEST, EAST]
    assert desk.get("/v1/editions").json["editions"][0]["number"] == 1


def test_the_preview_says_the_same_as_what_comes_to_pass(desk, redrawn, phone_of):
    phone = phone_of("community")
    chance = random.Random(3)
    for _ in range(30):
        put_household(redrawn, (round(chance.uniform(114.30001, 114.30999), 6), 25.685), WEST)
    phone.push(*[phone.issue((round(chance.uniform(114.3101, 114.3199), 6), 25.684)) for _ in range(30)])
    sent = sending(feature(WEST, 114.304, 114.316), feature(THIRD, 114.30, 114.304), feature(EAST, 114.316, 114.32))
    told = desk.post("/v1/editions/preview", {"areas": sent["areas"]}).json
    desk.post("/v1/editions", sent)
    follow(redrawn)
    for kind, table in (("households", "household"), ("open_issues", "issue")):
        counts = dict(
            redrawn.execute(
                text(f"SELECT code, count(*) FROM {table} JOIN area ON area.id = grid_now GROUP BY code")
            ).all()
        )
        assert {each["code"]: each["after"][kind] for each in told["grids"] if each["after"][kind]} == counts
    assert city.id_of(redrawn, "area", THIRD)
