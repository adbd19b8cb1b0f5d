"""Tables of the catalogue over time: versions of categories, filing conditions, and where nothing may be reported.

``category`` itself is the catalogue of today, which everybody joins; a trigger keeps each of its rows here as it was.
"""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, IdentityKey, Json, SmallInt
from sync.collections.categories import LIMIT_UNITS


class CategoryVersion(Base):
    """What one category says during some time. One that begins in the future is planned."""

    __tablename__ = "category_version"
    __table_args__ = (
        CheckConstraint("NOT isempty(during)", name="some_time"),
        ExcludeConstraint(("code", "="), ("during", "&&"), using="gist", name="ex_category_version_one_at_a_time"),
        Index("ix_category_version_begins", text("lower(during)")),
    )

    id: Mapped[IdentityKey]
    code: Mapped[str] = mapped_column(ForeignKey("category.code", ondelete="CASCADE"))
    during: Mapped[Range[dt.datetime]] = mapped_column(
        comment="facts of then are judged by it; it may lie in the future"
    )
    terms: Mapped[Json] = mapped_column(comment="the columns of category but code and validity")
    entered_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), comment="null: the program itself")


class FilingCondition(Base):
    """One condition under which a case of a category is filed (立案条件), with its own limit and closing rule."""

    __tablename__ = "filing_condition"
    __table_args__ = (
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("limit_value > 0", name="limit_positive"),
        CheckConstraint(f"limit_unit IN {LIMIT_UNITS}", name="limit_unit_known"),
        CheckConstraint("NOT isempty(during)", name="some_time"),
        ExcludeConstraint(
            ("category", "="), ("number", "="), ("during", "&&"), using="gist", name="ex_filing_condition_one_at_a_time"
        ),
    )

    id: Mapped[IdentityKey]
    category: Mapped[str] = mapped_column(ForeignKey("category.code", ondelete="CASCADE"))
    number: Mapped[SmallInt]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    close_when: Mapped[str] = mapped_column(
        server_default="", comment="when a case of this sort may be closed; empty: as its category"
    )
    close_when_en: Mapped[str] = mapped_column(server_default="")
    limit_value: Mapped[SmallInt]
    limit_unit: Mapped[str]
    during: Mapped[Range[dt.datetime]] = mapped_column(
        comment="cases of then may be filed under it; it may lie in the future"
    )


class ReportingBan(Base):
    """Where and when a category, or a first level, may not be reported, and what reporters are told instead."""

    __tablename__ = "reporting_ban"
    __table_args__ = (
        CheckConstraint("hours ~ '^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$'", name="hours_shape"),
        CheckConstraint("NOT isempty(during)", name="some_time"),
        Index("ix_reporting_ban_category", "category"),
    )

    id: Mapped[IdentityKey]
    category: Mapped[str] = mapped_column(ForeignKey("category.code", ondelete="CASCADE"))
    area_id: Mapped[int | None] = mapped_column(
        ForeignKey("area.id"), comment="with all areas below it; null: everywhere"
    )
    hours: Mapped[str | None] = mapped_column(comment="HH:MM-HH:MM in Asia/Shanghai, over midnight too; null: always")
    reason_zh: Mapped[str]
    reason_en: Mapped[str]
    during: Mapped[Range[dt.datetime]]
