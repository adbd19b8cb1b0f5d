"""Who has to be told of a decision, and the delivery rows that say so.

Owns the difference between who knew and who must know. Sending is ``server.cases.delivery.deliveries``; must not know
how. The desk is told by the row itself. A body that also takes webhooks gets a waiting delivery, also while its
endpoint is disabled: it then waits, and is given up in the end, for a person to see.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import uuid_utils.compat
from sqlalchemy import select
from sqlalchemy.orm import Session

from server.cases.routing.claims import Claimed
from server.cases.routing.decisions import Ruling
from server.cases.tables import Endpoint
from sync.sql import arrays
from sync.sql.statements import Statement

_INSERT = Statement("""
    INSERT INTO delivery (
        id, decision_id, issue_id, organisation_id, channel, kind, state, created_at, first_due_at, next_attempt_at,
        delivered_at
    )
    SELECT new.id, new.decision_id, new.issue_id, new.organisation_id, new.channel, new.kind,
           CASE new.channel WHEN 'desk' THEN 'delivered' ELSE 'waiting' END,
           CAST(:now AS timestamptz), CAST(:now AS timestamptz),
           CASE new.channel WHEN 'desk' THEN NULL ELSE CAST(:now AS timestamptz) END,
           CASE new.channel WHEN 'desk' THEN CAST(:now AS timestamptz) END
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:decisions AS bigint[]), CAST(:issues AS uuid[]), CAST(:organisations AS int[]),
        CAST(:channels AS text[]), CAST(:kinds AS text[])
    ) AS new (id, decision_id, issue_id, organisation_id, channel, kind)
""")
# By webhook alone: from a desk it is gone with the issue. Under a decision of its own, which says what the last one
# said: one decision tells each body once.
_WITHDRAW = Statement("""
    WITH made AS (
        INSERT INTO routing_decision (
            issue_id, decided_at, rule_id, body_id, assisting_ids, tier, since, limit_value, limit_unit, due_at,
            edition, reasons, calendar_edition, provisional_years
        )
        SELECT DISTINCT ON (issue_id) issue_id, CAST(:now AS timestamptz), rule_id, body_id, assisting_ids, tier, since,
               limit_value, limit_unit, due_at, edition, reasons, calendar_edition, provisional_years
        FROM routing_decision WHERE issue_id = ANY (CAST(:issues AS uuid[]))
        ORDER BY issue_id, id DESC
        RETURNING id, issue_id
    )
    INSERT INTO delivery (
        id, decision_id, issue_id, organisation_id, channel, kind, state, created_at, first_due_at, next_attempt_at
    )
    SELECT new.id, made.id, new.issue_id, new.organisation_id, 'webhook', 'withdrawn', 'waiting',
           CAST(:now AS timestamptz), CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:issues AS uuid[]), CAST(:organisations AS int[]))
        AS new (id, issue_id, organisation_id)
    JOIN made ON made.issue_id = new.issue_id
    WHERE EXISTS (SELECT FROM endpoint WHERE endpoint.organisation_id = new.organisation_id)
    RETURNING id
""")


# Under the decision that the case stands under; a case that no body was ever given has none, and nobody hears of it.
_OF_STEPS = Statement("""
    INSERT INTO delivery (
        id, decision_id, issue_id, organisation_id, channel, kind, step_id, state, created_at, first_due_at,
        next_attempt_at
    )
    SELECT new.id, standing.id, new.issue_id, new.organisation_id, 'webhook', 'step', new.step_id, 'waiting',
           CAST(:now AS timestamptz), CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:issues AS uuid[]), CAST(:steps AS uuid[]), CAST(:organisations AS int[])
    ) AS new (id, issue_id, step_id, organisation_id)
    JOIN LATERAL (
        SELECT id FROM routing_decision WHERE issue_id = new.issue_id ORDER BY id DESC LIMIT 1
    ) AS standing ON true
    WHERE EXISTS (SELECT FROM endpoint WHERE endpoint.organisation_id = new.organisation_id)
    ORDER BY new.id
    RETURNING id
