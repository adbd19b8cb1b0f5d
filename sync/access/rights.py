"""May this person do this to this record now? The one answer, wherever an operation takes effect.

Owns the rules; reads nothing and changes nothing. Push asks it, merging when something that waited takes effect, and
review when staff release, mend or decide. The answer is a reason, or None where nothing speaks against it.

A worker acts by the field roles held *today*. The time of capture gives a right only to add new records of one's own:
where the worker was assigned at that time, and only until ``late_for`` after that assignment ended. Of an issue that
a body handles a worker may say more, and nothing else: the body was sent somewhere by what was written.

Who rules (a supervisor, dispatcher or administrator who releases or decides) acts by the areas of that duty today, over
where a record lies and over where it would lie. What a device may not send at all, no release makes possible. No
private issue becomes public by the way: whoever rules has to say so.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from geo.editions.ground import Ground
from sync.access.doors import Door
from sync.access.privacy import is_private_doc
from sync.access.scope import Assigned, ruled_areas, worked_areas
from sync.access.zones import NO_ZONES, Zones
from sync.collections import COLLECTIONS, Doc
from sync.collections.issues import CLOSED_STATES, SEVERITIES, UNRECEIVED_STATES
from sync.store.located import Located
from sync.store.records import Record
from sync.wording.reasons import Reason

LATE_FOR: Final = dt.timedelta(days=30)
"""A phone that lay in a drawer over a leave, or came back from a valley without a network, is handed in by then."""

_ADDED_TO: Final = frozenset({"photos", "memos", "tags"})


@dataclass(frozen=True, slots=True)
class Today:
    """What holds at the moment of the question. ``ground`` is the newest edition; ``late_for``: see the module.

    ``private``: codes of the categories whose issues are private. ``zones``: the areas below grids that people hold.
    """

    ground: Ground
    now: dt.datetime
    private: frozenset[str] = frozenset()
    zones: Zones = NO_ZONES
    late_for: dt.timedelta = LATE_FOR


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation as it would take effect. ``data`` is in WGS-84.

    ``place``: where it says the record lies, by the edition ``then`` of its capture; ``grid_now``: the same today.
    ``seen``: the fields as its author saw them, where that matters; None: as they stand. ``waits``: it does not take
    effect now, and is asked about again when it does. ``of_staff``: it is the staff's own, not a device's.
    ``home``: the household that it names, where there is one that lies in a grid. ``public_agreed``: whoever rules said
    that a private issue shall become public by it.
    """

    collection: str
    action: str
    data: Doc
    captured_at: dt.datetime
    place: Located | None = None
    then: Ground | None = None
    grid_now: int | None = None
    seen: Callable[[], Doc] | None = None
    waits: bool = False
    of_staff: bool = False
    home: "Home | None" = None
    public_agreed: bool = False


@dataclass(frozen=True, slots=True)
class Home:
    """The household that a record names, and ``then``: where it lay at the capture, by which edition."""

    door: Door
    then: Callable[[], tuple[Located, Ground]]


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody with a phone, by all assignments that there ever were."""

    person_id: int
    assigned: Sequence[Assigned]

    def areas_now(self, today: Today) -> frozenset[int]:
        """Return the areas of the field roles held today."""
        return worked_areas(self.assigned, today.now)

    def areas_of_new(self, captured_at: dt.datetime, today: Today) -> frozenset[int]:
        """Return the areas that new records of that time may be added to."""
        ended_since = today.now - today.late_for
        lasting = [each for each in self.assigned if each.ends is None or each.ends > ended_since]
        return worked_areas(lasting, captured_at)

    def only_grid(self, captured_at: dt.datetime, today: Today) -> int | None:
        """Return the worker's grid where there is just one: it takes what names no place on the map."""
        grids = today.ground.grids_of(self.areas_of_new(captured_at, today))
        return grids[0] if len(grids) == 1 else None


@dataclass(frozen=True, slots=True)
class Ruler:
    """Somebody who rules over what lies in some grids; ``everywhere``: also over what lies in none."""

    person_id: int
    grid_ids: frozenset[int] = field(default_factory=frozenset)
    everywhere: bool = False

    @classmethod
    def by_assignments(cls, person_id: int, assigned: Sequence[Assigned], today: Today) -> "Ruler":
        """Return what somebody rules over today."""
        areas = ruled_areas(assigned, today.now)
        whole = bool(today.ground.root_ids) and today.ground.root_ids <= areas
        return cls(person_id, frozenset(today.ground.grids_of(areas)), whole)

    def reaches(self, grid_id: int | None) -> bool:
        """Return whether what lies in a grid (None: in none) is theirs to rule over."""
        return self.everywhere or (grid_id is not None and grid_id in self.grid_ids)


