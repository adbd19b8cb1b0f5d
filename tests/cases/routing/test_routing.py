"""Routing on the real database: each issue once, with body, deadline, reasons, history, deliveries and feed."""

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.cases.calendars.calendar import Limit
from server.cases.case import Policy
from server.cases.errors import NoDefaultDesk
from server.cases.routing.service import route_awaiting
from sync.store.feed import grid_channel, person_channel, work_channel
from tests.cases import city
from tests.cases.city import AT_BORDER, EAST, IN_SEA, NOW, WEST, id_of, issue, report, rows
from tests.cases.routing.telling import deliveries, hook, rule


def desk(*codes):
    return {(code, "desk", "dispatched", "delivered") for code in codes}


def test_an_issue_gets_body_deadline_state_and_reasons(session, ground):
    issue_id = report(session)
    routed = route_awaiting(session, NOW, ground)
    after = issue(session, issue_id)
    assert routed.issues == (issue_id,)
    assert (after["state"], after["awaiting_routing"]) == ("dispatched", False)
    assert after["body_id"] == id_of(session, "organisation", "zhujian")
    assert after["due_at"] == NOW + timedelta(hours=2)
    routing = after["routing"]
    assert routing["body"]["code"] == "zhujian"
    assert [each["code"] for each in routing["assisting"]] == ["chengguan"]
    assert (routing["category"], routing["edition"], routing["limit"]) == ("0301", 1, {"value": 2, "unit": "h"})
    assert (routing["decided_at"], routing["deadline"]) == ("2026-11-18T02:00:00Z", "2026-11-18T04:00:00Z")
    assert routing["rule"] is None
    assert [each["code"] for each in routing["reasons"]] == ["category-default", "deadline", "grid"]
    assert routing["margin_m"] > 300


def test_the_revision_moves_and_that_of_the_document_stays(session, ground):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    after = issue(session, issue_id)
    assert (after["rev"], after["doc_rev"], after["changed_at"]) == (2, 1, NOW)


def test_the_history_gets_a_line_made_by_the_server(session, ground):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    [line] = rows(session, "SELECT * FROM operation WHERE record_id = :id", id=issue_id)
    assert (line["device_id"], line["author_id"], line["rev"], line["status"]) == (None, None, 2, "applied")
    assert line["data"] == {"state": "dispatched", "body": "zhujian", "deadline": "2026-11-18T04:00:00Z"}


def test_the_decision_is_kept_with_its_reasons(session, ground):
    issue_id = report(session)
    made = rule(session, category="0301", area=WEST, limit=Limit(1, "h"), tier="street")
    route_awaiting(session, NOW, ground)
    [kept] = rows(session, "SELECT * FROM routing_decision WHERE issue_id = :id", id=issue_id)
    assert (kept["rule_id"], kept["limit_value"], kept["limit_unit"], kept["tier"]) == (made.id, 1, "h", "street")
    assert (kept["edition"], kept["since"], kept["due_at"]) == (1, NOW, NOW + timedelta(hours=1))
    assert [each["code"] for each in kept["reasons"]] == ["rule", "category-rule", "area", "deadline", "grid"]


def test_a_decision_is_never_removed(session, ground):
    report(session)
    route_awaiting(session, NOW, ground)
    with pytest.raises(DBAPIError, match="never deleted"):
        session.execute(text("DELETE FROM routing_decision"))


def test_the_feed_tells_the_grid_the_worker_and_the_desks(session, ground):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    told = {(row["channel"], row["ref"]) for row in rows(session, "SELECT channel, ref FROM feed")}
    grid, worker = id_of(session, "area", WEST), id_of(session, "person", "worker")
    bodies = {work_channel(id_of(session, "organisation", code)) for code in ("zhujian", "chengguan")}
    channels = {grid_channel(grid), person_channel(worker), work_channel(None), *bodies}
    assert told == {(channel, issue_id) for channel in channels}


