"""Saving rules: by the codes that people know, refused with the field's name, and never two for the same cases."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from server.cases.calendars.calendar import Limit
from server.cases.errors import InvalidRule, RuleTie, UnknownRule
from server.cases.routing.rulebook import Draft, active_rules, retire, save
from tests.cases.city import NOW, WEST, id_of, rows


def keep(session, label="规则", lead="zhujian", **more):
    return save(session, Draft(label, lead, **more), author_id=None, now=NOW)


def test_a_rule_is_read_as_it_was_saved(session):
    everything = keep(
        session,
        category="0301",
        area=WEST,
        severity="urgent",
        hours="off",
        source="worker",
        assisting=("xiaofang", "shequ"),
        limit=Limit(3, "wh"),
        tier="street",
    )
    assert active_rules(session) == [everything]
    assert everything.area_id == id_of(session, "area", WEST)


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("lead_body", {"lead": "nobody"}),
        ("assisting", {"assisting": ("nobody",)}),
        ("assisting", {"assisting": ("zhujian",)}),
        ("category", {"category": "9999"}),
        ("area", {"area": "000000"}),
    ],
)
def test_a_code_that_means_nothing_is_refused_by_its_field(session, field, more):
    with pytest.raises(InvalidRule) as caught:
        keep(session, **more)
    assert caught.value.field == field


def test_a_rule_for_the_same_cases_is_refused_and_names_the_other(session):
    first = keep(session, "第一条", category="03")
    with pytest.raises(RuleTie) as caught:
        keep(session, "第二条", lead="chengguan", category="03")
    assert (caught.value.other_id, caught.value.other_label) == (first.id, "第一条")


def test_two_rules_for_everything_tie_too(session):
    keep(session)
    with pytest.raises(RuleTie):
        keep(session, lead="chengguan")


def test_a_retired_rule_makes_room_and_is_kept(session):
    first = keep(session, category="03")
    retire(session, first.id, NOW)
    second = keep(session, category="03")
    assert [each.id for each in active_rules(session)] == [second.id]
    assert rows(session, "SELECT active, retired_at FROM rule WHERE id = :id", id=first.id) == [
        {"active": False, "retired_at": NOW}
    ]


def test_a_rule_that_does_not_exist_cannot_be_retired(session):
    with pytest.raises(UnknownRule):
        retire(session, 404, NOW)


def test_the_database_itself_refuses_a_tie(session):
    keep(session)
    with pytest.raises(IntegrityError, match="uq_rule_no_ties"):
        session.execute(text("INSERT INTO rule (label, lead_body_id) SELECT '另一条', lead_body_id FROM rule"))


def test_a_tie_saved_by_somebody_at_the_same_moment_is_a_tie(sessions):
    with sessions() as first, sessions() as second:
        first.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        assert active_rules(first) == []
        keep(second, category="03")
        second.commit()
        with pytest.raises(RuleTie) as caught:
            keep(first, category="03")
        assert caught.value.other_id is None
