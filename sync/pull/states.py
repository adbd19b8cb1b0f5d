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
from sqlalchemy import ColumnElement, Select, case, cast, func, literal, null, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.types import Integer, Text

from geo.editions.ground import Ground
from geo.editions.tables import Area, AreaVersion
from sync.access.devices import CallingDevice
from sync.access.privacy import SERVER_SHOWN, masked_json
from sync.access.scope import Held, Scope, Token, ZoneHeld
from sync.access.sight import asker, gone, hidden, in_zones, of_person, still_followed, within
from sync.collections import COLLECTIONS, Collection
from sync.store.feed import GRIDS_TOPIC, OUTCOME_TOPIC

TOPICS: Mapping[int, str] = {each.topic: each.name for each in COLLECTIONS.values()} | {GRIDS_TOPIC: "grids"}
_ALL = 2**31 - 2
_TOLD_AS_MINE = frozenset({"issues", "visits"})
"""Of which records a phone is told that its person wrote them: on a new phone nothing else says so."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a page, as the JSON that is sent."""

    json: bytes

    @property
    def size(self) -> int:
        """Bytes of the JSON."""
        return len(self.json)

    @property
    def key(self) -> bytes:
        """What tells the record from others: each change begins with its collection and id."""
        return self.json[: self.json.index(b',"rev":')]


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of a move between scopes: all records of a collection in some grids and zones, or of a person."""

    collection: str
    action: Literal["leave", "put"]
    tokens: tuple[Token, ...]
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A part of a listing: ``after`` is the last id it reached, ``more`` whether there are others."""

    changes: list[Change]
    after: uuid.UUID | None
    more: bool


def listings(held: Held, now: Scope, *, first: bool) -> list[Listing]:
    """Return what must be listed to move a phone to a scope, what leaves first."""
    lost, gained = tuple(held.perhaps - now.tokens), tuple(now.tokens - held.surely)
    names = ["grids", *(name for name, collection in COLLECTIONS.items() if collection.by_grid)]
    lists = [Listing(name, "leave", lost) for name in names if lost]
    lists += [Listing(name, "put", gained) for name in names if gained]
    if first:
        personal = [name for name, collection in COLLECTIONS.items() if collection.seen_by]
        lists += [Listing(name, "put", (), personal=True) for name in personal]
    return lists


