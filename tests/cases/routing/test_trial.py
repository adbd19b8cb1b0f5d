"""Trials of rules over past cases, and cases decided anew where a rule or a category changed."""

import datetime as dt
import random
from dataclasses import replace

import pytest
from sqlalchemy import text, true
from sqlalchemy.exc import IntegrityError

from server.cases.calendars.calendar import Limit
from server.cases.catalogues.editions import apply, catalogue_at
from server.cases.errors import InvalidRule, RuleTie, UnknownRule
from server.cases.routing import trial
from server.cases.routing.rulebook import Draft, active_rules, listed_rules, retire, save
from server.cases.routing.service import route_awaiting
from server.cases.routing.trial import Changed, mark_changed, try_out
from sync.collections.issues import Issue
from tests.cases.city import EAST, IN_EAST, IN_SEA, IN_WEST, NOW, WEST, counting, issue, report, rows

LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture
def tried(session, ground):
    def run(made=None, without=None, *, days=90, seen=None, now=LATER):
        change = Changed(made, without)
        return try_out(session, change, ground, now, days=days, seen=true() if seen is None else seen)

    return run


@pytest.fixture
def anew(session, ground):
    """Routes what is marked, and tells which body each case has then."""

    def run(*ids):
        route_awaiting(session, LATER, ground, 1000)
        return [body_of(session, each) for each in ids]

    return run


def body_of(session, issue_id):
    return session.scalar(
        text("SELECT code FROM issue JOIN organisation ON organisation.id = body_id WHERE issue.id = :id"),
        {"id": issue_id},
    )


def keep(session, label="规则", lead="chengguan", **more):
    return save(session, Draft(label, lead, **more), author_id=None, now=NOW)


def test_a_trial_says_how_many_would_have_gone_where_and_changes_nothing(session, ground, tried):
    lamp, hole = report(session, "0302"), report(session, "0301", IN_EAST, EAST)
    other = report(session, "0302", IN_EAST, EAST)
    route_awaiting(session, NOW, ground)
    told = tried(Draft("路灯归城管", "chengguan", category="0302", area=WEST))
    assert (told.looked, told.applies, told.elsewhere, told.other_limit, told.cut_off) == (1, 1, 1, 0, False)
    assert [(each.was.code, each.would_be.code, each.count) for each in told.moves] == [("zhujian", "chengguan", 1)]
    [example] = told.examples
    assert (example.id, example.category, example.grid, example.description) == (lamp, "0302", WEST, "井盖缺失")
    assert active_rules(session) == []
    assert {body_of(session, each) for each in (lamp, hole, other)} == {"zhujian"}


def test_a_trial_of_another_limit_alone_is_told_apart(session, ground, tried):
    report(session, "0302")
    route_awaiting(session, NOW, ground)
    told = tried(Draft("快", "zhujian", category="0302", limit=Limit(2, "h")))
    assert (told.applies, told.elsewhere, told.other_limit, told.examples) == (1, 0, 1, ())


def test_a_trial_of_a_retirement_says_what_falls_back(session, ground, tried):
    rule = keep(session, category="0302")
    report(session, "0302")
    route_awaiting(session, NOW, ground)
    told = tried(without=rule.id)
    assert [(each.was.code, each.would_be.code, each.count) for each in told.moves] == [("chengguan", "zhujian", 1)]
    replaced = tried(Draft("另一条", "gongdian", category="0302"), rule.id)
    assert [(each.was.code, each.would_be.code) for each in replaced.moves] == [("chengguan", "gongdian")]


def test_a_trial_tells_no_example_that_may_not_be_seen_but_counts_it(session, ground, tried):
    seen, hidden = report(session, "0302"), report(session, "0302")
    route_awaiting(session, NOW, ground)
    told = tried(Draft("x", "chengguan", category="0302"), seen=Issue.id == seen)
    assert (told.elsewhere, [each.id for each in told.examples]) == (2, [seen])
    assert str(hidden) not in str(told)


def test_only_the_cases_of_the_days_asked_for_are_looked_at(session, ground, tried):
    report(session, "0302")
    route_awaiting(session, NOW, ground)
    assert tried(Draft("x", "chengguan"), days=3, now=NOW + dt.timedelta(days=4)).looked == 0


def test_a_trial_refuses_what_could_not_be_saved(session, tried):
    keep(session, category="0302")
    with pytest.raises(RuleTie):
        tried(Draft("同一条", "zhujian", category="0302"))
    with pytest.raises(InvalidRule):
        tried(Draft("x", "nobody"))
    with pytest.raises(UnknownRule):
        tried(without=404)


