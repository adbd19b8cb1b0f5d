"""A handling body's desk: the cases that it leads or assists, and what it was told of each.

Owns the reading of cases by those who handle them; must not write or know requests. What a body does not handle
does not exist here. Of a private case an assistant sees that it is called, and for what; the rest is the lead's.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from geo.editions.tables import Area, AreaVersion
from server.accounts.tables import Organisation
from server.cases.errors import UnknownCase
from server.cases.lists.issue_list import light, light_columns
from server.cases.tables import CaseStep, Delivery, Endpoint, RoutingDecision
from sync.access.privacy import hidden_without, is_private, masked_columns, masked_facts
from sync.collections.categories import Category
from sync.collections.issues import Issue

Part = Literal["lead", "assisting"]
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_WITH_OTHERS = ("suspended", "done", "checked")
_DUE_FIRST = (Issue.due_at.asc().nulls_last(), Issue.id)
_OPEN, _CLOSED = Issue.closed_at.is_(None), Issue.closed_at.is_not(None)
_PROGRESS: Final = {"open": (_OPEN,), "closed": (_CLOSED,), "all": (_OPEN, _CLOSED)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to see at a desk. Empty tuples and None: no filter. ``categories``: codes of two or four digits."""

    part: Part | None = None
    progress: Literal["open", "closed", "all"] = "open"
    lights: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeskCase:
    """One case at a desk. Where ``masked``, description, address and place are None. lon, lat: WGS-84 degrees."""

    id: uuid.UUID
    number: str | None
    part: Part
    lead: str
    category: str
    category_zh: str
    category_en: str
    state: str
    severity: str
    light: str
    light_due_at: datetime | None
    light_stage: str | None
    private: bool
    masked: bool
    description: str | None
    address: str | None
    lon: float | None
    lat: float | None
    grid: str | None
    grid_name: str | None
    captured_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    routing: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases, and where the next page begins (None: there is none): the deadline and the id of the last one."""

    cases: tuple[DeskCase, ...]
    after: tuple[datetime, uuid.UUID] | None


@dataclass(frozen=True, slots=True)
class Told:
    """One delivery as the people see it whom it concerns."""

    id: uuid.UUID
    issue_id: uuid.UUID
    organisation: str
    organisation_name: str
    channel: str
    kind: str
    step: str | None
    state: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    last_error: str | None
    endpoint_active: bool | None


@dataclass(frozen=True, slots=True)
class Step:
    """One decision in the life of a case, with its reasons."""

    decided_at: datetime
    body: str
    due_at: datetime | None
    reasons: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Folder:
    """One case with its decisions and what these bodies were told, newest first."""

    case: DeskCase
    decisions: tuple[Step, ...]
    deliveries: tuple[Told, ...]


def list_cases(
    session: Session,
    body_ids: Sequence[int],
    wanted: Wanted,
    *,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
    now: datetime,
) -> Page:
    """Return one page of the cases of these bodies, the nearest deadline first, by keyset."""
    conditions = [Issue.deleted_at.is_(None), *_conditions(wanted, now)]
    if after is not None:
        key = func.coalesce(Issue.due_at, literal(_NEVER))
        conditions.append(tuple_(key, Issue.id) > tuple_(literal(after[0]), literal(after[1])))
    # What is on the page is found by itself, each part in the order of an index: a body may have thousands.
    parts = [
        select(Issue.id).where(part, ended, *conditions).order_by(*_DUE_FIRST).limit(limit + 1).subquery()
        for part in _parts(body_ids, wanted.part)
        for ended in _PROGRESS[wanted.progress]
    ]
    if not parts:
        return Page((), None)
    listed = union_all(*(select(part.c.id) for part in parts))
    query = _cases(body_ids, now).where(Issue.id.in_(listed)).order_by(*_DUE_FIRST)
    found = [DeskCase(*row) for row in session.execute(query.limit(limit + 1))]
    more = len(found) > limit
    last = found[limit - 1] if more else None
    return Page(tuple(found[:limit]), None if last is None else (last.due_at or _NEVER, last.id))


def read_case(session: Session, issue_id: uuid.UUID, body_ids: Sequence[int], *, now: datetime) -> Folder:
    """Return one case of these bodies in full. Raises ``UnknownCase`` for any other, whether it exists or not."""
    row = session.execute(_cases(body_ids, now).where(Issue.id == issue_id, handled_by(body_ids))).one_or_none()
    if row is None:
        raise UnknownCase(issue_id)
    found = DeskCase(*row)
    steps = session.execute(
        select(
            RoutingDecision.decided_at, Organisation.code.label("body"), RoutingDecision.due_at, RoutingDecision.reasons
        )
        .join(Organisation, Organisation.id == RoutingDecision.body_id)
        .where(RoutingDecision.issue_id == issue_id)
        .order_by(RoutingDecision.id.desc())
    )
    told = session.execute(
        deliveries()
        .where(Delivery.issue_id == issue_id, Delivery.organisation_id == any_(_array(body_ids)))
        .order_by(Delivery.id.desc())
    )
    decisions = tuple(_step(dict(row), masked=found.masked) for row in steps.mappings())
    return Folder(found, decisions, tuple(Told(*each) for each in told))


def _step(row: dict[str, Any], *, masked: bool) -> Step:
    return Step(**(masked_facts(row) if masked else row))


def deliveries() -> Any:
    """Return the select of ``Told``'s columns, in their order."""
    return (
        select(
            Delivery.id,
            Delivery.issue_id,
            Organisation.code,
            Organisation.name,
            Delivery.channel,
            Delivery.kind,
            CaseStep.step,
            Delivery.state,
            Delivery.attempts,
            Delivery.created_at,
            Delivery.next_attempt_at,
            Delivery.delivered_at,
            Delivery.last_error,
            Endpoint.active,
        )
        .join(Organisation, Organisation.id == Delivery.organisation_id)
        .outerjoin(CaseStep, CaseStep.id == Delivery.step_id)
        .outerjoin(Endpoint, and_(Endpoint.organisation_id == Delivery.organisation_id, Delivery.channel == "webhook"))
    )


