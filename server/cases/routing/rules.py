"""Which body must handle a case, by when, and why. Pure.

Owns what makes two rules tie, and the choice between rules. Must not know the database, deliveries or HTTP.
The values stand in ``server.cases.case``, the words of the reasons stand in ``server.cases.routing.reasons``.

The most specific rule wins, compared in this order: category (four digits, two, any), area (deeper, shallower,
any), severity, hours, source (named before any). A case has one category, one line of areas, one severity, one
moment and one source, so two rules that are equally specific and both apply speak of exactly the same cases:
a tie is an equal ``scope``, and can be found when a rule is saved.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

from server.cases.calendars.calendar import Deadline, Limit, WorkCalendar
from server.cases.case import (
    DEFAULT_POLICY,
    DEFAULT_TIER,
    Body,
    Case,
    Counted,
    Decision,
    Policy,
    Reason,
    Rule,
    Scope,
    Standing,
    Terms,
)
from server.cases.errors import NoDefaultDesk, RuleTie
from server.cases.routing import reasons as why

# The organisation that takes what no rule and no category gives to somebody.
DEFAULT_DESK = "zhihui"


class RuleBook:
    """The rules, the catalogue and the bodies of a city, ready to be asked. Raises ``RuleTie`` on a tie."""

    def __init__(self, rules: Iterable[Rule], categories: Mapping[str, Terms], bodies: Iterable[Body]) -> None:
        self.categories = categories
        self.bodies = {body.id: body for body in bodies}
        self.by_code = {body.code: body for body in self.bodies.values()}
        self._rules: dict[Scope, Rule] = {}
        for rule in rules:
            other = self._rules.setdefault(rule.scope, rule)
            if other is not rule:
                raise RuleTie(rule.label, other.id, other.label)
        # What some rule says in each part of its scope: of a case's many scopes, no others can be found.
        self._spoken_of = [set(part) for part in zip(*self._rules, strict=True)]

    def find(self, case: Case, *, working: bool) -> Rule | None:
        """Return the most specific rule that speaks of the case, in working hours or out of them."""
        parts = zip(_scopes(case, working=working), self._spoken_of, strict=False)
        asked = product(*([each for each in part if each in spoken_of] for part, spoken_of in parts))
        return next((self._rules[scope] for scope in asked if scope in self._rules), None)

    def terms(self, category: str) -> tuple[Terms, ...]:
        """Return what the catalogue says of a category, then of its first level."""
        own = self.categories.get(category)
        above = self.categories.get(own.parent if own and own.parent else category[:2])
        return tuple(each for each in (own, above) if each is not None)


def find_ties(rules: Iterable[Rule]) -> list[tuple[Rule, Rule]]:
    """Return every pair of rules that speak of exactly the same cases, the earlier one first."""
    seen: dict[Scope, Rule] = {}
    return [(seen[rule.scope], rule) for rule in rules if seen.setdefault(rule.scope, rule) is not rule]


def choose(
    case: Case, book: RuleBook, calendar: WorkCalendar, now: datetime, policy: Policy = DEFAULT_POLICY
) -> Decision:
    """Choose body, assistants and deadline of a case, with the reasons, the most telling first.

    The clock starts when the body receives the case, which is the decision itself: a department does not answer
    for the hours that a phone was offline. ``policy.count_from`` can start it at the capture instead. A case
    that comes to the same body under the same limit again keeps its deadline; any other decision starts anew.
    Raises ``NoDefaultDesk`` if there is nobody who could take it.
    """
    rule = book.find(case, working=calendar.is_working(now))
    terms = book.terms(case.category)
    body, told = _lead(case, book, rule, terms)
    limit = _limit(rule, terms)
    since, due, timing = _deadline(case, body, limit, calendar, now if policy.count_from == "decision" else None)
    return Decision(
        body=body,
        assisting=_assisting(book, rule, terms, body),
        rule=rule,
        tier=(rule and rule.tier) or (terms[0].tier if terms else DEFAULT_TIER),
        limit=limit,
        since=since,
        due_at=None if due is None else due.due_at,
        counted_by=Counted() if due is None else Counted(due.edition, due.provisional_years),
        reasons=(*told, *timing, *why.of_place(case.place, policy.border_m)),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision comes to, without its times and reasons; two that are equal send a case the same way."""

    body: Body
    assisting: tuple[Body, ...]
    limit: Limit | None
    rule_id: int | None


