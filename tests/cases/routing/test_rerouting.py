"""What becomes of a case that changes after it was routed: who is told again, and who is left alone."""

import json
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from server.cases.calendars.calendar import Limit
from server.cases.routing.service import route_awaiting
from tests.cases import city
from tests.cases.city import EAST, NOW, id_of, issue, report, rows
from tests.cases.routing.telling import LATER, change, deliveries, hook, rule


def test_what_has_been_routed_is_not_routed_again(session, ground):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    assert route_awaiting(session, LATER, ground).issues == ()
    assert issue(session, issue_id)["rev"] == 2


def test_a_deleted_issue_is_not_routed(session, ground):
    issue_id = report(session)
    session.execute(text("UPDATE issue SET deleted_at = now() WHERE id = :id"), {"id": issue_id})
    assert route_awaiting(session, NOW, ground).issues == ()


@pytest.mark.parametrize("state", ["closed", "void", "refused", "merged", "settled", "done", "checked"])
def test_a_finished_case_is_never_routed_anew(session, ground, state):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    session.execute(text("UPDATE issue SET state = :state WHERE id = :id"), {"id": issue_id, "state": state})
    change(session, issue_id, category="0101")
    before = issue(session, issue_id)
    assert route_awaiting(session, LATER, ground).issues == ()
    assert issue(session, issue_id) == before | {"awaiting_routing": False}


def test_another_category_gets_another_body_and_both_decisions_are_kept(session, ground):
    hook(session, "zhujian")
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    change(session, issue_id, category="0101")
    route_awaiting(session, LATER, ground)
    after = issue(session, issue_id)
    assert (after["routing"]["body"]["code"], after["state"]) == ("chengguan", "dispatched")
    assert len(rows(session, "SELECT 1 FROM routing_decision")) == 2
    # The new lead assisted before, so it is told that it leads now; the old one that it has the case no longer.
    codes = [
        (row["code"], row["kind"])
        for row in rows(
            session,
            """SELECT code, delivery.kind FROM delivery JOIN organisation ON organisation.id = organisation_id
           WHERE decision_id = (SELECT max(id) FROM routing_decision) ORDER BY code""",
        )
    ]
    assert codes == [("chengguan", "dispatched"), ("zhujian", "withdrawn")]


def test_the_same_body_and_deadline_tell_nobody_anything_new(session, ground):
    hook(session, "zhujian")
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    before = deliveries(session, issue_id)
    session.execute(
        text("UPDATE issue SET grid_now = :grid WHERE id = :id"), {"id": issue_id, "grid": id_of(session, "area", EAST)}
    )
    routed = route_awaiting(session, LATER, ground)
    after = issue(session, issue_id)
    assert (routed.issues, routed.deliveries) == ((issue_id,), ())
    assert deliveries(session, issue_id) == before
    assert after["due_at"] == NOW + timedelta(hours=2)
    assert "deadline-kept" in [each["code"] for each in after["routing"]["reasons"]]
    assert len(rows(session, "SELECT 1 FROM routing_decision")) == 2


REWRITTEN = {
    "description": "另一处",
    "address_text": "另一处",
    "location": {"lon": city.IN_WEST[0], "lat": city.IN_WEST[1], "accuracy_m": 5.0},
    "photos": [str(uuid.uuid4())],
}


def rewrite(session, issue_id, field, also=""):
    session.execute(
        text(f"UPDATE issue SET doc = doc || CAST(:new AS jsonb) {also} WHERE id = :id"),
        {"new": json.dumps({field: REWRITTEN[field]}), "id": issue_id},
    )


@pytest.mark.parametrize("field", REWRITTEN)
def test_bodies_are_told_again_when_what_they_were_sent_for_is_rewritten(session, ground, field):
    hook(session, "zhujian")
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    rewrite(session, issue_id, field)
    assert len(route_awaiting(session, LATER, ground).deliveries) == 1
    assert not issue(session, issue_id)["must_tell"]
    assert route_awaiting(session, LATER, ground).issues == ()


@pytest.mark.parametrize("field", REWRITTEN)
def test_nobody_is_told_of_a_rewriting_who_does_not_have_the_case(session, ground, field):
    """It waits for its first body, is given to another with the same words, or is closed."""
    waiting, given, closed = (report(session) for _ in range(3))
    rewrite(session, waiting, field)
    assert not issue(session, waiting)["must_tell"]
    route_awaiting(session, NOW, ground)
    rewrite(session, given, field, ", body_id = (SELECT id FROM organisation WHERE code = 'xiaofang')")
    session.execute(text("UPDATE issue SET state = 'closed', closed_at = now() WHERE id = :id"), {"id": closed})
    rewrite(session, closed, field)
    for each in (given, closed):
        assert not issue(session, each)["must_tell"]


def test_what_was_closed_is_told_to_nobody_when_it_is_deleted_and_there_again(session, ground):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    session.execute(text("UPDATE issue SET state = 'closed', closed_at = now() WHERE id = :id"), {"id": issue_id})
    for deleted in ("now()", "NULL"):
        session.execute(text(f"UPDATE issue SET deleted_at = {deleted} WHERE id = :id"), {"id": issue_id})
        assert not issue(session, issue_id)["must_tell"]


def test_bodies_are_told_of_a_deletion_and_again_when_it_is_there_again(session, ground):
    hook(session, "zhujian")
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    session.execute(text("UPDATE issue SET deleted_at = now() WHERE id = :id"), {"id": issue_id})
    assert len(route_awaiting(session, LATER, ground).deliveries) == 1
    assert ("zhujian", "webhook", "withdrawn", "waiting") in deliveries(session, issue_id)
    assert issue(session, issue_id)["body_id"] is None
    assert route_awaiting(session, LATER, ground).deliveries == ()
    session.execute(text("UPDATE issue SET deleted_at = NULL WHERE id = :id"), {"id": issue_id})
    assert route_awaiting(session, LATER, ground).issues == (issue_id,)
    assert issue(session, issue_id)["state"] == "dispatched"


def test_a_shorter_limit_for_the_same_body_is_told_to_everybody_again(session, ground):
    rule(session, "zhujian", severity="urgent", limit=Limit(1, "h"))
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    change(session, issue_id, severity="urgent")
    route_awaiting(session, LATER, ground)
    assert issue(session, issue_id)["due_at"] == LATER + timedelta(hours=1)
    assert len(rows(session, "SELECT 1 FROM delivery")) == 4


def test_an_extension_granted_meanwhile_stands(session, ground):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    extended = NOW + timedelta(days=3)
    session.execute(
        text("UPDATE issue SET due_at = :due, state = 'extended', awaiting_routing = true WHERE id = :id"),
        {"id": issue_id, "due": extended},
    )
    route_awaiting(session, LATER, ground)
    after = issue(session, issue_id)
    assert (after["due_at"], after["state"]) == (extended, "extended")


def test_work_begun_by_one_body_begins_anew_with_another(session, ground):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    session.execute(text("UPDATE issue SET state = 'in_progress' WHERE id = :id"), {"id": issue_id})
    change(session, issue_id, category="0101")
    route_awaiting(session, LATER, ground)
    assert issue(session, issue_id)["state"] == "dispatched"
