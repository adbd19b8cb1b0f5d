"""Taking steps: the one walk by which a case moves, whoever moves it and by whatever way it came.

Owns the order: lock, recognise what was taken before, judge, follow, write, tell. Takes a session and never commits.
Locks: the ids of the steps, then issues in ascending id, and those that are merged into, then the bodies that are
named; the feed last. So of two at once one is first, and the other is judged by what the first made of the case, or
told that its id is taken.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.case_event import CaseEvent
from server.cases.errors import CaseError, StepIdReused, StepIllegal, StepInvalid, StepRefused, UnknownCase
from server.cases.history import steps
from server.cases.life import following, photos, reading, writing
from server.cases.life.guards import Asked
from server.cases.life.judging import Taken, Untaken, judge, possible
from server.cases.life.meanwhile import was_legal
from server.cases.life.persons import Actor, CaseNow, sees
from server.cases.life.turn import Turn

Status = Literal["taken", "illegal", "refused"]
HAPPENED = 5
"""How many of its newest events somebody is told whose step has become illegal."""

# Whoever retires one of them waits for this walk, or this walk for them: no case is given to a body that goes.
_BODIES = text("""
    SELECT code, id FROM organisation WHERE code = ANY (CAST(:codes AS text[])) AND retired_at IS NULL
    ORDER BY id FOR KEY SHARE
