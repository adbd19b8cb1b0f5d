"""What is private in an issue (隐私事件), and what of it may be shown to somebody without duty in it.

Owns the one declaration of it: which roles have the duty, when an issue is private, and which of its fields are
shown of a masked one; each as Python and as SQL, so that phones, the desk, maps, layers and messages cannot differ.
What is not declared as shown is masked: a field that somebody adds to a way out tells nothing until declared here.
Who has a duty in *this* issue is the asker's business: the caller gives it as a condition.

A masked issue shows that there is one, of which category, how urgent, in which state, in which grid and since when.
It shows no words, no address, no position, no photos, nothing under ``extra``, no reporter and no reasons of routing:
those name the distance to the nearest border.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, and_, case, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import JSONB

from geo.editions.tables import AreaVersion
from sync.collections.categories import Category
from sync.collections.issues import Issue

DUTY_ROLES: Final = frozenset({"supervisor", "dispatcher", "admin"})
"""Who sees what is private in their areas, and who alone may make it public."""

SHOWN: Final = ("category", "severity", "private")
"""Fields of a record, by their protocol names, that are shown of a masked one."""

SERVER_SHOWN: Final = ("state", "deadline", "closed_at", "number")
"""The same of what the server adds to a record."""

FACTS_SHOWN: Final = frozenset({
    *SHOWN, *SERVER_SHOWN, "id", "issue_id", "rev", "masked", "light", "light_due_at", "light_stage", "due_at",
    "limit", "awaiting_routing",
    "captured_at", "received_at", "changed_at", "decided_at", "closing_reason", "path", "grid", "grid_name",
    "approximate", "workers", "category_zh", "category_en", "part", "lead", "body", "assisting", "reported_at",
})  # fmt: skip
"""The same of what pages, layers, desks and messages tell, by their own names."""

ROUTING_SHOWN: Final = ("body", "assisting", "category", "tier", "limit", "since", "deadline", "calendar", "decided_at")
"""What is shown of the routing of a masked issue: who has it until when; not the rule, the border or the reasons."""


def masked_routing(routing: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what may be shown of a private issue's routing to somebody without duty in it."""
    return None if routing is None else {name: routing[name] for name in ROUTING_SHOWN if name in routing}


def is_private_doc(doc: Mapping[str, Any], private_categories: Collection[str]) -> bool:
    """Return whether an issue of these fields is private: by its own flag, or by its category."""
    return bool(doc.get("private")) or doc.get("category") in private_categories


def masked_doc(doc: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be shown of a private issue's fields to somebody without duty in it."""
    return {name: doc[name] for name in SHOWN if name in doc}


def shown_facts(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return those facts of a private issue that somebody without duty in it may be told, without the others."""
    return {name: value for name, value in told.items() if name in FACTS_SHOWN}


def masked_facts(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same with the others empty, for answers that name all their fields: None, false or an empty list."""
    return {name: value if name in FACTS_SHOWN else _empty(value) for name, value in told.items()}


def masked_columns(columns: Mapping[str, ColumnElement[Any]], hidden: ColumnElement[bool]) -> dict[str, Any]:
    """Return the columns of a select by name, those that may not be shown null where ``hidden``."""
    return {
        name: column if name in FACTS_SHOWN else case((hidden, None), else_=column) for name, column in columns.items()
    }


def shown_place(hidden: ColumnElement[bool]) -> ColumnElement[Any]:
    """Return where the issue of a row is shown: a masked one somewhere in its grid (EPSG:4326), in none nowhere."""
    somewhere = (
        select(func.ST_PointOnSurface(AreaVersion.polygon))
        .where(AreaVersion.area_id == Issue.grid_now, func.upper_inf(AreaVersion.editions))
        .correlate(Issue)
        .scalar_subquery()
    )
    return case((hidden, somewhere), else_=Issue.position)


def _empty(value: Any) -> Any:
    if isinstance(value, bool):
        return False
    return [] if isinstance(value, list) else None


def is_private() -> ColumnElement[bool]:
    """Return the condition that the issue of a row or its category is private."""
    of_category = select(Category.is_private).where(Category.code == Issue.category).correlate(Issue)
    return or_(Issue.private, of_category.scalar_subquery().is_(True))


def hidden_without(duty: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that the issue of a row is masked; ``duty``: that the asker has one in it (null: none)."""
    return and_(is_private(), func.coalesce(duty, False).is_(False))  # SQL's own word


def masked_json(doc: ColumnElement[Any], hidden: ColumnElement[bool]) -> ColumnElement[Any]:
    """Return the fields of a row as jsonb, masked where ``hidden``."""
    pairs: list[Any] = []
    for name in SHOWN:
        pairs += [literal(name, Text), doc.op("->", return_type=JSONB())(literal(name, Text))]
    pairs += [literal("masked", Text), true()]
    return case((hidden, func.jsonb_strip_nulls(func.jsonb_build_object(*pairs))), else_=doc)
