"""What a supervisor sees of the issues: filters, lists, points for the map, counts for each grid.

Owns the reading of issues by staff and what of a private issue each may see; must not write, route or know
requests. Everything is limited by a ``Reach``: what lies outside it does not exist here.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Float,
    String,
    and_,
    case,
    cast,
    extract,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Session

from geo.editions.tables import Area
from server.accounts.charge import Reach
from server.accounts.issue_sight import in_reach, lies_in, masked
from server.accounts.tables import Organisation
from sync.access.privacy import is_private, masked_columns, shown_place
from sync.collections.issues import Issue

Light = Literal["green", "yellow", "red", "none"]
Progress = Literal["open", "overdue", "closed", "all"]
Sort = Literal["due", "new"]

# Green to 80 % of the time allowed, yellow to 100 %, red beyond.
YELLOW_FROM = 0.8
SUMMARY_CHARS = 120
MAP_LIMIT = 5_000
_NEVER = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Filters:
    """What to see of what is in reach. ``categories``: codes of two or four digits. Times are aware UTC, [from, to).

    ``grid_ids``: None for all; ``place`` asks for issues in no grid, or for those whose grid is in doubt.
    """

    progress: Progress = "open"
    states: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    grid_ids: tuple[int, ...] | None = None
    place: Literal["outside", "doubtful"] | None = None
    captured_from: dt.datetime | None = None
    captured_to: dt.datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """One issue as lists and maps show it. What is private and not for this person is None and ``masked``.

    Of a masked issue nothing tells how near it lies to a border: ``how`` is None, ``ambiguous`` false.

    ``lon``, ``lat``: WGS-84 degrees; for a masked issue a point inside its grid (``approximate``).
    """

    id: uuid.UUID
    category: str
    state: str
    severity: str
    light: Light
    light_due_at: dt.datetime | None
    light_stage: str | None
    summary: str | None
    address: str | None
    grid: str | None
    body: str | None
    how: str | None
    ambiguous: bool
    private: bool
    masked: bool
    captured_at: dt.datetime
    due_at: dt.datetime | None
    closed_at: dt.datetime | None
    lon: float | None
    lat: float | None

    @property
    def approximate(self) -> bool:
        """Return whether the point is only somewhere in the grid."""
        return self.masked and self.lon is not None


@dataclass(frozen=True, slots=True)
class Page:
    """Some issues, and where the next page begins (None: there is none)."""

    issues: tuple[Brief, ...]
    after: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Count:
    """Open issues of one grid, in all and by light; ``grid_id`` None: in no grid."""

    grid_id: int | None
    open: int
    overdue: int
    yellow: int
    green: int
    waiting: int


def has_no_light() -> ColumnElement[bool]:
    """Return the condition that nobody is to act by a deadline: the case has ended, is put off, or has no limit."""
    return Issue.light_due_at.is_(None)


def light(now: dt.datetime) -> ColumnElement[str]:
    """Return the light of an issue at a moment: that of the clock that runs out first, none where no clock runs.

    Until the clocks are counted it goes by the deadline of handling, and by the clock on the wall for its yellow.
    """
    since = func.coalesce(
        cast(Issue.routing["since"].astext, TIMESTAMP(timezone=True)),
        cast(Issue.routing["decided_at"].astext, TIMESTAMP(timezone=True)),
        Issue.received_at,
    )
    return case(
        (has_no_light(), literal("none")),
        (Issue.light_due_at < now, literal("red")),
        (
            Issue.pressing_due_at.is_not(None),
            case((Issue.pressing_warn_at <= now, literal("yellow")), else_=literal("green")),
        ),
        (_seconds(literal(now) - since) >= _seconds(Issue.due_at - since) * YELLOW_FROM, literal("yellow")),
        else_=literal("green"),
    )


def light_columns(now: dt.datetime) -> dict[str, ColumnElement[Any]]:
    """Return the light at a moment, when its clock runs out, and the stage of that clock, by the names of answers."""
    stage = case((Issue.pressing_due_at.is_not(None), Issue.pressing_stage.expression), else_=literal("handling"))
    return {
        "light": light(now),
        "light_due_at": Issue.light_due_at.expression,
        "light_stage": case((Issue.light_due_at.is_not(None), stage)),
    }


def _seconds(length: ColumnElement[Any]) -> ColumnElement[float]:
    return cast(extract("epoch", length), Float)


def list_issues(
    session: Session,
    reach: Reach,
    filters: Filters,
    *,
    sort: Sort,
    after: tuple[str, str] | None,
    limit: int,
    now: dt.datetime,
) -> Page:
    """Return one page, by keyset: no issue is skipped or shown twice when others come and go meanwhile.

    ``after``: what the page before gave back. Raises ``ValueError`` when it is not of this sort.
    """
    key = _sort_key(sort)
    query = _briefs(reach, now).where(in_reach(reach), *_conditions(reach, filters, now))
    if after is not None:
        beyond = tuple_(literal(dt.datetime.fromisoformat(after[0])), literal(uuid.UUID(after[1])))
        here = tuple_(key, Issue.id)
        query = query.where(here < beyond if sort == "new" else here > beyond)
    order = (key.desc(), Issue.id.desc()) if sort == "new" else (key, Issue.id)
    rows = session.execute(query.add_columns(key.label("key")).order_by(*order).limit(limit + 1)).all()
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(
        issues=tuple(Brief(*row[:-1]) for row in rows),
        after=(rows[-1].key.isoformat(), str(rows[-1].id)) if more else None,
    )


def map_issues(
    session: Session, reach: Reach, filters: Filters, *, now: dt.datetime, limit: int = MAP_LIMIT
) -> tuple[tuple[Brief, ...], int]:
    """Return the issues nearest to their deadlines, at most ``limit``, and how many there are in all."""
    conditions = (in_reach(reach), *_conditions(reach, filters, now))
    key = _sort_key("due")
    rows = session.execute(_briefs(reach, now).where(*conditions).order_by(key, Issue.id).limit(limit + 1)).all()
    if len(rows) <= limit:
        return tuple(Brief(*row) for row in rows), len(rows)
    total = session.scalar(select(func.count()).select_from(Issue).where(*conditions)) or 0
    return tuple(Brief(*row) for row in rows[:limit]), total


def count_by_grid(session: Session, reach: Reach, filters: Filters, *, now: dt.datetime) -> list[Count]:
    """Return the open issues of each grid that has any; ``filters.progress`` is passed over."""
    lit = light(now)
    rows = session.execute(
        select(
            Issue.grid_now,
            func.count(),
            func.count().filter(lit == "red"),
            func.count().filter(lit == "yellow"),
            func.count().filter(lit == "green"),
            func.count().filter(lit == "none"),
        )
        .where(in_reach(reach), Issue.closed_at.is_(None), *_conditions(reach, filters, now, progress=False))
        .group_by(Issue.grid_now)
    )
    return [Count(*row) for row in rows]


def _sort_key(sort: Sort) -> ColumnElement[dt.datetime]:
    if sort == "new":
        return Issue.captured_at.expression
    return func.coalesce(Issue.light_due_at, literal(_NEVER))


def _briefs(reach: Reach, now: dt.datetime) -> Any:
    """Return the select of a ``Brief``'s columns, in their order."""
    hidden = masked(reach)
    place = shown_place(hidden)
    columns: dict[str, ColumnElement[Any]] = {
        "id": Issue.id.expression,
        "category": Issue.category.expression,
        "state": Issue.state.expression,
        "severity": Issue.severity.expression,
        **light_columns(now),
        "summary": func.left(Issue.doc["description"].astext, SUMMARY_CHARS),
        "address": Issue.doc["address_text"].astext,
        "grid": Area.code.expression,
        "body": func.coalesce(Organisation.name, Issue.routing["body"]["name"].astext),
        "how": Issue.located.expression,
        "ambiguous": _is_ambiguous(),
        "private": is_private(),
        "masked": hidden,
        "captured_at": Issue.captured_at.expression,
        "due_at": Issue.due_at.expression,
        "closed_at": Issue.closed_at.expression,
    }
    told = masked_columns(columns, hidden)
    told["ambiguous"] = func.coalesce(told["ambiguous"], false())
    return (
        select(*told.values(), func.ST_X(place), func.ST_Y(place))
        .outerjoin(Area, Area.id == Issue.grid_now)
        .outerjoin(Organisation, Organisation.id == Issue.body_id)
    )


