"""Writing what routing decided: the decision, the issue's own columns, and a line in the issue's history.

Owns the set-based SQL of it, one statement for each table however many issues there are. Must not choose, and must
not tell anybody (``server.cases.notices``).
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uuid_utils.compat
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.cases.case import Body, Decision
from server.cases.claims import Claimed
from sync import arrays, log
from sync.records import encode
from sync.statements import Statement

# Before these a case has no body; another body starts from the same point again.
_UNDISPATCHED = frozenset({"reported", "accepted", "verified", "filed", "returned", "dispatched"})

_DECIDE = Statement("""
    INSERT INTO routing_decision (
        issue_id, decided_at, rule_id, body_id, assisting_ids, tier, since, limit_value, limit_unit, due_at, edition,
        reasons
    )
    SELECT new.issue_id, CAST(:now AS timestamptz), new.rule_id, new.body_id, CAST(new.assisting AS int[]), new.tier,
           new.since, new.limit_value, new.limit_unit, new.due_at, new.edition, CAST(new.reasons AS jsonb)
    FROM unnest(
        CAST(:issues AS uuid[]), CAST(:rules AS int[]), CAST(:bodies AS int[]), CAST(:assisting AS text[]),
        CAST(:tiers AS text[]), CAST(:since AS timestamptz[]), CAST(:limits AS smallint[]), CAST(:units AS text[]),
        CAST(:due AS timestamptz[]), CAST(:editions AS int[]), CAST(:reasons AS text[])
    ) AS new (
        issue_id, rule_id, body_id, assisting, tier, since, limit_value, limit_unit, due_at, edition, reasons
    )
    RETURNING issue_id, id
""")
_DISPATCH = Statement("""
    UPDATE issue SET state = new.state, body_id = new.body_id, assisting_ids = CAST(new.assisting AS int[]),
        due_at = new.due_at, routing = CAST(new.routing AS jsonb), awaiting_routing = false, rev = issue.rev + 1,
        changed_at = CAST(:now AS timestamptz)
    FROM unnest(
        CAST(:issues AS uuid[]), CAST(:states AS text[]), CAST(:bodies AS int[]), CAST(:assisting AS text[]),
        CAST(:due AS timestamptz[]), CAST(:routings AS text[])
    ) AS new (id, state, body_id, assisting, due_at, routing)
    WHERE issue.id = new.id
""")
_LET_BE = text("UPDATE issue SET awaiting_routing = false WHERE id = ANY (CAST(:ids AS uuid[]))")


@dataclass(frozen=True, slots=True)
class Ruling:
    """An issue with what was decided about it."""

    claimed: Claimed
    decision: Decision

    @property
    def moves(self) -> bool:
        """Whether the case goes to a body that does not have it."""
        standing = self.claimed.case.standing
        return standing is None or standing.body_id != self.decision.body.id

    @property
    def state(self) -> str:
        """The state of the case from now on: work that its body has begun is not begun anew."""
        begun = self.claimed.state not in _UNDISPATCHED
        return self.claimed.state if begun and not self.moves else "dispatched"


def write(session: Session, rulings: Sequence[Ruling], now: datetime) -> dict[uuid.UUID, int]:
    """Write the rulings on issues that are locked; return issue id -> id of the decision."""
    if not rulings:
        return {}
    columns = _columns(rulings) | {"now": now}
    decided: dict[uuid.UUID, int] = dict(_DECIDE.run(session, **columns))
    routings = arrays.texts([encode(as_json(ruling, now)) for ruling in rulings])
    _DISPATCH.run(session, **columns, routings=routings)
    log.write(session, [_line(ruling) for ruling in rulings], now=now)
    return decided


def let_be(session: Session, ids: Sequence[uuid.UUID]) -> None:
    """Take issues that are locked off the list of those awaiting routing, and change nothing else."""
    if ids:
        session.execute(_LET_BE, {"ids": list(ids)})


def as_json(ruling: Ruling, now: datetime) -> dict[str, Any]:
    """Return the routing of an issue as phones and pages see it."""
    decision, place = ruling.decision, ruling.claimed.case.place
    rule, limit, neighbour = decision.rule, decision.limit, place.neighbour
    return {
        "body": _body(decision.body),
        "assisting": [_body(each) for each in decision.assisting],
        "rule": rule and {"id": rule.id, "label": rule.label},
        "category": ruling.claimed.case.category,
        "tier": decision.tier,
        "limit": limit and {"value": limit.value, "unit": limit.unit},
        "since": _moment(decision.since),
        "deadline": _moment(decision.due_at),
        "decided_at": _moment(now),
        "reasons": [reason.as_json() for reason in decision.reasons],
        "edition": place.edition,
        "margin_m": None if place.margin_m is None else round(place.margin_m, 1),
        "neighbour": neighbour and {"code": neighbour.code, "name": neighbour.name},
    }


def _columns(rulings: Sequence[Ruling]) -> dict[str, Any]:
    decisions = [ruling.decision for ruling in rulings]
    assisting = [",".join(str(body.id) for body in each.assisting) for each in decisions]
    return {
        "issues": arrays.uuids([ruling.claimed.id for ruling in rulings]),
        "states": arrays.texts([ruling.state for ruling in rulings]),
        "rules": arrays.numbers([None if each.rule is None else each.rule.id for each in decisions]),
        "bodies": arrays.numbers([each.body.id for each in decisions]),
        "assisting": arrays.texts([f"{{{ids}}}" for ids in assisting]),
        "tiers": arrays.texts([each.tier for each in decisions]),
        "since": arrays.times([each.since for each in decisions]),
        "limits": arrays.numbers([None if each.limit is None else each.limit.value for each in decisions]),
        "units": arrays.texts([None if each.limit is None else each.limit.unit for each in decisions]),
        "due": arrays.times([each.due_at for each in decisions]),
        "editions": arrays.numbers([ruling.claimed.case.place.edition for ruling in rulings]),
        "reasons": arrays.texts([encode([reason.as_json() for reason in each.reasons]) for each in decisions]),
    }


def _line(ruling: Ruling) -> log.Logged:
    """Return the history's line: made by the server, so it has neither device, author nor receipt.

    It tells of the case, not of the issue that devices write: merging replays the latter and must not meet it.
    """
    decision = ruling.decision
    data = {"state": ruling.state, "body": decision.body.code, "deadline": _moment(decision.due_at)}
    op_id = uuid_utils.compat.uuid7()
    return log.Logged(
        op_id=op_id,
        body_hash=hashlib.sha256(op_id.bytes).digest(),
        seq=None,
        collection="cases",
        record_id=ruling.claimed.id,
        action="route",
        base_rev=ruling.claimed.rev,
        base_op=None,
        captured_at=None,
        corrected_at=None,
        data=data,
        raw=None,
        changes=None,
        rev=ruling.claimed.rev + 1,
        status="applied",
        problem=None,
        receipt=None,
    )


def _body(body: Body) -> dict[str, Any]:
    return {"id": body.id, "code": body.code, "name": body.zh, "name_en": body.en}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
