"""Bringing a draft into force, and onto a newer edition where one came in between.

Owns finding which operations do not fit any more. Publishing itself is ``geo.editions.publish`` and
``sync.redraw.cutover``. The caller commits, at once after ``put_into_force``.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.coverage.changes import area_m2
from geo.editions import plans
from geo.editions.publish import NewArea, Published
from geo.errors import GeoError
from geo.redraw import AreaShape
from geo.redraw.layer import to_degrees, to_units
from server.grids.checking import check_draft
from server.grids.draft_cache import cache_of
from server.grids.draft_ground import DraftGround
from server.grids.drafts import Drawn, drawn, newest_edition, operations, standing
from server.grids.errors import (
    DraftError,
    DraftSuperseded,
    GateClosed,
    NothingToPublish,
    RebaseConflicts,
)
from server.grids.operations import Operation, perform
from server.grids.tables import Draft
from sync.redraw.cutover import publish_order

OnConflict = Literal["refuse", "leave-out", "apply"]
_SAME_M2: Final = 1.0
_OF_GROUND: Final = frozenset({"split", "merge", "reshape", "retire", "replace", "propose", "heal"})


@dataclass(frozen=True)
class Conflict:
    """An operation (its place in the order, from 1) that does not fit on a newer edition, and why.

    ``problem`` is the code of the error, or "area-changed" where the ground, the name or the parent that it works on is
    another now; ``fits``: it could be done all the same.
    """

    position: int
    operation: Operation
    problem: str
    areas: tuple[str, ...]
    lon: float | None
    lat: float | None
    fits: bool

    def as_json(self) -> dict[str, Any]:
        """For an answer."""
        told: dict[str, Any] = {
            "position": self.position,
            "kind": self.operation.kind,
            "areas": list(self.areas),
            "problem": self.problem,
            "fits": self.fits,
        }
        return told | ({} if self.lon is None else {"lon": self.lon, "lat": self.lat})


def conflicts_on(session: Session, draft: Draft, newest: int, *, passing_changed: bool = False) -> list[Conflict]:
    """What of a draft does not fit on a newer edition; an operation that depends on such a one does not either.

    ``passing_changed``: what works on changed areas is passed over, not done all the same.
    """
    kept = cache_of(session)
    base = kept.city(session, draft.base_edition)
    city = now = kept.city(session, newest)
    found = []
    for position, operation in enumerate(standing(operations(session, draft)), start=1):
        changed = _changed(base, now, operation)
        try:
            after = perform(city, operation).city
        except (GeoError, DraftError) as error:
            areas, place = tuple(changed) or operation.areas, _place(error, (now, base), operation)
            found.append(Conflict(position, operation, error.code, areas, *place, fits=False))
            continue
        if changed:
            place = next(iter(changed.values()))
            found.append(Conflict(position, operation, "area-changed", tuple(changed), *place, fits=True))
        if not (changed and passing_changed):
            city = after
    return found


def rebase(session: Session, draft: Draft, on_conflict: OnConflict) -> list[Conflict]:
    """Move a draft (locked) onto the edition in force.

    "refuse": raises RebaseConflicts where anything does not fit; "leave-out": what does not fit is left out; "apply":
    only what cannot be done is. Returns what was left out, or applied to changed areas all the same.
    """
    newest = newest_edition(session)
    found = conflicts_on(session, draft, newest, passing_changed=on_conflict == "leave-out")
    if found and on_conflict == "refuse":
        raise RebaseConflicts(newest, [each.as_json() for each in found])
    out = {each.position for each in found if on_conflict == "leave-out" or not each.fits}
    _keep(session, draft, out, newest)
    draft.base_edition = newest
    draft.version += 1
    session.flush()
    return found


def order_of(session: Session, draft: Draft, *, by: str, note: str) -> plans.Order:
    """What is to be published of a draft (locked). Raises DraftSuperseded, GateClosed and NothingToPublish."""
    newest = newest_edition(session)
    if newest != draft.base_edition:
        _refuse_superseded(session, draft, newest)
    done = drawn(session, draft)
    checked = check_draft(done.before, done.after)
    if not checked.is_open:
        raise GateClosed([finding.as_feature() for finding in checked.errors])
    areas, retired = _differing(done)
    if not areas and not retired:
        raise NothingToPublish
    return plans.Order(areas, retired, draft.base_edition, by, draft.name, note)


def plan(session: Session, draft: Draft, order: plans.Order, *, due_at: dt.datetime, now: dt.datetime) -> plans.Plan:
    """Plan to publish what was ordered of a draft (locked), which is closed then.

    Raises what ``geo.editions.plans.plan`` does.
    """
    planned = plans.plan(session, order, due_at=due_at, now=now)
    draft.plan_id = planned.id
    draft.version += 1
    session.flush()
    return planned


def note_published(session: Session) -> None:
    """Mark the drafts whose plans were published since."""
    session.execute(_NOTE_PUBLISHED)


_NOTE_PUBLISHED = text("""
    UPDATE draft SET published_edition = plan.edition_number, version = version + 1
    FROM planned_edition AS plan
    WHERE plan.id = draft.plan_id AND plan.state = 'published' AND published_edition IS NULL
