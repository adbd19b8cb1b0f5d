"""Who may do what to which record: asked at push, when what waited takes effect, and when staff release.

Each attack is one that a phone of a worker, or a member of staff, could try; none takes effect, and none is lost.
"""

import datetime as dt
import uuid

import pytest

from tests.cases import city
from tests.cases.city import IN_EAST, IN_WEST
from tests.sync.access.ruling import (
    assign,
    days_ago,
    end_all,
    owned,
    put_task,
    reason,
    rows,
    settle,
    settling,
    status_of,
    whole,
)
from tests.sync.redrawing import redraw, redrawn, strip

__all__ = ["assign", "owned", "redrawn", "settle", "settling"]


def attacks(thief, theirs):
    """Everything that somebody of another grid could send at an issue, a visit, a task and a household of others."""
    issue, visit, task, household = theirs
    yield thief.issue(id=issue, at=IN_WEST, description="mine")
    yield thief.issue(id=issue, at=IN_EAST)
    yield thief.patch("issues", issue, {"rev": 1}, description="mine")
    yield thief.patch("issues", issue, {"rev": 1}, location={"lon": IN_WEST[0], "lat": IN_WEST[1]})
    yield thief.patch("issues", issue, {"rev": 1}, private=False)
    yield thief.patch("issues", issue, {"rev": 1}, category="0301")
    yield thief.op("issues", action="delete", id=issue, base={"rev": 1})
    yield thief.op("issues", action="delete", id=issue, base=None)
    yield thief.patch("issues", issue, {"rev": 99}, severity="low")
    yield thief.patch("issues", issue, {"op_id": str(uuid.uuid4())}, severity="low")
    yield thief.visit(id=visit, at=IN_WEST, note="mine")
    yield thief.visit(id=visit, at=IN_EAST, note="mine")
    yield thief.op("visits", action="delete", id=visit, base={"rev": 1})
    yield thief.patch("visits", visit, {"rev": 1}, note="mine")
    yield thief.patch("tasks", task, {"rev": 1}, state="done")
    yield thief.op("tasks", {"state": "done"}, id=task)
    yield thief.op("tasks", {"state": "done"})
    yield thief.patch("households", household, {"rev": 1}, needs=["x"])
    yield thief.op("households", {"building": "x"}, id=household)
    yield thief.op("households", action="delete", id=household, base={"rev": 1})
    yield thief.op("attachments", {}, id=uuid.uuid4())


@pytest.mark.long
@pytest.mark.parametrize("together", [True, False])
def test_nothing_that_a_worker_of_another_grid_sends_changes_a_record(owned, phone_of, settle, session, together):
    _, theirs = owned
    thief, before = phone_of("west"), whole(session)
    ops = list(attacks(thief, theirs))
    for batch in [ops] if together else [[op] for op in ops]:
        thief.push(*batch)
    while settle().operations:
        pass
    settle(after=dt.timedelta(hours=25))
    assert whole(session) == before
    for op in ops:
        status, why = status_of(session, op)
        assert status == "quarantined", op
        assert why, op
    thief.pull()
    assert not thief.records("issues")


def test_a_put_upon_a_foreign_record_is_refused_with_the_reason_and_its_neighbours_go_on(owned, phone_of):
    _, (issue, *_) = owned
    thief = phone_of("west")
    first, taken, last = thief.push(thief.visit(), thief.issue(id=issue), thief.issue())
    assert (first["status"], last["status"]) == ("applied", "applied")
    assert reason(taken) == ("quarantined", "record-outside-your-areas")
    assert taken["error"]["errors"][0]["message"] != "record-outside-your-areas"


def test_what_builds_on_a_refused_put_waits_and_ends_in_quarantine(owned, phone_of, settle, session):
    _, (issue, *_) = owned
    thief, before = phone_of("west"), whole(session)
    put = thief.issue(id=issue)
    patch = thief.patch("issues", issue, {"op_id": put["op_id"]}, severity="low")
    thief.push(put, patch)
    settle(after=dt.timedelta(hours=25))
    assert status_of(session, patch) == ("quarantined", "record-outside-your-areas")
    assert whole(session) == before


