"""The laws of merging, on generated histories: any arrival order that respects lineage ends in the same record."""

import datetime as dt
import itertools
import uuid

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.collections import COLLECTIONS
from sync.merge.merge import Policy, Write, merge

RULES = COLLECTIONS["issues"].rules
START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
TAGS = ["a", "b", "c"]
VALUES = {
    "address_text": st.sampled_from(["东", "西", None]),
    "severity": st.sampled_from(["low", "normal", "urgent"]),
    "category": st.sampled_from(["0301", "0302", "0303"]),
    "tags": st.lists(st.sampled_from(TAGS), unique=True),
    "description": st.sampled_from(["", "漏水", "漏水了", "堵了"]),
    "private": st.booleans(),
}


@st.composite
def histories(draw, largest=6):
    """Writes in one possible order of arrival; each has seen a set of earlier ones that is closed under lineage."""
    writes = []
    for number in range(draw(st.integers(1, largest))):
        direct = draw(st.sets(st.sampled_from(range(number)))) if number else set()
        seen = set()
        for each in direct:
            seen |= {writes[each].op_id} | writes[each].seen
        changes = draw(st.fixed_dictionaries({}, optional=VALUES))
        writes.append(
            Write(
                uuid.UUID(int=draw(st.integers(0, 2**64)) * 16 + number),
                START + dt.timedelta(minutes=draw(st.integers(0, 5))),
                f"author{number}",
                frozenset(seen),
                {} if number and draw(st.booleans()) and draw(st.booleans()) else changes,
                deletes=bool(number) and draw(st.integers(0, 9)) == 0,
            )
        )
    return writes


def arrive(writes):
    """The server's way: an operation whose author saw everything is fast-forwarded, any other is merged."""
    doc, deleted, here = {}, False, []
    for write in writes:
        if write.seen == {each.op_id for each in here}:
            deleted = write.deletes or (deleted and not write.changes)
            doc = {name: value for name, value in (doc | dict(write.changes)).items() if value is not None}
            here.append(write)
        else:
            here.append(write)
            merged = merge(here, RULES)
            doc, deleted = merged.doc, merged.deleted
    return doc, deleted


def orders(writes):
    """All orders of arrival that respect lineage, up to a number that can be tried."""
    respecting = (
        order
        for order in itertools.permutations(writes)
        if all(write.seen <= {each.op_id for each in order[:place]} for place, write in enumerate(order))
    )
    return itertools.islice(respecting, 30)


def plain(doc):
    return {name: frozenset(value) if isinstance(value, list) else value for name, value in doc.items()}


@settings(max_examples=300, deadline=None)
@given(histories())
def test_every_arrival_order_ends_in_the_same_record(writes):
    docs = {repr(sorted(plain(arrive(order)[0]).items(), key=str)) for order in orders(writes)}
    assert len(docs) == 1


@settings(max_examples=300, deadline=None)
@given(histories())
def test_fast_forward_is_what_merging_would_have_made(writes):
    doc, _deleted = arrive(writes)
    assert {name: value for name, value in plain(doc).items() if value not in ("", frozenset())} == {
        name: value for name, value in plain(merge(writes, RULES).doc).items() if value not in ("", frozenset())
    }


@given(histories(), st.randoms())
def test_the_order_of_the_writes_given_does_not_matter(writes, random):
    shuffled = list(writes)
    random.shuffle(shuffled)
    assert merge(shuffled, RULES) == merge(writes, RULES)


@given(histories())
def test_later_capture_wins_among_the_writes_that_nobody_superseded(writes):
    field = "address_text"
    writers = [write for write in writes if field in write.changes]
    heads = [w for w in writers if not any(w.op_id in other.seen for other in writers)]
    merged = merge(writes, RULES)
    if heads:
        newest = max(heads, key=lambda write: (write.captured_at, write.op_id))
        assert merged.doc.get(field) == newest.changes[field]
        assert len(merged.winners[field]) == 1


@given(histories())
def test_a_tag_that_was_added_and_never_removed_stays(writes):
    merged = merge(writes, RULES)
    tags = set(merged.doc.get("tags", ()))
    for tag in TAGS:
        having = [write for write in writes if tag in write.changes.get("tags", ())]
        lacking = [write for write in writes if "tags" in write.changes and tag not in write.changes["tags"]]
        if having and not any(have.op_id in lack.seen for have in having for lack in lacking):
            assert tag in tags
        if not having:
            assert tag not in tags


@given(histories())
def test_no_text_of_a_head_is_lost(writes):
    field = "description"
    writers = [write for write in writes if field in write.changes]
    heads = [w for w in writers if not any(w.op_id in other.seen for other in writers)]
    told = merge(writes, RULES).doc.get(field, "")
    for head in heads:
        text = head.changes[field] or ""
        # What all heads had seen stands once at the top, and what one of them added to it below.
        assert any(told.startswith(text[:n].rstrip()) and text[n:].strip() in told for n in range(len(text) + 1))


@given(histories())
def test_disputes_name_two_different_values_of_a_review_field(writes):
    by_id = {write.op_id: write for write in writes}
    merged = merge(writes, RULES)
    for dispute in merged.disputes:
        if dispute.field is not None:
            assert RULES[dispute.field].policy is Policy.REVIEW
            standing, offered = by_id[dispute.standing], by_id[dispute.offered]
            assert standing.changes[dispute.field] != offered.changes[dispute.field]
            assert merged.doc[dispute.field] == standing.changes[dispute.field]


@given(histories())
def test_a_record_is_deleted_only_by_somebody_who_had_seen_every_edit(writes):
    merged = merge(writes, RULES)
    edits = {write.op_id for write in writes if not write.deletes}
    saw_all = any(write.deletes and edits <= write.seen for write in writes)
    assert merged.deleted == saw_all


def test_a_ring_of_writes_that_share_an_op_id_ends():
    """Two phones may choose the same op_id: what built on the one then seems to have been seen by the other."""
    shared, between = uuid.UUID(int=1), uuid.UUID(int=2)
    ring = [
        Write(shared, START, "one", frozenset(), {"tags": ["a"]}),
        Write(between, START + dt.timedelta(minutes=1), "one", frozenset({shared}), {"tags": ["a", "b"]}),
        Write(shared, START + dt.timedelta(minutes=2), "two", frozenset({between}), {"tags": ["c"]}),
        Write(uuid.UUID(int=3), START + dt.timedelta(minutes=3), "two", frozenset(), {"tags": ["b"]}),
    ]
    assert "b" in merge(ring, RULES).doc["tags"]
