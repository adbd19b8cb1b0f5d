"""A letter that cannot be written holds up none of the hundreds beside and behind it; it is told, and tried again."""

import pytest
from sqlalchemy import text

from tests.cases.city import rows
from tests.cases.posting import deliver, dispatch, forward, hook
from tests.cases.receiver import receiving

pytestmark = pytest.mark.long

MANY = 100
SPOILT = {
    "a place that is a word": """UPDATE issue SET doc = jsonb_set(doc, '{location}', '"near"') WHERE id = :id""",
    "a time without end": "UPDATE issue SET captured_at = 'infinity' WHERE id = :id",
}
MENDED = """
    UPDATE issue SET doc = doc - 'location', captured_at = received_at
    WHERE doc ->> 'location' = 'near' OR captured_at = 'infinity'
"""


def in_line(begin, code):
    """The deliveries of a body in the order in which they are sent."""
    with begin() as session:
        return rows(
            session,
            "SELECT delivery.id, issue_id FROM delivery JOIN organisation ON organisation.id = organisation_id"
            " WHERE channel = 'webhook' AND code = :code ORDER BY next_attempt_at, delivery.id",
            code=code,
        )


def letters(begin):
    with begin() as session:
        found = rows(session, "SELECT item, attempts, reason FROM dead_letter WHERE queue = 'delivery'")
    return {row["item"]: row for row in found}


@pytest.mark.parametrize("how", SPOILT)
def test_letters_that_cannot_be_written_stop_none_of_hundreds(begin, ground, how):
    with receiving() as one, receiving() as two:
        hook(begin, "zhujian", one.url)
        hook(begin, "chengguan", two.url)
        dispatch(begin, ground, *["0303"] * MANY, *["0101"] * MANY)
        # The first two of one line, one in its middle, and the last of the other.
        line, other = in_line(begin, "zhujian"), in_line(begin, "chengguan")
        bad = [line[0], line[1], line[MANY // 2], other[-1]]
        with begin() as session:
            for each in bad:
                session.execute(text(SPOILT[how]), {"id": each["issue_id"]})
        sent = deliver(begin)
        assert (sent.delivered, sent.more) == (2 * MANY - len(bad), False)
        assert (len(one.messages), len(two.messages)) == (MANY - 3, MANY - 1)
        told = letters(begin)
        assert set(told) == {str(each["id"]) for each in bad}
        assert all(row["attempts"] == 1 and row["reason"] for row in told.values())
        with begin() as session:
            kept = rows(session, "SELECT last_error, attempts FROM delivery WHERE state = 'failed'")
        assert sorted(row["last_error"] for row in kept) == sorted(row["reason"] for row in told.values())
        forward(begin)
        deliver(begin)
        assert {row["attempts"] for row in letters(begin).values()} == {2}
        with begin() as session:
            session.execute(text(MENDED))
        forward(begin)
        assert deliver(begin).delivered == len(bad)
    assert letters(begin) == {}
    assert len(set(one.ids) | set(two.ids)) == 2 * MANY


def test_a_line_of_nothing_but_such_letters_ends(begin, ground):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        for each in dispatch(begin, ground, *["0303"] * 5):
            with begin() as session:
                session.execute(text(SPOILT["a time without end"]), {"id": each})
        assert deliver(begin).delivered == 0
    assert len(letters(begin)) == 5
