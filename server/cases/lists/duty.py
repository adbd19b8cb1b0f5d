"""The duty list: the open cases of a community or of dispatchers, the most pressing first.

Owns the reading of it, limited to what a person has duty over; what is private and not theirs is masked. Must not write
or know requests.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from geo.editions.tables import Area, AreaVersion
from server.accounts.charge import Reach
from server.accounts.issue_sight import in_reach, lies_in, masked
from server.accounts.tables import Organisation
from server.cases.duplicates.suggesting import counts_of
from server.cases.history.numbers import read_number
from server.cases.lists.issue_list import light, light_columns
from server.cases.tables import CaseStep
from sync.access.privacy import is_private, masked_columns
from sync.collections.categories import Category
from sync.collections.issues import Issue

_AT_WORK = ("received", "in_progress", "extended", "reworked")
# Another dispatch, or a return, leaves nobody who asked.
_OF_EXTENSIONS = ("ask_extension", "grant_extension", "refuse_extension", "dispatch", "return")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to see. Empty tuples, None, False and no words: no filter. ``categories``: codes of two or four digits.

    ``asks``: those alone in which a body has asked for more time, and nobody has decided.
    """

    states: tuple[str, ...] = ()
    lights: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    words: str = ""
    grid_ids: tuple[int, ...] | None = None
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases by the names of the answer, and where the next page begins (None: there is none)."""

    cases: tuple[dict[str, Any], ...]
    after: tuple[datetime, uuid.UUID] | None


def list_duty(
    session: Session,
    reach: Reach,
    wanted: Wanted,
    *,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
    now: datetime,
) -> Page:
    """Return one page of the open cases in reach, by keyset: by deadline, those without one by when they came."""
    key = func.coalesce(Issue.light_due_at, Issue.received_at)
    query = (
        _rows(reach, now)
        .add_columns(key.label("key"))
        .where(in_reach(reach), Issue.closed_at.is_(None), *_conditions(reach, wanted, now))
        .order_by(key, Issue.id)
    )
    if after is not None:
        query = query.where(tuple_(key, Issue.id) > tuple_(literal(after[0]), literal(after[1])))
    rows = [dict(row) for row in session.execute(query.limit(limit + 1)).mappings()]
    more, rows = len(rows) > limit, rows[:limit]
    keys = [row.pop("key") for row in rows]
    alike = counts_of(session, [row["id"] for row in rows], seen=and_(in_reach(reach), ~masked(reach)))
    for row in rows:
        row["duplicates"] = None if row["masked"] else alike.get(row["id"], 0)
    return Page(tuple(rows), (keys[-1], rows[-1]["id"]) if more else None)


def _rows(reach: Reach, now: datetime) -> Any:
    hidden = masked(reach)
    source = (
        select(CaseStep.given["source"].astext)
        .where(CaseStep.issue_id == Issue.id, CaseStep.place == 1)
        .correlate(Issue)
        .scalar_subquery()
    )
    columns: dict[str, ColumnElement[Any]] = {
        "id": Issue.id.expression,
        "number": Issue.number.expression,
        "state": Issue.state.expression,
        "category": Issue.category.expression,
        "category_zh": Category.name_zh.expression,
        "category_en": Category.name_en.expression,
        "severity": Issue.severity.expression,
        "description": Issue.doc["description"].astext,
        "address": Issue.doc["address_text"].astext,
        "grid": Area.code.expression,
        "grid_name": AreaVersion.name.expression,
        **light_columns(now),
        "due_at": Issue.due_at.expression,
        "body": Organisation.name.expression,
        "body_en": func.coalesce(Organisation.name_en, Organisation.name),
        "asks": _asks(),
        "private": is_private(),
        "masked": hidden,
        "reported_at": Issue.captured_at.expression,
        "source": source,
    }
    return (
        select(*(column.label(name) for name, column in masked_columns(columns, hidden).items()))
        .join(Category, Category.code == Issue.category)
        .outerjoin(Area, Area.id == Issue.grid_now)
        .outerjoin(AreaVersion, and_(AreaVersion.area_id == Area.id, func.upper_inf(AreaVersion.editions)))
        .outerjoin(Organisation, Organisation.id == Issue.body_id)
    )


def that_ask() -> ColumnElement[bool]:
    """Return the condition of the cases that ask for more time, as one narrows a list by it: found from the asking."""
    asked = select(CaseStep.issue_id).where(CaseStep.step == "ask_extension")
    return and_(Issue.id.in_(asked), _asks())


def _asks() -> ColumnElement[bool]:
    """Return the condition that a body at work on a case has asked for more time, and nobody has decided."""
    last = (
        select(CaseStep.step)
        .where(CaseStep.issue_id == Issue.id, CaseStep.step.in_(_OF_EXTENSIONS))
        .order_by(CaseStep.place.desc())
        .limit(1)
        .correlate(Issue)
        .scalar_subquery()
    )
    return and_(Issue.state.in_(_AT_WORK), func.coalesce(last == "ask_extension", false()))


def _conditions(reach: Reach, wanted: Wanted, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(Issue.state.in_(wanted.states))
    if wanted.lights:
        conditions.append(light(now).in_(wanted.lights))
    if wanted.categories:
        conditions.append(or_(*(Issue.category.startswith(code, autoescape=True) for code in wanted.categories)))
    if wanted.grid_ids is not None:
        conditions.append(lies_in(wanted.grid_ids))
    if wanted.asks:
        conditions.append(that_ask())
    if wanted.words:
        conditions.append(_holds(wanted.words, reach))
    return conditions


def _holds(words: str, reach: Reach) -> ColumnElement[bool]:
    """Return the condition that number or text hold the words. What is masked cannot be found by its text."""
    texts = or_(
        Issue.doc["description"].astext.icontains(words, autoescape=True),
        Issue.doc["address_text"].astext.icontains(words, autoescape=True),
    )
    number = read_number(words)
    return or_(Issue.number == (number or words), and_(~masked(reach), texts))
