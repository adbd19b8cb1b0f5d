"""Photos that steps name: whether they have come, and are of this case. What shows nothing meets no photo rule.

Owns both questions. A phone may name what is still to come: its step and its files travel apart, and what has not
come is shown as awaited. Whoever has a line sends the photo first. Of another record a photo never counts.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from server.cases.case_event import Source
from sync.sql import arrays
from sync.sql.statements import Statement

Known = Mapping[uuid.UUID, tuple[uuid.UUID | None, bool]]
"""Photo -> the case that it is of (None: of no case), and whether all of it has come."""

PROMISED_BY: tuple[Source, ...] = ("phone",)
"""Whose steps may name photos that are still to come."""

# What a checker sends may be of the task as well as of the case.
_OF = """
    SELECT file.id, CASE file.collection
        WHEN 'issues' THEN file.record_id
        WHEN 'tasks' THEN (SELECT task.issue_id FROM task WHERE task.id = file.record_id)
    END
"""
_KNOWN = Statement(f"""
    {_OF}, TRUE FROM attachment AS file
    WHERE id = ANY (CAST(:ids AS uuid[])) AND deleted_at IS NULL AND bond <> 'refused'
    UNION ALL
    {_OF}, FALSE FROM upload AS file WHERE id = ANY (CAST(:ids AS uuid[])) AND state = 'open'
""")


def of(session: Session, given: Sequence[Mapping[str, Any]]) -> Known:
    """Return what is known of the photos that steps with these fields name: one statement, none without photos."""
    ids = sorted({photo for each in given for photo in _named(each)})
    if not ids:
        return {}
    return {photo: (issue_id, come) for photo, issue_id, come in _KNOWN.run(session, ids=arrays.uuids(ids))}


def fault(issue_id: uuid.UUID, source: Source, given: Mapping[str, Any], known: Known) -> str | None:
    """Return why the photos of a step do not count: photo-elsewhere, photo-unknown; None where they do."""
    for photo in _named(given):
        of_case, come = known.get(photo, (issue_id, False))
        if of_case != issue_id:
            return "photo-elsewhere"
        if not come and source not in PROMISED_BY:
            return "photo-unknown"
    return None


def _named(given: Mapping[str, Any]) -> list[uuid.UUID]:
    return [each if isinstance(each, uuid.UUID) else uuid.UUID(str(each)) for each in given.get("photos") or ()]
