"""The newest states of records as phones get them: visible, deleted, or gone from their scope.

Owns the reading side of every collection for pull: one statement for each collection of a page. A change
is built as JSON bytes from PostgreSQL's own JSON, so that a record is never taken apart on its way out.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Select, Table, and_, cast, false, func, literal, null, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session
from sqlalchemy.types import Integer, Text

from geo.editions import Ground
from geo.tables import Area, AreaVersion
from sync.collections import COLLECTIONS, Collection
from sync.feed import GRIDS_TOPIC, OUTCOME_TOPIC
from sync.scope import Held, Scope

TOPICS: Mapping[int, str] = {each.topic: each.name for each in COLLECTIONS.values()} | {GRIDS_TOPIC: "grids"}
_ALL = 2**31 - 2


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a page, as the JSON that is sent."""

    json: bytes

    @property
    def size(self) -> int:
        """Bytes of the JSON."""
        return len(self.json)


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of a move between scopes: all records of a collection in some grids, or of a person."""

    collection: str
    action: Literal["leave", "put"]
    grid_ids: tuple[int, ...]
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A part of a listing: ``after`` is the last id it reached, ``more`` whether there are others."""

    changes: list[Change]
    after: uuid.UUID | None
    more: bool


def listings(held: Held, now: Scope, *, first: bool) -> list[Listing]:
    """Return what must be listed to move a phone to a scope, what leaves first."""
    lost = tuple(sorted(held.perhaps.difference(now.grid_ids)))
    gained = tuple(sorted(set(now.grid_ids) - held.surely))
    names = ["grids", *(name for name, collection in COLLECTIONS.items() if collection.by_grid)]
    lists = [Listing(name, "leave", lost) for name in names if lost]
    lists += [Listing(name, "put", gained) for name in names if gained]
    if first:
        personal = [name for name, collection in COLLECTIONS.items() if collection.personal]
        lists += [Listing(name, "put", (), personal=True) for name in personal]
    return lists


