"""The catalogue over time: changed from now or from a later moment, and always told as it was."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from server.cases.catalogue import read_terms
from server.cases.catalogues.editions import (
    apply,
    catalogue_at,
    conditions_at,
    edition_of,
    is_due,
    planned_from,
    settle_due,
    versions_of,
)
from server.cases.errors import InvalidCatalogueFile
from tests.cases.city import WEST, rows

T0 = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
T1, T2, T3 = (T0 + dt.timedelta(days=days) for days in (10, 20, 30))
BIG = {
    "number": 2, "name_zh": "十平方米以上", "name_en": "Over ten square metres", "limit_value": 20,
    "limit_unit": "wd", "close_when": "", "close_when_en": "",
}  # fmt: skip
NEW = BIG | {"number": 1, "name_zh": "正在搭建", "name_en": "Being built", "limit_value": 4, "limit_unit": "wh"}
NIGHT = {"area": WEST, "hours": "22:00-06:00", "reason_zh": "夜间请拨 110", "reason_en": "At night call 110"}


@pytest.fixture
def entry(session):
    def changed(code="0302", *, conditions=None, bans=None, at=T0, **own):
        found = catalogue_at(session, at)[code]
        return replace(
            found,
            own={**found.own, **own},
            conditions=found.conditions if conditions is None else tuple(conditions),
            bans=found.bans if bans is None else tuple(bans),
        )

    return changed


def limit_at(session, at, code="0302"):
    return catalogue_at(session, at)[code].own["limit_value"]


def test_a_change_from_now_on_leaves_what_was_before_as_it_was(session, entry):
    [change] = apply(session, [entry(limit_value=9)], since=None, by=None, now=T1)
    assert (change.code, change.kind, change.fields) == ("0302", "changed", {"limit_value": (2, 9)})
    assert [limit_at(session, at) for at in (T0, T1, T2)] == [2, 9, 9]
    assert read_terms(session)["0302"].limit.value == 9


@pytest.mark.long
def test_a_planned_change_takes_effect_when_its_time_has_come_and_not_before(session, entry):
    apply(session, [entry(limit_value=9)], since=T2, by=None, now=T0)
    assert [limit_at(session, at) for at in (T1, T2, T3)] == [2, 9, 9]
    assert planned_from(session, T0) == {"0302": T2}
    assert not is_due(session, T1)
    assert settle_due(session, T1) == []
    assert read_terms(session)["0302"].limit.value == 2
    assert is_due(session, T3)
    assert settle_due(session, T3) == ["0302"]
    assert read_terms(session)["0302"].limit.value == 9
    assert not is_due(session, T3)
    assert [limit_at(session, at) for at in (T1, T2, T3)] == [2, 9, 9], "and facts of between are judged by the plan"


@pytest.mark.long
def test_a_change_from_now_on_does_not_undo_what_is_planned_for_later(session, entry):
    apply(session, [entry(limit_value=9)], since=T2, by=None, now=T0)
    apply(session, [entry(limit_value=5)], since=None, by=None, now=T1)
    assert [limit_at(session, at) for at in (T0, T1, T2)] == [2, 5, 9]


def test_a_plan_entered_again_for_the_same_moment_takes_the_place_of_the_first(session, entry):
    apply(session, [entry(limit_value=9)], since=T2, by=None, now=T0)
    apply(session, [entry(limit_value=7)], since=T2, by=None, now=T1)
    assert [limit_at(session, at) for at in (T1, T2)] == [2, 7]


def test_whoever_writes_the_table_itself_leaves_a_version_too(session):
    session.execute(text("UPDATE category SET limit_value = 9 WHERE code = '0302'"))
    told = versions_of(session, "0302")
    assert [each.terms["limit_value"] for each in told] == [9, 2]
    assert told[0].since == told[1].until


def test_the_versions_say_who_entered_them(session, entry):
    person = session.scalar(text("SELECT id FROM person WHERE login = 'dispatcher'"))
    apply(session, [entry(limit_value=9)], since=None, by=person, now=T1)
    apply(session, [entry(limit_value=7)], since=T2, by=person, now=T1)
    assert [each.entered_by for each in versions_of(session, "0302")] == ["dispatcher", "dispatcher", None]


@pytest.mark.long
def test_filing_conditions_each_have_a_limit_and_change_as_a_whole(session, entry):
    apply(session, [entry(conditions=[NEW, BIG])], since=None, by=None, now=T1)
    apply(session, [entry(conditions=[BIG | {"limit_value": 15}], at=T1)], since=T2, by=None, now=T1)
    assert conditions_at(session, "0302", T0) == ()
    assert [each["limit_value"] for each in conditions_at(session, "0302", T1)] == [4, 20]
    assert [each["limit_value"] for each in conditions_at(session, "0302", T2)] == [15]


@pytest.mark.long
def test_bans_hold_in_their_time(session, entry):
    apply(session, [entry(bans=[NIGHT])], since=T1, by=None, now=T0)
    apply(session, [entry(bans=[], at=T1)], since=T2, by=None, now=T0)
    assert [len(catalogue_at(session, at)["0302"].bans) for at in (T0, T1, T2)] == [0, 1, 0]
    assert catalogue_at(session, T1)["0302"].bans[0] == NIGHT


@pytest.mark.long
def test_a_retired_category_is_known_to_facts_of_before_and_may_be_revived(session, entry):
    [change] = apply(session, [entry(is_active=False)], since=T1, by=None, now=T0)
    assert change.kind == "retired"
    settle_due(session, T2)
    assert rows(session, "SELECT is_active, valid_until FROM category WHERE code = '0302'") == [
        {"is_active": False, "valid_until": T1}
    ]
    [change] = apply(session, [entry(at=T2, is_active=True)], since=None, by=None, now=T3)
    assert change.kind == "revived"
    assert [catalogue_at(session, at)["0302"].own["is_active"] for at in (T0, T2, T3)] == [True, False, True]


def test_a_category_that_is_to_come_is_nobodys_until_then(session, entry):
    fresh = replace(entry(), code="0307", conditions=(NEW,), own=entry().own | {"name_zh": "充电桩"})
    [change] = apply(session, [fresh], since=T2, by=None, now=T0)
    assert change.kind == "new"
    assert "0307" not in read_terms(session)
    assert "0307" not in catalogue_at(session, T1)
    settle_due(session, T2)
    assert read_terms(session)["0307"].zh == "充电桩"
    [row] = rows(session, "SELECT valid_from, valid_until FROM category WHERE code = '0307'")
    assert row == {"valid_from": T2, "valid_until": None}
    assert len(conditions_at(session, "0307", T2)) == 1


def test_a_new_category_from_now_on_is_taken_at_once(session, entry):
    apply(session, [replace(entry(), code="0307")], since=None, by=None, now=T1)
    assert "0307" in read_terms(session)


def test_entering_what_stands_changes_nothing(session, entry):
    before = edition_of(session, T3)
    assert apply(session, list(catalogue_at(session, T1).values()), since=None, by=None, now=T1) == []
    assert edition_of(session, T3) == before


def test_each_change_makes_another_edition_when_it_begins(session, entry):
    before = edition_of(session, T1)
    apply(session, [entry(limit_value=9)], since=T2, by=None, now=T0)
    assert (edition_of(session, T1), edition_of(session, T2)) == (before, before + 1)


@pytest.mark.parametrize(
    ("field", "reason", "wrong"),
    [
        ("default_body", "unknown", {"default_body": "nobody"}),
        ("assisting_bodies", "unknown", {"assisting_bodies": "nobody"}),
        ("assisting_bodies", "lead-assists", {"assisting_bodies": "zhujian"}),
        ("limit_unit", "not-whole", {"limit_unit": None}),
        ("duplicate_window_h", "not-whole", {"duplicate_window_h": None}),
        ("number", "twice", {"conditions": [NEW, NEW]}),
        ("limit_unit", "required", {"conditions": [NEW | {"limit_unit": None}]}),
        ("area", "unknown", {"bans": [NIGHT | {"area": "000"}]}),
        ("hours", "wrong-shape", {"bans": [NIGHT | {"hours": "06:00-06:00"}]}),
    ],
)
def test_what_cannot_stand_is_refused_whole_and_by_its_field(session, entry, field, reason, wrong):
    with pytest.raises(InvalidCatalogueFile) as caught:
        apply(session, [entry(code="0301", limit_value=9), entry(**wrong)], since=None, by=None, now=T1)
    [fault] = caught.value.faults
    assert (fault["field"], fault["reason"]) == (field, reason)
    assert fault["zh"]
    assert fault["en"]
    assert limit_at(session, T1, "0301") == 2


def test_the_past_cannot_be_changed(session, entry):
    with pytest.raises(InvalidCatalogueFile, match="past"):
        apply(session, [entry(limit_value=9)], since=T0, by=None, now=T1)


def test_the_database_itself_refuses_two_versions_at_a_time(session):
    with pytest.raises(IntegrityError, match="one_at_a_time"):
        session.execute(
            text("INSERT INTO category_version (code, during, terms) VALUES ('0302', '[2020-01-01,)', '{}')")
        )