def test_lead_and_assistants_find_it_at_their_desks_at_once(session, ground):
    issue_id = report(session)
    assert route_awaiting(session, NOW, ground).deliveries == ()
    assert deliveries(session, issue_id) == desk("zhujian", "chengguan")


def test_a_body_with_an_endpoint_gets_a_waiting_webhook_beside_its_desk(session, ground):
    hook(session, "zhujian")
    issue_id = report(session)
    routed = route_awaiting(session, NOW, ground)
    expected = desk("zhujian", "chengguan") | {("zhujian", "webhook", "dispatched", "waiting")}
    assert deliveries(session, issue_id) == expected
    [waiting] = rows(session, "SELECT id, next_attempt_at FROM delivery WHERE channel = 'webhook'")
    assert routed.deliveries == (waiting["id"],)
    assert waiting["next_attempt_at"] == NOW


def test_an_area_rule_applies_in_its_area_and_not_beside_it(session, ground):
    rule(session, area=WEST)
    west, east = report(session), report(session, grid=EAST, at=city.IN_EAST)
    route_awaiting(session, NOW, ground)
    assert issue(session, west)["routing"]["body"]["code"] == "xiaofang"
    assert issue(session, east)["routing"]["body"]["code"] == "zhujian"


def test_a_rule_for_the_community_holds_in_all_its_grids(session, ground):
    rule(session, area="360725100001")
    issue_id = report(session, grid=EAST, at=city.IN_EAST)
    route_awaiting(session, NOW, ground)
    assert issue(session, issue_id)["routing"]["body"]["code"] == "xiaofang"


def test_an_issue_in_no_grid_goes_by_rules_for_the_whole_county(session, ground):
    rule(session, area="360725")
    issue_id = report(session, at=IN_SEA, grid=None)
    route_awaiting(session, NOW, ground)
    routing = issue(session, issue_id)["routing"]
    assert (routing["body"]["code"], routing["margin_m"], routing["neighbour"]) == ("xiaofang", None, None)
    assert "outside" in [each["code"] for each in routing["reasons"]]


def test_near_a_border_the_neighbour_is_named(session, ground):
    issue_id = report(session, at=AT_BORDER)
    route_awaiting(session, NOW, ground)
    routing = issue(session, issue_id)["routing"]
    assert routing["neighbour"] == {"code": EAST, "name": "阳岭第二网格"}
    assert routing["margin_m"] == pytest.approx(10.0, abs=0.3)
    assert routing["reasons"][-1]["code"] == "border"


def test_each_issue_of_a_batch_is_told_its_own_margin_and_neighbour(session, ground):
    places = {
        "far": {},
        "near": {"at": AT_BORDER},
        "edge": {"at": (114.3001, 25.685)},
        "sea": {"at": IN_SEA, "grid": None},
    }
    ids = {name: report(session, **place) for name, place in places.items()}
    assert len(route_awaiting(session, NOW, ground).issues) == len(places)
    told = {name: issue(session, issue_id)["routing"] for name, issue_id in ids.items()}
    assert told["far"]["margin_m"] > 300
    assert told["near"]["margin_m"] == pytest.approx(10.0, abs=0.3)
    assert told["edge"]["margin_m"] < 30
    assert told["sea"]["margin_m"] is None
    assert {name: routing["neighbour"] and routing["neighbour"]["code"] for name, routing in told.items()} == {
        "far": None, "near": EAST, "edge": None, "sea": None,
    }  # fmt: skip


def test_at_the_edge_of_the_city_there_is_a_margin_and_no_neighbour(session, ground):
    issue_id = report(session, at=(114.3001, 25.685))
    route_awaiting(session, NOW, ground)
    routing = issue(session, issue_id)["routing"]
    assert (routing["neighbour"], routing["reasons"][-1]["code"]) == (None, "border")


def test_before_the_first_edition_issues_are_routed_by_category(session):
    issue_id = report(session, grid=None)
    route_awaiting(session, NOW, None)
    routing = issue(session, issue_id)["routing"]
    assert (routing["body"]["code"], routing["edition"]) == ("zhujian", None)