""")


@dataclass(frozen=True, slots=True)
class ToldStep:
    """That one organisation is told of one step of a case."""

    issue_id: uuid.UUID
    step_id: uuid.UUID
    organisation_id: int


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one organisation: that it has a case ("dispatched"), or has it no longer ("withdrawn")."""

    ruling: Ruling
    organisation_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class Told:
    """What one organisation is told by one decision on one issue."""

    decision_id: int
    issue_id: uuid.UUID
    organisation_id: int
    kind: str


def due_notices(ruling: Ruling) -> list[Notice]:
    """Return who must be told: nobody whose part, deadline and words are as before; those who lose it, that they do."""
    decision, standing, before = ruling.decision, ruling.claimed.case.standing, ruling.claimed.told_before
    now = (decision.body.id, *(body.id for body in decision.assisting))
    same_deadline = standing is not None and standing.due_at == decision.due_at
    as_known = same_deadline and not ruling.claimed.must_tell
    known = {each: each == before[0] for each in before} if as_known else {}
    told = [Notice(ruling, each, "dispatched") for each in now if known.get(each) != (each == now[0])]
    return told + [Notice(ruling, each, "withdrawn") for each in before if each not in now]


def tell(
    session: Session, rulings: Sequence[Ruling], decided: Mapping[uuid.UUID, int], now: datetime
) -> tuple[uuid.UUID, ...]:
    """Write the deliveries of these decisions; return the ids of those that are to be sent."""
    due = [notice for ruling in rulings for notice in due_notices(ruling)]
    told = [
        Told(decided[notice.ruling.claimed.id], notice.ruling.claimed.id, notice.organisation_id, notice.kind)
        for notice in due
    ]
    return write(session, told, now)


def write(session: Session, notices: Sequence[Told], now: datetime) -> tuple[uuid.UUID, ...]:
    """Write deliveries, one for each channel of each body; return the ids of those that are to be sent."""
    if not notices:
        return ()
    hooked = set(
        session.scalars(
            select(Endpoint.organisation_id).where(
                Endpoint.organisation_id.in_({notice.organisation_id for notice in notices})
            )
        )
    )
    rows = [(notice, channel) for notice in notices for channel in _channels(notice, hooked)]
    ids = [uuid_utils.compat.uuid7() for _ in rows]
    _INSERT.run(
        session,
        ids=arrays.uuids(ids),
        decisions=arrays.numbers([notice.decision_id for notice, _ in rows]),
        issues=arrays.uuids([notice.issue_id for notice, _ in rows]),
        organisations=arrays.numbers([notice.organisation_id for notice, _ in rows]),
        channels=arrays.texts([channel for _, channel in rows]),
        kinds=arrays.texts([notice.kind for notice, _ in rows]),
        now=now,
    )
    return tuple(each for each, (_, channel) in zip(ids, rows, strict=True) if channel == "webhook")


def withdraw(session: Session, deleted: Sequence[Claimed], now: datetime) -> tuple[uuid.UUID, ...]:
    """Write the deliveries that tell bodies of issues which are no more; return the ids of what is to be sent."""
    told = [(each.id, body) for each in deleted for body in each.told_before]
    if not told:
        return ()
    rows = _WITHDRAW.run(
        session,
        ids=arrays.uuids([uuid_utils.compat.uuid7() for _ in told]),
        issues=arrays.uuids([issue_id for issue_id, _ in told]),
        organisations=arrays.numbers([body for _, body in told]),
        now=now,
    )
    return tuple(row[0] for row in rows)


def tell_steps(session: Session, told: Sequence[ToldStep], now: datetime) -> tuple[uuid.UUID, ...]:
    """Write the deliveries of steps, which are written, to bodies that take webhooks; return the ids of all of them."""
    if not told:
        return ()
    rows = _OF_STEPS.run(
        session,
        ids=arrays.uuids([uuid_utils.compat.uuid7() for _ in told]),
        issues=arrays.uuids([each.issue_id for each in told]),
        steps=arrays.uuids([each.step_id for each in told]),
        organisations=arrays.numbers([each.organisation_id for each in told]),
        now=now,
    )
    return tuple(row[0] for row in rows)


def _channels(notice: Told, hooked: set[int]) -> Iterator[str]:
    if notice.kind == "dispatched":
        yield "desk"
    if notice.organisation_id in hooked:
        yield "webhook"