def test_what_waits_is_judged_by_the_rights_of_the_moment_when_it_takes_effect(phone_of, settle, session):
    one, two = phone_of("west"), phone_of("west")
    put = one.issue()
    one.push(put)
    one.push(one.patch("issues", put["id"], {"rev": 1}, address_text="东"))
    late = two.patch("issues", put["id"], {"rev": 1}, severity="urgent")
    assert two.push(late)[0]["status"] == "pending"
    end_all(session, two.login)
    settle()
    assert status_of(session, late) == ("quarantined", "not-assigned-now")
    assert "severity" not in rows(session, "issue")[uuid.UUID(put["id"])].doc
    two.pull()
    assert [(told["status"], told["error"]["type"]) for told in two.outcomes] == [
        ("quarantined", "/problems/not-assigned-now")
    ]


def test_a_forced_operation_is_judged_too(phone_of, settle, session):
    one, two = phone_of("west"), phone_of("west")
    put = one.issue()
    one.push(put)
    held = two.patch("issues", put["id"], {"op_id": str(uuid.uuid4())}, severity="urgent")
    assert two.push(held)[0]["status"] == "held"
    end_all(session, two.login)
    settle(after=dt.timedelta(hours=25))
    assert status_of(session, held) == ("quarantined", "not-assigned-now")


def test_a_moved_worker_with_an_old_clock_changes_nothing_that_was_theirs_to_change(phone_of, assign, session):
    stayed, moved = phone_of("west"), phone_of()
    assign(moved.login, "grid_worker", city.WEST, since=100, until=20)
    assign(moved.login, "grid_worker", city.EAST, since=20)
    put = stayed.issue()
    stayed.push(put)
    long_ago = days_ago(42)
    (patched,) = moved.push(
        moved.op("issues", {"severity": "low"}, action="patch", id=put["id"], base={"rev": 1}, captured_at=long_ago)
    )
    (deleted,) = moved.push(moved.op("issues", action="delete", id=put["id"], base={"rev": 1}, captured_at=long_ago))
    assert reason(patched) == reason(deleted) == ("quarantined", "record-outside-your-areas")


@pytest.mark.parametrize(("ended", "taken"), [(1, True), (29, True), (31, False)])
def test_new_visits_of_an_assignment_are_taken_for_thirty_days_after_it_ended(phone_of, assign, ended, taken):
    phone = phone_of()
    assign(phone.login, "grid_worker", city.WEST, since=100, until=ended)
    (result,) = phone.push(phone.visit(captured_at=days_ago(ended + 5)))
    assert reason(result) == (("applied", "") if taken else ("quarantined", "outside-your-areas"))


def test_a_visit_of_before_the_assignment_is_not_taken(phone_of, assign):
    phone = phone_of()
    assign(phone.login, "grid_worker", city.WEST, since=10)
    assert reason(phone.push(phone.visit(captured_at=days_ago(11)))[0]) == ("quarantined", "outside-your-areas")


def test_a_visit_that_names_no_place_needs_an_assignment_of_its_time_too(phone_of, assign):
    phone = phone_of()
    assign(phone.login, "grid_worker", city.WEST, since=10)
    early, timely = phone.visit(captured_at=days_ago(11)), phone.visit(captured_at=days_ago(9))
    for each in (early, timely):
        del each["data"]["location"]
        each["data"]["address_text"] = "一号"
    assert [reason(each) for each in phone.push(early, timely)] == [
        ("quarantined", "outside-your-areas"), ("applied", ""),
    ]  # fmt: skip


@pytest.mark.long
def test_a_visit_is_its_authors_alone_though_others_work_in_its_grid(phone_of, session):
    author, colleague = phone_of("west"), phone_of("west")
    visit = author.visit(note="家访")
    author.push(visit)
    (taken,) = colleague.push(colleague.visit(id=visit["id"], base={"rev": 1}, note="占"))
    assert reason(taken) == ("quarantined", "record-of-another")
    assert rows(session, "visit")[uuid.UUID(visit["id"])].doc["note"] == "家访"


