"""Routing onward: the walk from issues that await routing to bodies that know of them.

Owns the order of the steps. Takes a session, never commits, never enqueues, never sends: the caller commits, and
what is to be sent waits in rows. Locks: issues in ascending id, skipping those that others hold; the feed last.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases import catalogue
from server.cases.calendars import store
from server.cases.case import DEFAULT_POLICY, Policy
from server.cases.duplicates import suggesting
from server.cases.history import steps
from server.cases.routing import begun, claims, decisions, notices, retries, rulebook
from server.cases.routing.begun import Begun
from server.cases.routing.claims import Claimed
from server.cases.routing.decisions import Ruling
from server.cases.routing.rules import RuleBook, choose
from sync.collections.issues import CLOSED_STATES, ISSUES
from sync.store import feed

# What is finished stays with the body that finished it, whatever becomes of borders and categories.
FINISHED_STATES = frozenset({*CLOSED_STATES, "done", "checked"})


@dataclass(frozen=True, slots=True)
class Routed:
    """What one run did. ``deliveries``: those that are to be sent. ``more``: whether issues may still be waiting."""

    issues: tuple[uuid.UUID, ...] = ()
    deliveries: tuple[uuid.UUID, ...] = ()
    more: bool = False


def route_awaiting(
    session: Session,
    now: datetime,
    ground: Ground | None,
    limit: int = 200,
    *,
    policy: Policy = DEFAULT_POLICY,
    only: Sequence[uuid.UUID] | None = None,
) -> Routed:
    """Route up to ``limit`` issues that await it, in a number of statements that does not grow with them.

    ``ground`` is the edition in force at ``now`` (aware UTC), None before the first. Each issue gets a body, a
    deadline and the reasons, also where it was routed before and its category, severity or grid has changed since.
    The deadline counts from this decision, not from the capture (``rules.choose`` says why; ``policy`` can change
    it). ``only``: no others than these. Raises ``NoDefaultDesk`` if the catalogue has not been loaded.
    """
    claimed = claims.claim(session, limit, ground, now, border_m=policy.border_m, only=only)
    if not claimed:
        return Routed()
    deleted = [each for each in claimed if each.is_deleted]
    withdrawn = notices.withdraw(session, deleted, now)
    decisions.take_back(session, [each.id for each in deleted], now)
    claimed = [each for each in claimed if not each.is_deleted]
    retries.take_back(session, [each.id for each in claimed if each.was_aside])
    cases = begun.read(session, claimed)
    rulings = _rule(session, cases, now, policy)
    ruled = {ruling.claimed.id: ruling for ruling in rulings}
    waiting = [each for each in cases if each.claimed.id not in ruled]
    decisions.let_be(session, [each.claimed.id for each in waiting])
    begun.note(session, cases, ruled, now)
    steps.give_numbers(session, [each.claimed.id for each in waiting if each.report is not None])
    decided = decisions.write(session, rulings, now)
    to_send = notices.tell(session, rulings, decided, now)
    suggesting.keep_for(session, [each.claimed.id for each in cases if not _is_finished(each.claimed)], now)
    changed = [(each.claimed.id, (each.claimed.grid_now,), each.claimed.author_id) for each in rulings]
    worked = [(each.claimed.id, (*each.claimed.told_before, *_bodies(ruled.get(each.claimed.id)))) for each in cases]
    feed.append(session, feed.record_touches(ISSUES.topic, changed) + feed.work_touches(ISSUES.topic, worked))
    return Routed(tuple(decided), withdrawn + to_send, more=len(claimed) + len(deleted) == limit)


def _bodies(ruling: Ruling | None) -> tuple[int, ...]:
    return () if ruling is None else (ruling.decision.body.id, *(body.id for body in ruling.decision.assisting))


def _rule(session: Session, cases: Sequence[Begun], now: datetime, policy: Policy) -> list[Ruling]:
    """Return what is decided: nothing of what has ended or waits for the duty desk; what people have stays theirs."""
    book, calendars = read_book(session), store.read(session)
    rulings = []
    for each in cases:
        case = each.claimed.case
        if _is_finished(each.claimed):
            continue
        if each.in_hand:
            ruling = begun.kept(each, book) if each.claimed.must_tell else None
            rulings += [] if ruling is None else [ruling]
        elif not each.at_the_duty_desk:
            rulings.append(Ruling(each.claimed, choose(case, book, calendars.over(case.place.line), now, policy)))
    return rulings


def read_book(session: Session) -> RuleBook:
    """Return what issues are routed by. Raises ``RuleTie``."""
    return RuleBook(rulebook.active_rules(session), catalogue.read_terms(session), catalogue.read_bodies(session))


def _is_finished(claimed: Claimed) -> bool:
    return claimed.is_closed or claimed.state in FINISHED_STATES