class States:
    """Reads states for one pull. ``collections``: the names that the phone asked for, None for all."""

    def __init__(
        self, session: Session, ground: Ground, scope: Scope, person_id: int, collections: frozenset[str] | None
    ) -> None:
        self._session = session
        self._ground = ground
        self.scope = scope
        self._person_id = person_id
        self._grid_ids = frozenset(scope.grid_ids)
        self._wanted = collections

    def _asked(self, name: str) -> bool:
        return self._wanted is None or name in self._wanted

    def listed(self, listing: Listing, after: uuid.UUID | None, limit: int, max_bytes: int) -> Listed:
        """Return up to ``limit`` records of a listing whose id is above ``after``, in ascending id."""
        if not self._asked(listing.collection):
            return Listed([], None, more=False)
        if listing.collection == "grids":
            # A city has few grids beside its records, and a device few of them: one page.
            return Listed(self._grids(listing.grid_ids, listing.action), None, more=False)
        table = COLLECTIONS[listing.collection].table
        chosen = self._listed_where(COLLECTIONS[listing.collection], listing)
        statement = self._select(listing.collection).where(chosen).order_by(table.c.id).limit(limit + 1)
        if after is not None:
            statement = statement.where(table.c.id > after)
        rows = self._session.execute(statement).all()
        changes: list[Change] = []
        size = 0
        for row in rows[:limit]:
            if size > max_bytes:
                break
            changes.append(self._change(listing.collection, row))
            size += changes[-1].size
        more = len(rows) > len(changes)
        return Listed(changes, rows[len(changes) - 1].id if changes else after, more)

    def of_grid(self, grid_id: int) -> list[Change]:
        """Return all that a phone sees of one grid in its scope."""
        names = ["grids", *(name for name, collection in COLLECTIONS.items() if collection.by_grid)]
        changes: list[Change] = []
        for name in names:
            changes += self.listed(Listing(name, "put", (grid_id,)), None, _ALL, _ALL).changes
        return changes

    def _listed_where(self, collection: Collection, listing: Listing) -> ColumnElement[bool]:
        if listing.personal:
            return of_person(collection, self._person_id, self.scope)
        return within(collection, listing.grid_ids)

    def touched(self, touches: Sequence[tuple[int, int, uuid.UUID]], max_bytes: int) -> tuple[list[Change], int]:
        """Return the newest state of what was touched, each once, and the last position that fitted.

        ``touches``: (position, topic, id) in ascending position.
        """
        reached = touches[-1][0] if touches else 0
        changes: list[Change] = []
        found = self._newest(touches)
        size = 0
        told: set[tuple[int, uuid.UUID]] = set()
        for position, topic, ref in touches:
            change = found.get((topic, ref))
            if change is None or (topic, ref) in told:
                continue
            if changes and size + change.size > max_bytes:
                return changes, position - 1
            told.add((topic, ref))
            changes.append(change)
            size += change.size
        return changes, reached

    def _newest(self, touches: Sequence[tuple[int, int, uuid.UUID]]) -> dict[tuple[int, uuid.UUID], Change]:
        by_topic: dict[int, list[uuid.UUID]] = {}
        for _, topic, ref in touches:
            if topic != OUTCOME_TOPIC and self._asked(TOPICS.get(topic, "")):
                by_topic.setdefault(topic, []).append(ref)
        found: dict[tuple[int, uuid.UUID], Change] = {}
        for topic, refs in by_topic.items():
            name = TOPICS[topic]
            if name == "grids":
                found |= {(topic, uid): change for uid, change in self._grids_touched(refs).items()}
                continue
            table = COLLECTIONS[name].table
            rows = self._session.execute(self._select(name).where(table.c.id.in_(list(dict.fromkeys(refs)))))
            found |= {(topic, row.id): self._change(name, row) for row in rows}
        return found

    def _select(self, name: str) -> Select[Any]:
        return _state_of(name)

    def _change(self, name: str, row: Any) -> Change:
        head = f'{{"collection":"{name}","id":"{row.id}","rev":{row.rev},"action":'
        if not self._visible(name, row):
            return Change(f'{head}"leave"}}'.encode())
        if row.deleted_at is not None:
            return Change(f'{head}"delete"}}'.encode())
        grid = msgspec.json.encode(self._grid(row)).decode()
        return Change(f'{head}"put","data":{row.data},"grid":{grid}}}'.encode())

    def _visible(self, name: str, row: Any) -> bool:
        if row.grid_now is not None and row.grid_now in self._grid_ids:
            return COLLECTIONS[name].by_grid or row.personal_id == self._person_id
        return row.personal_id == self._person_id and bool(row.followed)

    def _grid(self, row: Any) -> dict[str, Any] | None:
        if row.located is None and row.grid_now is None:
            return None
        now, then = (self._ground.areas.get(area) if area else None for area in (row.grid_now, row.grid_at_capture))
        codes = [self._ground.areas[area].code for area in row.candidates or () if area in self._ground.areas]
        return {
            "code": now.code if now else None,
            "name": now.name if now else None,
            "how": row.located or ("inside" if now else "outside"),
            "ambiguous": len(codes) > 1,
            "candidates": codes,
            "edition": row.edition_at_capture,
            "distance_m": row.distance_m or 0,
            "at_capture": then.code if then else None,
        }

    def _grids(self, area_ids: Sequence[int], action: Literal["leave", "put"]) -> list[Change]:
        rows = self._grid_rows(list(area_ids)) if action == "put" else {}
        changes = []
        for area_id in area_ids:
            facts = self._ground.areas.get(area_id)
            if action == "put" and facts is not None and area_id in rows:
                changes.append(rows[area_id])
            elif facts is not None:
                changes.append(self._grid_leave(facts.uid))
        return changes

    def _grid_leave(self, uid: uuid.UUID) -> Change:
        return Change(f'{{"collection":"grids","id":"{uid}","rev":{self._ground.number},"action":"leave"}}'.encode())

    def _grids_touched(self, uids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Change]:
        by_uid = {facts.uid: facts.id for facts in self._ground.areas.values()}
        inside = [by_uid[uid] for uid in uids if by_uid.get(uid) in self._grid_ids]
        rows = self._grid_rows(inside)
        return {uid: rows[by_uid[uid]] if by_uid.get(uid) in rows else self._grid_leave(uid) for uid in uids}

    def _grid_rows(self, area_ids: Sequence[int]) -> dict[int, Change]:
        if not area_ids:
            return {}
        version = func.lower(AreaVersion.editions)
        polygon = func.ST_AsGeoJSON(AreaVersion.polygon, 8, 0)
        rows = self._session.execute(
            select(Area.id, Area.uid, Area.kind, version.label("since"), polygon.label("polygon"))
            .join(AreaVersion, AreaVersion.area_id == Area.id)
            .where(Area.id.in_(area_ids), AreaVersion.editions.contains(self._ground.number))
        )
        changes = {}
        for row in rows:
            facts = self._ground.areas[row.id]
            parent = None if facts.parent_id is None else self._ground.areas[facts.parent_id].code
            data = {"code": facts.code, "name": facts.name, "kind": row.kind, "parent": parent, "edition": row.since}
            told = msgspec.json.encode(data | {"geometry": msgspec.Raw(row.polygon.encode())}).decode()
            head = f'{{"collection":"grids","id":"{row.uid}","rev":{row.since},"action":"put"'
            changes[row.id] = Change(f'{head},"data":{told}}}'.encode())
        return changes


