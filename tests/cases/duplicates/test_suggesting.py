"""Suggestions: near, lately, of the kind, in like words; and nothing of what the asker may not see."""

import datetime as dt
import math
import random
import uuid

import pytest
from sqlalchemy import text

from server.cases.duplicates import suggesting
from server.cases.duplicates.likeness import SAME_MATTER, likeness
from server.cases.duplicates.suggesting import Asked, counts_of, dismiss, keep_for, suggest
from server.cases.routing.service import route_awaiting
from sync.collections.issues import Issue
from tests.cases.city import IN_WEST, NOW, counting, report, rows

M = 1 / 111_195  # degrees of latitude in a metre on the sphere


def north(metres, at=IN_WEST):
    return (at[0], at[1] + metres * M)


def asked(category="0302", at=IN_WEST, words="路灯不亮", when=NOW, **more):
    return Asked(category, when, at[0], at[1], words, **more)


def reported(session, category="0302", at=IN_WEST, words="路灯不亮", when=NOW, state=None):
    issue_id = report(session, category, at, description=words)
    closed = state in ("refused", "merged", "settled", "closed", "void")
    session.execute(
        text("""UPDATE issue SET captured_at = :when, state = coalesce(:state, state),
                closed_at = CASE WHEN :closed THEN :when END WHERE id = :id"""),
        {"id": issue_id, "when": when, "state": state, "closed": closed},
    )
    return issue_id


def ids(candidates):
    return [each.id for each in candidates]


def test_an_open_case_of_the_category_near_and_lately_is_suggested_with_its_reasons(session):
    lamp = reported(session, at=north(10), when=NOW - dt.timedelta(hours=20), words="小区门口路灯不亮了")
    [[found]] = suggest(session, [asked()])
    assert found.id == lamp
    assert (round(found.distance_m), found.hours_apart, found.same_category) == (10, 20.0, True)
    assert [each.code for each in found.reasons] == ["same-category", "near", "lately", "words"]
    assert "15 米" in found.reasons[1].zh
    assert "15 m" in found.reasons[1].en


@pytest.mark.parametrize(
    "other",
    [
        {"at": north(16)},
        {"when": NOW - dt.timedelta(hours=169)},
        {"when": NOW + dt.timedelta(hours=169)},
        {"category": "0102"},
        {"state": "closed"},
        {"state": "merged"},
        {"state": "void"},
        {"words": "电梯困人"},
    ],
    ids=["far", "long ago", "long after", "another kind", "closed", "merged", "void", "another matter"],
)
def test_what_is_far_long_ago_closed_or_another_matter_is_not(session, other):
    reported(session, **other)
    assert suggest(session, [asked()]) == [()]


def test_of_a_sibling_category_only_like_words_are_the_same_matter_and_score_less(session):
    reported(session, category="0303", words="电梯困人")
    same = reported(session, category="0303", words="路灯不亮")
    own = reported(session, words="路灯不亮")
    [found] = suggest(session, [asked()])
    assert ids(found) == [own, same]
    assert found[0].score > found[1].score
    assert found[1].reasons[0].code == "same-parent"


def test_a_category_without_a_radius_has_no_duplicates(session):
    reported(session, category="1003", words="咨询社保")
    assert suggest(session, [asked(category="1003", words="咨询社保")]) == [()]


def test_what_the_asker_may_not_see_is_not_told(session):
    seen, hidden = reported(session), reported(session)
    [found] = suggest(session, [asked()], seen=Issue.id != hidden)
    assert ids(found) == [seen]


def test_many_are_asked_about_in_one_statement(session, city_engine):
    reported(session)
    session.commit()
    with counting(city_engine) as statements:
        assert [len(each) for each in suggest(session, [asked()] * 50)] == [1] * 50
    assert len([each for each in statements if "FROM" in each]) == 1


