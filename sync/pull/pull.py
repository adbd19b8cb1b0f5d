"""Pull: what changed for one phone since its cursor, one bounded page at a time.

A phone moves from the scope it holds (none, at first) to the scope it has now. While they differ, a page
lists first what leaves and what arrives, by id; then it drains the feed over the channels of both; then the
cursor has arrived and reads the feed of its channels alone. A first filling is such a move from nothing.

The feed names only what was touched; the state sent is the newest, judged against today's scope, so a record
appears once in a page and never in a state that its reader may not see.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from sync.access.devices import CallingDevice
from sync.access.scope import EMPTY, Held, Scope, current_scope, held, scope_in_force
from sync.errors import ResyncRequired
from sync.protocol.cursor import Cursor
from sync.pull.compaction import note_due, note_pulled
from sync.pull.states import TOPICS, Change, Listing, States, listings
from sync.sql import arrays
from sync.sql.statements import Reader, Statement
from sync.store import feed
from sync.wording.reasons import Lang, retold

MAX_ROWS = 2000
MAX_PAGE_BYTES = 2 * 1024 * 1024
MAX_TURNS = 16
"""Scopes that one move may turn away from before the phone is told to begin anew."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation of the calling device.

    ``note`` is what a person said of it; ``problem`` why it is in quarantine.
    """

    op_id: uuid.UUID
    status: str
    rev: int | None
    fields: Mapping[str, Any]
    note: str | None = None
    problem: Mapping[str, Any] | None = None

    def as_json(self, lang: Lang) -> dict[str, Any]:
        """Return the outcome of the protocol; a reason in the language of whoever asks."""
        told = {"op_id": str(self.op_id), "status": self.status, "rev": self.rev, "fields": dict(self.fields)}
        told |= {} if self.note is None else {"note": self.note}
        return told if self.problem is None else told | {"error": retold(self.problem, lang)}


@dataclass(frozen=True, slots=True)
class PullPage:
    """One page of a pull."""

    changes: tuple[Change, ...]
    outcomes: tuple[Outcome, ...]
    scope: Scope
    cursor: Cursor
    has_more: bool


# One row at least: the floor, in the same snapshot as the touches, so that none can be taken away between the two.
_TOUCHED = Statement("""
    SELECT feed_counter.floor, touch.position, touch.topic, touch.ref
    FROM feed_counter LEFT JOIN LATERAL (
        SELECT position, topic, ref FROM feed
        WHERE channel = ANY (CAST(:channels AS bigint[])) AND position > :after AND position <= :head
        ORDER BY position LIMIT :limit
    ) AS touch ON true
    ORDER BY touch.position
""")
_OUTCOMES = text("""
    SELECT op_id, status, rev, coalesce(provenance, '{}'::jsonb) AS fields, ruling_note,
           CASE WHEN status = 'quarantined' THEN problem END AS problem
    FROM operation
    WHERE device_id = :device AND op_id = ANY (CAST(:ids AS uuid[])) ORDER BY id
""")
_SETTLED_SINCE = text("""
    SELECT op_id, status, rev, coalesce(provenance, '{}'::jsonb) AS fields, ruling_note,
           CASE WHEN status = 'quarantined' THEN problem END AS problem
    FROM operation
    WHERE device_id = :device AND status <> receipt ->> 'status' AND (op_id > :after OR CAST(:after AS uuid) IS NULL)
    ORDER BY op_id LIMIT :limit
