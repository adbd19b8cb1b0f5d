"""Writing what routing decided: the decision, the issue's own columns, and a line in the issue's history.

Owns the set-based SQL of it, one statement for each table however many issues there are. Must not choose, and must
not tell anybody (``server.cases.routing.notices``).
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uuid_utils.compat
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.cases.case import Body, Decision
from server.cases.routing.claims import Claimed
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store import log
from sync.store.records import encode

# Before these a case has no body; another body starts from the same point again.
_UNDISPATCHED = frozenset({"reported", "accepted", "verified", "filed", "returned", "dispatched"})

_DECIDE = Statement("""
    INSERT INTO routing_decision (
        issue_id, decided_at, rule_id, body_id, assisting_ids, tier, since, limit_value, limit_unit, due_at, edition,
        reasons, calendar_edition, provisional_years
    )
    SELECT new.issue_id, CAST(:now AS timestamptz), new.rule_id, new.body_id, CAST(new.assisting AS int[]), new.tier,
           new.since, new.limit_value, new.limit_unit, new.due_at, new.edition, CAST(new.reasons AS jsonb),
           new.calendar_edition, CAST(new.provisional_years AS smallint[])
    FROM unnest(
        CAST(:issues AS uuid[]), CAST(:rules AS int[]), CAST(:bodies AS int[]), CAST(:assisting AS text[]),
        CAST(:tiers AS text[]), CAST(:since AS timestamptz[]), CAST(:limits AS smallint[]), CAST(:units AS text[]),
        CAST(:due AS timestamptz[]), CAST(:editions AS int[]), CAST(:reasons AS text[]),
        CAST(:calendars AS int[]), CAST(:provisional AS text[])
    ) AS new (
        issue_id, rule_id, body_id, assisting, tier, since, limit_value, limit_unit, due_at, edition, reasons,
        calendar_edition, provisional_years
    )
    RETURNING issue_id, id
""")
_DISPATCH = Statement("""
    UPDATE issue SET state = new.state, body_id = new.body_id, assisting_ids = CAST(new.assisting AS int[]),
        due_at = new.due_at, pressing_due_at = NULL, calendar_edition = new.calendar_edition,
        routing = CAST(new.routing AS jsonb), awaiting_routing = false, must_tell = false, rev = issue.rev + 1,
        changed_at = CAST(:now AS timestamptz), number = coalesce(issue.number, case_number(
            CAST(extract(year FROM captured_at AT TIME ZONE 'Asia/Shanghai') AS integer), nextval('case_serial')
        ))
    FROM unnest(
        CAST(:issues AS uuid[]), CAST(:states AS text[]), CAST(:bodies AS int[]), CAST(:assisting AS text[]),
        CAST(:due AS timestamptz[]), CAST(:routings AS text[]), CAST(:calendars AS int[])
    ) AS new (id, state, body_id, assisting, due_at, routing, calendar_edition)
    WHERE issue.id = new.id
""")
_LET_BE = text("UPDATE issue SET awaiting_routing = false, must_tell = false WHERE id = ANY (CAST(:ids AS uuid[]))")
_TAKE_BACK = text("""
    UPDATE issue SET awaiting_routing = false, must_tell = false, body_id = NULL, assisting_ids = NULL, due_at = NULL,
        pressing_due_at = NULL, calendar_edition = NULL, state = 'reported', changed_at = :now
    WHERE id = ANY (CAST(:ids AS uuid[]))
