"""What follows from a step: the body that it concerns, the fields that complete it, and what rules do after it. Pure.

Must not know the database, or whether a step may be taken.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import uuid_utils.compat

from server.cases.case_event import CaseEvent
from server.cases.life.declared import Transition, Who
from server.cases.life.guards import Asked
from server.cases.life.persons import CaseNow

REOPENED_ESCALATES = 2
"""From how many reopenings on a case goes up the tree by itself."""
COMPLETED: Final[Mapping[str, frozenset[str]]] = MappingProxyType({"grant_extension": frozenset({"limit"})})
"""The fields of a step that are filled in where they are left unsaid."""


def body_of(row: Transition, case: CaseNow, asked: Asked) -> int | None:
    """Return the body that a step concerns: the one that it names, the one that acts, or the one that has the case."""
    if "bodies" in row.needs:
        return int(asked.given["bodies"]["lead"])
    if "body" in row.needs:
        return int(asked.given["body"])
    if row.who == (Who.ASSISTANT,):
        return min((asked.actor.bodies & set(case.story.assisting)) - case.story.assisted)
    return case.story.body_id


def completed(row: Transition, case: CaseNow, asked: Asked) -> Mapping[str, Any]:
    """Return the fields of a step with what it leaves unsaid: an extension is granted as it was asked for."""
    given = dict(asked.given)
    if row.step == "grant_extension" and "limit" not in given:
        given["limit"] = (case.story.asked or {}).get("limit")
    return given


def after(case: CaseNow, event: CaseEvent, now: datetime) -> Iterator[CaseEvent]:
    """Yield what rules do to a case after a step."""
    if event.step == "reopen" and case.story.reopened >= REOPENED_ESCALATES:
        yield CaseEvent(
            id=uuid_utils.compat.uuid7(),
            step="escalate",
            state_before=event.state,
            state=event.state,
            at=event.at,
            taken_at=max(now, event.at),
            body_id=case.story.body_id,
            source="rule",
            given={"reason": "reopened-again"},
        )
