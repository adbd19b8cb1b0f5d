"""Photos seen before: every print within the bound is found, and no other; told as much as the asker may see."""

import datetime as dt
import hashlib
import json
import random
import uuid

import pytest
from sqlalchemy import text, true

from server.cases.duplicates.reused import MOST_BITS, reused_photos
from sync.collections.issues import Issue
from tests.cases.city import NOW, report

LAST_MONTH = NOW - dt.timedelta(days=31)


def photo(session, issue_id, print_, *, at=NOW, content=None, collection="issues"):
    file_id = uuid.uuid4()
    sha256 = hashlib.sha256(content or file_id.bytes).digest()
    session.execute(
        text("""
            INSERT INTO attachment (id, rev, doc_rev, doc, captured_at, received_at, changed_at, collection, record_id,
                                    bond, media_type, served_sha256, served_size, preview)
            VALUES (:id, 1, 1, CAST(:doc AS jsonb), :at, :at, :at, :collection, :record, 'bound', 'image/jpeg', :sha, 9,
                    'ready')
        """),
        {"id": file_id, "doc": json.dumps({"sha256": sha256.hex()}), "at": at, "record": issue_id, "sha": sha256,
         "collection": collection},
    )  # fmt: skip
    session.execute(
        text("INSERT INTO photo_hash (attachment_id, sha256, phash) VALUES (:id, :sha, :phash)"),
        {"id": file_id, "sha": sha256, "phash": signed(print_)},
    )
    return file_id


def signed(bits):
    return None if bits is None else bits - (1 << 64) if bits >> 63 else bits


def turned(bits, count, drawn):
    for place in drawn.sample(range(64), count):
        bits ^= 1 << place
    return bits


def test_a_photo_of_last_month_is_told_with_its_date_and_case(session):
    old, new = report(session, "0302", description="去年的路灯"), report(session, "0302")
    drawn = random.Random(1)
    print_ = drawn.getrandbits(64)
    before = photo(session, old, turned(print_, 3, drawn), at=LAST_MONTH)
    mine = photo(session, new, print_)
    [found] = reused_photos(session, new, true())
    assert (found.photo, found.other, found.bits, found.same_file) == (mine, before, 3, False)
    assert (found.at, found.earlier, found.same_case) == (LAST_MONTH, True, False)
    assert (found.case.id, found.case.category_zh, found.case.description) == (old, "路灯", "去年的路灯")


@pytest.mark.long
def test_every_print_within_the_bound_is_found_and_no_other(session):
    drawn = random.Random(7)
    mine = report(session)
    prints = [drawn.getrandbits(64) for _ in range(3)]
    photos = {photo(session, mine, each): each for each in prints}
    others = {}
    for each in prints:
        for bits in range(14):
            for _ in range(12):
                near = turned(each, bits, drawn)
                others[photo(session, report(session), near)] = near
    for _ in range(100):
        other = drawn.getrandbits(64)
        others[photo(session, report(session), other)] = other
    expected = {
        (one, other)
        for one, print_ in photos.items()
        for other, theirs in (others | photos).items()
        if one != other and (print_ ^ theirs).bit_count() <= MOST_BITS
    }
    found = set()
    for one in photos:
        # One at a time: an answer is cut off at a hundred.
        lone = report(session)
        session.execute(text("UPDATE attachment SET record_id = :to WHERE id = :id"), {"to": lone, "id": one})
        found |= {(each.photo, each.other) for each in reused_photos(session, lone, true())}
    assert found == expected


def test_the_same_file_is_found_where_it_looks_like_nothing(session):
    old, new = report(session), report(session)
    photo(session, old, None, content=b"black", at=LAST_MONTH)
    photo(session, report(session), None, content=b"another black")
    photo(session, new, None, content=b"black")
    [found] = reused_photos(session, new, true())
    assert (found.same_file, found.bits, found.case.id) == (True, 0, old)


def test_a_photo_after_that_is_the_one_before_is_told_as_of_the_same_case(session):
    case = report(session)
    first = photo(session, case, 0xF0F0, at=LAST_MONTH)
    photo(session, case, 0xF0F1)
    found = {each.photo: each for each in reused_photos(session, case, true())}
    assert all(each.same_case for each in found.values())
    assert [each.photo for each in found.values() if not each.earlier] == [first]


def test_of_a_case_that_is_not_for_the_asker_only_the_date_is_told(session):
    old, new = report(session), report(session)
    photo(session, old, 0xABCD, at=LAST_MONTH)
    photo(session, new, 0xABCD)
    [found] = reused_photos(session, new, Issue.id == new)
    assert (found.case, found.other, found.at) == (None, None, LAST_MONTH)


def test_photos_of_a_visit_are_told_by_date_alone(session):
    new = report(session)
    photo(session, uuid.uuid4(), 0xABCD, at=LAST_MONTH, collection="visits")
    photo(session, new, 0xABCD)
    [found] = reused_photos(session, new, true())
    assert (found.case, found.other, found.at) == (None, None, LAST_MONTH)
