"""What rules do to cases as steps of them: the report, and on to the body that a rule chose; and what they leave alone.

Owns which cases are no longer a rule's to move: those that people have in hand, and those that wait for the duty desk.
Must not choose a body.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from server.cases.case import Decision
from server.cases.case_event import CaseEvent
from server.cases.history import steps
from server.cases.history.replay import Story, replay
from server.cases.history.steps import Appended
from server.cases.routing import reasons as why
from server.cases.routing.claims import Claimed
from server.cases.routing.decisions import Ruling, moment
from server.cases.routing.rules import RuleBook

# What a rule has still to do, by the state that it finds.
_ON_THE_WAY: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "reported": (("accept", "accepted"), ("file", "filed"), ("dispatch", "dispatched")),
    "accepted": (("file", "filed"), ("dispatch", "dispatched")),
    "verified": (("file", "filed"), ("dispatch", "dispatched")),
}
_FROM_ANYWHERE: Final = (("dispatch", "dispatched"),)


@dataclass(frozen=True, slots=True)
class Begun:
    """A claimed case with its events. ``report``: the first of them, where it is not written down yet."""

    claimed: Claimed
    events: tuple[CaseEvent, ...]
    story: Story
    report: CaseEvent | None = None

    @property
    def in_hand(self) -> bool:
        """Whether people acted on it: what they did stands."""
        return self.story.by_people

    @property
    def at_the_duty_desk(self) -> bool:
        """Whether people are to accept, verify and dispatch it; rules only suggest."""
        return self.story.body_id is None and (self.claimed.intake == "duty" or self.claimed.case.source == "resident")


def read(session: Session, claimed: Sequence[Claimed]) -> list[Begun]:
    """Return claimed cases with what happened to them, in one statement."""
    events = steps.of_cases(session, [each.id for each in claimed])
    return [_begun(each, events.get(each.id, [])) for each in claimed]


def _begun(claimed: Claimed, events: list[CaseEvent]) -> Begun:
    if events:
        return Begun(claimed, tuple(events), replay(events))
    captured = claimed.case.captured_at
    reported = steps.Reported(
        claimed.id, claimed.author_id, captured, claimed.received_at or captured, claimed.case.source
    )
    report = steps.report_of(reported)
    return Begun(claimed, (report,), replay([report]), report)


def kept(begun: Begun, book: RuleBook) -> Ruling | None:
    """Return the decision under which a case that people have in hand stays where it is; None where no body has it."""
    standing, body_id = begun.claimed.case.standing, begun.story.body_id
    if standing is None or body_id is None or body_id not in book.bodies:
        return None
    body = book.bodies[body_id]
    decision = Decision(
        body=body,
        assisting=tuple(book.bodies[each] for each in begun.story.assisting if each in book.bodies),
        rule=None,
        tier=next((each.tier for each in book.terms(begun.claimed.case.category)), "community"),
        limit=standing.limit,
        since=standing.since,
        due_at=standing.due_at,
        counted_by=standing.counted_by,
        reasons=(why.kept_by_people(body), why.deadline_kept(standing.limit, standing.since, standing.due_at)),
    )
    return Ruling(begun.claimed, decision, held=True)


def note(session: Session, begun: Sequence[Begun], rulings: Mapping[uuid.UUID, Ruling], now: datetime) -> None:
    """Write down the reports, and the steps by which rules brought cases to bodies that did not have them."""
    rows: list[Appended] = []
    for each in begun:
        fresh = [] if each.report is None else [each.report]
        ruling = rulings.get(each.claimed.id)
        if ruling is not None and not ruling.held and ruling.decision.body.id != each.story.body_id:
            fresh += _on_the_way(each.events[-1], ruling.decision, now)
        first = len(each.events) - (each.report is not None) + 1
        rows += [Appended(each.claimed.id, place, event) for place, event in enumerate(fresh, first)]
    steps.append(session, rows)


def _on_the_way(last: CaseEvent, decision: Decision, now: datetime) -> list[CaseEvent]:
    found = []
    for step, state in _ON_THE_WAY.get(last.state, _FROM_ANYWHERE):
        more = {"body_id": decision.body.id, "given": _given(decision)} if step == "dispatch" else {}
        last = steps.by_rule(last, step, state, now, **more)
        found.append(last)
    return found


def _given(decision: Decision) -> dict[str, object]:
    limit, rule = decision.limit, decision.rule
    return {
        "bodies": {"lead": decision.body.id, "assisting": [body.id for body in decision.assisting]},
        "since": moment(decision.since),
        **({"limit": {"value": limit.value, "unit": limit.unit}} if limit is not None else {}),
        **({"rule": rule.id} if rule is not None else {}),
    }
