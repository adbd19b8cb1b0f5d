"""What a change of the rules would do: to cases of the past, told beforehand; to those that no body has yet, done.

Owns the comparison of two rulebooks over cases, and the marking of cases that are to be decided anew. Decides nothing
itself: that is the routing job's, which leaves what people have in hand where it is. Rules name bodies and never one
another, so that there is no chain of them to go round in.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases import catalogue
from server.cases.calendars import store
from server.cases.calendars.calendar import Calendars
from server.cases.case import DEFAULT_POLICY, Body, Rule
from server.cases.errors import RuleTie, UnknownRule
from server.cases.routing import claims, rulebook
from server.cases.routing.claims import Claimed
from server.cases.routing.rulebook import Draft
from server.cases.routing.rules import Outcome, RuleBook, find_ties, outcome_of
from sync.collections.issues import UNRECEIVED_STATES, Issue

MOST_LOOKED: Final = 20_000
MOST_EXAMPLES: Final = 20
_CHUNK: Final = 1_000

# Only those that a change speaks of are looked at: its categories, its severities, its grids.
_SPOKEN_OF: Final = """
    deleted_at IS NULL AND body_id IS NOT NULL
    AND (CAST(:categories AS text[]) IS NULL OR category = ANY (CAST(:categories AS text[]))
         OR left(category, 2) = ANY (CAST(:categories AS text[])))
    AND (CAST(:grids AS int[]) IS NULL OR grid_now = ANY (CAST(:grids AS int[])))
"""
_PAST = text(f"""
    SELECT id FROM issue WHERE received_at >= :since AND {_SPOKEN_OF} ORDER BY received_at DESC, id LIMIT :limit
""")  # noqa: S608  # constants of ours
_OPEN = text(f"""
    SELECT id FROM issue WHERE closed_at IS NULL AND NOT awaiting_routing AND state = ANY (:states) AND {_SPOKEN_OF}
    ORDER BY id
""")  # noqa: S608  # as above
_MARK = text("UPDATE issue SET awaiting_routing = true WHERE id = ANY (CAST(:ids AS uuid[]))")


@dataclass(frozen=True, slots=True)
class Move:
    """So many cases that would have gone from one body to another."""

    was: Body
    would_be: Body
    count: int


@dataclass(frozen=True, slots=True)
class Example:
    """One of them. ``description`` is None of a masked one."""

    id: uuid.UUID
    category: str
    grid: str | None
    received_at: datetime
    was: Body
    would_be: Body
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """What a change would have done. ``looked``: cases it could speak of; ``applies``: those it would have decided.

    ``elsewhere``: those that would have gone to another body; ``other_limit``: to the same one under another limit.
    ``cut_off``: there were more cases than are looked at, and the newest were.
    """

    since: datetime
    looked: int
    cut_off: bool
    applies: int
    elsewhere: int
    other_limit: int
    moves: tuple[Move, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of the rulebook: a rule that is made (None: none), and one that is retired (None: none)."""

    made: Draft | None = None
    retired_id: int | None = None


def try_out(
    session: Session, change: Changed, ground: Ground | None, now: datetime, *, days: int, seen: ColumnElement[bool]
) -> Trial:
    """Return what would have gone elsewhere among the cases that came in the last ``days``; nothing is written.

    Each is decided twice, by today's rules and catalogue, with the hour at which it came: as they are, and as changed.
    ``seen``: a condition on ``Issue`` for those that may be told as examples. Raises ``InvalidRule``, ``RuleTie``,
    ``UnknownRule``.
    """
    rules = rulebook.active_rules(session)
    retired = [rule for rule in rules if rule.id == change.retired_id]
    if change.retired_id is not None and not retired:
        raise UnknownRule(change.retired_id)
    made = [] if change.made is None else [rulebook.resolve(session, change.made)]
    left = [rule for rule in rules if rule.id != change.retired_id]
    for other, tied in find_ties([*left, *made]):
        raise RuleTie(tied.label, other.id, other.label)
    terms, bodies = catalogue.read_terms(session), catalogue.read_bodies(session)
    before, after = RuleBook(rules, terms, bodies), RuleBook([*left, *made], terms, bodies)
    since = now - timedelta(days=days)
    asked = _spoken_of([*made, *retired], ground) | {"since": since, "limit": MOST_LOOKED + 1}
    ids = list(session.scalars(_PAST, asked))
    differing = _differing(session, ids[:MOST_LOOKED], before, after, ground)
    decides = {rule.id for rule in [*made, *retired]}
    told = [each for each in differing if each.was.body != each.would_be.body]
    return Trial(
        since=since,
        looked=min(len(ids), MOST_LOOKED),
        cut_off=len(ids) > MOST_LOOKED,
        applies=sum(each.was.rule_id in decides or each.would_be.rule_id in decides for each in differing),
        elsewhere=len(told),
        other_limit=sum(each.only_limit for each in differing),
        moves=_moves(told),
        examples=_examples(session, told, ground, seen),
    )