""")


def put_into_force(session: Session, draft: Draft, order: plans.Order, clock: Callable[[], dt.datetime]) -> Published:
    """Publish what was ordered of a draft (locked) and bring it into force; the last thing before the commit.

    Raises the errors of ``sync.redraw.cutover.publish_order``: another publisher may have been quicker since the order.
    """
    done = publish_order(session, order, clock)
    if not done.is_new:
        raise NothingToPublish
    draft.published_edition = done.number
    draft.version += 1
    session.flush()
    return done


def _refuse_superseded(session: Session, draft: Draft, newest: int) -> None:
    found = conflicts_on(session, draft, newest)
    raise DraftSuperseded(draft.base_edition, newest, [each.as_json() for each in found])


def _differing(done: Drawn) -> tuple[list[NewArea], list[str]]:
    """What an edition must be told: new and changed areas, uppermost first, and codes that are gone."""
    changes = done.changes()
    kinds = sorted(changes, key=lambda kind: done.after.ranks[kind])
    areas = [
        NewArea(code, kind, tract.name, tract.parent_code, tract.polygon)
        for kind in kinds
        for code, tract in sorted(changes[kind].put.items())
    ]
    return areas, sorted(code for each in changes.values() for code in each.gone)


def _keep(session: Session, draft: Draft, out: set[int], newest: int) -> None:
    """Take operations away by their place, and close the ranks; folded anew, each must still be possible."""
    rows = operations(session, draft)
    for row in rows:
        if row.position in out or row.undone:
            session.delete(row)
    session.flush()
    kept = [row for row in rows if row.position not in out and not row.undone]
    for position, row in enumerate(kept, start=1):
        row.position = position
    session.flush()
    cache_of(session).fold(session, newest, standing(kept))


def _changed(
    base: DraftGround, city: DraftGround, operation: Operation
) -> dict[str, tuple[float | None, float | None]]:
    """The areas that an operation works on and that are others in a newer edition, with a place where they differ."""
    found: dict[str, tuple[float | None, float | None]] = {}
    for code in operation.areas:
        before, after = base.find(code), city.find(code)
        if before is None or after is before:
            continue
        if after is None:
            found[code] = _inside(before)
        elif operation.kind in _OF_GROUND:
            place = _difference(before, after)
            if place is not None:
                found[code] = place
        elif (operation.kind == "rename" and before.name != after.name) or (
            operation.kind == "reassign" and before.parent_code != after.parent_code
        ):
            found[code] = _inside(after)
    return found


def _difference(before: AreaShape, after: AreaShape) -> tuple[float, float] | None:
    """A place where the ground is another; None where it is the same but for a new node."""
    one, other = to_units([before.polygon, after.polygon])
    apart = shapely.get_parts(shapely.symmetric_difference(one, other, grid_size=1.0))
    pieces = [to_degrees(each) for each in apart if each.area > 0]
    largest = max(pieces, key=lambda each: each.area, default=None)
    if largest is None or area_m2(largest) < _SAME_M2:
        return None
    point = largest.representative_point()
    return round(point.x, 8), round(point.y, 8)


def _inside(tract: AreaShape) -> tuple[float, float]:
    point = tract.polygon.representative_point()
    return round(point.x, 8), round(point.y, 8)


def _place(
    error: GeoError | DraftError, cities: tuple[DraftGround, DraftGround], operation: Operation
) -> tuple[float | None, float | None]:
    """Where an error is: as it says, else in the first area that the operation works on."""
    lon, lat = error.data.get("lon"), error.data.get("lat")
    if isinstance(lon, float) and isinstance(lat, float):
        return lon, lat
    found = (city.find(code) for code in operation.areas for city in cities)
    tract = next((each for each in found if each is not None), None)
    return (None, None) if tract is None else _inside(tract)