def test_the_clock_can_start_at_the_capture(session, ground):
    issue_id = report(session)
    route_awaiting(session, NOW, ground, policy=Policy(count_from="capture"))
    assert issue(session, issue_id)["due_at"] == NOW - timedelta(hours=4)


@pytest.mark.parametrize(("device", "author", "source"), [(7, True, "worker"), (None, True, "staff")])
def test_rules_know_who_reported(session, ground, device, author, source):
    rule(session, source=source)
    issue_id = report(session)
    session.execute(
        text("""INSERT INTO operation (device_id, author_id, op_id, body_hash, collection, record_id, action, rev,
                                       received_at, status)
                VALUES (:device, :author, :op, '', 'issues', :id, 'put', 1, now(), 'applied')"""),
        {"device": device, "author": 1 if author else None, "op": uuid.uuid4(), "id": issue_id},
    )
    route_awaiting(session, NOW, ground)
    assert issue(session, issue_id)["routing"]["body"]["code"] == "xiaofang"


def test_without_a_default_desk_nothing_is_lost(session, ground):
    session.execute(text("UPDATE category SET default_body = NULL"))
    session.execute(text("UPDATE organisation SET code = 'moved' WHERE code = 'zhihui'"))
    report(session)
    savepoint = session.begin_nested()
    with pytest.raises(NoDefaultDesk):
        route_awaiting(session, NOW, ground)
    savepoint.rollback()
    assert len(rows(session, "SELECT 1 FROM issue WHERE awaiting_routing")) == 1


@pytest.mark.long
def test_hundreds_are_routed_in_as_many_statements_as_one(session, city_engine, ground):
    # Two, since each may be a duplicate of the other.
    for _ in range(2):
        report(session)
    with city.counting(city_engine) as for_two:
        route_awaiting(session, NOW, ground)
    for _ in range(150):
        report(session)
    with city.counting(city_engine) as for_many:
        routed = route_awaiting(session, NOW, ground)
    assert len(routed.issues) == 150
    assert len(for_many) == len(for_two)


def test_a_run_takes_no_more_than_its_limit_and_says_that_there_is_more(session, ground):
    for _ in range(3):
        report(session)
    first = route_awaiting(session, NOW, ground, limit=2)
    second = route_awaiting(session, NOW, ground, limit=2)
    assert (len(first.issues), first.more, len(second.issues), second.more) == (2, True, 1, False)


def test_an_issue_locked_by_somebody_is_left_for_the_next_run(sessions, ground):
    with sessions() as pusher, sessions() as job:
        held, free = report(pusher), report(pusher)
        pusher.commit()
        pusher.execute(text("SELECT 1 FROM issue WHERE id = :id FOR NO KEY UPDATE"), {"id": held})
        assert route_awaiting(job, NOW, ground).issues == (free,)
        job.commit()
        pusher.commit()
        assert route_awaiting(job, NOW, ground).issues == (held,)
        job.commit()


@pytest.mark.long
def test_two_jobs_at_once_route_each_issue_exactly_once(sessions, ground):
    with sessions() as session:
        wanted = {report(session) for _ in range(120)}
        session.commit()
    routed, start = [], threading.Barrier(2)

    def job():
        start.wait()
        idle = 0
        while idle < 3:
            with sessions() as own:
                done = route_awaiting(own, NOW, ground, limit=7).issues
                own.commit()
            routed.extend(done)
            idle = 0 if done else idle + 1

    threads = [threading.Thread(target=job) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions() as session:
        assert sorted(routed) == sorted(wanted)
        assert len(rows(session, "SELECT 1 FROM routing_decision")) == len(wanted)
        assert len(rows(session, "SELECT 1 FROM delivery")) == 2 * len(wanted)
        told = rows(session, "SELECT position, channel % 4 = 3 AS of_work FROM feed ORDER BY position")
        assert [row["position"] for row in told] == list(range(1, len(told) + 1))
        assert sum(not row["of_work"] for row in told) == 2 * len(wanted)
