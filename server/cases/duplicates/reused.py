"""Photos that were handed in before: the same file, or a picture that looks the same, of any record.

Owns the search, which finds every print within ``MOST_BITS``: 64 bits are four bands of 16, so that of two prints that
differ in seven bits at most, one band differs in at most one. Each band is looked up as it is and with each bit turned,
by an index. What of a record is told whom is said by the caller's condition on issues. Writes nothing.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.orm import Session

from sync.collections.categories import Category
from sync.collections.issues import Issue

MOST_BITS: Final = 7
"""Prints that differ in more bits than these are of different pictures."""
_MOST_FOUND: Final = 100

_FIND = text("""
    WITH mine AS (
        SELECT print.*, attachment.captured_at
        FROM attachment JOIN photo_hash AS print ON print.attachment_id = attachment.id
        WHERE attachment.bond = 'bound' AND attachment.deleted_at IS NULL
          AND (attachment.record_id = :issue OR attachment.record_id IN (SELECT id FROM task WHERE issue_id = :issue))
    )
    SELECT mine.attachment_id AS photo, found.attachment_id AS other, found.sha256 = mine.sha256 AS same_file,
           CASE WHEN found.sha256 = mine.sha256 THEN 0
                ELSE bit_count((found.phash # mine.phash)::bit(64))::int END AS bits,
           theirs.captured_at AS at, theirs.captured_at < mine.captured_at AS earlier, theirs.collection,
           CASE theirs.collection WHEN 'issues' THEN theirs.record_id
                WHEN 'tasks' THEN (SELECT issue_id FROM task WHERE id = theirs.record_id) END AS issue_id
    FROM mine
    CROSS JOIN LATERAL (
        SELECT print.* FROM photo_hash AS print WHERE print.sha256 = mine.sha256
        UNION
        SELECT print.* FROM photo_hash AS print
        WHERE print.bands && ARRAY(
                SELECT band # turned FROM unnest(mine.bands) AS band,
                    unnest(ARRAY[0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768])
                    AS turned)
          AND bit_count((print.phash # mine.phash)::bit(64)) <= :most
    ) AS found
    JOIN attachment AS theirs ON theirs.id = found.attachment_id AND theirs.deleted_at IS NULL
    WHERE found.attachment_id <> mine.attachment_id
    ORDER BY mine.attachment_id, bits, at, other LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Case:
    """The case of a photo that was found, as somebody sees it who may."""

    id: uuid.UUID
    category: str
    category_zh: str
    category_en: str
    state: str
    description: str | None


@dataclass(frozen=True, slots=True)
class Reused:
    """That a photo of a case was handed in elsewhere too, at another time or with another record.

    ``bits``: in how many of 64 the two prints differ; ``same_file``: byte for byte. ``at``: when the other was taken in
    by its phone; ``earlier``: before this one. ``case`` is None for records that are no cases, and for cases that the
    asker may not see: then only that there is one, and since when, is told.
    """

    photo: uuid.UUID
    other: uuid.UUID | None
    same_file: bool
    bits: int
    at: dt.datetime
    earlier: bool
    same_case: bool
    case: Case | None


def reused_photos(session: Session, issue_id: uuid.UUID, seen: ColumnElement[bool]) -> tuple[Reused, ...]:
    """Return where the photos of a case, and of its tasks, were handed in besides.

    ``seen``: a condition on ``Issue`` that says of which cases the asker is told.
    """
    rows = session.execute(_FIND, {"issue": issue_id, "most": MOST_BITS, "limit": _MOST_FOUND}).all()
    cases = _cases(session, [row.issue_id for row in rows if row.issue_id is not None], seen)
    return tuple(
        Reused(
            row.photo,
            row.other if row.issue_id in cases else None,
            row.same_file,
            row.bits,
            row.at,
            row.earlier,
            row.issue_id == issue_id,
            cases.get(row.issue_id),
        )
        for row in rows
    )


def _cases(session: Session, ids: Sequence[uuid.UUID], seen: ColumnElement[bool]) -> dict[uuid.UUID, Case]:
    if not ids:
        return {}
    rows = session.execute(
        select(
            Issue.id, Issue.category, Category.name_zh, Category.name_en, Issue.state, Issue.doc["description"].astext
        )
        .join(Category, Category.code == Issue.category)
        .where(Issue.id.in_(ids), seen)
    )
    return {row[0]: Case(*row) for row in rows}
