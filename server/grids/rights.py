"""Who may change drafts: GIS staff, in the areas that they hold that role for today.

Owns that question for every way of changing a draft. A step needs all areas that it changes, not only those that it
names. What a draft made belongs to whom it was made of. Into another's draft only what its owner is in charge of too
goes, so that whoever began a draft can always take it back; and to give up or rebase a draft is to dispose of all
its steps and of its owner's work. Must not know requests.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.editions.difference import NewArea
from geo.editions.ground import Ground
from geo.editions.plans import Order
from geo.errors import PlannerNotInCharge
from server.accounts.charge import area_in_charge, is_whole_city, read_charge
from server.accounts.errors import OutsideCharge
from server.grids import drafts
from server.grids.operations import DraftStep, Operation
from server.grids.tables import Draft
from sync.tables import Person

DRAWING = "gis"


def require_charge(ground: Ground | None, tops: frozenset[int], operations: Sequence[Operation]) -> None:
    """Raise ``OutsideCharge`` unless all that operations work on, or put areas under, is in one of the areas ``tops``.

    For what is published as it was sent, where nothing changes that is not named.
    """
    if ground is not None and not is_whole_city(ground, tops):
        _require(ground, tops, {code for each in operations for code in (*each.areas, *each.under)})


def require_own(
    ground: Ground | None, tops: frozenset[int], redrawn: Iterable[NewArea], retired: Iterable[str]
) -> None:
    """Raise ``OutsideCharge`` unless all of an edition lies in the areas ``tops``.

    What is there must lie in them today; what is new, and where something goes, must come to lie in them. Before the
    first edition there is no ground that anybody could be staff of.
    """
    if ground is None or is_whole_city(ground, tops):
        return
    areas = list(redrawn)
    ids = {facts.code: facts.id for facts in ground.areas.values()}
    coming = {area.code for area in areas}
    for code in [*coming, *retired, *(area.parent_code or "" for area in areas)]:
        known = ids.get(code)
        if known is None and code in coming:
            continue
        if known is None or not area_in_charge(ground, known, tops):
            raise OutsideCharge(what="area", area=code)


@dataclass(frozen=True)
class Drawer:
    """Somebody of the GIS staff who changes drafts. ``tops``: the areas that they hold the role for, ids."""

    login: str
    tops: frozenset[int]
    ground: Ground | None

    @property
    def has_whole_city(self) -> bool:
        """Whether there is nothing that they may not draw."""
        return self.ground is None or is_whole_city(self.ground, self.tops)

    def require_standing(self, session: Session, draft: Draft) -> None:
        """Raise ``OutsideCharge`` unless they are in charge of all that a draft changes as it stands."""
        if not self.has_whole_city:
            _require_steps(self.ground, self.tops, drafts.steps_of(session, draft))

    def require_disposal(self, session: Session, draft: Draft, owner: "Drawer") -> None:
        """Raise ``OutsideCharge`` unless all steps of a draft, those undone too, and its owner's areas are theirs."""
        if self.has_whole_city:
            return
        if self.login != draft.author and not self._covers(owner.tops):
            raise OutsideCharge(what="draft", draft=draft.id)
        _require_steps(self.ground, self.tops, drafts.steps_of(session, draft, undone=True))

    def require_undoing(self, session: Session, draft: Draft) -> None:
        """Raise ``OutsideCharge`` unless they are in charge of what the last step that stands changed."""
        if not self.has_whole_city:
            steps = drafts.steps_of(session, draft)
            _require_steps(self.ground, self.tops, steps, since=len(steps) - 1)

    def require_redoing(self, session: Session, draft: Draft) -> None:
        """Raise ``OutsideCharge`` unless they are in charge of what the step undone last would change."""
        if not self.has_whole_city:
            standing = len(drafts.steps_of(session, draft))
            steps = drafts.steps_of(session, draft, undone=True)[: standing + 1]
            _require_steps(self.ground, self.tops, steps, since=standing)

    def require_discarding(self, session: Session, draft: Draft) -> None:
        """Raise ``OutsideCharge`` unless they are in charge of what is undone: another step takes it away for good."""
        if not self.has_whole_city:
            standing = len(drafts.steps_of(session, draft))
            _require_steps(self.ground, self.tops, drafts.steps_of(session, draft, undone=True), since=standing)

    def require_done(self, session: Session, draft: Draft, owner: "Drawer") -> None:
        """Raise ``OutsideCharge`` unless they might do the step that they just did, into a draft of this owner."""
        if self.has_whole_city:
            return
        steps = drafts.steps_of(session, draft)
        _require_steps(self.ground, self.tops, steps, since=len(steps) - 1)
        if self.login == draft.author or owner.has_whole_city:
            return
        try:
            _require_steps(self.ground, owner.tops, steps, since=len(steps) - 1)
        except OutsideCharge:
            self.require_disposal(session, draft, owner)

    def _covers(self, tops: Iterable[int]) -> bool:
        return self.ground is not None and all(area_in_charge(self.ground, top, self.tops) for top in tops)


