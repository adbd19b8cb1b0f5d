"""Who is who to a case: whether somebody may take a step of it, sees it, or is a party to it. Pure.

Owns the meaning of ``Who`` by today's assignments, and the values that steps are judged on: the actor and the case.
Must not know which steps there are, or the database.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from server.accounts.charge import Charge
from server.cases.case_event import Source
from server.cases.history.replay import Story
from server.cases.life.declared import Who
from sync.access.charge import FIELD_ROLES
from sync.access.privacy import DUTY_ROLES

_DUTY = ("supervisor", "dispatcher")
_NOBODY = Charge(0, frozenset())


@dataclass(frozen=True, slots=True)
class Actor:
    """Who takes a step: somebody by what they hold today, a body by its signature, or a rule (``is_rule``).

    ``body_ids``: the bodies that a signed call speaks for; those of handlers are in their charge.
    """

    source: Source
    charge: Charge = _NOBODY
    body_ids: frozenset[int] = frozenset()
    is_rule: bool = False

    @property
    def person_id(self) -> int | None:
        """Who it is; None for a rule and a signed call."""
        return self.charge.person_id or None

    @property
    def bodies(self) -> frozenset[int]:
        """The bodies that it acts for."""
        return self.body_ids | self.charge.organisation_ids


RULE = Actor("rule", is_rule=True)


@dataclass(frozen=True, slots=True)
class CaseNow:
    """A case as steps are judged on it, locked. Times are aware UTC.

    ``line``: the areas that it lies in, its grid first (empty: in no grid); ``above``: those of them above its
    community; ``roots``: the uppermost areas of the city. ``tasks``: kind (verify, check) -> who has an open one.
    ``is_private``: by its own flag or its category. ``is_night``: a fault that shows at night alone.
    ``photo_rule``: of its category, as in the catalogue. ``photo_rules_before``: what it said otherwise before, as
    (since, until, rule), in seconds since 1970; since None: always.
    """

    id: uuid.UUID
    rev: int
    number: str | None
    category: str
    is_private: bool
    author_id: int | None
    grid_id: int | None
    line: tuple[int, ...]
    above: frozenset[int]
    roots: frozenset[int]
    due_at: dt.datetime | None
    captured_at: dt.datetime
    story: Story
    tasks: Mapping[str, frozenset[int]] = field(default_factory=dict)
    is_deleted: bool = False
    is_night: bool = False
    photo_rule: str = "none"
    photo_rules_before: tuple[tuple[float | None, float, str], ...] = ()

    def photo_rule_at(self, at: dt.datetime) -> str:
        """Return what the category asked for at a moment (aware): what is done is judged by the catalogue of then."""
        moment = at.timestamp()
        before = (rule for since, until, rule in self.photo_rules_before if (since or 0) <= moment < until)
        return next(before, self.photo_rule)


def holds(actor: Actor, case: CaseNow, *roles: str) -> bool:
    """Return whether somebody holds one of these roles over the place of the case; in no grid: over the whole city."""
    areas = actor.charge.areas(*roles)
    if not case.line:
        return bool(case.roots) and case.roots <= areas
    return not areas.isdisjoint(case.line)


def is_party(actor: Actor, case: CaseNow) -> bool:
    """Return whether somebody reported the case or had a hand in its handling: they verify and check nothing of it."""
    story = case.story
    bodies = {story.body_id, *story.assisting}
    return (
        (actor.person_id is not None and actor.person_id in {case.author_id, *story.acted})
        or not actor.bodies.isdisjoint(bodies)
    )  # fmt: skip


def sees(actor: Actor, case: CaseNow) -> bool:
    """Return whether a case is there for somebody at all."""
    if actor.is_rule:
        return True
    story = case.story
    given = any(actor.person_id in people for people in case.tasks.values())
    return (
        not actor.bodies.isdisjoint({story.body_id, *story.assisting})
        or (actor.person_id is not None and actor.person_id == case.author_id)
        or given
        or holds(actor, case)
    )


def sees_in_full(actor: Actor, case: CaseNow) -> bool:
    """Return whether nothing of a case is masked for somebody."""
    if actor.is_rule or not case.is_private:
        return True
    given = any(actor.person_id in people for people in case.tasks.values())
    reported = actor.person_id is not None and actor.person_id == case.author_id
    return holds(actor, case, *DUTY_ROLES) or case.story.body_id in actor.bodies or reported or given


def may(who: Who, actor: Actor, case: CaseNow) -> bool:
    """Return whether an actor is one of these to a case."""
    if who is Who.SYSTEM:
        return actor.is_rule
    return not actor.is_rule and _MAY[who](actor, case)


def _above(actor: Actor, case: CaseNow) -> bool:
    areas = actor.charge.areas(*_DUTY)
    if not case.line:
        return bool(case.roots) and case.roots <= areas
    return not areas.isdisjoint(case.above or case.line)


def _has_task(kind: str, actor: Actor, case: CaseNow) -> bool:
    """Whoever has the task; where there is nobody to draw, the duty chief."""
    given = case.tasks.get(kind, frozenset())
    if given:
        return actor.person_id in given
    return holds(actor, case, "supervisor")


def _assists(actor: Actor, case: CaseNow) -> bool:
    return not actor.bodies.isdisjoint(case.story.assisting)


def _reported(actor: Actor, case: CaseNow) -> bool:
    return actor.person_id is not None and actor.person_id == case.author_id


def _works_there(actor: Actor, case: CaseNow) -> bool:
    """Whoever reported it, or works in its grid and sees what it is about."""
    return _reported(actor, case) or (holds(actor, case, *FIELD_ROLES) and sees_in_full(actor, case))


_MAY = {
    Who.COMMUNITY: lambda actor, case: holds(actor, case, *_DUTY),
    Who.DISPATCHER: lambda actor, case: holds(actor, case, *_DUTY),
    Who.CHIEF: lambda actor, case: holds(actor, case, "supervisor"),
    Who.STREET: _above,
    Who.LEAD: lambda actor, case: case.story.body_id in actor.bodies,
    Who.ASSISTANT: _assists,
    Who.FIELD: _works_there,
    Who.VERIFIER: lambda actor, case: _has_task("verify", actor, case),
    Who.CHECKER: lambda actor, case: _has_task("check", actor, case),
    Who.REPORTER: _reported,
}