def _conditions(
    reach: Reach, filters: Filters, now: dt.datetime, *, progress: bool = True
) -> list[ColumnElement[bool]]:
    conditions = [_progress(filters.progress, now)] if progress else []
    if filters.states:
        conditions.append(Issue.state.in_(filters.states))
    if filters.categories:
        conditions.append(or_(*(Issue.category.startswith(code, autoescape=True) for code in filters.categories)))
    if filters.grid_ids is not None:
        conditions.append(lies_in(filters.grid_ids))
    if filters.place is not None:
        conditions.append(_placed(filters.place, reach))
    if filters.captured_from is not None:
        conditions.append(Issue.captured_at >= filters.captured_from)
    if filters.captured_to is not None:
        conditions.append(Issue.captured_at < filters.captured_to)
    if filters.words:
        conditions.append(_holds(filters.words, reach))
    return conditions


def _placed(place: Literal["outside", "doubtful"], reach: Reach) -> ColumnElement[bool]:
    """Return the condition on an issue's place. How near a masked one lies to a border cannot be asked for."""
    if place == "outside":
        return Issue.grid_now.is_(None)
    return and_(~masked(reach), or_(func.coalesce(Issue.located == "near", false()), _is_ambiguous()))


def _is_ambiguous() -> ColumnElement[bool]:
    return func.coalesce(func.cardinality(Issue.candidates) > 1, false())


def _progress(progress: Progress, now: dt.datetime) -> ColumnElement[bool]:
    if progress == "closed":
        return Issue.closed_at.is_not(None)
    if progress == "all":
        return true()
    is_open = Issue.closed_at.is_(None)
    return and_(is_open, Issue.light_due_at < now) if progress == "overdue" else is_open


def _holds(words: str, reach: Reach) -> ColumnElement[bool]:
    """Return the condition that text or number hold the words. What is masked cannot be found by its text."""
    texts = or_(
        Issue.doc["description"].astext.icontains(words, autoescape=True),
        Issue.doc["address_text"].astext.icontains(words, autoescape=True),
    )
    number = cast(Issue.id, String).startswith(words.lower(), autoescape=True)
    return or_(number, and_(~masked(reach), texts))
