"""The rights of what waited, asked again at the moment it would take effect.

Owns what ``sync.access.rights`` needs to know of the authors, of those who released, of the places and of the
catalogue, read for all operations of one collection and run at once. Decides nothing itself.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.editions.ground import NEWEST, Ground
from sync.access.doors import Door, household_of, read_doors
from sync.access.rights import LATE_FOR, Asked, Home, Ruler, Today, Worker, refusal
from sync.access.scope import Assigned, assignments_of
from sync.access.zones import read_zones
from sync.collections import Doc
from sync.collections.categories import Category
from sync.merge.lineage import LoggedOp, writes_of
from sync.merge.merge import MergeRule, merge
from sync.push.judging import Catalogue, categories_known, of_category
from sync.store.located import Located, locate
from sync.store.records import Record
from sync.wording.reasons import Reason

GroundAt = Callable[[dt.datetime], Ground | None]


@dataclass(frozen=True, slots=True)
class Settling:
    """What one run of settling goes by: its moment, the editions, how near is near, how late is too late."""

    now: dt.datetime
    ground_at: GroundAt
    near_m: float
    late_for: dt.timedelta = LATE_FOR


@dataclass(frozen=True, slots=True)
class Lies:
    """Where an operation says its record lies: by the edition of its capture, and the grid of today."""

    place: Located | None = None
    then: Ground | None = None
    grid_now: int | None = None


def read_private(session: Session) -> frozenset[str]:
    """Return the codes of the categories whose issues are private."""
    return frozenset(session.scalars(select(Category.code).where(Category.is_private)))


@dataclass(frozen=True, slots=True)
class Court:
    """Whom and what the questions of one run are judged by. ``today`` is None before the first edition."""

    settling: Settling
    today: Today
    assigned: Mapping[int, tuple[Assigned, ...]]
    doors: Mapping[uuid.UUID, Door]
    catalogue: Catalogue

    @classmethod
    def of(cls, session: Session, settling: Settling, ground: Ground, ops: Sequence[LoggedOp]) -> "Court":
        """Read what the waiting operations are judged by: a few statements, however many they are."""
        people = {each for op in ops for each in (op.author_id, op.ruled_by) if each is not None}
        assigned = assignments_of(session, sorted(people))
        held = {each.area_id for mine in assigned.values() for each in mine}
        zones = read_zones(session, ground, held)
        today = Today(ground, settling.now, read_private(session), zones, settling.late_for)
        datas = [op.changes or {} for op in ops]
        return cls(settling, today, assigned, read_doors(session, datas), categories_known(session, datas))

    def lies(self, op: LoggedOp) -> Lies:
        """Return where an operation says its record lies; nowhere where it names no place."""
        changes = op.changes or {}
        ground, near_m = self.today.ground, self.settling.near_m
        then = self.settling.ground_at(op.captured_at) or ground
        if location := changes.get("location"):
            return Lies(_at(then, location, near_m), then, _at(ground, location, near_m).grid)
        door = self._door(op)
        if door is None:
            return Lies()
        place, by = door.at(then, ground, near_m)
        return Lies(place, by, door.grid_now)

    def home(self, op: LoggedOp) -> Home | None:
        """Return the household that an operation names; None where it names none, or one that lies in no grid."""
        door = self._door(op)
        if door is None:
            return None
        ground = self.today.ground
        then = self.settling.ground_at(op.captured_at) or ground
        return Home(door, lambda: door.at(then, ground, self.settling.near_m))

    def _door(self, op: LoggedOp) -> Door | None:
        named = household_of(op.changes or {})
        return None if named is None else self.doors.get(named)

    def refusal(
        self, op: LoggedOp, lies: Lies, record: Record | None, seen: Callable[[], Doc], collection: str
    ) -> Reason | None:
        """Return why this operation may not take effect now, None where it may."""
        asked = Asked(
            collection, op.action, dict(op.changes or {}), op.captured_at, lies.place, lies.then, lies.grid_now, seen,
            home=self.home(op), public_agreed=op.public_agreed,
        )  # fmt: skip
        return refusal(self.who(op), asked, record, self.today) or self._of_category(op, record, seen, collection)

    def _of_category(
        self, op: LoggedOp, record: Record | None, seen: Callable[[], Doc], collection: str
    ) -> Reason | None:
        """Judge the category by the catalogue of the capture, as it stands now.

        An edit may say again what its author had seen, or what the record still has.
        """
        data = op.changes or {}
        if collection != "issues" or "category" not in data:
            return None
        has_base = op.base_op is not None or op.base_rev is not None
        standing = record.doc.get("category") if has_base and record is not None else None
        wrong = of_category(data, self.catalogue, op.captured_at, standing=standing)
        if wrong is None or not has_base:
            return wrong
        return of_category(data, self.catalogue, op.captured_at, standing=seen().get("category"))

    def who(self, op: LoggedOp) -> Worker | Ruler:
        """Return by whose right an operation would take effect: of who released it, else of its author."""
        person = op.ruled_by if op.released else op.author_id
        assigned = self.assigned.get(person or 0, ())
        if op.released:
            return Ruler.by_assignments(person or 0, assigned, self.today)
        return Worker(person or 0, assigned)

    def begun(self, op: LoggedOp, lies: Lies, record: Record) -> Record:
        """Return a record that this operation would make as those after it find it."""
        grid = lies.grid_now
        if lies.place is None:
            author = Worker(op.author_id or 0, self.assigned.get(op.author_id or 0, ()))
            grid = author.only_grid(op.captured_at, self.today)
        return replace(record, doc=dict(op.changes or {}), grid_now=grid)


def seen_by(op: LoggedOp, ops: Sequence[LoggedOp], rules: Mapping[str, MergeRule]) -> Doc:
    """Return the fields of a record as the author of one of its operations saw them."""
    writes = writes_of(ops)
    mine = next(write for write, each in zip(writes, ops, strict=True) if each.id == op.id)
    return merge([write for write in writes if write.op_id in mine.seen], rules).doc


def court_of(session: Session, settling: Settling, ops: Sequence[LoggedOp]) -> Court | None:
    """Return what operations are judged by, None while there is no edition: then nothing takes effect."""
    ground = settling.ground_at(NEWEST)
    return None if ground is None else Court.of(session, settling, ground, ops)


def _at(ground: Ground, location: Mapping[str, Any], near_m: float) -> Located:
    return locate(ground, [location], near_m=near_m)[0]