def outcome_of(case: Case, book: RuleBook, *, working: bool) -> Outcome:
    """Return where a case would go, in working hours or out of them. Raises ``NoDefaultDesk``."""
    rule = book.find(case, working=working)
    terms = book.terms(case.category)
    body, _ = _lead(case, book, rule, terms)
    return Outcome(body, _assisting(book, rule, terms, body), _limit(rule, terms), None if rule is None else rule.id)


def _scopes(case: Case, *, working: bool) -> tuple[tuple[Any, ...], ...]:
    """Return the parts of the scopes that hold the case: of their products, the first is the most specific."""
    return (
        (case.category, case.category[:2], None),
        (*(area.id for area in case.place.areas), None),
        (case.severity, None),
        ("working" if working else "off", "any"),
        (case.source, None),
    )


def _lead(case: Case, book: RuleBook, rule: Rule | None, terms: tuple[Terms, ...]) -> tuple[Body, list[Reason]]:
    if rule is not None:
        body = book.bodies[rule.lead_body_id]
        area = next((each for each in case.place.areas if each.id == rule.area_id), None)
        named = book.categories.get(rule.category) if rule.category else None
        return body, why.of_rule(rule, body, named, area)
    for each in terms:
        default = book.by_code.get(each.default_body or "")
        if default is not None:
            return default, [why.category_default(each, default)]
    desk = book.by_code.get(DEFAULT_DESK)
    if desk is None:
        raise NoDefaultDesk(DEFAULT_DESK)
    return desk, [why.default_desk(case.category, desk)]


def _assisting(book: RuleBook, rule: Rule | None, terms: tuple[Terms, ...], lead: Body) -> tuple[Body, ...]:
    """Return who assists: as the rule says, or if it says nothing, as the category does; never the lead."""
    if rule is not None and rule.assisting_ids:
        named = [book.bodies.get(each) for each in rule.assisting_ids]
    else:
        named = [book.by_code.get(each) for each in (terms[0].assisting if terms else ())]
    return tuple(dict.fromkeys(body for body in named if body is not None and body != lead))


def _limit(rule: Rule | None, terms: tuple[Terms, ...]) -> Limit | None:
    if rule is not None and rule.limit is not None:
        return rule.limit
    return next((each.limit for each in terms if each.limit is not None), None)


def _deadline(
    case: Case, body: Body, limit: Limit | None, calendar: WorkCalendar, decided: datetime | None
) -> tuple[datetime, Deadline | None, list[Reason]]:
    """Return when the clock starts, when it is due, and the reasons for both. ``decided`` None: from the capture."""
    standing = case.standing
    if standing is not None and (standing.body_id, standing.limit) == (body.id, limit):
        told = [why.deadline_kept(limit, standing.since, standing.due_at), *_provisional(standing.counted_by)]
        return standing.since, _kept(standing), told
    since = decided or case.captured_at
    if limit is None:
        return since, None, [why.no_limit()]
    due = calendar.due(since, limit)
    counted_by = Counted(due.edition, due.provisional_years)
    return since, due, [why.deadline(limit, since, due.due_at), *_provisional(counted_by)]


def _kept(standing: Standing) -> Deadline | None:
    if standing.due_at is None:
        return None
    return Deadline(standing.due_at, standing.counted_by.provisional_years, standing.counted_by.edition)


def _provisional(counted_by: Counted) -> list[Reason]:
    return [why.calendar_provisional(counted_by.provisional_years)] if counted_by.provisional_years else []
