"""The duty list: every open case in reach once, the most pressing first, with how many others may be the same."""

import datetime as dt

import pytest
from sqlalchemy import text

from server.accounts.charge import Reach
from server.cases.duplicates.suggesting import keep_for
from server.cases.lists.duty import Wanted, list_duty
from tests.cases.city import IN_WEST, NOW, report

EVERYWHERE = Reach(0, (), True, (), True, ())
NOBODY_S = Reach(0, (), False, (), False, ())


def listed(session, reach=EVERYWHERE, limit=100):
    found, after = [], None
    while True:
        page = list_duty(session, reach, Wanted(), after=after, limit=limit, now=NOW)
        found += page.cases
        after = page.after
        if after is None:
            return found


def put(session, hours=None, words="路灯不亮"):
    issue_id = report(session, "0302", IN_WEST, description=words)
    due_at = None if hours is None else NOW + dt.timedelta(hours=hours)
    session.execute(
        text("UPDATE issue SET due_at = :due, captured_at = :now, received_at = :now WHERE id = :id"),
        {"due": due_at, "now": NOW, "id": issue_id},
    )
    return issue_id


@pytest.mark.long
def test_pages_of_any_size_bring_every_open_case_once_by_deadline(session):
    late, soon, later, undated = put(session, -5), put(session, 2), put(session, 30), put(session)
    closed = put(session, 1)
    session.execute(text("UPDATE issue SET closed_at = now(), state = 'closed' WHERE id = :id"), {"id": closed})
    for limit in (1, 2, 3, 100):
        assert [each["id"] for each in listed(session, limit=limit)] == [late, undated, soon, later]
    assert listed(session, reach=NOBODY_S) == []


def test_others_that_may_be_the_same_are_counted_while_they_are_open(session):
    first, second = put(session, 1), put(session, 2)
    keep_for(session, [first, second], NOW)
    assert [each["duplicates"] for each in listed(session)] == [1, 1]
    session.execute(text("UPDATE issue SET closed_at = now(), state = 'closed' WHERE id = :id"), {"id": second})
    assert [each["duplicates"] for each in listed(session)] == [0]
