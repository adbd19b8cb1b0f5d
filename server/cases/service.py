"""Routing onward: the walk from issues that await routing to bodies that know of them.

Owns the order of the steps. Takes a session, never commits, never enqueues, never sends: the caller commits, and
what is to be sent waits in rows. Locks: issues in ascending id, skipping those that others hold; the feed last.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from geo.editions import Ground
from server.cases import aside, catalogue, claims, decisions, notices, rulebook
from server.cases.calendar import WorkCalendar
from server.cases.case import DEFAULT_POLICY, Policy
from server.cases.claims import Claimed
from server.cases.decisions import Ruling
from server.cases.rules import RuleBook, choose
from sync import feed
from sync.collections.issues import CLOSED_STATES, ISSUES

# What is finished stays with the body that finished it, whatever becomes of borders and categories.
FINISHED_STATES = frozenset({*CLOSED_STATES, "done", "checked"})
DEFAULT_CALENDAR = WorkCalendar()


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
    calendar: WorkCalendar = DEFAULT_CALENDAR,
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
    decisions.let_be(session, [each.id for each in claimed if _is_finished(each)])
    aside.take_back(session, [each.id for each in claimed if each.was_aside])
    book = read_book(session)
    rulings = [
        Ruling(each, choose(each.case, book, calendar, now, policy)) for each in claimed if not _is_finished(each)
    ]
    decided = decisions.write(session, rulings, now)
    to_send = notices.tell(session, rulings, decided, now)
    changed = [(each.claimed.id, (each.claimed.grid_now,), each.claimed.author_id) for each in rulings]
    feed.append(session, feed.record_touches(ISSUES.topic, changed))
    return Routed(tuple(decided), to_send, more=len(claimed) == limit)


def read_book(session: Session) -> RuleBook:
    """Return what issues are routed by. Raises ``RuleTie``."""
    return RuleBook(rulebook.active_rules(session), catalogue.read_terms(session), catalogue.read_bodies(session))


def _is_finished(claimed: Claimed) -> bool:
    return claimed.is_closed or claimed.state in FINISHED_STATES
