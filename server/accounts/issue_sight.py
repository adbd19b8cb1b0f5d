"""Which issues somebody may see, and of which what is private is masked: conditions for statements.

Lists, layers, details, files and letters add them to what they read. What is private is said by
``sync.access.privacy``, and who has which reach by ``server.accounts.charge``.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Integer, and_, any_, cast, false, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from server.accounts.charge import Reach
from sync.access.privacy import hidden_without
from sync.collections.issues import Issue


def in_reach(reach: Reach) -> ColumnElement[bool]:
    """Return the condition that an issue may be seen at all."""
    if reach.everywhere:
        return Issue.deleted_at.is_(None)
    return and_(Issue.deleted_at.is_(None), or_(lies_in(reach.grid_ids), _handled_by(reach)))


def masked(reach: Reach) -> ColumnElement[bool]:
    """Return the condition that an issue is private and this person has no duty in it. A body that assists has none."""
    if reach.duty_everywhere:
        return false()
    leads = Issue.body_id == any_(cast(list(reach.organisation_ids), ARRAY(Integer)))
    return hidden_without(or_(lies_in(reach.duty_grid_ids), leads, Issue.author_id == reach.person_id))


def is_masked(session: Session, issue_id: uuid.UUID, reach: Reach) -> bool:
    """Return whether an issue is masked for this person."""
    return session.scalar(select(Issue.id).where(Issue.id == issue_id, masked(reach))) is not None


def lies_in(grid_ids: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition that an issue lies in one of these grids today."""
    return Issue.grid_now == any_(cast(list(grid_ids), ARRAY(Integer)))


def _handled_by(reach: Reach) -> ColumnElement[bool]:
    if not reach.organisation_ids:
        return false()
    bodies = cast(list(reach.organisation_ids), ARRAY(Integer))
    return or_(Issue.body_id == any_(bodies), func.coalesce(Issue.assisting_ids.op("&&")(bodies), false()))
