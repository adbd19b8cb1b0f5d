"""Issues and visits as layers of features, limited to what a person may see.

Owns which of a record's fields a GIS program is shown; must not write or know requests. What is private and not for
this person is masked by the same rules as on the desk, in the columns themselves: a filter cannot find it either.
"""

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, String, Text, any_, cast
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER

from geo.editions.tables import Area
from geo.serving.features import Layer
from server.accounts.charge import Reach
from server.accounts.issue_sight import in_reach, masked
from server.cases.lists.issue_list import light_columns
from sync.access.privacy import masked_columns, shown_place
from sync.collections.issues import Issue
from sync.collections.visits import Visit


def issue_layer(reach: Reach, now: dt.datetime) -> Layer:
    """Return the issues in reach; a masked one stands somewhere in its grid, without its texts."""
    hidden = masked(reach)
    properties: dict[str, ColumnElement[Any]] = {
        "category": Issue.category.expression,
        "state": Issue.state.expression,
        "severity": Issue.severity.expression,
        **light_columns(now),
        "grid": Area.code.expression,
        "description": cast(Issue.doc["description"].astext, Text),
        "masked": hidden,
        "captured_at": Issue.captured_at.expression,
        "due_at": Issue.due_at.expression,
        "closed_at": Issue.closed_at.expression,
    }
    return Layer(
        source=Issue.__table__.outerjoin(Area.__table__, Area.id == Issue.grid_now),
        where=(in_reach(reach),),
        key=Issue.id.expression,
        geometry=shown_place(hidden),
        properties=masked_columns(properties, hidden),
        moment=Issue.captured_at.expression,
    )


def visit_layer(reach: Reach) -> Layer:
    """Return the visits in the grids in charge, without what was said at the door."""
    shown: tuple[ColumnElement[bool], ...] = (Visit.deleted_at.is_(None),)
    if not reach.everywhere:
        shown += (Visit.grid_now == any_(cast(list(reach.grid_ids), ARRAY(INTEGER))),)
    properties: dict[str, ColumnElement[Any]] = {
        "outcome": Visit.outcome.expression,
        "purpose": cast(Visit.doc["purpose"].astext, String),
        "grid": Area.code.expression,
        "captured_at": Visit.captured_at.expression,
    }
    return Layer(
        source=Visit.__table__.outerjoin(Area.__table__, Area.id == Visit.grid_now),
        where=shown,
        key=Visit.id.expression,
        geometry=Visit.position.expression,
        properties=properties,
        moment=Visit.captured_at.expression,
    )
