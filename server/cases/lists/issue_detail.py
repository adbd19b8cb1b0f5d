"""One issue in full, as a supervisor reads it: what, where, who handles it and why, and its history.

Owns the reading of one issue with its log; what of a private one is masked follows ``server.cases.lists.issue_list``.
Writes nothing, knows no requests.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Integer, Select, any_, cast, func, select
from sqlalchemy.orm import Session, aliased

from geo.editions.ground import Ground
from server.accounts.charge import Reach
from server.accounts.issue_sight import in_reach, masked
from server.accounts.service import Named, Worker, grid_workers
from server.accounts.tables import Organisation
from server.attachments.reading import Served, photos_of, refusals_of
from server.cases.deadlines.recounting import RECOUNT
from server.cases.errors import UnknownCase
from server.cases.lists.issue_list import light
from server.cases.routing import retries
from sync.access.privacy import is_private
from sync.collections.categories import Category
from sync.collections.issues import Issue
from sync.tables import DeadLetter, Operation, Person

HISTORY_LIMIT = 200
# What devices wrote of the issue, and what became of its case.
HISTORY_OF = ("issues", "cases")
# What the server writes of a case; everything else in an operation's data is a field of the device.
STATE, BODY = "state", "body"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history. ``at``: corrected device time, or the server's. ``by`` None: the server itself.

    ``moved``: where another edition of the calendar moved the deadline, from, to, by which edition, and why.
    """

    at: dt.datetime
    received_at: dt.datetime
    by: str | None
    from_device: bool
    action: str
    status: str
    rev: int | None
    fields: tuple[str, ...]
    state: str | None
    body: str | None
    problem: Mapping[str, Any] | None
    moved: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One area on the way from the city down to the grid."""

    code: str
    name: str
    kind: str


@dataclass(frozen=True)
class IssueDetail:
    """Everything about one issue. ``row`` is the issue; where ``masked``, its texts, place and photos are not told.

    ``photos``: files that have come, of the photos and memos that the issue names; ``refusals``: those that are not
    shown, and why.
    """

    row: Issue
    category: Category | None
    parent: Category | None
    light: str
    private: bool
    masked: bool
    path: tuple[Step, ...]
    grid: Named | None
    grid_at_capture: Named | None
    candidates: tuple[Named, ...]
    workers: tuple[Worker, ...]
    reporter: str | None
    body: Named | None
    assisting: tuple[Named, ...]
    lon: float | None
    lat: float | None
    photos: Mapping[uuid.UUID, Served]
    refusals: Mapping[uuid.UUID, str]
    history: tuple[Entry, ...]
    failure: DeadLetter | None


def _issue(issue_id: uuid.UUID, reach: Reach, now: dt.datetime) -> Select[Any]:
    parent = aliased(Category)
    return (
        select(
            Issue, Category, parent, light(now), is_private(), masked(reach), Person.name,
            func.ST_X(Issue.position), func.ST_Y(Issue.position),
        )
        .outerjoin(Category, Category.code == Issue.category)
        .outerjoin(parent, parent.code == Category.parent_code)
        .outerjoin(Person, Person.id == Issue.author_id)
        .where(Issue.id == issue_id, in_reach(reach))
    )  # fmt: skip


def read_issue_detail(
    session: Session, issue_id: uuid.UUID, reach: Reach, ground: Ground | None, *, now: dt.datetime
) -> IssueDetail:
    """Return an issue in reach. Raises ``UnknownCase`` for any other, whether it exists or not."""
    found = session.execute(_issue(issue_id, reach, now)).one_or_none()
    if found is None:
        raise UnknownCase(issue_id)
    row, category, above, lit, private, hidden, reporter, lon, lat = found
    bodies = _organisations(session, [row.body_id, *(row.assisting_ids or ())])
    grid = row.grid_now
    return IssueDetail(
        row=row,
        category=category,
        parent=above,
        light=lit,
        private=private,
        masked=hidden,
        path=_path(ground, grid),
        grid=_area(ground, grid),
        grid_at_capture=_area(ground, row.grid_at_capture),
        candidates=tuple(area for each in row.candidates or () if (area := _area(ground, each)) is not None),
        workers=tuple(grid_workers(session, [grid], now=now).get(grid, ())) if grid is not None else (),
        reporter=reporter,
        body=bodies.get(row.body_id),
        assisting=tuple(bodies[each] for each in row.assisting_ids or () if each in bodies),
        lon=lon,
        lat=lat,
        photos={} if hidden else photos_of(session, _photo_ids(row), issue_id),
        refusals={} if hidden else refusals_of(session, _photo_ids(row), issue_id),
        history=_history(session, issue_id),
        failure=retries.failure(session, issue_id) if row.awaiting_routing else None,
    )


def _photo_ids(row: Issue) -> list[uuid.UUID]:
    return [uuid.UUID(each) for each in [*(row.doc.get("photos") or ()), *(row.doc.get("memos") or ())]]


def _path(ground: Ground | None, grid_id: int | None) -> tuple[Step, ...]:
    if ground is None or grid_id is None:
        return ()
    line = [ground.areas[area] for area in reversed(ground.ancestors(grid_id))]
    return tuple(Step(area.code, area.name, area.kind) for area in line)


def _area(ground: Ground | None, area_id: int | None) -> Named | None:
    facts = ground.areas.get(area_id) if ground is not None and area_id is not None else None
    return Named(facts.code, facts.name) if facts is not None else None


def _organisations(session: Session, ids: Sequence[int | None]) -> dict[int | None, Named]:
    wanted = [each for each in ids if each is not None]
    rows = session.execute(
        select(Organisation.id, Organisation.code, Organisation.name).where(
            Organisation.id == any_(cast(wanted, ARRAY(Integer)))
        )
    )
    return {key: Named(code, name) for key, code, name in rows}


def _history(session: Session, issue_id: uuid.UUID) -> tuple[Entry, ...]:
    """Return the newest operations of a record, the newest first."""
    names = {body.code: body.name for body in session.execute(select(Organisation.code, Organisation.name))}
    rows = session.execute(
        select(Operation, Person.name)
        .outerjoin(Person, Person.id == Operation.author_id)
        .where(Operation.record_id == issue_id, Operation.collection.in_(("issues", "cases")))
        .order_by(Operation.id.desc())
        .limit(HISTORY_LIMIT)
    )
    return tuple(_entry(operation, name, names) for operation, name in rows)


def _entry(operation: Operation, name: str | None, bodies: Mapping[str, str]) -> Entry:
    wrote = operation.changes if operation.changes is not None else operation.data
    data = wrote or {}
    by_server = operation.device_id is None
    body = data.get(BODY) if by_server else None
    return Entry(
        at=operation.corrected_at or operation.received_at,
        received_at=operation.received_at,
        by=name,
        from_device=not by_server,
        action=operation.action,
        status=operation.status,
        rev=operation.rev,
        fields=tuple(sorted(data)),
        state=data.get(STATE) if by_server else None,
        body=bodies.get(str(body), str(body)) if body else None,
        problem=operation.problem,
        moved=_moved(data) if by_server and operation.action == RECOUNT else None,
    )


def _moved(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "from": data["deadline_before"],
        "to": data["deadline"],
        "calendar_edition": data["calendar_edition"],
        "why": data["why"],
    }
