"""What else a redraw concerns beside records: rules, people's charge, plans, and the bodies that rules lead to.

Owns naming them before an edition is published, so that nobody learns afterwards that a rule or a right ended with an
area. Must not know requests, drafts or how impact on records is counted (``sync.redraw.impact``).
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

_RULES = text("""
    SELECT rule.id, rule.label, area.code AS area, area.code = ANY (CAST(:retired AS text[])) AS ends,
        organisation.code AS body, organisation.name AS body_name,
        EXISTS (
            SELECT FROM endpoint WHERE endpoint.organisation_id = organisation.id AND endpoint.active
        ) AS has_endpoint
    FROM rule JOIN area ON area.id = rule.area_id JOIN organisation ON organisation.id = rule.lead_body_id
    WHERE rule.active AND area.code = ANY (CAST(:touched AS text[])) ORDER BY area.code, rule.id
""")
_ASSIGNMENTS = text("""
    SELECT login, person.name, role, area.code AS area,
        NOT EXISTS (
            SELECT FROM assignment AS other JOIN area AS elsewhere ON elsewhere.id = other.area_id
            WHERE other.person_id = person.id AND other.during @> CAST(:now AS timestamptz)
                AND elsewhere.code <> ALL (CAST(:retired AS text[]))
                AND EXISTS (SELECT FROM area_version WHERE area_id = elsewhere.id AND upper_inf(editions))
        ) AS left_with_none
    FROM assignment JOIN area ON area.id = area_id JOIN person ON person.id = person_id
    WHERE area.code = ANY (CAST(:retired AS text[])) AND is_active AND during @> CAST(:now AS timestamptz)
    ORDER BY area.code, role, login
""")
_PLANS = text("""
    SELECT id, name, due_at, planned_by FROM planned_edition WHERE state = 'waiting' ORDER BY due_at, id
""")


def concerned(
    session: Session, touched: Collection[str], retired: Collection[str], *, now: dt.datetime
) -> dict[str, Any]:
    """Return whom and what a redraw concerns, by the codes of all areas that it changes, and of those that it retires.

    ``rules``: made for these areas; ``ends`` where the area is no more, so that the rule decides nothing then.
    ``assignments``: people whose charge ends with an area; ``left_with_none``: they hold nothing else. ``plans``:
    editions that wait, and will be refused, since they were drawn over the one in force. ``bodies``: whom these rules
    lead to, and whether an endpoint of theirs is told.
    """
    asked = {"touched": sorted({*touched, *retired}), "retired": sorted(retired), "now": now}
    rules = session.execute(_RULES, asked).all()
    bodies = {row.body: {"code": row.body, "name": row.body_name, "has_endpoint": row.has_endpoint} for row in rules}
    return {
        "rules": [
            {"id": row.id, "label": row.label, "area": row.area, "body": row.body, "ends": row.ends} for row in rules
        ],
        "assignments": [dict(row) for row in session.execute(_ASSIGNMENTS, asked).mappings()],
        "plans": [
            {"id": row.id, "name": row.name, "at": row.due_at.isoformat(), "by": row.planned_by}
            for row in session.execute(_PLANS)
        ],
        "bodies": [bodies[code] for code in sorted(bodies)],
    }