""")


Reading = Callable[[], AbstractContextManager[Reader]]


def quiet(
    reading: Reading, device: CallingDevice, cursor: Cursor, now: dt.datetime, collections: frozenset[str] | None = None
) -> PullPage | None:
    """Return the page of a phone for which nothing is new; None where there may be something, or a scope to move to.

    Most pulls are of this kind; they cost one look at the feed at most, and write nothing. ``reading`` lends a
    connection, where one is needed.
    """
    scope = scope_in_force(device, now)
    arrived = cursor.epoch == device.epoch and cursor.step < 0 and cursor.scope_from == cursor.scope_to
    asked = _bits(collections)
    if cursor.given & asked != asked or cursor.bringing:
        return None
    if scope is None or not arrived or cursor.scope_to != scope.version or note_due(device.pulled_at, now):
        return None
    if device.head > cursor.position:
        with reading() as reader:
            found = _TOUCHED.read(reader, **_asked(device, scope.grid_ids, cursor, 1))
        if _touched(found, cursor):
            return None
        cursor = replace(cursor, position=device.head)
    return PullPage((), (), scope, cursor, has_more=False)


_Touch = tuple[int, int, uuid.UUID]


def _asked(device: CallingDevice, grids: Iterable[int], cursor: Cursor, limit: int) -> dict[str, object]:
    channels = [feed.grid_channel(grid) for grid in grids]
    channels += [feed.person_channel(device.person_id), feed.device_channel(device.id)]
    return {"channels": arrays.numbers(channels), "after": cursor.position, "head": device.head, "limit": limit}


def _touched(rows: Sequence[tuple[Any, ...]], cursor: Cursor) -> list[_Touch]:
    """Return the touches found. Raises ``ResyncRequired`` where some that the cursor has not passed are gone."""
    if cursor.position < rows[0][0]:
        raise ResyncRequired
    return [(position, topic, ref) for _, position, topic, ref in rows if position is not None]


def pull(
    session: Session,
    device: CallingDevice,
    cursor: Cursor | None,
    *,
    ground: Ground,
    now: dt.datetime,
    limit: int,
    collections: frozenset[str] | None,
) -> PullPage:
    """Return the next page. ``collections``: names to send, None for all; the cursor passes over the others.

    A cursor that was given for fewer first brings what those hold that were asked for since.

    Raises ``ResyncRequired`` for a cursor of another epoch or of a scope that is no longer known.
    """
    limit = max(1, min(limit, MAX_ROWS))
    scope = current_scope(session, device, ground, now)
    cursor = _begin(device, cursor, scope)
    before = _held(session, device, cursor, scope)
    if before is None:
        raise ResyncRequired
    asked = _bits(collections)
    cursor = _widened(replace(cursor, given=(cursor.given or asked) & asked), asked)
    moves = cursor.scope_from != cursor.scope_to or bool(cursor.through)
    # Of what was being brought when the scope moved, the phone holds a part: it leaves and arrives with the rest.
    names = cursor.bringing | (cursor.given if moves or not cursor.bringing else 0)
    states = States(session, ground, scope, device, _names(names))
    if cursor.bringing and not moves:
        return _bring(states, cursor, limit)
    if cursor.step >= 0:
        return _list(session, device, states, cursor, before, limit)
    page = _drain(session, device, states, cursor, before, limit, now)
    return replace(page, has_more=page.has_more or page.cursor.given != asked)


def _bits(collections: frozenset[str] | None) -> int:
    """Return a bit for the topic of each collection; None: of all."""
    return sum(1 << topic for topic, name in TOPICS.items() if collections is None or name in collections)


def _names(bits: int) -> frozenset[str]:
    return frozenset(name for topic, name in TOPICS.items() if bits >> topic & 1)


def _widened(cursor: Cursor, asked: int) -> Cursor:
    """Return a cursor that begins to bring what was not asked for before; one that moves between scopes moves first."""
    moves = cursor.step >= 0 or cursor.scope_from != cursor.scope_to
    if cursor.bringing or moves or cursor.given == asked:
        return cursor
    return replace(cursor, step=0, after=None, bringing=asked & ~cursor.given)


def _bring(states: States, cursor: Cursor, limit: int) -> PullPage:
    """Return a page of what collections hold in the scope; what changes meanwhile comes with the feed, once more."""
    nothing = Held(frozenset(), frozenset())
    lists = listings(nothing, states.scope, first=True)
    changes, step, after = _listed(states, lists, cursor.step, cursor.after, limit)
    moved = replace(cursor, step=step, after=after)
    if step >= len(lists):
        moved = replace(cursor, step=-1, after=None, given=cursor.given | cursor.bringing, bringing=0)
    return PullPage(tuple(changes), (), states.scope, moved, has_more=True)


def _begin(device: CallingDevice, cursor: Cursor | None, scope: Scope) -> Cursor:
    """Return where to go on: a new phone, or one whose scope has moved, begins to list."""
    if cursor is None:
        return Cursor(device.epoch, device.person_id, device.head, EMPTY, scope.version, step=0)
    if cursor.epoch != device.epoch:
        raise ResyncRequired
    if cursor.scope_to == scope.version:
        return cursor
    # The scope moved again during a move: of the old aim the phone holds a part, and lacks a part of what it left.
    through = cursor.through
    if cursor.scope_from != cursor.scope_to and cursor.begun:
        through = (*(version for version in through if version != cursor.scope_to), cursor.scope_to)
    if len(through) > MAX_TURNS:
        raise ResyncRequired
    return replace(cursor, scope_to=scope.version, step=0, after=None, through=through)


def _held(session: Session, device: CallingDevice, cursor: Cursor, scope: Scope) -> Held | None:
    if cursor.scope_from == scope.version and not cursor.through:
        return Held(scope.tokens, scope.tokens)
    return held(session, device.person_id, cursor.scope_from, cursor.through)


def _list(
    session: Session, device: CallingDevice, states: States, cursor: Cursor, before: Held, limit: int
) -> PullPage:
    """Return a page of what leaves and what arrives between two scopes.

    A phone that begins is first told what became of its operations since it got their receipts.
    """
    first = cursor.scope_from == EMPTY
    lists = listings(before, states.scope, first=first)
    if first and cursor.step == 0:
        wanted = {"device": device.id, "after": cursor.after, "limit": limit}
        outcomes = _told(session.execute(_SETTLED_SINCE, wanted))
        step, after = (0, outcomes[-1].op_id) if len(outcomes) == limit else (1, None)
        return PullPage((), outcomes, states.scope, replace(cursor, step=step, after=after), has_more=True)
    changes, step, after = _listed(states, lists, cursor.step - first, cursor.after, limit)
    reached = -1 if step >= len(lists) else step + first
    moved = replace(cursor, step=reached, after=after)
    return PullPage(tuple(changes), (), states.scope, moved, has_more=True)


def _listed(
    states: States, lists: Sequence[Listing], step: int, after: uuid.UUID | None, limit: int
) -> tuple[list[Change], int, uuid.UUID | None]:
    """Return a page of lists, and how far it came.

    The lists are read one after another: what goes from one to another meanwhile is in both, and the later look counts.
    """
    changes: dict[bytes, Change] = {}
    size = 0
    while step < len(lists) and len(changes) < limit and size < MAX_PAGE_BYTES:
        found = states.listed(lists[step], after, limit - len(changes), MAX_PAGE_BYTES - size)
        for change in found.changes:
            changes.pop(change.key, None)
            changes[change.key] = change
        size += sum(change.size for change in found.changes)
        step, after = (step, found.after) if found.more else (step + 1, None)
    return list(changes.values()), step, after


def _drain(
    session: Session, device: CallingDevice, states: States, cursor: Cursor, before: Held, limit: int, now: dt.datetime
) -> PullPage:
    """Return a page of the feed; during a move, over the channels of both scopes."""
    grids = sorted({*before.grid_ids, *states.scope.grid_ids})
    rows = _touched(_TOUCHED.run(session, **_asked(device, grids, cursor, limit)), cursor)
    if note_due(device.pulled_at, now):
        note_pulled(session, device.id, cursor.position, now)
    changes, reached = states.touched(rows, MAX_PAGE_BYTES)
    settled = [ref for position, topic, ref in rows if topic == feed.OUTCOME_TOPIC and position <= reached]
    more = len(rows) == limit or (bool(rows) and reached < rows[-1][0])
    position = reached if more else max(device.head, cursor.position)
    moved = replace(cursor, position=position)
    if not more:
        moved = replace(moved, scope_from=cursor.scope_to, through=(), bringing=0)
    return PullPage(tuple(changes), _outcomes(session, device, settled), states.scope, moved, has_more=more)


def _outcomes(session: Session, device: CallingDevice, op_ids: Sequence[uuid.UUID]) -> tuple[Outcome, ...]:
    if not op_ids:
        return ()
    return _told(session.execute(_OUTCOMES, {"device": device.id, "ids": list(dict.fromkeys(op_ids))}))


def _told(rows: Iterable[Row[Any]]) -> tuple[Outcome, ...]:
    newest = {
        row.op_id: Outcome(row.op_id, row.status, row.rev, row.fields, row.ruling_note, row.problem) for row in rows
    }
    return tuple(newest.values())