def test_who_stands_at_the_border_of_their_grid_is_not_punished_by_the_gps(phone_of):
    phone = phone_of("west")
    near, far = phone.visit((114.3101, 25.685)), phone.visit((114.3101, 25.685))
    near["data"]["location"]["accuracy_m"] = 30.0
    far["data"]["location"]["accuracy_m"] = 3.0
    assert [each["status"] for each in phone.push(near, far)] == ["applied", "quarantined"]


def test_what_was_captured_in_a_grid_that_is_no_more_was_in_its_community_then(phone_of, redrawn):
    phone = phone_of("community")
    visit = phone.visit(IN_EAST)
    redraw(redrawn, strip(city.WEST, 114.30, 114.32), retired=[city.EAST])
    assert phone.push(visit)[0]["status"] == "applied"
    assert rows(redrawn, "visit")[uuid.UUID(visit["id"])].grid_now == city.id_of(redrawn, "area", city.WEST)


def test_a_task_is_its_workers_wherever_it_lies_and_nobody_elses_there(phone_of, session):
    worker, there = phone_of("west"), phone_of("east")
    task = str(put_task(session, worker.login, grid=city.EAST))
    (foreign,) = there.push(there.patch("tasks", task, {"rev": 1}, state="done"))
    (own,) = worker.push(worker.patch("tasks", task, {"rev": 1}, state="done"))
    assert reason(foreign) == ("quarantined", "record-outside-your-areas")
    assert own["status"] == "applied"


def test_ones_own_visit_is_not_moved_to_where_one_does_not_work(phone_of, session):
    phone = phone_of("west")
    visit = phone.visit()
    phone.push(visit)
    moved, stays = phone.push(
        phone.visit(IN_EAST, id=visit["id"], base={"rev": 1}),
        phone.visit(IN_WEST, id=visit["id"], base={"rev": 1}, note="改"),
    )
    assert reason(moved) == ("quarantined", "outside-your-areas")
    assert stays["status"] == "applied"
    row = rows(session, "visit")[uuid.UUID(visit["id"])]
    assert (row.grid_now, row.doc["note"]) == (city.id_of(session, "area", city.WEST), "改")


@pytest.mark.long
@pytest.mark.parametrize("role", ["supervisor", "auditor", "gis", "dispatcher", "admin", "checker"])
def test_no_other_role_lets_a_phone_write_or_see(phone_of, assign, role):
    worker, other = phone_of("west"), phone_of()
    assign(other.login, role, "360725")
    put = worker.issue()
    worker.push(put)
    patched, visited, reported = other.push(
        other.patch("issues", put["id"], {"rev": 1}, severity="low"), other.visit(), other.issue()
    )
    assert [each["status"] for each in (patched, visited, reported)] == ["quarantined"] * 3
    other.pull()
    assert not other.held


def test_somebody_without_a_role_today_changes_not_even_their_own(phone_of, session):
    phone = phone_of("west")
    put = phone.issue()
    phone.push(put)
    end_all(session, phone.login)
    changed, new = phone.push(
        phone.patch("issues", put["id"], {"rev": 1}, severity="low"), phone.issue(captured_at=days_ago(1))
    )
    assert reason(changed) == ("quarantined", "not-assigned-now")
    assert new["status"] == "applied"


@pytest.mark.long
def test_an_issue_of_others_is_not_pulled_into_ones_own_grid(phone_of, session):
    east, west = phone_of("east"), phone_of("west")
    put = east.issue(IN_EAST)
    east.push(put)
    here = {"lon": IN_WEST[0], "lat": IN_WEST[1]}
    (result,) = west.push(west.patch("issues", put["id"], {"rev": 1}, location=here))
    assert result["status"] == "quarantined"
    (out,) = east.push(east.patch("issues", put["id"], {"rev": 1}, location={"lon": 0, "lat": 0}))
    assert reason(out) == ("quarantined", "outside-city")
    assert rows(session, "issue")[uuid.UUID(put["id"])].grid_now == city.id_of(session, "area", city.EAST)
