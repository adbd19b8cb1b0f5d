"""Steps that phones sent: taken as any other, when they arrive; what became of each is told to its phone.

Owns that each is settled once, those of a case in the order in which they were done. One that has become illegal is
kept as overtaken, with what happened instead; one that the case never allowed is refused, with why. A step of a
report that is still to come waits for it. Takes a session, never commits; the feed is written last.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.accounts.charge import Charge, read_charges
from server.cases.errors import StepIllegal
from server.cases.history.steps import OFFLINE_FROM_S
from server.cases.life.persons import Actor
from server.cases.life.taking import Outcome, Wanted, take
from sync.collections.steps import TAKEN_STEPS
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store import dead_letters, feed
from sync.store.records import encode

QUEUE: Final = "steps"
WAITS_FOR_REPORT: Final = timedelta(days=30)
"""How long a step waits for the report that it is of."""
_FRAME: Final = frozenset({"issue_id", "step", "at", "extra"})

_WAITING = f"""
    FROM step LEFT JOIN dead_letter AS aside ON aside.queue = '{QUEUE}' AND aside.item = step.id::text
    WHERE step.outcome IS NULL AND step.deleted_at IS NULL
      AND (aside.item IS NULL OR aside.next_attempt_at <= :now)
      AND (EXISTS (SELECT FROM issue WHERE issue.id = step.issue_id) OR step.received_at < :given_up)
"""
_ANY = text(f"SELECT EXISTS (SELECT {_WAITING})")  # constants of this module
_CLAIM = text(f"""
    SELECT step.id, step.issue_id, step.author_id, step.doc, step.captured_at, step.received_at {_WAITING}
      AND (CAST(:only AS uuid[]) IS NULL OR step.id = ANY (CAST(:only AS uuid[])))
    ORDER BY step.captured_at, step.id LIMIT :limit FOR UPDATE OF step
""")  # as above
# One at a time: two would take the steps of one case out of their order.
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('case steps of phones'))")
_SETTLE = Statement("""
    UPDATE step SET outcome = new.outcome, case_state = new.state, instead = CAST(new.instead AS jsonb),
        settled_at = CAST(:now AS timestamptz), changed_at = CAST(:now AS timestamptz), rev = step.rev + 1
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:outcomes AS text[]), CAST(:states AS text[]), CAST(:instead AS text[])
    ) AS new (id, outcome, state, instead)
    WHERE step.id = new.id
""")


@dataclass(frozen=True, slots=True)
class Settled:
    """What one run did. ``deliveries``: those to be sent; ``more``: whether steps may still be waiting."""

    steps: tuple[uuid.UUID, ...] = ()
    deliveries: tuple[uuid.UUID, ...] = ()
    more: bool = False


def waits(session: Session, now: datetime) -> bool:
    """Return whether a run at ``now`` would find a step to settle."""
    return bool(session.scalar(_ANY, _asked(now)))


def waiting(session: Session, limit: int, now: datetime) -> list[uuid.UUID]:
    """Return up to ``limit`` steps that a run at ``now`` would take, in its order."""
    return [row.id for row in session.execute(_CLAIM, {**_asked(now), "only": None, "limit": limit})]


def settle(
    session: Session, ground: Ground | None, now: datetime, limit: int = 200, *, only: Sequence[uuid.UUID] | None = None
) -> Settled:
    """Take up to ``limit`` steps that wait, and note what became of them. ``only``: no others than these."""
    if not session.scalar(_ALONE):
        return Settled()
    wanted = None if only is None else list(only)
    rows = session.execute(_CLAIM, {**_asked(now), "only": wanted, "limit": limit}).all()
    if not rows:
        return Settled()
    charges = read_charges(session, [row.author_id for row in rows], now=now)
    outcomes, deliveries = take(session, [_wanted(row, charges[row.author_id]) for row in rows], ground, now)
    _SETTLE.send(
        session,
        now=now,
        ids=arrays.uuids([row.id for row in rows]),
        outcomes=arrays.texts([_told(each) for each in outcomes]),
        states=arrays.texts([each.state for each in outcomes]),
        instead=arrays.texts([_instead(each) for each in outcomes]),
    )
    dead_letters.take_back(session, QUEUE, [str(row.id) for row in rows])
    touched = [(row.id, (), row.author_id) for row in rows]
    feed.append(session, feed.record_touches(TAKEN_STEPS.topic, touched))
    return Settled(tuple(row.id for row in rows), deliveries, more=len(rows) == limit)


def _asked(now: datetime) -> dict[str, Any]:
    return {"now": now, "given_up": now - WAITS_FOR_REPORT}


def _wanted(row: Any, charge: Charge) -> Wanted:
    given = {name: value for name, value in row.doc.items() if name not in _FRAME and value not in (None, [], "")}
    if "score" in given:
        given["score"] = int(given["score"])
    if "limit" in given:
        given["limit"] = {"value": int(given["limit"]["value"]), "unit": given["limit"]["unit"]}
    late_s = (row.received_at - row.captured_at).total_seconds()
    return Wanted(
        id=row.id,
        issue_id=row.issue_id,
        step=row.doc["step"],
        actor=Actor("phone", charge),
        given=given,
        at=row.captured_at,
        offline=late_s > OFFLINE_FROM_S,
    )


def _told(outcome: Outcome) -> str:
    """Return what a phone is told: overtaken only where something happened that made its step illegal."""
    if outcome.status == "taken":
        return "taken"
    return "overtaken" if isinstance(outcome.error, StepIllegal) and outcome.error.overtaken else "refused"


def _instead(outcome: Outcome) -> str | None:
    if outcome.error is None:
        return None
    told = {"type": f"/problems/{outcome.error.code}", **outcome.error.data}
    return encode({name: str(value) if isinstance(value, uuid.UUID) else value for name, value in told.items()})