def refusal(who: Worker | Ruler, asked: Asked, record: Record | None, today: Today) -> Reason | None:
    """Return why this person may not do this to this record now, None where they may.

    ``record``: as it stands, under a lock; None where there is none.
    """
    if not asked.of_staff and (wrong := _of_collection(asked)) is not None:
        return wrong
    if asked.place is not None and not asked.place.in_city:
        return Reason("outside-city", (("data.location", "outside-city"),))
    if asked.collection == "steps" and record is not None:
        return Reason("step-sent", (("id", "step-sent"),))
    if isinstance(who, Ruler):
        return _of_ruling(who, asked, record) or _of_publishing(asked, record, today)
    if record is None:
        return _of_adding(who, asked, today) or _of_naming(who, asked, today)
    return _of_changing(who, asked, record, today) or _of_naming(who, asked, today)


def sees_in_full(person_id: int, record: Record, today: Today) -> bool:
    """Return whether a worker sees all of an issue: it is no private one, or their own, or their task."""
    if not is_private_doc(record.doc, today.private):
        return True
    return record.author_id == person_id or person_id in (record.task_holders or ())


def works_on(who: Worker, collection: str, record: Record, today: Today) -> bool:
    """Return whether a record is within what a worker works on today: their own, given to them, or in their areas."""
    areas = who.areas_now(today)
    if not areas:
        return False
    return _is_own(who, collection, record) or _lies_in(record, areas, collection, today)


def _of_collection(asked: Asked) -> Reason | None:
    collection = COLLECTIONS.get(asked.collection)
    if collection is None:
        return Reason("collection-unknown", (("collection", "collection-unknown"),))
    if asked.action not in collection.actions:
        return Reason("action-not-allowed", (("action", "action-not-allowed"),))
    if collection.patchable is not None and (barred := sorted(asked.data.keys() - collection.patchable)):
        return Reason("field-not-allowed", tuple((f"data.{name}", "field-not-allowed") for name in barred))
    return None


def _of_ruling(who: Ruler, asked: Asked, record: Record | None) -> Reason | None:
    if record is not None and not who.reaches(record.grid_now):
        return Reason("beyond-ruling", (("id", "beyond-ruling"),))
    if asked.place is not None and not who.reaches(asked.grid_now):
        return Reason("beyond-ruling", (("data.location", "beyond-ruling"),))
    if asked.home is not None and not who.reaches(asked.home.door.grid_now):
        return Reason("beyond-ruling", (("data.household_id", "beyond-ruling"),))
    return None


def _of_publishing(asked: Asked, record: Record | None, today: Today) -> Reason | None:
    """Judge what makes a private issue public: only where it was asked for by name."""
    if record is None or asked.public_agreed or asked.collection != "issues":
        return None
    name = _made_public_by(asked, record, today)
    return None if name is None else becomes_public(name)


def becomes_public(name: str) -> Reason:
    """Return the reason against a change of this field that makes a private issue public without being told to."""
    return Reason("becomes-public", ((f"data.{name}", "becomes-public"),))


def _of_adding(who: Worker, asked: Asked, today: Today) -> Reason | None:
    """Judge a new record: issues anywhere in the city, steps of any case, the rest where the worker was assigned."""
    if asked.action != "put":
        return None  # It waits for its record; nothing takes effect.
    if asked.collection == "steps":
        return None  # The table of steps judges it when it takes effect, of handlers and checkers too.
    areas = who.areas_of_new(asked.captured_at, today)
    if asked.collection == "issues" and (areas or who.areas_now(today)):
        return None
    if not areas:
        return Reason("outside-your-areas", (("captured_at", "outside-your-areas"),))
    if asked.place is None or _would_lie_in(asked, areas, today):
        return None
    return Reason("outside-your-areas", (("data.location", "outside-your-areas"),))


def _of_naming(who: Worker, asked: Asked, today: Today) -> Reason | None:
    """Judge the household that a record names, wherever the record itself says that it lies.

    It is the worker's own, or given to them as a task, or in their areas, by today's grids or those of the capture.
    """
    if asked.home is None:
        return None
    door = asked.home.door
    if who.person_id in {door.author_id, *door.holders}:
        return None
    areas = who.areas_now(today) | who.areas_of_new(asked.captured_at, today)
    point = None if door.lon is None or door.lat is None else (door.lon, door.lat)
    if today.ground.lies_in(door.grid_now, areas) or today.zones.hold(areas, door.grid_now, point, 0.0):
        return None
    place, then = asked.home.then()
    if _holds_place(areas, place, then, 0.0, today):
        return None
    return Reason("household-outside-your-areas", (("data.household_id", "household-outside-your-areas"),))


