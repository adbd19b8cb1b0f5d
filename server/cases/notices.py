"""Who has to be told of a decision, and the delivery rows that say so.

Owns the difference between who knew and who must know. Sending is ``server.cases.deliveries``; must not know how.
The desk is told by the row itself. A body that also takes webhooks gets a waiting delivery, also while its endpoint
is disabled: it then waits, and is given up in the end, for a person to see.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import uuid_utils.compat
from sqlalchemy import select
from sqlalchemy.orm import Session

from server.cases.decisions import Ruling
from server.cases.tables import Endpoint
from sync import arrays
from sync.statements import Statement

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


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one organisation: that it has a case ("dispatched"), or has it no longer ("withdrawn")."""

    ruling: Ruling
    organisation_id: int
    kind: str


def due_notices(ruling: Ruling) -> list[Notice]:
    """Return who must be told: nobody for whom neither part nor deadline changed; those who lose it, that they do."""
    decision, standing, before = ruling.decision, ruling.claimed.case.standing, ruling.claimed.told_before
    now = (decision.body.id, *(body.id for body in decision.assisting))
    same_deadline = standing is not None and standing.due_at == decision.due_at
    known = {each: each == before[0] for each in before} if same_deadline else {}
    told = [Notice(ruling, each, "dispatched") for each in now if known.get(each) != (each == now[0])]
    return told + [Notice(ruling, each, "withdrawn") for each in before if each not in now]


def tell(
    session: Session, rulings: Sequence[Ruling], decided: Mapping[uuid.UUID, int], now: datetime
) -> tuple[uuid.UUID, ...]:
    """Write the deliveries of these decisions; return the ids of those that are to be sent."""
    notices = [notice for ruling in rulings for notice in due_notices(ruling)]
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
        decisions=arrays.numbers([decided[notice.ruling.claimed.id] for notice, _ in rows]),
        issues=arrays.uuids([notice.ruling.claimed.id for notice, _ in rows]),
        organisations=arrays.numbers([notice.organisation_id for notice, _ in rows]),
        channels=arrays.texts([channel for _, channel in rows]),
        kinds=arrays.texts([notice.kind for notice, _ in rows]),
        now=now,
    )
    return tuple(each for each, (_, channel) in zip(ids, rows, strict=True) if channel == "webhook")


def _channels(notice: Notice, hooked: set[int]) -> Iterator[str]:
    if notice.kind == "dispatched":
        yield "desk"
    if notice.organisation_id in hooked:
        yield "webhook"