def light_at_desk(now: datetime) -> ColumnElement[str]:
    """Return the light of a case for its bodies: none while others have to act, whatever clock runs for those."""
    return case((Issue.state.in_(_WITH_OTHERS), literal("none")), else_=light(now))


def _own_light(now: datetime) -> dict[str, ColumnElement[Any]]:
    told = light_columns(now)
    there = Issue.state.not_in(_WITH_OTHERS)
    return {"light": light_at_desk(now)} | {name: case((there, told[name])) for name in ("light_due_at", "light_stage")}


def _cases(body_ids: Sequence[int], now: datetime) -> Any:
    """Return the select of ``DeskCase``'s columns, in their order."""
    leads = Issue.body_id == any_(_array(body_ids))
    masked = hidden_without(leads)
    columns: dict[str, ColumnElement[Any]] = {
        "id": Issue.id.expression,
        "number": Issue.number.expression,
        "part": case((leads, literal("lead")), else_=literal("assisting")),
        "lead": Organisation.code.expression,
        "category": Issue.category.expression,
        "category_zh": Category.name_zh.expression,
        "category_en": Category.name_en.expression,
        "state": Issue.state.expression,
        "severity": Issue.severity.expression,
        **_own_light(now),
        "private": is_private(),
        "masked": masked,
        "description": Issue.doc["description"].astext,
        "address": Issue.doc["address_text"].astext,
        "lon": func.ST_X(Issue.position),
        "lat": func.ST_Y(Issue.position),
        "grid": Area.code.expression,
        "grid_name": AreaVersion.name.expression,
        "captured_at": Issue.captured_at.expression,
        "due_at": Issue.due_at.expression,
        "closed_at": Issue.closed_at.expression,
        "routing": Issue.routing.expression,
    }
    return (
        select(*masked_columns(columns, masked).values())
        .join(Category, Category.code == Issue.category)
        .join(Organisation, Organisation.id == Issue.body_id)
        .outerjoin(Area, Area.id == Issue.grid_now)
        .outerjoin(AreaVersion, and_(AreaVersion.area_id == Area.id, func.upper_inf(AreaVersion.editions)))
        .where(Issue.deleted_at.is_(None))
    )


def _parts(body_ids: Sequence[int], part: Part | None) -> Iterator[ColumnElement[bool]]:
    """Yield what one body leads, for each of them, and what they assist with; no case is in two of them."""
    if part != "assisting":
        yield from (Issue.body_id == body_id for body_id in body_ids)
    if part != "lead":
        yield and_(handled_by(body_ids, "assisting"), ~handled_by(body_ids, "lead"))


def _conditions(wanted: Wanted, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.lights:
        conditions.append(light_at_desk(now).in_(wanted.lights))
    if wanted.states:
        conditions.append(Issue.state.in_(wanted.states))
    if wanted.categories:
        conditions.append(or_(*(Issue.category.startswith(code, autoescape=True) for code in wanted.categories)))
    return conditions


def handled_by(body_ids: Sequence[int], part: Part | None = None) -> ColumnElement[bool]:
    """Return the condition that a case is led or assisted by one of these bodies."""
    leads = Issue.body_id == any_(_array(body_ids))
    assists = Issue.assisting_ids.op("&&", return_type=Boolean())(_array(body_ids))
    return {"lead": leads, "assisting": assists, None: or_(leads, assists)}[part]


def _array(body_ids: Sequence[int]) -> Any:
    return cast(list(body_ids), ARRAY(Integer))
