"""Which records a person's devices see, as conditions on rows: judges both what arrives and what leaves.

Owns the predicates of scope and of privacy for every synced collection. Pull, digest, refetch and the serving of files
ask nothing else. Whoever holds an area below a grid sees what lies in it by position, and of that grid no more but
their own; for all others nothing is added to a statement. What the statements ask of the asker, ``asker`` binds.

A code gives a phone no more than its maker may hand out. What its worker reported in private before, or with another
phone, is not the maker's to hand out, unless it lies where they have a duty in it: a grid head who makes a code for a
worker, and keeps the phone, must not read what that worker told of a neighbour. Such a report is masked there, as any
private one is; the phone that it was sent with shows it, and so does one that the operator enrolled.
"""

from collections.abc import Collection as Some
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Table,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from geo.editions.ground import Ground
from geo.editions.tables import AreaVersion
from sync.access.devices import CallingDevice
from sync.access.privacy import hidden_without
from sync.access.scope import Scope, Token, ZoneHeld
from sync.collections import COLLECTIONS, Collection
from sync.collections.attachments import Attachment
from sync.collections.households import Household
from sync.collections.issues import Issue
from sync.collections.tasks import Task
from sync.collections.visits import Visit
from sync.tables import Operation

ME: Final = bindparam("me", type_=Integer)
_DEVICE: Final = bindparam("device", type_=Integer)
_DUTY: Final = bindparam("duty", type_=ARRAY(Integer))
_UNDONE: Final = ("open", "started")


def asker(device: CallingDevice, ground: Ground) -> dict[str, Any]:
    """Return what the statements ask of a device: its person, itself, the grids of its maker's duty (None: all)."""
    over = None if device.private_over is None else frozenset(device.private_over)
    if over is None or (ground.root_ids and ground.root_ids <= over):
        return {"me": device.person_id, "device": device.id, "duty": None}
    return {"me": device.person_id, "device": device.id, "duty": list(ground.grids_below(over))}


def within(collection: Collection, tokens: Some[Token]) -> ColumnElement[bool]:
    """Return whether a record lies today in one of these grids, or zones, and is shown at all."""
    table = collection.table
    grids = [token for token in tokens if not isinstance(token, ZoneHeld)]
    here = table.c.grid_now == func.any(cast(grids, ARRAY(Integer)))
    if zones := [token for token in tokens if isinstance(token, ZoneHeld)]:
        around = table.c.grid_now == func.any(cast([zone.grid_id for zone in zones], ARRAY(Integer)))
        here = or_(here, in_zones(collection, zones), and_(around, _own(collection)))
    return and_(here, table.c.deleted_at.is_(None), _not_hidden(collection))


def of_person(collection: Collection, scope: Scope) -> ColumnElement[bool]:
    """Return whether a record is a person's own and not among those of the grids in scope."""
    if collection.seen_by is None:
        return false()
    table = collection.table
    mine = and_(table.c[collection.seen_by] == ME, table.c.deleted_at.is_(None))
    if collection.personal is None:
        return and_(mine, table.c.grid_now.is_(None))
    if not collection.by_grid:
        return mine
    elsewhere = or_(table.c.grid_now.is_(None), table.c.grid_now.not_in(scope.grid_ids))
    return and_(mine, elsewhere, still_followed(table), _not_hidden(collection))


def gone(collection: Collection, lost: Some[Token], scope: Scope) -> ColumnElement[bool]:
    """Return whether a record was in what a phone leaves and is not in what it sees now."""
    if not scope.zones and not any(isinstance(token, ZoneHeld) for token in lost):
        return within(collection, lost)
    return and_(within(collection, lost), not_(func.coalesce(within(collection, scope.tokens), False)))  # SQL's


def in_zones(collection: Collection, zones: Some[ZoneHeld]) -> ColumnElement[bool]:
    """Return whether a record lies in one of these zones, by its position."""
    table = collection.table
    position = _position(collection)
    found: list[ColumnElement[bool]] = []
    for zone in zones:
        drawn = select(literal(1)).where(
            AreaVersion.area_id == zone.area_id,
            func.lower(AreaVersion.editions) == zone.since,
            func.ST_Covers(AreaVersion.polygon, position),
        )
        found.append(and_(table.c.grid_now == zone.grid_id, drawn.correlate(table).exists()))
    return or_(*found) if found else false()


def hidden(collection: Collection) -> ColumnElement[bool]:
    """Return whether a record is masked for this person (an issue), or not shown to them for that (its files)."""
    if collection.name == "issues":
        return _issue_hidden()
    if collection.name == "attachments":
        issue = select(Issue.id).where(Issue.id == Attachment.record_id, _issue_hidden())
        return and_(Attachment.collection == "issues", issue.correlate(Attachment).exists())
    return false()


def still_followed(table: Table) -> ColumnElement[bool]:
    """Return whether a record that is somebody's own is still sent to them: until 30 days after it closed."""
    if "closed_at" not in table.c:
        return literal(True)  # noqa: FBT003  # SQL's own word
    return or_(table.c.closed_at.is_(None), table.c.closed_at > func.now() - func.make_interval(0, 0, 0, 30))


def _issue_hidden() -> ColumnElement[bool]:
    theirs = select(Task.id).where(
        Task.issue_id == Issue.id, Task.person_id == ME, Task.deleted_at.is_(None), Task.state.in_(_UNDONE)
    )
    own = and_(Issue.author_id == ME, _may_be_shown())
    return hidden_without(or_(own, theirs.correlate(Issue).exists()))


def _may_be_shown() -> ColumnElement[bool]:
    """Return whether the asking device shows a private report of its worker's."""
    duty = cast(_DUTY, ARRAY(Integer))
    sent_with_it = select(Operation.id).where(
        Operation.collection == "issues", Operation.record_id == Issue.id, Operation.rev == 1,
        Operation.device_id == _DEVICE,
    )  # fmt: skip
    return or_(duty.is_(None), Issue.grid_now == func.any(duty), sent_with_it.correlate(Issue).exists())


def _not_hidden(collection: Collection) -> ColumnElement[bool]:
    """A masked issue is shown, masked; what hangs on it is not."""
    return not_(hidden(collection)) if collection.name == "attachments" else literal(True)  # noqa: FBT003  # SQL's


def _own(collection: Collection) -> ColumnElement[bool]:
    if collection.personal is None:
        return false()
    return and_(collection.table.c[collection.personal] == ME, still_followed(collection.table))


def _position(collection: Collection) -> ColumnElement[Any]:
    """Return where a record is: a visit without a position of its own at its door, a file where its record is."""
    if collection.name == "visits":
        door = select(Household.position).where(cast(Household.id, Visit.household_id.type) == Visit.household_id)
        return func.coalesce(Visit.position, door.correlate(Visit).scalar_subquery())
    if collection.name == "attachments":
        records = [COLLECTIONS[name] for name in ("issues", "visits", "households")]
        found = [select(_position(each)).where(each.table.c.id == Attachment.record_id) for each in records]
        return func.coalesce(*(each.correlate(Attachment).scalar_subquery() for each in found), null())
    return collection.table.c.position
