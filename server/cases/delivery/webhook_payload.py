"""What a body is told by webhook: the message of one delivery.

Owns the shape of the message, and how much of a private issue each body is told: the one that leads gets what it
needs to go there and act; one that assists is told that it is called, and for what, and asks the lead for the rest.
Nobody is told who reported. Of a step everybody who has the case is told which, and where the case stands; what was
said with it, of a private issue, the lead alone. What steps are called is the table's (``STEPS``). Must not know
signatures or retries.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.cases.case_event import FACTS_OF_A_STEP
from server.cases.life.transitions import STEPS
from sync.access.privacy import shown_facts

OF_DECISIONS = {"dispatched": "issue.dispatched", "withdrawn": "issue.withdrawn"}
OF_STEPS = {step.name: f"issue.{step.event}" for step in STEPS.values() if step.event}
TRIAL = "endpoint.test"
_READ = text("""
    SELECT delivery.id, delivery.kind, decision.issue_id, decision.decided_at, decision.due_at,
           decision.limit_value, decision.limit_unit, decision.reasons,
           decision.body_id = delivery.organisation_id AS leads, lead.code AS lead_code, lead.name AS lead_name,
           issue.category, category.name_zh, category.name_en, issue.private OR category.is_private AS is_private,
           issue.severity, issue.captured_at, issue.doc, ST_X(issue.position) AS lon, ST_Y(issue.position) AS lat,
           area.code AS grid_code, version.name AS grid_name,
           issue.number, issue.due_at AS due_now, delivery.step_id, step.step, step.state, step.at, step.taken_at,
           step.given, (
               SELECT jsonb_object_agg(id, code) FROM organisation
               WHERE id = CAST(step.given ->> 'body' AS int) OR to_jsonb(id) <@ (step.given #> '{bodies,assisting}')
                  OR id = CAST(step.given #>> '{bodies,lead}' AS int)
           ) AS bodies
    FROM delivery
    JOIN routing_decision AS decision ON decision.id = delivery.decision_id
    JOIN organisation AS lead ON lead.id = decision.body_id
    JOIN issue ON issue.id = delivery.issue_id
    JOIN category ON category.code = issue.category
    LEFT JOIN case_step AS step ON step.id = delivery.step_id
    LEFT JOIN area ON area.id = issue.grid_now
    LEFT JOIN area_version AS version ON version.area_id = area.id AND upper_inf(version.editions)
    WHERE delivery.id = ANY (CAST(:ids AS uuid[]))
""")


def read(session: Session, delivery_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return delivery id -> message."""
    return {row["id"]: message(dict(row)) for row in session.execute(_READ, {"ids": list(delivery_ids)}).mappings()}


def message(row: Mapping[str, Any]) -> str:
    """Return the message of a delivery as JSON. The same delivery has the same id and time at every attempt."""
    if row["kind"] == "step":
        told = {"type": OF_STEPS[row["step"]], "timestamp": _moment(row["taken_at"]), "data": _stepped(row)}
    else:
        data = _dispatched(row) if row["kind"] == "dispatched" else _withdrawn(row)
        told = {"type": OF_DECISIONS[row["kind"]], "timestamp": _moment(row["decided_at"]), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def trial(organisation: str, now: datetime) -> str:
    """Return the message that a body tries its endpoint with, as JSON."""
    data = {"organisation": organisation, "note": "巡格测试消息，无需处理 · a test of GridPatrol, nothing to be done"}
    return json.dumps({"type": TRIAL, "timestamp": _moment(now), "data": data}, ensure_ascii=False)


def _stepped(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a step; ``deadline``: as it stands when this is sent."""
    given, bodies = dict(row["given"]), row["bodies"] or {}
    if row["is_private"] and not row["leads"]:
        given = {name: value for name, value in given.items() if name in FACTS_OF_A_STEP}
    if isinstance(given.get("bodies"), Mapping):
        lead, assisting = given["bodies"].get("lead"), given["bodies"].get("assisting") or ()
        given["bodies"] = {"lead": bodies.get(str(lead)), "assisting": [bodies.get(str(each)) for each in assisting]}
    if "body" in given:
        given["body"] = bodies.get(str(given["body"]))
    return {
        "issue_id": str(row["issue_id"]),
        "number": row["number"],
        "part": "lead" if row["leads"] else "assisting",
        "step": row["step"],
        "step_id": str(row["step_id"]),
        "state": row["state"],
        "at": _moment(row["at"]),
        "deadline": _moment(row["due_now"]),
        "given": given,
    }


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
        **_particulars(row),
    }
    return shown_facts(told) if row["is_private"] and not row["leads"] else told


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
