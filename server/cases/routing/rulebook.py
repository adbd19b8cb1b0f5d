"""The rules of a city as they are kept: read for routing, saved by dispatchers, retired, never deleted.

Owns the rows of ``rule`` and the checks before one is saved. Which rule wins is ``server.cases.routing.rules``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo.editions.tables import Area
from server.accounts.tables import Organisation
from server.cases.areas import Standing, Successor, names_of, standing_of, successors_of
from server.cases.calendars.calendar import Limit
from server.cases.case import Rule
from server.cases.errors import InvalidRule, RuleTie, UnknownRule
from server.cases.routing import retries
from server.cases.routing.rules import find_ties
from server.cases.tables import RoutingRule as Row
from sync.collections.categories import Category

_TIE = "uq_rule_no_ties"


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as a person writes it: everything by the codes that people know."""

    label: str
    lead_body: str
    category: str | None = None
    area: str | None = None
    severity: str | None = None
    hours: str = "any"
    source: str | None = None
    assisting: tuple[str, ...] = ()
    limit: Limit | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A rule in force, as it was written.

    ``area_name``: of an area that is no more, the last that it had. ``area_standing``: whether it applies on the ground
    of today; where its area is no more, ``successors`` are the areas for which it could be made anew.
    ``category_retired``: it speaks of old cases alone; ``bodies_missing``: so many of those it names to assist are no
    more.
    """

    id: int
    draft: Draft
    area_name: str | None = None
    area_standing: Standing | None = None
    successors: Sequence[Successor] = ()
    category_retired: bool = False
    bodies_missing: int = 0


def listed_rules(session: Session, rule_id: int | None = None) -> list[Listed]:
    """Return the rules in force by the codes that people know, or the one asked for, if it is in force."""
    found = [rule for rule in active_rules(session) if rule_id in (None, rule.id)]
    areas = {row.id: row.code for row in session.execute(select(Area.id, Area.code).where(Area.id.in_(_areas(found))))}
    names = names_of(session, areas)
    bodies = {row.id: row.code for row in session.execute(select(Organisation.id, Organisation.code))}
    standing = standing_of(session, areas)
    retired = set(session.scalars(select(Category.code).where(~Category.is_active)))
    successors = successors_of(session, [area for area, how in standing.items() if how == "retired"])
    return [
        Listed(
            rule.id,
            Draft(
                label=rule.label,
                lead_body=bodies[rule.lead_body_id],
                category=rule.category,
                area=None if rule.area_id is None else areas[rule.area_id],
                severity=rule.severity,
                hours=rule.hours,
                source=rule.source,
                assisting=tuple(bodies[each] for each in rule.assisting_ids if each in bodies),
                limit=rule.limit,
                tier=rule.tier,
            ),
            None if rule.area_id is None else names[rule.area_id],
            None if rule.area_id is None else standing[rule.area_id],
            successors.get(rule.area_id or 0, ()),
            rule.category in retired,
            sum(each not in bodies for each in rule.assisting_ids),
        )
        for rule in found
    ]


def _areas(rules: Iterable[Rule]) -> set[int]:
    return {rule.area_id for rule in rules if rule.area_id is not None}


def active_rules(session: Session) -> list[Rule]:
    """Return the rules in force, in the order they were made."""
    return [_rule(row) for row in session.scalars(select(Row).where(Row.active).order_by(Row.id))]


def save(session: Session, draft: Draft, *, author_id: int | None, now: datetime) -> Rule:
    """Save a new rule. Raises ``InvalidRule`` naming the field, or ``RuleTie`` naming the rule that it ties with."""
    rule = resolve(session, draft)
    for other, _ in find_ties([*active_rules(session), rule]):
        raise RuleTie(rule.label, other.id, other.label)
    try:
        with session.begin_nested():
            rule_id = session.execute(insert(Row).values(_columns(rule, author_id, now)).returning(Row.id)).scalar_one()
    except IntegrityError as error:
        if _TIE in str(error.orig):
            # Somebody saved the same at the same moment.
            raise RuleTie(rule.label, None, None) from None
        raise
    retries.try_again(session, now)
    return replace(rule, id=rule_id)


def retire(session: Session, rule_id: int, now: datetime) -> None:
    """Take a rule out of force; past decisions keep naming it. Raises ``UnknownRule``."""
    done = session.execute(
        update(Row).where(Row.id == rule_id, Row.active).values(active=False, retired_at=now).returning(Row.id)
    )
    if done.first() is None:
        raise UnknownRule(rule_id)
    retries.try_again(session, now)


def _rule(row: Row) -> Rule:
    limit = Limit(row.limit_value, row.limit_unit) if row.limit_value and row.limit_unit else None  # type: ignore[arg-type]  # the database checks the unit
    return Rule(
        id=row.id,
        label=row.label,
        lead_body_id=row.lead_body_id,
        category=row.category,
        area_id=row.area_id,
        severity=row.severity,
        hours=row.hours,  # type: ignore[arg-type]  # the database checks it
        source=row.source,
        assisting_ids=tuple(row.assisting_ids),
        limit=limit,
        tier=row.tier,
    )


def resolve(session: Session, draft: Draft) -> Rule:
    """Return the draft with ids for codes, as a rule with the id 0.

    Raises ``InvalidRule`` for a code that does not exist, a retired category, and an area where no rule applies.
    """
    codes = [draft.lead_body, *draft.assisting]
    found = session.execute(
        select(Organisation.code, Organisation.id).where(
            Organisation.code.in_(codes), Organisation.retired_at.is_(None)
        )
    )
    bodies = {row.code: row.id for row in found}
    for field, code in (("lead_body", draft.lead_body), *(("assisting", each) for each in draft.assisting)):
        if code not in bodies:
            raise InvalidRule(field, "unknown", code)
    if draft.lead_body in draft.assisting:
        raise InvalidRule("assisting", "lead-assists", draft.lead_body)
    if draft.category is not None:
        in_force = session.scalar(select(Category.is_active).where(Category.code == draft.category))
        if not in_force:
            raise InvalidRule("category", "unknown" if in_force is None else "category-retired", draft.category)
    area_id = None
    if draft.area is not None:
        area_id = session.scalar(select(Area.id).where(Area.code == draft.area))
        if area_id is None:
            raise InvalidRule("area", "unknown", draft.area)
        standing = standing_of(session, [area_id])[area_id]
        if standing != "in-force":
            raise InvalidRule("area", standing, draft.area)
    return Rule(
        id=0,
        label=draft.label,
        lead_body_id=bodies[draft.lead_body],
        category=draft.category,
        area_id=area_id,
        severity=draft.severity,
        hours=draft.hours,  # type: ignore[arg-type]  # the edge and the database check it
        source=draft.source,
        assisting_ids=tuple(bodies[code] for code in dict.fromkeys(draft.assisting)),
        limit=draft.limit,
        tier=draft.tier,
    )


def _columns(rule: Rule, author_id: int | None, now: datetime) -> dict[str, Any]:
    return {
        "label": rule.label,
        "category": rule.category,
        "area_id": rule.area_id,
        "severity": rule.severity,
        "hours": rule.hours,
        "source": rule.source,
        "lead_body_id": rule.lead_body_id,
        "assisting_ids": list(rule.assisting_ids),
        "limit_value": rule.limit and rule.limit.value,
        "limit_unit": rule.limit and rule.limit.unit,
        "tier": rule.tier,
        "created_at": now,
        "created_by": author_id,
    }
