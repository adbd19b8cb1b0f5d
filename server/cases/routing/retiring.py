"""Retiring a body: no case is given to it any more, and it leaves none behind.

Owns that a body with open cases, or one that rules or categories would give cases to, stays: whoever retires it hands
these on first, by the steps and pages that are there for it. Takes a session, never commits. Locks: the organisation,
so that a dispatch to it under way ends before its cases are counted.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.cases.errors import BodyInUse, UnknownOrganisation
from server.cases.routing.rules import DEFAULT_DESK

LISTED_AT_MOST: Final = 20

_LOCK = text("SELECT id FROM organisation WHERE code = :code AND retired_at IS NULL FOR UPDATE")
_CASES = text("""
    SELECT coalesce(number, id::text) AS number, count(*) OVER () AS open_cases FROM issue
    WHERE closed_at IS NULL AND deleted_at IS NULL
      AND (body_id = :id OR assisting_ids IS NOT NULL AND assisting_ids @> ARRAY[CAST(:id AS int)])
    ORDER BY captured_at, id LIMIT :limit
""")
_RULES = text("""
    SELECT label FROM rule WHERE active AND (lead_body_id = :id OR :id = ANY (assisting_ids)) ORDER BY id
""")
_CATEGORIES = text("""
    SELECT code FROM category
    WHERE is_active AND (default_body = :code OR :code = ANY (string_to_array(assisting_bodies, ','))) ORDER BY code
""")
_RETIRE = text("UPDATE organisation SET retired_at = :now WHERE id = :id")


def retire(session: Session, code: str, now: datetime) -> None:
    """Retire a body. Raises ``UnknownOrganisation``, and ``BodyInUse`` with what must be handed on first."""
    body_id = session.scalar(_LOCK, {"code": code})
    if body_id is None:
        raise UnknownOrganisation(code)
    cases = session.execute(_CASES, {"id": body_id, "limit": LISTED_AT_MOST}).all()
    rules = list(session.scalars(_RULES, {"id": body_id}))
    categories = list(session.scalars(_CATEGORIES, {"code": code}))
    if cases or rules or categories or code == DEFAULT_DESK:
        raise BodyInUse(
            code,
            open_cases=cases[0].open_cases if cases else 0,
            numbers=[row.number for row in cases],
            rules=rules,
            categories=categories,
            is_default_desk=code == DEFAULT_DESK,
        )
    session.execute(_RETIRE, {"id": body_id, "now": now})
