"""What a synced collection is: its table, schema, merge policies, rights and channels, in one frozen value.

Owns the vocabulary that the modules beside it declare themselves with. Knows no particular collection.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from geoalchemy2 import WKBElement
from marshmallow import Schema, validate
from sqlalchemy import ColumnElement, Index, Integer, Table, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Json, point_column
from sync.collections.fields import Number, Text, Time
from sync.collections.normal import moment
from sync.merge.merge import MergeRule, Policy

Doc = dict[str, Any]


DATUMS = ("wgs84", "cgcs2000", "gcj02", "bd09")


def merge_by(policy: Policy, **more: Any) -> dict[str, Any]:
    """Return field metadata that declares a merge policy."""
    return {"merge": policy, **more}


class LocationSchema(Schema):
    """A position as devices send it: degrees, lon-lat, in the datum that it names.

    Kept in WGS-84; ``source_datum`` is the server's note of the datum it came in.
    """

    lon = Number(required=True, validate=validate.Range(-180, 180))
    lat = Number(required=True, validate=validate.Range(-90, 90))
    accuracy_m = Number(validate=validate.Range(0, 100_000))
    datum = Text(validate=validate.OneOf(DATUMS))
    source_datum = Text(validate=validate.OneOf(DATUMS))


class SyncedRecord:
    """Columns that every synced record has. ``doc`` holds the fields devices write, by their protocol names.

    Columns computed by PostgreSQL from ``doc`` (generated) serve joins and constraints, so that nothing
    is kept twice; every other column belongs to the server.
    """

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    rev: Mapped[int]
    doc_rev: Mapped[int] = mapped_column(comment="the revision at which doc last changed: server fields move rev alone")
    doc: Mapped[Json]
    author_id: Mapped[int | None]
    captured_at: Mapped[dt.datetime] = mapped_column(comment="corrected device time of the first operation")
    received_at: Mapped[dt.datetime]
    changed_at: Mapped[dt.datetime]
    deleted_at: Mapped[dt.datetime | None]
    position: Mapped[WKBElement | None] = mapped_column(point_column())
    located: Mapped[str | None] = mapped_column(comment="inside, near or outside; null: no position was given")
    distance_m: Mapped[float | None] = mapped_column(comment="to the grid, where located is near")
    candidates: Mapped[list[int] | None] = mapped_column(ARRAY(Integer), comment="grids within the GPS accuracy")
    edition_at_capture: Mapped[int | None]
    grid_at_capture: Mapped[int | None] = mapped_column(comment="area in force when captured; never changed")
    grid_now: Mapped[int | None] = mapped_column(comment="area responsible today; moves with redraws")


def elsewhere_index(table: str) -> Index:
    """Return the index by which a redraw finds the few records that lie in no grid. Pushes inside grids pay nothing."""
    inside_none = text("located <> 'inside'")
    return Index(f"ix_{table}_elsewhere", "position", postgresql_using="gist", postgresql_where=inside_none)


@dataclass(frozen=True, slots=True)
class Collection:
    """One synced collection.

    ``actions``: what a device may send. ``patchable``: the fields a device may patch (None: all).
    ``check``: cross-field rules of a whole record, field -> message key. ``by_grid``: whether all devices of a
    grid see its records. ``personal``: the column whose person sees the record wherever it lies. ``shown``:
    what the server adds to ``doc`` when it is pulled. ``case``: SQL of whether a body has it, its state, and who has a
    task on it. ``one_of``: fields of which a record always has one. ``adrift``: the column whose person sees the record
    while it lies in no grid.
    """

    name: str
    topic: int
    table: Table
    schema: type[Schema]
    actions: frozenset[str]
    patchable: frozenset[str] | None = None
    by_grid: bool = True
    personal: str | None = None
    shown: Mapping[str, ColumnElement[Any]] | None = None
    check: Callable[[Doc], Mapping[str, str]] = lambda _doc: {}
    case: str | None = None
    one_of: tuple[str, ...] = ()
    adrift: str | None = None

    @property
    def seen_by(self) -> str | None:
        """The column of the person who sees a record outside the grids of their scope: always, or while adrift."""
        return self.personal or self.adrift

    @property
    def rules(self) -> dict[str, MergeRule]:
        """Return field name -> how it is merged, as the schema declares it."""
        return _rules_of(self.schema)


@cache
def _rules_of(schema: type[Schema]) -> dict[str, MergeRule]:
    return {name: _rule_of(field) for name, field in schema().fields.items()}


def _rule_of(field: Any) -> MergeRule:
    order = field.metadata.get("order")
    policy = Policy(field.metadata.get("merge", Policy.LWW))
    limit = next((check.max for check in field.validators if isinstance(check, validate.Length)), None)
    if order is not None:
        return MergeRule(policy, order.index, limit)
    return MergeRule(policy, moment, limit) if isinstance(field, Time) else MergeRule(policy, limit=limit)
