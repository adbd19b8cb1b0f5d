"""Tables of the ground: kinds of area, areas, editions, and the polygon of each area over time.

Owns what a city's ground *is*; knows nothing of records, devices or people. An area is a stable
identity; an edition is an immutable generation of the whole division; an area version is what one
area looked like through a range of editions, so that publishing stores only what changed.
"""

import datetime as dt
import uuid

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint
from sqlalchemy.dialects.postgresql.ranges import Range
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, BigIdentityKey, IdentityKey, Json, SmallInt, multipolygon_column


class AreaKind(Base):
    """One level or sort of area (市 区 街道 社区 网格 责任区 ...): data, not code."""

    __tablename__ = "area_kind"
    __table_args__ = (
        # Records are located at exactly one level of the ground.
        Index("uq_area_kind_locating", "is_locating", unique=True, postgresql_where=text("is_locating")),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    rank: Mapped[SmallInt] = mapped_column(comment="0 is the whole city; larger is lower")
    is_locating: Mapped[bool] = mapped_column(server_default=text("false"))


class Area(Base):
    """The stable identity of a piece of ground; what it looks like is in :class:`AreaVersion`. Never deleted."""

    __tablename__ = "area"

    id: Mapped[IdentityKey]
    uid: Mapped[uuid.UUID] = mapped_column(unique=True, server_default=func.gen_random_uuid())
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(ForeignKey("area_kind.code"))
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class Edition(Base):
    """One immutable generation of the ground. At most one is in force at any moment."""

    __tablename__ = "edition"
    __table_args__ = (
        ExcludeConstraint(("in_force", "&&"), using="gist", name="ex_edition_in_force"),
        CheckConstraint("NOT isempty(in_force)", name="in_force_not_empty"),
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str]
    in_force: Mapped[Range[dt.datetime]] = mapped_column(comment="[from, to): open above while in force")
    published_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    published_by: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")


class AreaVersion(Base):
    """Name, parent and polygon of one area through a range of edition numbers. One at a time per area."""

    __tablename__ = "area_version"
    __table_args__ = (
        ExcludeConstraint(("area_id", "="), ("editions", "&&"), using="gist", name="ex_area_version_one_polygon"),
        CheckConstraint("NOT isempty(editions)", name="editions_not_empty"),
        CheckConstraint("area_id <> parent_id", name="not_its_own_parent"),
        CheckConstraint("ST_IsValid(polygon)", name="polygon_valid"),
        Index("ix_area_version_parent_id", "parent_id"),
        Index("ix_area_version_polygon", "polygon", postgresql_using="gist"),
        Index("ix_area_version_begins", text("lower(editions)")),
        Index("ix_area_version_ends", text("upper(editions)")),
    )

    id: Mapped[BigIdentityKey]
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    name: Mapped[str]
    polygon: Mapped[WKBElement] = mapped_column(multipolygon_column())
    editions: Mapped[Range[int]] = mapped_column(comment="[first edition number, first it is no longer in)")


class AreaLineage(Base):
    """What became of an area in an edition.

    ``how``: reshaped, renamed, moved (under another parent), restored (it had been retired), of the area itself; split,
    merged or became (another code), of its successors; retired, where it is in no edition any more.
    """

    __tablename__ = "area_lineage"
    __table_args__ = (UniqueConstraint("edition_number", "from_area_id", "to_area_id", "how"),)

    id: Mapped[BigIdentityKey]
    edition_number: Mapped[int] = mapped_column(ForeignKey("edition.number"))
    from_area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    to_area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    how: Mapped[str]


class EditionFragment(Base):
    """Ground of the locating kind that an edition took from one area and gave to another."""

    __tablename__ = "edition_fragment"
    __table_args__ = (
        CheckConstraint("from_area_id IS DISTINCT FROM to_area_id", name="to_another"),
        Index("ix_edition_fragment_edition_number", "edition_number"),
    )

    id: Mapped[BigIdentityKey]
    edition_number: Mapped[int] = mapped_column(ForeignKey("edition.number"))
    from_area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    to_area_id: Mapped[int | None] = mapped_column(
        ForeignKey("area.id"), comment="null: the ground is in no area any more"
    )
    polygon: Mapped[WKBElement] = mapped_column(multipolygon_column())


class AreaSketch(Base):
    """What tiles draw of one area, from a first to a last zoom: derived from the ground, and kept by a job.

    All of it in one row, so that a tile is one look into one index. A row holds for a range of editions; which of them
    are sketched whole is said by :class:`EditionSketch`, and only those may be drawn from here.
    """

    __tablename__ = "area_sketch"
    __table_args__ = (
        Index("uq_area_sketch_area_id", "area_id", text("lower(editions)"), text("lower(zooms)"), unique=True),
        Index("ix_area_sketch_shape", "shape", "zooms", postgresql_using="gist"),
        CheckConstraint("NOT isempty(editions)", name="editions_not_empty"),
        CheckConstraint("NOT isempty(zooms)", name="zooms_not_empty"),
    )

    id: Mapped[BigIdentityKey]
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    kind: Mapped[str] = mapped_column(ForeignKey("area_kind.code"))
    code: Mapped[str]
    name: Mapped[str]
    editions: Mapped[Range[int]] = mapped_column(comment="[first edition number, first it does not hold for)")
    zooms: Mapped[Range[int]] = mapped_column(comment="[first zoom, first it is not drawn at)")
    across_m: Mapped[float] = mapped_column(comment="side of a square of its size, in metres of the equator")
    label: Mapped[WKBElement] = mapped_column(
        Geometry("POINT", srid=3857, spatial_index=False), comment="where its name is written"
    )
    shape: Mapped[WKBElement] = mapped_column(Geometry("MULTIPOLYGON", srid=3857, spatial_index=False))


class EditionSketch(Base):
    """Says that the areas of a kind are sketched whole in an edition."""

    __tablename__ = "edition_sketch"

    kind: Mapped[str] = mapped_column(ForeignKey("area_kind.code"), primary_key=True)
    edition_number: Mapped[int] = mapped_column(ForeignKey("edition.number"), primary_key=True)
    made_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class PlannedEdition(Base):
    """An edition that shall be published at a set time."""

    __tablename__ = "planned_edition"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'published', 'refused', 'withdrawn')", name="state_known"),
        CheckConstraint("(state = 'refused') = (problem IS NOT NULL)", name="refused_with_a_reason"),
        Index("ix_planned_edition_due_at", "due_at", postgresql_where=text("state = 'waiting'")),
    )

    id: Mapped[IdentityKey]
    name: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    due_at: Mapped[dt.datetime]
    planned_at: Mapped[dt.datetime]
    planned_by: Mapped[str]
    base_edition: Mapped[int] = mapped_column(
        ForeignKey("edition.number"), comment="the edition it was drawn over: refused where another came since"
    )
    areas: Mapped[list[Json]] = mapped_column(
        JSONB, comment="what is new or changed, as published: code, kind, name, parent, WKB in hex"
    )
    retired: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="codes of the areas that it has no more")
    state: Mapped[str] = mapped_column(server_default="waiting")
    edition_number: Mapped[int | None] = mapped_column(ForeignKey("edition.number"))
    problem: Mapped[Json | None]
    settled_at: Mapped[dt.datetime | None]