""")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A step that somebody wants to take. ``given``: its fields, bodies by their codes.

    ``seen``: the state that they saw; ``at``: when it was done, by the corrected clock of the device (None: now).
    """

    id: uuid.UUID
    issue_id: uuid.UUID
    step: str
    actor: Actor
    given: Mapping[str, Any] = field(default_factory=dict)
    seen: str | None = None
    at: datetime | None = None
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step. ``state``: of the case, None where there is none; ``error``: why it was not taken."""

    wanted: Wanted
    status: Status
    state: str | None
    error: CaseError | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """What the steps of a batch name: ids of bodies by their codes, and the cases that photos are of."""

    bodies: Mapping[str, int]
    photos: photos.Known


def take(
    session: Session, wanted: Sequence[Wanted], ground: Ground | None, now: datetime
) -> tuple[list[Outcome], tuple[uuid.UUID, ...]]:
    """Take steps, in their order, each for itself; return what became of each, and the deliveries to be sent.

    A number of statements that does not grow with them. A step whose id was taken before is answered as it was then.
    """
    others = [_uuid(each.given.get("of")) for each in wanted]
    ids = {each.issue_id for each in wanted} | {key for key in others if key is not None}
    steps.lock_ids(session, [each.id for each in wanted])
    turns = {key: Turn.of(opened) for key, opened in reading.lock(session, sorted(ids), ground).items()}
    known = steps.by_id(session, [each.id for each in wanted])
    named = Named(_bodies_named(session, wanted), photos.of(session, [each.given for each in wanted]))
    outcomes = []
    for each in wanted:
        outcome = _take_one(each, turns, known, named, now)
        if outcome.status == "taken" and not outcome.replayed:
            event = turns[each.issue_id].events[-1]
            known[each.id] = (each.issue_id, event)
            for more in following.after(turns[each.issue_id].case, event, now):
                turns[each.issue_id].add(more)
        outcomes.append(outcome)
    moved = [turn for turn in turns.values() if any(event.step != "report" for event in turn.fresh)]
    deliveries = writing.write(session, moved, ground, now)
    return outcomes, deliveries


def take_one(session: Session, wanted: Wanted, ground: Ground | None, now: datetime) -> tuple[uuid.UUID, ...]:
    """Take one step; return the deliveries to be sent. Raises what speaks against it."""
    [outcome], deliveries = take(session, [wanted], ground, now)
    if outcome.error is not None:
        raise outcome.error
    return deliveries


def _take_one(
    wanted: Wanted,
    turns: Mapping[uuid.UUID, Turn],
    known: Mapping[uuid.UUID, tuple[uuid.UUID, CaseEvent]],
    named: Named,
    now: datetime,
) -> Outcome:
    turn, before = turns.get(wanted.issue_id), known.get(wanted.id)
    if before is not None and _is_own(wanted, *before):
        # Told also to whoever does not see the case any more: that may well be what their step has done.
        return _again(wanted, before[1], named.bodies)
    if turn is None or turn.case.is_deleted or not sees(wanted.actor, turn.case):
        return Outcome(wanted, "refused", None, UnknownCase(wanted.issue_id))
    state = turn.case.story.state
    if before is not None:
        return Outcome(wanted, "refused", state, StepIdReused(wanted.id))
    try:
        given = _by_id(wanted, named.bodies)
    except StepInvalid as wrong:
        return Outcome(wanted, "refused", state, wrong)
    asked = Asked(wanted.actor, _moment(wanted, turn, now), given, _other(wanted, turns))
    verdict = judge(wanted.step, turn.case, asked, wanted.seen)
    if isinstance(verdict, Untaken):
        error = error_of(verdict, wanted, turn, overtaken=_is_overtaken(verdict, wanted, turn, asked, turns))
    elif unseen := photos.fault(wanted.issue_id, wanted.actor.source, given, named.photos):
        error = StepInvalid(wanted.step, "photos", unseen)
    else:
        turn.add(_event(wanted, verdict, turn.case, asked, now))
        return Outcome(wanted, "taken", turn.case.story.state)
    return Outcome(wanted, "illegal" if isinstance(error, StepIllegal) else "refused", state, error)


def _is_own(wanted: Wanted, issue_id: uuid.UUID, event: CaseEvent) -> bool:
    """Return whether an event is the step of the same case that this actor took under this id."""
    actor = wanted.actor
    if (issue_id, event.step) != (wanted.issue_id, wanted.step):
        return False
    if actor.person_id is not None:
        return event.person_id == actor.person_id
    # Of those who are nobody, a rule is not a body, and one body is not another.
    return event.person_id is None and event.source == actor.source and event.body_id in actor.body_ids


def _again(wanted: Wanted, event: CaseEvent, codes: Mapping[str, int]) -> Outcome:
    """Answer a step that was taken before: once, however often it is sent, as long as it says the same."""
    try:
        given = _by_id(wanted, codes)
    except StepInvalid:
        given = None
    # What a step leaves unsaid is completed when it is taken: only what was sent is held against it.
    unsaid = following.COMPLETED.get(wanted.step, frozenset())
    if given is None or given != {name: event.given[name] for name in event.given.keys() - (unsaid - given.keys())}:
        return Outcome(wanted, "refused", event.state, StepIdReused(wanted.id))
    return Outcome(wanted, "taken", event.state, replayed=True)


def _moment(wanted: Wanted, turn: Turn, now: datetime) -> datetime:
    """Return when a step was done: never after now, and never before what happened to the case before it."""
    last = turn.case.story.last_at or now
    return max(min(wanted.at or now, now), min(last, now))


def _other(wanted: Wanted, turns: Mapping[uuid.UUID, Turn]) -> CaseNow | None:
    """Return the case that a step names, where there is one for this person."""
    key = _uuid(wanted.given.get("of"))
    turn = None if key is None else turns.get(key)
    return turn.case if turn is not None and sees(wanted.actor, turn.case) else None


def _event(wanted: Wanted, taken: Taken, case: CaseNow, asked: Asked, now: datetime) -> CaseEvent:
    return CaseEvent(
        id=wanted.id,
        step=wanted.step,
        state_before=case.story.state,
        state=taken.state,
        at=asked.at,
        taken_at=max(now, asked.at),
        body_id=following.body_of(taken.row, case, asked),
        person_id=wanted.actor.person_id,
        source=wanted.actor.source,
        offline=wanted.offline,
        given=following.completed(taken.row, case, asked),
    )


def _is_overtaken(untaken: Untaken, wanted: Wanted, turn: Turn, asked: Asked, turns: Mapping[uuid.UUID, Turn]) -> bool:
    if untaken.why == "stale":
        return True
    if untaken.why not in ("state", "guard"):
        return False
    other = None if asked.other is None else turns[asked.other.id].events[0]
    return was_legal(wanted.step, turn.case, turn.events, asked, other)


def error_of(untaken: Untaken, wanted: Wanted, turn: Turn, *, overtaken: bool) -> CaseError:
    """Return why a step was not taken, with what happened and what is possible instead."""
    case = turn.case
    if untaken.why == "unknown-step":
        return StepInvalid(wanted.step, "step", "unknown")
    if untaken.why in ("missing", "photo-rule", "not-taken", "choice"):
        return StepInvalid(wanted.step, str(untaken.field), untaken.why)
    if untaken.why == "who":
        return StepRefused(case.id, wanted.step, case.story.state, [who.value.as_json() for who in untaken.who])
    return StepIllegal(
        case.id,
        wanted.step,
        case.story.state,
        untaken.why,
        overtaken=overtaken,
        guard=untaken.guard,
        guard_words=untaken.words and untaken.words.as_json(),
        happened=[happened(event) for event in turn.events[-HAPPENED:]],
        possible=[
            {"step": each.step, "who": [who.value.as_json() for who in each.who]} for each in possible(case)
        ],
    )  # fmt: skip


def happened(event: CaseEvent) -> dict[str, Any]:
    """Return an event as somebody is told it whose own step came too late: what and when, not who."""
    return {"step": event.step, "state": event.state, "at": event.at.isoformat()}


def _by_id(wanted: Wanted, codes: Mapping[str, int]) -> dict[str, Any]:
    """Return the fields of a step with its bodies by their ids. Raises ``StepInvalid`` for a body that is not there."""
    given = {name: value for name, value in wanted.given.items() if value is not None}
    try:
        if "bodies" in given:
            bodies = given["bodies"]
            assisting = list(dict.fromkeys(codes[each] for each in bodies.get("assisting") or ()))
            given["bodies"] = {"lead": codes[bodies["lead"]], "assisting": assisting}
        if "body" in given:
            given["body"] = codes[given["body"]]
    except KeyError as error:
        raise StepInvalid(wanted.step, "bodies" if "bodies" in given else "body", "unknown") from error
    return given


def _bodies_named(session: Session, wanted: Sequence[Wanted]) -> dict[str, int]:
    """Return the ids of the bodies that steps name, by their codes; of those that there are and that take cases."""
    named = {each.given.get("body") for each in wanted}
    for bodies in (each.given.get("bodies") or {} for each in wanted):
        named |= {bodies.get("lead"), *(bodies.get("assisting") or ())}
    codes = sorted(each for each in named if isinstance(each, str))
    return dict(map(tuple, session.execute(_BODIES, {"codes": codes}))) if codes else {}


def _uuid(value: object) -> uuid.UUID | None:
    try:
        return None if value is None else uuid.UUID(str(value))
    except ValueError:
        return None