def mark_changed(
    session: Session, ground: Ground | None, now: datetime, *, categories: Sequence[str] | None = None,
    rules: Sequence[Rule] = (),
) -> int:  # fmt: skip
    """Have those cases decided anew that rules or categories, as they are now, send elsewhere; return how many.

    Only cases that no body has received are looked at, and of them those of ``categories`` or that ``rules`` speak of.
    """
    asked: dict[str, Any] = {"categories": None if categories is None else list(categories), "grids": None}
    if rules:
        asked = _spoken_of(rules, ground)
    ids = list(session.scalars(_OPEN, asked | {"states": list(UNRECEIVED_STATES)}))
    book = RuleBook(rulebook.active_rules(session), catalogue.read_terms(session), catalogue.read_bodies(session))
    calendars, marked = store.read(session), []
    for claimed in _looked(session, ids, ground):
        standing = claimed.case.standing
        would_be = outcome_of(claimed.case, book, working=_works(calendars, claimed, now))
        told = (would_be.body.id, *(body.id for body in would_be.assisting))
        if standing is not None and (standing.limit != would_be.limit or claimed.told_before != told):
            marked.append(claimed.id)
    if marked:
        session.execute(_MARK, {"ids": marked})
    return len(marked)


@dataclass(frozen=True, slots=True)
class _Differing:
    claimed: Claimed
    was: Outcome
    would_be: Outcome

    @property
    def only_limit(self) -> bool:
        return self.was.body == self.would_be.body and self.was.limit != self.would_be.limit


def _differing(
    session: Session, ids: Sequence[uuid.UUID], before: RuleBook, after: RuleBook, ground: Ground | None
) -> list[_Differing]:
    calendars, found = store.read(session), []
    for claimed in _looked(session, ids, ground):
        working = _works(calendars, claimed, claimed.received_at or claimed.case.captured_at)
        was, would_be = (outcome_of(claimed.case, book, working=working) for book in (before, after))
        if was != would_be:
            found.append(_Differing(claimed, was, would_be))
    return found


def _looked(session: Session, ids: Sequence[uuid.UUID], ground: Ground | None) -> Iterator[Claimed]:
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        found = claims.look(session, part, ground, border_m=DEFAULT_POLICY.border_m)
        yield from (found[each] for each in part if each in found)


def _works(calendars: Calendars, claimed: Claimed, at: datetime) -> bool:
    return calendars.over(claimed.case.place.line).is_working(at)


def _spoken_of(rules: Sequence[Rule], ground: Ground | None) -> dict[str, Any]:
    """Return the categories and grids that some of the rules speak of; None: all."""
    categories = [rule.category for rule in rules]
    areas = [rule.area_id for rule in rules]
    tops = frozenset(area for area in areas if area is not None)
    everywhere = None in areas or ground is None or bool(tops & ground.root_ids)
    grids = None
    if ground is not None and not everywhere:
        grids = [grid for grid in ground.grid_ids if ground.lies_in(grid, tops)]
    return {
        "categories": None if None in categories else [each for each in categories if each is not None],
        "grids": grids,
    }


def _moves(told: Sequence[_Differing]) -> tuple[Move, ...]:
    counted = Counter((each.was.body, each.would_be.body) for each in told)
    return tuple(Move(was, would_be, count) for (was, would_be), count in counted.most_common())


def _examples(
    session: Session, told: Sequence[_Differing], ground: Ground | None, seen: ColumnElement[bool]
) -> tuple[Example, ...]:
    """Return the newest of them that may be seen."""
    rows = session.execute(
        select(Issue.id, Issue.doc["description"].astext)
        .where(Issue.id.in_([each.claimed.id for each in told]), seen)
        .order_by(Issue.received_at.desc())
        .limit(MOST_EXAMPLES)
    )
    words: dict[uuid.UUID, str | None] = {row[0]: row[1] for row in rows}
    return tuple(
        Example(
            each.claimed.id, each.claimed.case.category, _code(ground, each.claimed.grid_now),
            each.claimed.received_at or each.claimed.case.captured_at, each.was.body, each.would_be.body,
            words[each.claimed.id],
        )
        for each in told
        if each.claimed.id in words
    )  # fmt: skip


def _code(ground: Ground | None, grid_id: int | None) -> str | None:
    facts = None if ground is None or grid_id is None else ground.areas.get(grid_id)
    return None if facts is None else facts.code
