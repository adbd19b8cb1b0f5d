"""What a synced collection is: its table, schema, merge policies, rights and channels, in one frozen value.

Owns the vocabulary that the modules beside it declare themselves with. Knows no particular collection.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from geoalchemy2 import WKBElement
from marshmallow import Schema, validate
from sqlalchemy import ColumnElement, Integer, Table
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Json, point_column
from sync.collections.fields import Number, Text

Doc = dict[str, Any]


class Merge(StrEnum):
    """How concurrent writes of one field are settled; the meaning of each stands in ``sync.merge``."""

    LWW = "lww"
    UNION = "union"
    MAX = "max"
    MIN = "min"
    APPEND = "append"
    REVIEW = "review"


def merge_by(policy: Merge, **more: Any) -> dict[str, Any]:
    """Return field metadata that declares a merge policy."""
    return {"merge": policy, **more}


class LocationSchema(Schema):
    """A position as devices send it: degrees, lon-lat, in the datum that it names."""

    lon = Number(required=True, validate=validate.Range(-180, 180))
    lat = Number(required=True, validate=validate.Range(-90, 90))
    accuracy_m = Number(validate=validate.Range(0, 100_000))
    datum = Text(validate=validate.OneOf(("wgs84", "cgcs2000", "gcj02", "bd09")))


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


@dataclass(frozen=True, slots=True)
class Collection:
    """One synced collection.

    ``actions``: what a device may send. ``patchable``: the fields a device may patch (None: all).
    ``check``: cross-field rules of a whole record, field -> message key. ``personal``: the column whose
    person sees the record wherever it lies. ``shown``: what the server adds to ``doc`` when it is pulled.
    """

    name: str
    topic: int
    table: Table
    schema: type[Schema]
    actions: frozenset[str]
    patchable: frozenset[str] | None = None
    personal: str | None = None
    shown: Mapping[str, ColumnElement[Any]] | None = None
    hidden: frozenset[str] = frozenset()
    check: Callable[[Doc], Mapping[str, str]] = lambda _doc: {}

    @property
    def policies(self) -> dict[str, Merge]:
        """Return field name -> merge policy, as the schema declares it."""
        declared = self.schema().fields
        return {name: Merge(field.metadata.get("merge", Merge.LWW)) for name, field in declared.items()}


