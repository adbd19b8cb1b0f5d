"""What routing decided, told as events that clocks are counted from. Pure.

Owns that a decision says from when, and how long, a body has: a step of before may not say it, and a rule that gives a
case another limit at the same body takes no step. Must not know the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from server.cases.calendars.calendar import Limit
from server.cases.case_event import CaseEvent

_HANDS = ("dispatch", "whistle")
_AT_ONCE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision on a case. Times are aware UTC."""

    id: int
    decided_at: datetime
    body_id: int
    since: datetime
    limit: Limit | None


def with_decisions(events: Sequence[CaseEvent], decisions: Sequence[Decided]) -> list[CaseEvent]:
    """Return the events with each dispatch as it was decided, and with the decisions that no step tells of.

    Both in the order in which they were made. A decision that says what the one before said is a copy of it.
    """
    left = _changes(decisions)
    told = []
    for event in events:
        found = _of(event, left) if event.step in _HANDS else None
        if found is None:
            told.append(event)
            continue
        left.remove(found)
        told.append(replace(event, given={**event.given, **_given(found)}))
    return sorted([*told, *(_event(each, events) for each in left)], key=_taken) if left else told


def _changes(decisions: Sequence[Decided]) -> list[Decided]:
    changes: list[Decided] = []
    for each in decisions:
        last = changes[-1] if changes else None
        if last is None or (each.body_id, each.since, each.limit) != (last.body_id, last.since, last.limit):
            changes.append(each)
    return changes


def _of(event: CaseEvent, left: Sequence[Decided]) -> Decided | None:
    """Return the decision that a dispatch is: of its body, and made with it; one put together later is the first."""
    derived = bool(event.given.get("derived"))
    own = (each for each in left if each.body_id == event.body_id)
    return next((each for each in own if derived or abs(each.decided_at - event.taken_at) <= _AT_ONCE), None)


def _given(decided: Decided) -> dict[str, Any]:
    limit = decided.limit
    told: dict[str, Any] = {"since": decided.since}
    if limit is not None:
        told["limit"] = {"value": limit.value, "unit": limit.unit}
    return told


def _event(decided: Decided, events: Sequence[CaseEvent]) -> CaseEvent:
    """Return a decision that no step tells of as a dispatch; where the body has the case, nobody signs again."""
    has_it = any(each.step in _HANDS and each.body_id == decided.body_id for each in events)
    return CaseEvent(
        id=uuid5(NAMESPACE_OID, f"decision {decided.id}"),
        step="dispatch",
        state_before="",
        state="" if has_it else "dispatched",
        at=decided.decided_at,
        taken_at=decided.decided_at,
        body_id=decided.body_id,
        source="rule",
        given=_given(decided),
    )


def _taken(event: CaseEvent) -> datetime:
    return event.taken_at
