"""What a body is told by webhook: the message of one delivery.

Owns the shape of the message, and how much of a private issue each body is told: the one that leads gets what it
needs to go there and act; one that assists is told that it is called, and for what, and asks the lead for the rest.
Nobody is told who reported. Must not know signatures or retries.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

TYPES = {"dispatched": "issue.dispatched", "withdrawn": "issue.withdrawn"}
_READ = text("""
    SELECT delivery.id, delivery.kind, decision.issue_id, decision.decided_at, decision.due_at,
           decision.limit_value, decision.limit_unit, decision.reasons,
           decision.body_id = delivery.organisation_id AS leads, lead.code AS lead_code, lead.name AS lead_name,
           issue.category, category.name_zh, category.name_en, issue.private OR category.is_private AS is_private,
           issue.severity, issue.captured_at, issue.doc, ST_X(issue.position) AS lon, ST_Y(issue.position) AS lat,
           area.code AS grid_code, version.name AS grid_name
    FROM delivery
    JOIN routing_decision AS decision ON decision.id = delivery.decision_id
    JOIN organisation AS lead ON lead.id = decision.body_id
    JOIN issue ON issue.id = delivery.issue_id
    JOIN category ON category.code = issue.category
    LEFT JOIN area ON area.id = issue.grid_now
    LEFT JOIN area_version AS version ON version.area_id = area.id AND upper_inf(version.editions)
    WHERE delivery.id = ANY (CAST(:ids AS uuid[]))
""")


def read(session: Session, delivery_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return delivery id -> message."""
    return {row["id"]: message(dict(row)) for row in session.execute(_READ, {"ids": list(delivery_ids)}).mappings()}


def message(row: Mapping[str, Any]) -> str:
    """Return the message of a delivery as JSON. The same delivery has the same id and time at every attempt."""
    data = _dispatched(row) if row["kind"] == "dispatched" else _withdrawn(row)
    told = {"type": TYPES[row["kind"]], "timestamp": _moment(row["decided_at"]), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _withdrawn(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"issue_id": str(row["issue_id"]), "decided_at": _moment(row["decided_at"])}


def _dispatched(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        "issue_id": str(row["issue_id"]),
        "decided_at": _moment(row["decided_at"]),
        "part": "lead" if row["leads"] else "assisting",
        "lead": {"code": row["lead_code"], "name": row["lead_name"]},
        "category": {"code": row["category"], "name": row["name_zh"], "name_en": row["name_en"]},
        "severity": row["severity"],
        "private": row["is_private"],
        "captured_at": _moment(row["captured_at"]),
        "deadline": _moment(row["due_at"]),
        "limit": row["limit_value"] and {"value": row["limit_value"], "unit": row["limit_unit"]},
        "grid": row["grid_code"] and {"code": row["grid_code"], "name": row["grid_name"]},
    }
    return told if row["is_private"] and not row["leads"] else told | _particulars(row)


def _particulars(row: Mapping[str, Any]) -> dict[str, Any]:
    doc = row["doc"]
    located = row["lon"] is not None
    accuracy = (doc.get("location") or {}).get("accuracy_m")
    return {
        "description": doc.get("description"),
        "address_text": doc.get("address_text"),
        "location": {"lon": row["lon"], "lat": row["lat"], "datum": "wgs84", "accuracy_m": accuracy}
        if located
        else None,
        "photos": doc.get("photos", []),
        "reasons": row["reasons"],
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
