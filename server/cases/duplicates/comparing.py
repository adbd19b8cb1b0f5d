"""A case and those that may be of the same matter, side by side: for whoever decides whether they are.

Owns the facts that are laid beside each other. Reads only; who may see which is the caller's condition on issues.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from server.accounts.tables import Organisation
from server.cases.duplicates.suggesting import Candidate, asked_of, dismissed_with, suggest
from server.cases.errors import UnknownCase
from sync.collections.attachments import Attachment
from sync.collections.categories import Category
from sync.collections.issues import Issue


@dataclass(frozen=True, slots=True)
class Facts:
    """What is laid side by side of a case. ``lon``, ``lat``: WGS-84 degrees. ``photos``: those that have come."""

    id: uuid.UUID
    category: str
    category_zh: str
    category_en: str
    state: str
    severity: str
    description: str | None
    address: str | None
    lon: float | None
    lat: float | None
    captured_at: dt.datetime
    due_at: dt.datetime | None
    body: str | None
    photos: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """One candidate with its facts; ``dismissed``: a person has said that it is another matter."""

    facts: Facts
    candidate: Candidate
    dismissed: bool


def compare(session: Session, issue_id: uuid.UUID, seen: ColumnElement[bool]) -> tuple[Facts, tuple[Pair, ...]]:
    """Return a case and its candidates as they are now, the likeliest first. Raises ``UnknownCase``.

    ``seen``: a condition on ``Issue``; what it leaves out does not exist, and is masked nowhere.
    """
    if issue_id not in facts_of(session, [issue_id], seen):
        raise UnknownCase(issue_id)
    asked = asked_of(session, issue_id)
    candidates = () if asked is None else suggest(session, [asked], seen=seen)[0]
    facts = facts_of(session, [issue_id, *(each.id for each in candidates)], seen)
    dismissed = dismissed_with(session, issue_id)
    pairs = [Pair(facts[each.id], each, each.id in dismissed) for each in candidates if each.id in facts]
    return facts[issue_id], tuple(sorted(pairs, key=lambda pair: pair.dismissed))


def facts_of(session: Session, ids: Iterable[uuid.UUID], seen: ColumnElement[bool]) -> dict[uuid.UUID, Facts]:
    """Return by id the facts of those cases that may be seen."""
    wanted = list(ids)
    photos = _photos(session, wanted)
    rows = session.execute(
        select(
            Issue.id, Issue.category, Category.name_zh, Category.name_en, Issue.state, Issue.severity,
            Issue.doc["description"].astext, Issue.doc["address_text"].astext,
            func.ST_X(Issue.position), func.ST_Y(Issue.position), Issue.captured_at, Issue.due_at, Organisation.name,
        )
        .join(Category, Category.code == Issue.category)
        .outerjoin(Organisation, Organisation.id == Issue.body_id)
        .where(Issue.id.in_(wanted), seen)
    )  # fmt: skip
    found: list[tuple[Any, ...]] = [tuple(row) for row in rows]
    return {row[0]: Facts(*(*row, tuple(photos.get(row[0], ())))) for row in found}


def _photos(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    rows = session.execute(
        select(Attachment.record_id, Attachment.id)
        .where(
            Attachment.record_id.in_(ids), Attachment.collection == "issues", Attachment.bond == "bound",
            Attachment.deleted_at.is_(None), Attachment.media_type.startswith("image/"),
        )
        .order_by(Attachment.id)
    )  # fmt: skip
    found: dict[uuid.UUID, list[uuid.UUID]] = {}
    for record_id, file_id in rows:
        found.setdefault(record_id, []).append(file_id)
    return found