def within(collection: Collection, grid_ids: Sequence[int]) -> ColumnElement[bool]:
    """Return whether a record lies in one of these grids today."""
    table = collection.table
    here = table.c.grid_now == func.any(cast(list(grid_ids), ARRAY(Integer)))
    return and_(here, table.c.deleted_at.is_(None))


def of_person(collection: Collection, person_id: int, scope: Scope) -> ColumnElement[bool]:
    """Return whether a record is a person's own and not among those of the grids in scope."""
    if collection.personal is None:
        return false()
    table = collection.table
    mine = and_(table.c[collection.personal] == person_id, table.c.deleted_at.is_(None))
    if not collection.by_grid:
        return mine
    elsewhere = or_(table.c.grid_now.is_(None), table.c.grid_now.not_in(scope.grid_ids))
    return and_(mine, elsewhere, _still_followed(table))


def _still_followed(table: Table) -> ColumnElement[bool]:
    """Return whether a record that is somebody's own is still sent to them: until 30 days after it closed."""
    if "closed_at" not in table.c:
        return literal(True)  # noqa: FBT003  # SQL's own word
    return or_(table.c.closed_at.is_(None), table.c.closed_at > func.now() - func.make_interval(0, 0, 0, 30))


@cache
def _state_of(name: str) -> Select[Any]:
    collection = COLLECTIONS[name]
    table = collection.table
    data: ColumnElement[Any] = table.c.doc
    if collection.shown:
        pairs: list[Any] = []
        for key, column in collection.shown.items():
            pairs += [literal(key, Text), column]
        data = table.c.doc.op("||", return_type=JSONB())(func.jsonb_strip_nulls(func.jsonb_build_object(*pairs)))
    personal = table.c[collection.personal] if collection.personal else cast(null(), Integer)
    return select(
        table.c.id, table.c.rev, table.c.deleted_at, table.c.grid_now, table.c.grid_at_capture, table.c.located,
        table.c.distance_m, table.c.candidates, table.c.edition_at_capture, personal.label("personal_id"),
        _still_followed(table).label("followed"), cast(data, Text).label("data"),
    )  # fmt: skip