class States:
    """Reads states for one pull. ``collections``: the names that the phone asked for, None for all."""

    def __init__(
        self, session: Session, ground: Ground, scope: Scope, device: CallingDevice, collections: frozenset[str] | None
    ) -> None:
        self._session = session
        self._ground = ground
        self.scope = scope
        self._person_id = device.person_id
        self._grid_ids = frozenset(scope.grid_ids)
        self._around = frozenset(zone.grid_id for zone in scope.zones)
        self._bound = asker(device, ground)
        self._wanted = collections

    def _asked(self, name: str) -> bool:
        return self._wanted is None or name in self._wanted

    def listed(self, listing: Listing, after: uuid.UUID | None, limit: int, max_bytes: int) -> Listed:
        """Return up to ``limit`` records of a listing whose id is above ``after``, in ascending id."""
        if not self._asked(listing.collection):
            return Listed([], None, more=False)
        if listing.collection == "grids":
            # A city has few grids beside its records, and a device few of them: one page.
            return Listed(self._grids(self._listed_grids(listing), listing.action), None, more=False)
        table = COLLECTIONS[listing.collection].table
        chosen = self._listed_where(COLLECTIONS[listing.collection], listing)
        statement = self._select(listing.collection).where(chosen).order_by(table.c.id).limit(limit + 1)
        if after is not None:
            statement = statement.where(table.c.id > after)
        rows = self._session.execute(statement, self._bound).all()
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
        seen = tuple(token for token in self.scope.tokens if _grid_of(token) == grid_id)
        changes: list[Change] = []
        for name in names:
            changes += self.listed(Listing(name, "put", seen), None, _ALL, _ALL).changes
        return changes

    def _listed_where(self, collection: Collection, listing: Listing) -> ColumnElement[bool]:
        if listing.personal:
            return of_person(collection, self.scope)
        if listing.action == "leave":
            return gone(collection, listing.tokens, self.scope)
        return within(collection, listing.tokens)

    def _listed_grids(self, listing: Listing) -> list[int]:
        grids = {_grid_of(token) for token in listing.tokens}
        return sorted(grids - self._grid_ids if listing.action == "leave" else grids)

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
            chosen = self._select(name).where(table.c.id.in_(list(dict.fromkeys(refs))))
            rows = self._session.execute(chosen, self._bound)
            found |= {(topic, row.id): self._change(name, row) for row in rows}
        return found

    def _select(self, name: str) -> Select[Any]:
        if not self.scope.zones:
            return _state_of(name)
        return _state_of(name).add_columns(in_zones(COLLECTIONS[name], self.scope.zones).label("in_zone"))

    def _change(self, name: str, row: Any) -> Change:
        head = f'{{"collection":"{name}","id":"{row.id}","rev":{row.rev},"action":'
        if not self._visible(name, row):
            return Change(f'{head}"leave"}}'.encode())
        if row.deleted_at is not None:
            return Change(f'{head}"delete"}}'.encode())
        grid = msgspec.json.encode(self._grid(row)).decode()
        mine = ',"mine":true' if self._told_as_mine(row) else ""
        return Change(f'{head}"put"{mine},"data":{row.data},"grid":{grid}}}'.encode())

    def _told_as_mine(self, row: Any) -> bool:
        """Whether the phone's person wrote the record. Of a masked one that would say who reported it."""
        return row.author_id == self._person_id and not row.hidden

    def _visible(self, name: str, row: Any) -> bool:
        if row.hidden and name == "attachments":
            return False
        collection = COLLECTIONS[name]
        mine = row.personal_id == self._person_id and (collection.personal is not None or row.grid_now is None)
        if row.grid_now is None or row.grid_now not in self._grid_ids:
            return mine and bool(row.followed)
        if row.grid_now in self._around:
            return bool(row.in_zone and collection.by_grid) or (mine and bool(row.followed))
        return collection.by_grid or mine

    def _grid(self, row: Any) -> dict[str, Any] | None:
        if row.located is None and row.grid_now is None:
            return None
        now = None if row.grid_now is None else self._ground.areas.get(row.grid_now)
        then = None if row.grid_at_capture is None else self._ground.areas.get(row.grid_at_capture)
        candidates, how, distance_m = row.candidates or (), row.located, row.distance_m
        if row.hidden:
            # A masked issue lies in its grid; how near to which border would say where.
            then, candidates, how, distance_m = None, (), None, 0
        codes = [self._ground.areas[area].code for area in candidates if area in self._ground.areas]
        return {
            "code": now.code if now else None,
            "name": now.name if now else None,
            "how": how or ("inside" if now else "outside"),
            "ambiguous": len(codes) > 1,
            "candidates": codes,
            "edition": row.edition_at_capture,
            "distance_m": distance_m or 0,
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


def _grid_of(token: Token) -> int:
    return token.grid_id if isinstance(token, ZoneHeld) else token


@cache
def _state_of(name: str) -> Select[Any]:
    collection = COLLECTIONS[name]
    table = collection.table
    masked = hidden(collection)
    data: ColumnElement[Any] = table.c.doc
    if name == "issues":
        data = masked_json(data, masked)
    if collection.shown:
        told = _told(collection.shown)
        if name == "issues":
            told = case((masked, _told({key: collection.shown[key] for key in SERVER_SHOWN})), else_=told)
        data = data.op("||", return_type=JSONB())(told)
    personal = table.c[collection.seen_by] if collection.seen_by else cast(null(), Integer)
    author = table.c.author_id if name in _TOLD_AS_MINE else cast(null(), Integer)
    return select(
        table.c.id, table.c.rev, table.c.deleted_at, table.c.grid_now, table.c.grid_at_capture, table.c.located,
        table.c.distance_m, table.c.candidates, table.c.edition_at_capture, personal.label("personal_id"),
        author.label("author_id"), still_followed(table).label("followed"), masked.label("hidden"),
        cast(data, Text).label("data"),
    )  # fmt: skip


def _told(shown: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return what the server adds to a record, as jsonb without what is null."""
    pairs: list[Any] = []
    for key, column in shown.items():
        pairs += [literal(key, Text), column]
    return func.jsonb_strip_nulls(func.jsonb_build_object(*pairs))