def _of_changing(who: Worker, asked: Asked, record: Record, today: Today) -> Reason | None:
    """Judge a change of what is there: one's own, or in the areas held today, as far as privacy and the case allow."""
    areas = who.areas_now(today)
    if not areas:
        return Reason("not-assigned-now", (("id", "not-assigned-now"),))
    own = _is_own(who, asked.collection, record)
    if not own and "patch" not in COLLECTIONS[asked.collection].actions:
        return Reason("record-of-another", (("id", "record-of-another"),))
    if not own and not _lies_in(record, areas, asked.collection, today):
        return Reason("record-outside-your-areas", (("id", "record-outside-your-areas"),))
    if asked.collection == "issues":
        return _of_privacy(who, asked, record, today) or _of_case(asked, record)
    if asked.place is not None and not _would_lie_in(asked, areas | who.areas_of_new(asked.captured_at, today), today):
        return Reason("outside-your-areas", (("data.location", "outside-your-areas"),))
    return None


def _of_privacy(who: Worker, asked: Asked, record: Record, today: Today) -> Reason | None:
    """A masked issue is not for this worker to change; and no worker makes a private one public."""
    if not sees_in_full(who.person_id, record, today):
        return Reason("record-private", (("id", "record-private"),))
    if record.doc.get("private") and asked.action != "delete" and not _after(asked, record).get("private"):
        return Reason("stays-private", (("data.private", "stays-private"),))
    name = _made_public_by(asked, record, today)
    return None if name is None else Reason("stays-private", ((f"data.{name}", "stays-private"),))


def _made_public_by(asked: Asked, record: Record, today: Today) -> str | None:
    """Return the field by which a private issue would become public: its category or its flag; None where it stays."""
    if asked.action == "delete" or not is_private_doc(record.doc, today.private):
        return None
    if is_private_doc(_after(asked, record), today.private):
        return None
    return "private" if record.doc.get("private") else "category"


def _after(asked: Asked, record: Record) -> Doc:
    """Return the fields as they would be. A put is the whole record: what it leaves out, it takes away."""
    if asked.action == "put":
        return dict.fromkeys(record.doc) | asked.data
    return record.doc | asked.data


def _of_case(asked: Asked, record: Record) -> Reason | None:
    """What a body handles is not taken back, and once received only added to; what is closed is not touched."""
    if record.case_state in CLOSED_STATES:
        return Reason("case-closed", (("id", "case-closed"),))
    if not record.has_body:
        return None
    if asked.action == "delete":
        return Reason("case-dispatched", (("action", "case-dispatched"),))
    if record.case_state in UNRECEIVED_STATES or asked.waits:
        return None
    seen = record.doc if asked.seen is None else asked.seen()
    changed = {name: value for name, value in _after(asked, record).items() if value != record.doc.get(name)}
    rewritten = sorted(name for name, value in changed.items() if not _only_adds(name, value, record.doc, seen))
    if rewritten:
        return Reason("case-received", tuple((f"data.{name}", "case-received") for name in rewritten))
    return None


def _only_adds(name: str, value: Any, doc: Doc, seen: Doc) -> bool:
    """Return whether a new value of a field takes nothing away from what its author saw."""
    if name == "description":
        return str(value or "").startswith((str(doc.get(name) or ""), str(seen.get(name) or "")))
    if name in _ADDED_TO:
        return set(seen.get(name) or ()) & set(doc.get(name) or ()) <= set(value or ())
    if name == "severity":
        return value in SEVERITIES and SEVERITIES.index(value) >= SEVERITIES.index(doc.get(name) or "normal")
    return name == "private" and value is True


def _is_own(who: Worker, collection: str, record: Record) -> bool:
    if record.author_id == who.person_id:
        return True
    return COLLECTIONS[collection].personal is not None and record.personal_id == who.person_id


def _lies_in(record: Record, areas: frozenset[int], collection: str, today: Today) -> bool:
    grid = record.grid_now
    if not COLLECTIONS[collection].by_grid or grid is None:
        return False
    if today.ground.lies_in(grid, areas):
        return True
    return today.zones.hold(areas, grid, _point_of(record.doc), 0.0)


def _would_lie_in(asked: Asked, areas: frozenset[int], today: Today) -> bool:
    """Return whether the place of an operation is in these areas.

    The grid within the accuracy of the fix counts: who stands at a border is not punished by the GPS.
    """
    if asked.place is None:
        return True
    accuracy_m = float((asked.data.get("location") or {}).get("accuracy_m") or 0.0)
    return _holds_place(areas, asked.place, asked.then or today.ground, accuracy_m, today)


def _holds_place(areas: frozenset[int], place: Located, ground: Ground, accuracy_m: float, today: Today) -> bool:
    grids = {grid for grid in (place.grid, *place.candidates) if grid is not None}
    if any(ground.lies_in(grid, areas) for grid in grids):
        return True
    return any(today.zones.hold(areas, grid, place.point, accuracy_m) for grid in grids)


def _point_of(doc: Doc) -> tuple[float, float] | None:
    location = doc.get("location")
    return None if not location else (float(location["lon"]), float(location["lat"]))