""")


@dataclass(frozen=True, slots=True)
class Ruling:
    """An issue with what was decided about it. ``held``: people have it in hand, and it stays where it is."""

    claimed: Claimed
    decision: Decision
    held: bool = False

    @property
    def moves(self) -> bool:
        """Whether the case goes to a body that does not have it."""
        standing = self.claimed.case.standing
        return standing is None or standing.body_id != self.decision.body.id

    @property
    def state(self) -> str:
        """The state of the case from now on: work that its body has begun is not begun anew."""
        if self.held:
            return self.claimed.state
        begun = self.claimed.state not in _UNDISPATCHED
        return self.claimed.state if begun and not self.moves else "dispatched"


def write(session: Session, rulings: Sequence[Ruling], now: datetime) -> dict[uuid.UUID, int]:
    """Write the rulings on issues that are locked; return issue id -> id of the decision."""
    if not rulings:
        return {}
    decided = decide(session, rulings, now)
    routings = arrays.texts([encode(as_json(ruling, now)) for ruling in rulings])
    _DISPATCH.run(session, **_columns(rulings), now=now, routings=routings)
    log.write(session, [_line(ruling) for ruling in rulings], now=now)
    return decided


def decide(session: Session, rulings: Sequence[Ruling], now: datetime) -> dict[uuid.UUID, int]:
    """Write the decisions alone; return issue id -> id of the decision. The issues are the caller's to write."""
    return dict(_DECIDE.run(session, **_columns(rulings), now=now)) if rulings else {}


def let_be(session: Session, ids: Sequence[uuid.UUID]) -> None:
    """Take issues that are locked off the list of those awaiting routing, and change nothing else."""
    if ids:
        session.execute(_LET_BE, {"ids": list(ids)})


def take_back(session: Session, ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Take issues that are locked, and deleted, from the bodies that had them."""
    if ids:
        session.execute(_TAKE_BACK, {"ids": list(ids), "now": now})


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
        "since": moment(decision.since),
        "deadline": moment(decision.due_at),
        "calendar": decision.counted_by.as_json(),
        "decided_at": moment(now),
        "reasons": [reason.as_json() for reason in decision.reasons],
        "edition": place.edition,
        "margin_m": None if place.margin_m is None else round(place.margin_m, 1),
        "neighbour": neighbour and {"code": neighbour.code, "name": neighbour.name},
    }


def _columns(rulings: Sequence[Ruling]) -> dict[str, Any]:
    decisions = [ruling.decision for ruling in rulings]
    return {
        "issues": arrays.uuids([ruling.claimed.id for ruling in rulings]),
        "states": arrays.texts([ruling.state for ruling in rulings]),
        "rules": arrays.numbers([None if each.rule is None else each.rule.id for each in decisions]),
        "bodies": arrays.numbers([each.body.id for each in decisions]),
        "assisting": arrays.texts([array_text([body.id for body in each.assisting]) for each in decisions]),
        "tiers": arrays.texts([each.tier for each in decisions]),
        "since": arrays.times([each.since for each in decisions]),
        "limits": arrays.numbers([None if each.limit is None else each.limit.value for each in decisions]),
        "units": arrays.texts([None if each.limit is None else each.limit.unit for each in decisions]),
        "due": arrays.times([each.due_at for each in decisions]),
        "editions": arrays.numbers([ruling.claimed.case.place.edition for ruling in rulings]),
        "calendars": arrays.numbers([each.counted_by.edition for each in decisions]),
        "provisional": arrays.texts([array_text(each.counted_by.provisional_years) for each in decisions]),
        "reasons": arrays.texts([encode([reason.as_json() for reason in each.reasons]) for each in decisions]),
    }


def _line(ruling: Ruling) -> log.Logged:
    """Return the history's line of a ruling."""
    decision = ruling.decision
    data = {"state": ruling.state, "body": decision.body.code, "deadline": moment(decision.due_at)}
    return history_line(ruling.claimed.id, ruling.claimed.rev, "route", data)


def history_line(issue_id: uuid.UUID, rev: int, action: str, data: dict[str, Any]) -> log.Logged:
    """Return a line of a case's history made by the server, so that it has neither device, author nor receipt.

    ``rev``: of the issue before. It tells of the case, not of the issue that devices write: merging replays the latter
    and must not meet it.
    """
    return log.made_here(uuid_utils.compat.uuid7(), "cases", issue_id, action, data=data, rev=rev + 1, base_rev=rev)


def array_text(numbers: Iterable[int]) -> str:
    """Return numbers as PostgreSQL writes an array of them, for arrays of arrays of different lengths."""
    return f"{{{','.join(map(str, numbers))}}}"


def _body(body: Body) -> dict[str, Any]:
    return {"id": body.id, "code": body.code, "name": body.zh, "name_en": body.en}


def moment(at: datetime | None) -> str | None:
    """Return a time as phones and pages read it."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