def owner_of(session: Session, draft: Draft, ground: Ground | None, *, now: dt.datetime) -> Drawer:
    """Return who began a draft, with the areas that they are GIS staff of today."""
    return drawer_named(session, draft.author, ground, now=now)


def drawer_named(session: Session, login: str, ground: Ground | None, *, now: dt.datetime) -> Drawer:
    """Return somebody with the areas that they are GIS staff of at a time (aware UTC); none for who is not active."""
    person_id = session.scalar(select(Person.id).where(Person.login == login))
    charge = None if person_id is None else read_charge(session, person_id, now=now)
    return Drawer(login, frozenset() if charge is None else charge.areas(DRAWING), ground)


def require_planner(session: Session, plan_id: int, order: Order, ground: Ground | None, *, now: dt.datetime) -> None:
    """Raise ``PlannerNotInCharge`` unless who planned an edition may publish it on the ground in force."""
    planner = drawer_named(session, order.by, ground, now=now)
    draft = session.scalar(select(Draft).where(Draft.plan_id == plan_id))
    try:
        if draft is None:
            require_own(ground, planner.tops, order.areas, order.retired)
        else:
            planner.require_standing(session, draft)
    except OutsideCharge as error:
        area = error.data.get("area")
        raise PlannerNotInCharge(order.by, area if isinstance(area, str) else None) from error


def _require_steps(ground: Ground | None, tops: frozenset[int], steps: Sequence[DraftStep], *, since: int = 0) -> None:
    """Raise ``OutsideCharge`` unless all that steps change, from one of them on, is in one of the areas ``tops``."""
    if ground is None:
        return
    known = {facts.code for facts in ground.areas.values()}
    origins: dict[str, frozenset[str | None]] = {}
    for number, step in enumerate(steps):
        if number >= since:
            codes = (_origins(step, code, known, origins) for code in _changed(step))
            _require(ground, tops, frozenset[str | None]().union(*codes))
        origins |= _made(step, known, origins)


def _changed(step: DraftStep) -> set[str | None]:
    """The codes of all that a step works on, puts areas under, or changes; what it made is of those.

    Others that only receive a node, where a line ends on their border, are not changed by that.
    """
    redrawn = step.redrawn
    named = {*step.operation.areas, *step.operation.under}
    moved = {code for each in redrawn.moved for code in (each.source, each.target) if code in redrawn.before}
    changed = {code for each in redrawn.lineage for code in (each.source, each.target) if code in redrawn.before}
    beyond = {*moved, *changed} - named
    return named | {code for code in beyond if not redrawn.only_noded(code)}


def _made(
    step: DraftStep, known: Collection[str | None], origins: Mapping[str, frozenset[str | None]]
) -> dict[str, frozenset[str | None]]:
    """Of what areas that are in force those are that a step made: of those they were cut of, or lie under."""
    made: dict[str, frozenset[str | None]] = {}
    for code, tract in step.redrawn.put.items():
        if code not in known and code not in origins:
            came_of: set[str | None] = {
                each.source for each in step.redrawn.lineage if each.target == code and each.source != code
            }
            of = came_of or {tract.parent_code}
            made[code] = frozenset[str | None]().union(*(_origins(step, each, known, origins) for each in of))
    return made


def _origins(
    step: DraftStep, code: str | None, known: Collection[str | None], origins: Mapping[str, frozenset[str | None]]
) -> frozenset[str | None]:
    """The areas in force that an area stands for: itself, what it was made of, or what it lay under; None: nobody's."""
    while code is not None and code not in known:
        if code in origins:
            return origins[code]
        tract = step.redrawn.before.get(code) or step.city.find(code)
        code = None if tract is None else tract.parent_code
    return frozenset([code])


def _require(ground: Ground, tops: frozenset[int], codes: Iterable[str | None]) -> None:
    touched = set(codes)
    if None in touched:
        raise OutsideCharge(what="area", area=None)
    for area_id, facts in ground.areas.items():
        if facts.code in touched and not area_in_charge(ground, area_id, tops):
            raise OutsideCharge(what="area", area=facts.code)