@pytest.mark.long
def test_the_search_finds_what_a_look_at_every_case_finds(session):
    drawn = random.Random(12)
    words = ["路灯不亮", "路灯坏了", "井盖缺失", "路面积水", ""]
    cases = []
    for _ in range(150):
        category = drawn.choice(["0301", "0302", "0303", "0304", "0101"])
        place = (IN_WEST[0] + drawn.uniform(-1, 1) * 1e-3, IN_WEST[1] + drawn.uniform(-1, 1) * 1e-3)
        when, said = NOW - dt.timedelta(hours=drawn.uniform(0, 200)), drawn.choice(words)
        state = drawn.choice([None, None, "dispatched", "closed", "void"])
        cases.append((reported(session, category, place, said, when, state), category, place, said, when, state))
    kinds = {row["code"]: row for row in rows(session, "SELECT * FROM category")}
    for issue_id, category, place, said, when, _ in cases:
        [found] = suggest(session, [asked(category, place, said, when, id=issue_id)])
        expected = {
            other_id
            for other_id, of, where, told, at, state in cases
            if other_id != issue_id
            and state not in ("closed", "void")
            and metres(place, where) <= kinds[category]["duplicate_radius_m"]
            and abs(when - at) <= dt.timedelta(hours=kinds[category]["duplicate_window_h"])
            and of[:2] == category[:2]
            and same_words(said, told, same=of == category)
        }
        assert len(found) == min(len(expected), suggesting.MOST)
        assert set(ids(found)) <= expected
        if len(expected) <= suggesting.MOST:
            assert set(ids(found)) == expected


def metres(one, other):
    (x, y), (u, v) = (map(math.radians, each) for each in (one, other))
    half = math.sin((v - y) / 2) ** 2 + math.cos(y) * math.cos(v) * math.sin((u - x) / 2) ** 2
    return 2 * 6_371_008.77 * math.asin(math.sqrt(half))


def same_words(one, other, *, same):
    like = likeness(one, other)
    if like is None:
        return same
    return like >= (0.05 if same else SAME_MATTER)


def test_a_pair_is_kept_once_with_the_later_as_its_case_however_often_it_is_looked_for(session):
    first = reported(session, when=NOW - dt.timedelta(hours=2))
    second = reported(session, when=NOW)
    for _ in range(2):
        keep_for(session, [first, second], NOW)
    kept = rows(session, "SELECT issue_id, other_id FROM duplicate_suggestion")
    assert kept == [{"issue_id": second, "other_id": first}]
    assert counts_of(session, [first, second]) == {first: 1, second: 1}


def test_what_somebody_has_dismissed_is_not_counted_and_stays_dismissed(session):
    first, second = reported(session, when=NOW - dt.timedelta(hours=2)), reported(session)
    keep_for(session, [second], NOW)
    assert dismiss(session, first, second, by=None, now=NOW)
    assert not dismiss(session, second, first, by=None, now=NOW), "it is already"
    keep_for(session, [first, second], NOW)
    assert counts_of(session, [first, second]) == {}
    assert suggesting.dismissed_with(session, first) == {second}


def test_a_case_that_is_closed_meanwhile_or_not_for_this_person_is_not_counted(session):
    first, second, third = (reported(session) for _ in range(3))
    keep_for(session, [first, second, third], NOW)
    assert counts_of(session, [first]) == {first: 2}
    assert counts_of(session, [first], seen=Issue.id != third) == {first: 1}
    session.execute(text("UPDATE issue SET state = 'closed', closed_at = now() WHERE id = :id"), {"id": second})
    assert counts_of(session, [first]) == {first: 1}


def test_a_case_that_became_another_kind_forgets_what_was_found(session):
    first, second = reported(session), reported(session)
    keep_for(session, [first, second], NOW)
    session.execute(text("""UPDATE issue SET doc = doc || '{"category": "0101"}' WHERE id = :id"""), {"id": second})
    keep_for(session, [second], NOW)
    assert counts_of(session, [first]) == {}


def test_routing_a_case_looks_for_its_duplicates(session, ground):
    first, second = reported(session), reported(session)
    route_awaiting(session, NOW, ground)
    assert counts_of(session, [first, second]) == {first: 1, second: 1}


def test_a_case_that_is_not_there_has_none(session):
    assert keep_for(session, [uuid.uuid4()], NOW) == 0


def test_a_case_that_somebody_else_has_locked_holds_up_nobody_who_looks(sessions):
    with sessions() as mine:
        first, second = reported(mine), reported(mine)
        mine.commit()
    with sessions() as other, sessions() as mine:
        other.execute(text("SELECT FROM issue WHERE id = :id FOR UPDATE"), {"id": first})
        mine.execute(text("SET LOCAL lock_timeout = '2s'"))
        assert keep_for(mine, [second], NOW) == 1
        mine.rollback()
        other.rollback()
