"""What a phone can know of what it wrote, asked for and is: nothing is applied and then seen by nobody."""

import datetime as dt
import hashlib
import uuid

import pytest
from sqlalchemy import text

WEST, EAST = (114.305, 25.685), (114.315, 25.685)


def digest_of(phone, grid=None):
    answer = phone.client.get("/v1/sync/digest", headers=phone.headers).json
    return {each["collection"]: each for each in answer["digests"] if each["grid"] == grid}


def summed(changes):
    lines = "\n".join(f"{change['id']}:{change['rev']}" for change in sorted(changes, key=lambda each: each["id"]))
    return hashlib.md5(lines.encode(), usedforsecurity=False).hexdigest()


def holds_what_the_server_says(phone):
    """Whether every digest agrees with what the phone holds."""
    told = phone.client.get("/v1/sync/digest", headers=phone.headers).json["digests"]
    codes = {each["grid"] for each in told}
    for each in told:
        mine = [
            change
            for change in phone.records(each["collection"]).values()
            if ((change["grid"] or {}).get("code") if (change["grid"] or {}).get("code") in codes else None)
            == each["grid"]
        ]
        assert (each["count"], each["checksum"]) == (len(mine), summed(mine)), each
    return True


def reassigned(session, login, code, since):
    """End what a worker had and begin with another grid."""
    session.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during), :since)
            FROM person WHERE person.id = person_id AND login = :login
        """),
        {"login": login, "since": since},
    )
    session.execute(
        text("""
            INSERT INTO assignment (person_id, role, area_id, during)
            SELECT person.id, 'grid_worker', area.id, tstzrange(:since, NULL)
            FROM person, area WHERE login = :login AND area.code = :code
        """),
        {"login": login, "code": code, "since": since},
    )
    session.commit()


@pytest.mark.long
def test_a_visit_that_names_an_address_alone_is_seen_by_its_author_of_two_grids(phone_of):
    phone, other = phone_of("west", "east"), phone_of("west", "east")
    phone.pull()
    other.pull()
    visit = phone.op("visits", {"outcome": "met", "address_text": "阳岭大道 3 号"})
    (result,) = phone.push(visit)
    assert result["status"] == "applied"
    assert [change["id"] for change in phone.pull()] == [visit["id"]]
    assert visit["id"] in phone.records("visits")
    assert other.pull() == []
    assert digest_of(phone)["visits"]["count"] == 1
    assert holds_what_the_server_says(phone)
    assert holds_what_the_server_says(other)


def test_a_new_phone_of_the_same_worker_is_given_it_too(phone_of):
    phone = phone_of("west", "east", login="two-grids")
    visit = phone.op("visits", {"outcome": "met", "address_text": "阳岭大道 3 号"})
    phone.push(visit)
    again = phone_of(login="two-grids")
    again.pull()
    assert visit["id"] in again.records("visits")
    assert holds_what_the_server_says(again)


def test_a_new_phone_is_told_which_issues_and_visits_its_worker_wrote(phone_of):
    phone, neighbour = phone_of("west", login="own-reports"), phone_of("west")
    report, visit = phone.issue(at=WEST), phone.visit(at=WEST)
    assert [each["status"] for each in phone.push(report, visit)] == ["applied", "applied"]
    again = phone_of(login="own-reports")
    for each in (again, neighbour):
        each.pull()
    for name, record in (("issues", report), ("visits", visit)):
        assert again.records(name)[record["id"]]["mine"] is True
        assert "mine" not in neighbour.records(name)[record["id"]]
        assert "mine" not in again.records(name)[record["id"]]["data"], "what a device may not write is no field"
    assert holds_what_the_server_says(again)


@pytest.mark.long
def test_once_it_is_given_a_place_everybody_of_the_grid_sees_it(phone_of):
    phone, other = phone_of("west", "east"), phone_of("west")
    visit = phone.op("visits", {"outcome": "met", "address_text": "阳岭大道 3 号"})
    phone.push(visit)
    phone.pull()
    phone.push(phone.visit(at=WEST, id=visit["id"], base={"rev": 1}))
    for each in (phone, other):
        each.pull()
        assert visit["id"] in each.records("visits")
        assert holds_what_the_server_says(each)


@pytest.mark.long
def test_what_is_written_when_the_scope_has_just_moved_on_is_followed_by_its_leave(phone_of, session):
    phone = phone_of("west")
    phone.pull()
    now = dt.datetime.now(dt.UTC)
    reassigned(session, phone.login, "360725100001002", now - dt.timedelta(minutes=5))
    phone.pull()
    late = phone.visit(at=WEST, captured_at=now - dt.timedelta(minutes=30))
    (result,) = phone.push(late)
    assert result["status"] == "applied"
    phone.held["visits", late["id"]] = {"id": late["id"], "rev": 1, "grid": None}
    changes = phone.pull()
    assert [(change["id"], change["action"]) for change in changes] == [(late["id"], "leave")]
    assert phone.records("visits") == {}
    assert holds_what_the_server_says(phone)


@pytest.mark.long
def test_what_is_merged_out_of_sight_is_followed_by_its_leave_too(phone_of, session, settle):
    phone, record = phone_of("west"), uuid.uuid4()
    now = dt.datetime.now(dt.UTC)
    captured_at = now - dt.timedelta(minutes=30)
    phone.push(*[phone.visit(at=WEST, id=record, captured_at=captured_at, note=note) for note in ("有", "还有")])
    reassigned(session, phone.login, "360725100001002", now - dt.timedelta(minutes=5))
    phone.pull()
    settle()
    assert (str(record), "leave") in [(change["id"], change["action"]) for change in phone.pull()]
    assert holds_what_the_server_says(phone)


@pytest.fixture
def retired(session):
    """A category that was retired an hour ago."""
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)

    def retire():
        session.execute(text("UPDATE category SET is_active = false WHERE code = '0302'"))
        session.execute(text("UPDATE category SET valid_until = :at WHERE code = '0302'"), {"at": moment})
        session.commit()
        return moment

    yield retire
    session.rollback()
    session.execute(text("UPDATE category SET is_active = true WHERE code = '0302'"))
    session.commit()
    assert session.scalar(text("SELECT valid_until FROM category WHERE code = '0302'")) is None


def test_a_category_is_judged_by_the_catalogue_of_the_capture(phone_of, retired):
    phone = phone_of("west")
    ended = retired()
    before, after, unknown = phone.push(
        phone.issue(category="0302", captured_at=ended - dt.timedelta(minutes=1)),
        phone.issue(category="0302", captured_at=ended + dt.timedelta(minutes=1)),
        phone.issue(category="0399", captured_at=ended - dt.timedelta(minutes=1)),
    )
    assert before["status"] == "applied"
    for each in (after, unknown):
        assert each["error"]["type"] == "/problems/category-unknown"
        assert each["error"]["errors"][0]["field"] == "data.category"


def test_a_whole_edit_of_an_old_issue_may_say_its_retired_category_again(phone_of, retired):
    phone = phone_of("west")
    put, other = phone.issue(category="0302"), phone.issue(category="0301")
    phone.push(put, other)
    retired()
    again, changed = phone.push(
        phone.issue(category="0302", id=put["id"], base={"rev": 1}, description="还在"),
        phone.issue(category="0302", id=other["id"], base={"rev": 1}),
    )
    assert again["status"] == "applied"
    assert changed["error"]["type"] == "/problems/category-unknown"


def status(session, op):
    session.rollback()
    row = session.execute(
        text("SELECT status, problem ->> 'type' FROM operation WHERE op_id = :id"), {"id": op["op_id"]}
    )
    return tuple(row.one())


def test_an_edit_that_waits_for_its_base_may_say_its_retired_category_again(phone_of, retired, settle, session):
    phone = phone_of("west")
    ended = retired()
    old = [phone.issue(category="0302", captured_at=ended - dt.timedelta(minutes=1)) for _ in range(2)]
    again = phone.issue(category="0302", id=old[0]["id"], base={"op_id": old[0]["op_id"]}, description="还在")
    after = phone.issue(category="0301", id=old[1]["id"], base={"op_id": old[1]["op_id"]})
    back = phone.issue(category="0302", id=old[1]["id"], base={"op_id": after["op_id"]})
    assert [result["status"] for result in phone.push(again, back)] == ["held", "held"]
    phone.push(*old, after)
    settle()
    assert status(session, again) == ("merged", None)
    assert status(session, back) == ("quarantined", "/problems/category-unknown")
    docs = {row.id: row.doc for row in session.execute(text("SELECT CAST(id AS text) AS id, doc FROM issue"))}
    assert (docs[old[0]["id"]]["category"], docs[old[0]["id"]]["description"]) == ("0302", "还在")
    assert docs[old[1]["id"]]["category"] == "0301"


def test_an_edit_says_again_what_its_author_saw_though_somebody_changed_it_since(phone_of, retired, settle, session):
    one, two = phone_of("west"), phone_of("west")
    put = one.issue(category="0302")
    one.push(put)
    retired()
    one.push(one.patch("issues", put["id"], {"rev": 1}, category="0301"))
    edit = two.issue(category="0302", id=put["id"], base={"rev": 1}, address_text="东")
    assert [result["status"] for result in two.push(edit)] == ["pending"]
    settle()
    assert status(session, edit)[0] in ("merged", "review")
    assert session.scalar(text("SELECT doc ->> 'address_text' FROM issue")) == "东"


def test_what_waits_is_judged_by_the_catalogue_of_its_capture_as_it_stands_when_it_is_merged(
    phone_of, retired, settle, session
):
    phone, now = phone_of("west"), dt.datetime.now(dt.UTC)
    puts = [phone.issue(category="0301") for _ in range(2)]
    phone.push(*puts)
    before, after = (
        phone.issue(category="0302", id=put["id"], captured_at=now - dt.timedelta(minutes=minutes))
        for put, minutes in zip(puts, (90, 30), strict=True)
    )
    assert [result["status"] for result in phone.push(before, after)] == ["pending", "pending"]
    # The catalogue is told only now that the category ended an hour ago.
    retired()
    settle()
    assert status(session, before)[0] in ("merged", "review")
    assert status(session, after) == ("quarantined", "/problems/category-unknown")


def test_a_category_is_retired_at_the_moment_it_is_put_out_of_use(session):
    session.execute(text("UPDATE category SET is_active = false WHERE code = '0303'"))
    assert session.scalar(text("SELECT valid_until = now() FROM category WHERE code = '0303'"))
    session.rollback()


@pytest.mark.long
def test_collections_that_are_asked_for_later_are_brought_in_full(phone_of):
    phone, other = phone_of("west"), phone_of("west")
    issues = [other.issue() for _ in range(3)]
    visits = [other.visit() for _ in range(5)]
    other.push(*issues, *visits)
    phone.pull(collections="issues,grids")
    assert phone.records("visits") == {}
    late = other.issue()
    other.push(late)
    changes = phone.pull(collections="issues,visits,grids", limit=2)
    assert {change["id"] for change in changes if change["collection"] == "visits"} == {each["id"] for each in visits}
    assert late["id"] in phone.records("issues")
    assert len(phone.records("issues")) == 4
    assert phone.pull(collections="issues,visits,grids") == []
    # Narrower, and then wider again: what changed meanwhile is brought.
    more = other.visit()
    phone.pull(collections="issues")
    other.push(more)
    phone.pull(collections="issues")
    assert more["id"] not in phone.records("visits")
    phone.pull()
    assert more["id"] in phone.records("visits")
    assert holds_what_the_server_says(phone)


@pytest.mark.long
def test_a_scope_that_moves_while_collections_are_brought_loses_nothing(phone_of, session):
    phone, west, east = phone_of("west"), phone_of("west"), phone_of("east")
    west.push(*[west.visit(at=WEST) for _ in range(4)], west.issue(at=WEST))
    east.push(*[east.visit(at=EAST) for _ in range(4)], east.issue(at=EAST))
    phone.pull(collections="issues,grids")
    page = phone.page(collections="issues,visits,grids", limit=2)
    phone.take(page)
    assert page["has_more"]
    reassigned(session, phone.login, "360725100001002", dt.datetime.now(dt.UTC))
    phone.pull(collections="issues,visits,grids", limit=2)
    places = {change["grid"]["code"] for change in phone.records("visits").values()}
    assert places == {"360725100001002"}
    phone.pull()
    assert holds_what_the_server_says(phone)


def test_an_updated_app_says_so_and_what_it_leaves_out_stays(phone_of, session):
    phone = phone_of("west")
    change = {"app_version": "2.1.0", "public_info": {"model": "P9"}}
    assert phone.client.patch("/v1/devices/self", json=change, headers=phone.headers).status_code == 204
    row = session.execute(text("SELECT name, platform, app_version, public_info FROM device ORDER BY id DESC LIMIT 1"))
    assert tuple(row.one()) == ("p", "test", "2.1.0", {"model": "P9"})
    assert phone.client.patch("/v1/devices/self", json={"app_version": "3"}).status_code == 401
    answer = phone.client.patch("/v1/devices/self", json={"app_verison": "3"}, headers=phone.headers)
    assert answer.json["errors"][0]["field"].endswith("app_verison")


@pytest.mark.long
@pytest.mark.parametrize("size", [9_000, 3_000_000])
def test_what_a_phone_says_of_itself_has_a_limit(phone_of, size):
    phone = phone_of("west")
    told = {"public_info": {"x": "y" * size}}
    answers = [
        phone.client.patch("/v1/devices/self", json=told, headers=phone.headers),
        phone.client.post(
            "/v1/devices", json={"code": "x", "device": {"name": "p", "platform": "t", "app_version": "1", **told}}
        ),
    ]
    for answer in answers:
        assert answer.status_code in (413, 422)
        if answer.status_code == 422:
            assert "public_info" in answer.json["errors"][0]["field"]
