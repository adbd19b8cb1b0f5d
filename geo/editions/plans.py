"""Editions that are to come: what shall be published at a set time, until it is, is refused, or is withdrawn.

Owns ``planned_edition``. A plan is checked when it is made and again when its time has come; it is never published
over another edition than the one it was drawn over. Knows nothing of records or pushes: ``sync.redraw.cutover``
publishes it.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import shapely
from shapely.errors import ShapelyError
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from geo.editions.difference import NewArea, check_coverage, propose
from geo.errors import BaseSuperseded, GeoError, NoSuchPlan, PlanBroken, SetTimeRefused

FURTHEST: Final = dt.timedelta(days=366)
_LAST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Order:
    """What shall be published: areas and retired codes over the edition ``base``, under a name, by a person."""

    areas: Sequence[NewArea]
    retired: Sequence[str]
    base: int
    by: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A planned edition as people see it; ``problem`` is the code and the facts of why it was refused."""

    id: int
    name: str
    note: str
    due_at: dt.datetime
    planned_at: dt.datetime
    planned_by: str
    base: int
    areas: int
    retired: int
    state: str
    edition: int | None
    problem: dict[str, Any] | None
    settled_at: dt.datetime | None


_COLUMNS = """
    id, name, note, due_at, planned_at, planned_by, base_edition, jsonb_array_length(areas), cardinality(retired),
    state, edition_number, problem, settled_at
"""


def in_force(session: Session) -> int | None:
    """Return the number of the edition in force today."""
    number: int | None = session.scalar(text("SELECT max(number) FROM edition"))
    return number


def plan(session: Session, order: Order, *, due_at: dt.datetime, now: dt.datetime) -> Plan:
    """Plan an edition for a time to come (aware UTC).

    Raises ``SetTimeRefused`` for a time that is past or more than a year off, ``BaseSuperseded``, and what publishing
    would raise today.
    """
    if due_at <= now:
        raise SetTimeRefused(due_at.isoformat(), "in-the-past")
    if due_at > now + FURTHEST:
        raise SetTimeRefused(due_at.isoformat(), "too-far")
    newest = in_force(session)
    if newest != order.base:
        raise BaseSuperseded(order.base, newest)
    coming = propose(session, order.areas, order.retired)
    check_coverage(session, coming.before, coming.after)
    row = session.execute(
        text(f"""
            INSERT INTO planned_edition (name, note, due_at, planned_at, planned_by, base_edition, areas, retired)
            VALUES (:name, :note, :due, :now, :by, :base, CAST(:areas AS jsonb), CAST(:retired AS text[]))
            RETURNING {_COLUMNS}
        """),  # noqa: S608  # our own columns
        {
            "name": order.name,
            "note": order.note,
            "due": due_at,
            "now": now,
            "by": order.by,
            "base": order.base,
            "areas": json.dumps([_written(area) for area in order.areas], ensure_ascii=False),
            "retired": list(order.retired),
        },
    ).one()
    return Plan(*row)


def plans(session: Session, *, limit: int) -> list[Plan]:
    """Return the plans, those that wait first, then the newest."""
    listed = text(
        f"SELECT {_COLUMNS} FROM planned_edition ORDER BY state = 'waiting' DESC, due_at DESC, id DESC LIMIT :limit"  # noqa: S608
    )
    return [Plan(*row) for row in session.execute(listed, {"limit": limit})]


def order_of(session: Session, plan_id: int) -> Order:
    """Return what a plan that waits shall publish. Raises ``NoSuchPlan``, ``PlanBroken`` where it cannot be read."""
    row = session.execute(
        text("""
            SELECT areas, retired, base_edition, planned_by, name, note FROM planned_edition
            WHERE id = :id AND state = 'waiting'
        """),
        {"id": min(plan_id, _LAST)},
    ).one_or_none()
    if row is None:
        raise NoSuchPlan(plan_id)
    try:
        return _order(row)
    except (KeyError, TypeError, ValueError, ShapelyError) as error:
        raise PlanBroken(f"{type(error).__name__}: {error}") from error


def withdraw(session: Session, plan_id: int, *, now: dt.datetime) -> Plan:
    """Take a plan back before its time. Raises ``NoSuchPlan`` where none of this number waits."""
    row = session.execute(
        text(f"""
            UPDATE planned_edition SET state = 'withdrawn', settled_at = :now
            WHERE id = :id AND state = 'waiting' RETURNING {_COLUMNS}
        """),  # noqa: S608  # our own columns
        {"id": min(plan_id, _LAST), "now": now},
    ).one_or_none()
    if row is None:
        raise NoSuchPlan(plan_id)
    return Plan(*row)


def is_due(session: Session, now: dt.datetime) -> bool:
    """Return whether a plan's time has come."""
    due = text("SELECT EXISTS (SELECT FROM planned_edition WHERE state = 'waiting' AND due_at <= :now)")
    return bool(session.scalar(due, {"now": now}))


def claim_due(session: Session, now: dt.datetime) -> int | None:
    """Lock the plan whose time came first, and return its number; None where there is none, or it is held.

    What it orders is not read here: one that cannot be read has to be refused by its number.
    """
    found: int | None = session.scalar(
        text("""
            SELECT id FROM planned_edition
            WHERE state = 'waiting' AND due_at <= :now ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
        """),
        {"now": now},
    )
    return found


def settle_published(session: Session, plan_id: int, number: int, *, now: dt.datetime) -> None:
    """Note that a plan became an edition."""
    session.execute(
        text(
            "UPDATE planned_edition SET state = 'published', edition_number = :number, settled_at = :now WHERE id = :id"
        ),
        {"id": plan_id, "number": number, "now": now},
    )


def settle_refused(session: Session, plan_id: int, error: GeoError, *, now: dt.datetime) -> None:
    """Note that a plan could not be published, and why."""
    told = json.dumps({"code": error.code, **error.data}, ensure_ascii=False, default=str)
    session.execute(
        text("""
            UPDATE planned_edition SET state = 'refused', problem = CAST(:problem AS jsonb), settled_at = :now
            WHERE id = :id
        """),
        {"id": plan_id, "problem": told, "now": now},
    )


def _order(row: Row[Any]) -> Order:
    return Order([_read(each) for each in row.areas], row.retired, row.base_edition, row.planned_by, row.name, row.note)


def _written(area: NewArea) -> dict[str, Any]:
    shape = shapely.to_wkb(area.polygon, hex=True)
    return {"code": area.code, "kind": area.kind, "name": area.name, "parent": area.parent_code, "polygon": shape}


def _read(kept: dict[str, Any]) -> NewArea:
    polygon: Any = shapely.from_wkb(kept["polygon"])
    return NewArea(kept["code"], kept["kind"], kept["name"], kept["parent"], polygon)