@pytest.mark.long
def test_a_trial_counts_what_really_saving_the_rule_would_have_done(session, ground, tried):
    drawn = random.Random(3)
    spots = [(IN_WEST, WEST), (IN_EAST, EAST), (IN_SEA, None)]
    for _ in range(60):
        at, grid = drawn.choice(spots)
        severity = drawn.choice(["low", "normal", "urgent"])
        report(session, drawn.choice(["0301", "0302", "0101", "0601"]), at, grid, severity=severity)
    keep(session, "已有", "xiaofang", category="03", area=EAST)
    route_awaiting(session, NOW, ground, 1000)
    before = {row["id"]: row["body_id"] for row in rows(session, "SELECT id, body_id FROM issue")}
    for more in ({"category": "03"}, {"area": WEST}, {"severity": "urgent"}, {"category": "0302", "area": EAST}, {}):
        draft = Draft("试", "weijian", **more)
        told = tried(draft, now=NOW)
        nested = session.begin_nested()
        save(session, draft, author_id=None, now=NOW)
        session.execute(text("UPDATE issue SET awaiting_routing = true"))
        route_awaiting(session, NOW, ground, 1000)
        after = {row["id"]: row["body_id"] for row in rows(session, "SELECT id, body_id FROM issue")}
        nested.rollback()
        assert told.elsewhere == sum(before[each] != after[each] for each in before), more


@pytest.mark.long
def test_the_statements_of_a_trial_do_not_grow_with_the_cases(session, ground, tried, city_engine):
    counts = []
    for _ in range(2):
        for _ in range(20):
            report(session, "0302")
        route_awaiting(session, NOW, ground)
        with counting(city_engine) as statements:
            tried(Draft("x", "chengguan", category="0302"))
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_new_rule_takes_the_open_cases_that_no_body_has_received_and_no_others(session, ground, anew):
    waiting, received, closed, other = (report(session, "0302") for _ in range(4))
    elsewhere = report(session, "0301")
    route_awaiting(session, NOW, ground)
    for issue_id, state in ((received, "received"), (closed, "closed")):
        session.execute(
            text("""UPDATE issue SET state = :state, closed_at = CASE WHEN :state = 'closed' THEN :now END
                    WHERE id = :id"""),
            {"id": issue_id, "state": state, "now": NOW},
        )
    rule = keep(session, category="0302")
    assert mark_changed(session, ground, LATER, rules=[rule]) == 2
    assert anew(waiting, other) == ["chengguan", "chengguan"]
    assert [body_of(session, each) for each in (received, closed, elsewhere)] == ["zhujian"] * 3


def test_a_rule_that_changes_nothing_has_nothing_decided_anew(session, ground):
    report(session, "0302")
    route_awaiting(session, NOW, ground)
    rule = keep(session, lead="zhujian", category="0302")
    assert mark_changed(session, ground, LATER, rules=[rule]) == 0


def test_a_retired_rule_gives_its_cases_back(session, ground, anew):
    rule = keep(session, category="0302", area=WEST)
    lamp = report(session, "0302")
    route_awaiting(session, NOW, ground)
    retire(session, rule.id, LATER)
    assert mark_changed(session, ground, LATER, rules=[rule]) == 1
    assert anew(lamp) == ["zhujian"]


def test_a_category_with_another_body_has_its_open_cases_decided_anew(session, ground, anew):
    lamp, hole = report(session, "0302"), report(session, "0301")
    route_awaiting(session, NOW, ground)
    found = catalogue_at(session, NOW)["0302"]
    apply(session, [replace(found, own=found.own | {"default_body": "xiaofang"})], since=None, by=None, now=NOW)
    assert mark_changed(session, ground, LATER, categories=["0302"]) == 1
    assert anew(lamp, hole) == ["xiaofang", "zhujian"]


def test_a_category_that_is_retired_leaves_its_open_cases_where_they_are(session, ground):
    lamp = report(session, "0302")
    route_awaiting(session, NOW, ground)
    found = catalogue_at(session, NOW)["0302"]
    apply(session, [replace(found, own=found.own | {"is_active": False})], since=None, by=None, now=NOW)
    mark_changed(session, ground, LATER, categories=["0302"])
    route_awaiting(session, LATER, ground)
    assert issue(session, lamp)["state"] == "dispatched"
    assert body_of(session, lamp) == "zhujian", "the department of its first level"


def test_a_rule_for_a_retired_category_is_refused_and_an_old_one_is_marked(session):
    rule = keep(session, category="0302")
    session.execute(text("UPDATE category SET is_active = false WHERE code = '0302'"))
    assert [(each.id, each.category_retired) for each in listed_rules(session)] == [(rule.id, True)]
    with pytest.raises(InvalidRule, match="category-retired"):
        keep(session, "另一条", category="0302", area=WEST)


def test_a_rule_whose_assistant_is_no_more_is_listed_and_says_so(session):
    rule = keep(session, category="0302", assisting=("shequ",))
    session.execute(text("UPDATE rule SET assisting_ids = '{9999}' WHERE id = :id"), {"id": rule.id})
    [listed] = listed_rules(session)
    assert (listed.draft.assisting, listed.bodies_missing) == ((), 1)


def test_a_body_that_leads_a_rule_cannot_be_taken_away(session):
    keep(session)
    with pytest.raises(IntegrityError, match="fk_rule_lead_body_id"):
        session.execute(text("DELETE FROM organisation WHERE code = 'chengguan'"))


def test_a_trial_looks_at_no_more_than_it_says(session, ground, tried, monkeypatch):
    for _ in range(5):
        report(session, "0302")
    route_awaiting(session, NOW, ground)
    monkeypatch.setattr(trial, "MOST_LOOKED", 3)
    told = tried(Draft("x", "chengguan", category="0302"))
    assert (told.looked, told.cut_off, told.elsewhere) == (3, True, 3)
