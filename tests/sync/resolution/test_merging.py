"""Conflicts through push, the settling of what waits, and what the phones hear of it."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from tests.sync.conftest import LATER


@pytest.fixture
def shared(phone_of):
    """Two phones of one grid, and an issue that both have at revision 1."""
    one, two = phone_of("west"), phone_of("west")
    put = one.issue(description="井盖", severity="low", photos=[], tags=["a", "b"])
    one.push(put)
    two.pull()
    one.pull()
    return one, two, put["id"]


def issue(session):
    return session.execute(text("SELECT rev, doc, deleted_at, awaiting_routing FROM issue")).one()


def test_fields_that_one_side_changed_are_taken_from_that_side(shared, settle, session):
    one, two, issue_id = shared
    one.push(one.patch("issues", issue_id, {"rev": 1}, severity="urgent"))
    two.push(two.patch("issues", issue_id, {"rev": 1}, address_text="阳岭大道 1 号"))
    assert settle().operations == 1
    merged = issue(session)
    assert merged.rev == 3
    assert (merged.doc["severity"], merged.doc["address_text"]) == ("urgent", "阳岭大道 1 号")


def test_both_texts_are_kept_with_author_and_time(shared, settle, session):
    one, two, issue_id = shared
    one.push(one.patch("issues", issue_id, {"rev": 1}, description="井盖破了"))
    two.push(two.patch("issues", issue_id, {"rev": 1}, description="井盖缺失"))
    settle()
    told = issue(session).doc["description"]
    assert told.startswith("井盖")
    assert "破了" in told
    assert "缺失" in told
    assert one.login in told
    assert two.login in told


@pytest.mark.long
def test_sets_are_united_and_removals_kept(shared, settle, session):
    one, two, issue_id = shared
    one.push(one.patch("issues", issue_id, {"rev": 1}, tags=["b", "c"]))
    two.push(two.patch("issues", issue_id, {"rev": 1}, tags=["a", "b", "d"]))
    settle()
    assert set(issue(session).doc["tags"]) == {"b", "c", "d"}


@pytest.mark.long
def test_the_later_capture_wins_whatever_arrives_first(shared, settle, session):
    one, two, issue_id = shared
    now = dt.datetime.now(dt.UTC)
    late = one.op("issues", {"address_text": "late"}, action="patch", id=issue_id, base={"rev": 1}, captured_at=now)
    early = two.op(
        "issues", {"address_text": "early"}, action="patch", id=issue_id, base={"rev": 1},
        captured_at=now - dt.timedelta(minutes=5),
    )  # fmt: skip
    one.push(late)
    two.push(early)
    settle()
    assert issue(session).doc["address_text"] == "late"


@pytest.mark.long
def test_a_wrong_clock_wins_nothing(shared, settle, session):
    one, two, issue_id = shared
    now = dt.datetime.now(dt.UTC)
    one.push(one.op("issues", {"address_text": "now"}, action="patch", id=issue_id, base={"rev": 1}, captured_at=now))
    ahead = now + dt.timedelta(days=3)
    before = ahead - dt.timedelta(minutes=30)
    two.push(
        two.op("issues", {"address_text": "old"}, action="patch", id=issue_id, base={"rev": 1}, captured_at=before),
        sent_at=ahead,
    )
    settle()
    assert issue(session).doc["address_text"] == "now"


def test_a_category_that_two_changed_goes_to_review_and_the_earlier_stands(shared, settle, session):
    one, two, issue_id = shared
    now = dt.datetime.now(dt.UTC)
    one.push(
        one.op("issues", {"category": "0302"}, action="patch", id=issue_id, base={"rev": 1},
               captured_at=now - dt.timedelta(minutes=9))
    )  # fmt: skip
    two.push(two.op("issues", {"category": "0303"}, action="patch", id=issue_id, base={"rev": 1}, captured_at=now))
    settle()
    assert issue(session).doc["category"] == "0302"
    row = session.execute(text("SELECT kind, field, standing, offered, base FROM conflict")).one()
    assert (row.kind, row.field) == ("field", "category")
    assert (row.standing["value"], row.offered["value"], row.base["value"]) == ("0302", "0303", "0301")
    assert (row.standing["author"], row.offered["author"]) == (one.login, two.login)
    two.pull()
    assert [(told["status"], told["fields"]) for told in two.outcomes] == [("review", {"category": "review"})]


def test_an_edit_of_a_deleted_record_keeps_it_alive_and_is_reviewed(shared, settle, session):
    one, two, issue_id = shared
    one.push(one.op("issues", action="delete", id=issue_id, base={"rev": 1}))
    assert issue(session).deleted_at is not None
    two.push(two.patch("issues", issue_id, {"rev": 1}, severity="urgent"))
    settle()
    assert issue(session).deleted_at is None
    assert session.scalar(text("SELECT kind FROM conflict")) == "delete"


def test_a_late_delete_of_an_edited_record_leaves_it_alive(shared, settle, session):
    one, two, issue_id = shared
    two.push(two.patch("issues", issue_id, {"rev": 1}, severity="urgent"))
    one.push(one.op("issues", action="delete", id=issue_id, base={"rev": 1}))
    settle()
    assert issue(session).deleted_at is None
    assert session.scalar(text("SELECT count(*) FROM conflict WHERE kind = 'delete'")) == 1


@pytest.mark.long
def test_a_held_operation_goes_on_when_its_base_arrives(phone_of, settle, session):
    phone = phone_of("west")
    put = phone.issue()
    patch = phone.patch("issues", put["id"], {"op_id": put["op_id"]}, severity="urgent")
    assert phone.push(patch)[0]["status"] == "held"
    assert settle().operations == 0
    phone.push(put)
    assert settle().operations == 1
    assert issue(session).doc["severity"] == "urgent"
    phone.pull()
    assert [told["status"] for told in phone.outcomes] == ["merged"]


@pytest.mark.long
def test_a_held_operation_is_forced_after_its_time(shared, settle, session):
    one, _two, issue_id = shared
    one.push(one.patch("issues", issue_id, {"op_id": str(uuid.uuid4())}, severity="urgent"))
    assert settle().operations == 0
    assert settle(after=LATER + dt.timedelta(minutes=1)).operations == 1
    assert issue(session).doc["severity"] == "urgent"


@pytest.mark.long
def test_what_was_held_for_a_record_that_never_came_is_quarantined(phone_of, settle, session):
    phone = phone_of("west")
    phone.push(phone.patch("issues", str(uuid.uuid4()), {"rev": 4}, severity="urgent"))
    settle(after=LATER + dt.timedelta(minutes=1))
    assert session.scalar(text("SELECT status FROM operation")) == "quarantined"
    phone.pull()
    assert [told["status"] for told in phone.outcomes] == ["quarantined"]


@pytest.mark.long
def test_settling_twice_changes_nothing(shared, settle, session):
    one, two, issue_id = shared
    one.push(one.patch("issues", issue_id, {"rev": 1}, severity="urgent"))
    two.push(two.patch("issues", issue_id, {"rev": 1}, severity="normal"))
    settle()
    before = issue(session)
    assert settle().operations == 0
    assert issue(session) == before


def test_server_fields_that_moved_are_no_conflict(shared, session):
    one, _two, issue_id = shared
    session.execute(text("UPDATE issue SET rev = rev + 1, state = 'dispatched'"))
    session.commit()
    (result,) = one.push(one.patch("issues", issue_id, {"rev": 1}, severity="urgent"))
    assert (result["status"], result["rev"]) == ("applied", 3)


@pytest.mark.long
def test_two_records_under_one_id_become_one(phone_of, settle, session):
    one, two = phone_of("west"), phone_of("west")
    taken = uuid.uuid4()
    one.push(one.issue(id=taken, tags=["one"]))
    two.push(two.issue(id=taken, tags=["two"]))
    settle()
    assert sorted(issue(session).doc["tags"]) == ["one", "two"]


@pytest.mark.long
def test_many_held_operations_do_not_stand_in_the_way_of_what_can_go_on(shared, settle, session):
    one, two, issue_id = shared
    one.push(*[one.patch("issues", str(uuid.uuid4()), {"rev": 3}, severity="low") for _ in range(30)])
    one.push(one.patch("issues", issue_id, {"rev": 1}, severity="urgent"))
    two.push(two.patch("issues", issue_id, {"rev": 1}, address_text="东"))
    put = two.issue()
    two.push(two.patch("issues", put["id"], {"op_id": put["op_id"]}, severity="urgent"))
    two.push(put)
    for _ in range(3):
        settle(limit=2)
    statuses = session.execute(text("SELECT status, count(*) FROM operation GROUP BY status")).all()
    assert dict(map(tuple, statuses)) == {"applied": 3, "merged": 2, "held": 30}
