"""May this operation be applied? Fields, times and rights of one operation, each a function that returns a reason.

Owns the rules of who may write what, where and when; the walk in ``sync.push`` asks them in order.
A reason quarantines the operation: it is kept, and a person can mend and release it.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from geo.editions import Ground
from sync import arrays
from sync.collections import COLLECTIONS, Doc
from sync.decoders import judge
from sync.located import Located
from sync.records import Record
from sync.scope import Assigned, areas_at
from sync.statements import Statement
from sync.wire import Op
from sync.wording import Reason

# A phone that was away for a season still syncs; a clock that fell back to 1970 does not pass for one.
OLDEST = dt.timedelta(days=400)
AHEAD = dt.timedelta(minutes=10)
# Below this, a difference between sent_at and our clock is the network's, not the clock's.
LATENCY = dt.timedelta(seconds=30)


def skew_of(sent_at: dt.datetime, now: dt.datetime) -> dt.timedelta:
    """Return how far the device's clock is ahead of ours; 0 where it may be mere latency."""
    skew = sent_at - now
    return skew if abs(skew) > LATENCY else dt.timedelta(0)


def corrected(captured_at: dt.datetime, skew: dt.timedelta, now: dt.datetime) -> tuple[dt.datetime, Reason | None]:
    """Return the capture time by our clock, never after ``now``, and why it cannot be believed, if so."""
    try:
        moment = (captured_at - skew).astimezone(dt.UTC)
    except OverflowError:
        return now, Reason("captured-too-old", (("captured_at", "captured-too-old"),))
    if moment < now - OLDEST:
        return moment, Reason("captured-too-old", (("captured_at", "captured-too-old"),))
    if moment > now + AHEAD:
        return moment, Reason("captured-in-future", (("captured_at", "captured-in-future"),))
    return min(moment, now), None


def of_fields(op: Op) -> Reason | None:
    """Judge collection, action and fields."""
    collection = COLLECTIONS.get(op.collection)
    if collection is None:
        return Reason("collection-unknown", (("collection", "collection-unknown"),))
    if op.action not in collection.actions:
        return Reason("action-not-allowed", (("action", "action-not-allowed"),))
    if op.action == "delete":
        return None
    if faults := judge(op.collection, op.action, op.data):
        return Reason("fields-invalid", tuple((f"data.{field}".rstrip("."), rule) for field, rule in faults))
    if collection.patchable is not None and (barred := sorted(op.data.keys() - collection.patchable)):
        return Reason("field-not-allowed", tuple((f"data.{field}", "field-not-allowed") for field in barred))
    return None


_ACTIVE = Statement("SELECT code FROM category WHERE code = ANY (CAST(:codes AS text[])) AND is_active")


def categories_known(session: Session, datas: Iterable[Doc]) -> frozenset[str]:
    """Return those of the categories named that the city's catalogue has."""
    named = {data["category"] for data in datas if data.get("category")}
    if not named:
        return frozenset()
    return frozenset(code for (code,) in _ACTIVE.run(session, codes=arrays.texts(list(named))))


def of_category(data: Doc, known: frozenset[str]) -> Reason | None:
    """Judge the category of an issue against the city's catalogue."""
    if "category" in data and data["category"] not in known:
        return Reason("category-unknown", (("data.category", "category-unknown"),))
    return None


@dataclass(frozen=True, slots=True)
class Rights:
    """What one worker may write: assignments over time, and the tree of areas to hold them against."""

    person_id: int
    assigned: Sequence[Assigned]
    now: dt.datetime

    def of_new(self, collection: str, place: Located | None, captured_at: dt.datetime, ground: Ground) -> Reason | None:
        """Judge where a new record lies: issues anywhere in the city, the rest where the worker was assigned."""
        if place is not None and not place.in_city:
            return Reason("outside-city", (("data.location", "outside-city"),))
        if collection == "issues":
            return None
        areas = areas_at(self.assigned, captured_at)
        if place is None:
            return None if areas else Reason("outside-your-areas", (("captured_at", "outside-your-areas"),))
        # The grid within the accuracy of the fix counts: who stands at a border is not punished by the GPS.
        grids = {grid for grid in (place.grid, *place.candidates) if grid is not None}
        if any(ground.lies_in(grid, areas) for grid in grids):
            return None
        return Reason("outside-your-areas", (("data.location", "outside-your-areas"),))

    def only_grid(self, moment: dt.datetime, ground: Ground) -> int | None:
        """Return the worker's grid at a moment where there is just one: it takes what names no place on the map."""
        grids = ground.grids_of(areas_at(self.assigned, moment))
        return grids[0] if len(grids) == 1 else None

    def of_existing(self, collection: str, record: Record, captured_at: dt.datetime, ground: Ground) -> Reason | None:
        """Judge a change of a record: one's own, or one in the areas held when it was captured or now."""
        personal = COLLECTIONS[collection].personal
        if personal is not None and record.personal_id == self.person_id:
            return None
        if record.author_id == self.person_id:
            return None
        areas = areas_at(self.assigned, captured_at) | areas_at(self.assigned, self.now)
        if COLLECTIONS[collection].by_grid and record.grid_now is not None and ground.lies_in(record.grid_now, areas):
            return None
        return Reason("record-outside-your-areas", (("id", "record-outside-your-areas"),))


def households_named(datas: Sequence[Doc]) -> list[uuid.UUID]:
    """Return the households that visits without a position name."""
    named: Mapping[uuid.UUID, None] = {
        uuid.UUID(data["household_id"]): None for data in datas if data.get("household_id") and not data.get("location")
    }
    return list(named)
