"""Handing cases to bodies and taking them back: the decisions of people, their deadlines, and who is told.

Owns that a dispatch by hand leaves what a rule's leaves: a decision with its reasons, and notices to those it concerns.
Must not judge steps, nor write issues.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases import catalogue
from server.cases.calendars import store
from server.cases.calendars.calendar import Calendars, Limit
from server.cases.case import BY_NONE, DEFAULT_POLICY, DEFAULT_TIER, Body, Counted, Decision, Terms
from server.cases.case_event import CaseEvent
from server.cases.clocks.clock import Clock
from server.cases.life.turn import Turn
from server.cases.routing import claims, decisions, notices
from server.cases.routing import reasons as why
from server.cases.routing.claims import Claimed
from server.cases.routing.decisions import Ruling
from server.cases.timing import reading

_HANDS = frozenset({"dispatch", "whistle"})


@dataclass(frozen=True, slots=True)
class Due:
    """The deadline of a case, whether it was counted again, and by which edition of the calendar (None: by none)."""

    due_at: datetime | None
    recounted: bool = False
    calendar_edition: int | None = None


@dataclass(frozen=True, slots=True)
class Handed:
    """What handing did: the deadline of each case, the routing to show of those dispatched, what is to be sent."""

    due: Mapping[uuid.UUID, Due]
    routings: Mapping[uuid.UUID, dict[str, Any]] = field(default_factory=dict)
    deliveries: tuple[uuid.UUID, ...] = ()


def hand(session: Session, turns: Sequence[Turn], ground: Ground | None, now: datetime) -> Handed:
    """Write the decisions on cases that were dispatched, and the notices to who got or lost one; count deadlines."""
    given = {turn.case.id: event for turn in turns if (event := _newest(turn)) is not None}
    lost = [turn for turn in turns if turn.case.id not in given and _lost(turn)]
    seen = claims.look(session, [*given, *(turn.case.id for turn in lost)], ground, border_m=DEFAULT_POLICY.border_m)
    book = _Book.read(session) if given else None
    rulings = []
    for turn in turns:
        if book is not None and turn.case.id in given:
            event, claimed = given[turn.case.id], seen[turn.case.id]
            rulings.append(Ruling(claimed, book.decision(turn, event, claimed, now)))
    decided = decisions.decide(session, rulings, now)
    told = notices.tell(session, rulings, decided, now)
    withdrawn = notices.withdraw(session, [seen[turn.case.id] for turn in lost], now)
    by_case = {ruling.claimed.id: ruling for ruling in rulings}
    return Handed(
        due=_dues(session, turns, ground, now),
        routings={key: decisions.as_json(ruling, now) for key, ruling in by_case.items()},
        deliveries=told + withdrawn,
    )


def _newest(turn: Turn) -> CaseEvent | None:
    """Return the newest dispatch among the steps of a walk, if the case is still with a body after it."""
    if turn.case.story.body_id is None:
        return None
    return next((event for event in reversed(turn.fresh) if event.step in _HANDS), None)


def _lost(turn: Turn) -> bool:
    """Return whether bodies had the case and it is over for them without their doing."""
    before = turn.opened.case.story
    taken = any(event.step in ("return", "merge") for event in turn.fresh)
    return taken and before.body_id is not None


_MOVING = frozenset({"dispatch", "whistle", "grant_extension", "suspend", "resume", "rework", "reopen"})


def _moves_deadline(turn: Turn) -> bool:
    return any(event.step in _MOVING for event in turn.fresh)


def _dues(session: Session, turns: Sequence[Turn], ground: Ground | None, now: datetime) -> dict[uuid.UUID, Due]:
    """Return the deadline of each case after its steps, by the clock of the body that leads; a case with none has none.

    A clock that stands still has none while it does.
    """
    moved = [turn for turn in turns if turn.case.story.body_id is not None and _moves_deadline(turn)]
    fresh = {turn.case.id: turn.fresh for turn in moved}
    until = max([now, *(event.taken_at for events in fresh.values() for event in events)])
    clocks = reading.of_cases(session, list(fresh), ground, until, fresh=fresh)
    found = {}
    for turn in turns:
        body_id = turn.case.story.body_id
        if body_id is None:
            found[turn.case.id] = Due(None, recounted=True)
        elif turn.case.id in clocks:
            clock = reading.handling_of(clocks[turn.case.id], body_id)
            found[turn.case.id] = _due_of(clock)
        else:
            found[turn.case.id] = Due(turn.case.due_at)
    return found


def _due_of(clock: Clock | None) -> Due:
    if clock is None:
        return Due(None, recounted=True)
    return Due(clock.due_at, recounted=True, calendar_edition=clock.edition)


@dataclass(frozen=True)
class _Book:
    """What deadlines are counted by."""

    terms: Mapping[str, Terms]
    bodies: Mapping[int, Body]
    calendars: Calendars

    @classmethod
    def read(cls, session: Session) -> "_Book":
        bodies = {body.id: body for body in catalogue.read_bodies(session)}
        return cls(catalogue.read_terms(session), bodies, store.read(session))

    def decision(self, turn: Turn, event: CaseEvent, claimed: Claimed, now: datetime) -> Decision:
        """Return the decision that a person's dispatch is. A whistle that leaves the lead leaves its deadline."""
        story, terms = turn.case.story, self._terms(turn)
        standing = claimed.case.standing
        body = self.bodies[story.body_id or 0]
        limit = _limit(event.given.get("limit")) or next((each.limit for each in terms if each.limit), None)
        since, due_at, counted_by = now, None, BY_NONE
        if standing is not None and event.state == event.state_before and event.step == "whistle":
            limit, since, due_at, counted_by = standing.limit, standing.since, standing.due_at, standing.counted_by
        elif limit is not None:
            due = self.calendars.over(claimed.case.place.line).due(now, limit)
            due_at, counted_by = due.due_at, Counted(due.edition, due.provisional_years)
        return Decision(
            body=body,
            assisting=tuple(self.bodies[each] for each in story.assisting),
            rule=None,
            tier=terms[0].tier if terms else DEFAULT_TIER,
            limit=limit,
            since=since,
            due_at=due_at,
            counted_by=counted_by,
            reasons=(
                why.by_hand(body),
                why.no_limit() if limit is None or due_at is None else why.deadline(limit, since, due_at),
                *why.of_place(claimed.case.place, DEFAULT_POLICY.border_m),
            ),
        )

    def _terms(self, turn: Turn) -> tuple[Terms, ...]:
        codes = (turn.case.category, turn.case.category[:2])
        return tuple(self.terms[code] for code in codes if code in self.terms)


def _limit(given: Mapping[str, Any] | None) -> Limit | None:
    return None if not given else Limit(int(given["value"]), given["unit"])
