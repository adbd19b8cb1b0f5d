"""Tables of the calendars: editions with their days and hours, and the deadlines that an edition moved.

An edition is what one area (or the city) said of one year, or of the hours from one day on. It is never changed: a
trigger refuses it, and another edition goes before it. Numbers ascend over all areas, so that edition N of the
calendar is all that was entered up to N. Knows no requests.
"""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, BigInt, SmallInt

STATUSES = ("announced", "provisional")
KINDS = ("holiday", "workday")
WAYS = ("seed", "page", "command")


class CalendarEdition(Base):
    """Who said what of a year, or of hours, when, and by which source."""

    __tablename__ = "calendar_edition"
    __table_args__ = (
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("(year IS NULL) <> (valid_from IS NULL)", name="year_or_hours"),
        CheckConstraint("(year IS NULL) = (status IS NULL)", name="year_has_a_status"),
        CheckConstraint(f"status IN {STATUSES}", name="status_known"),
        CheckConstraint("year BETWEEN 2000 AND 2100", name="year_near"),
        CheckConstraint(f"entered_by_way IN {WAYS}", name="way_known"),
        Index("ix_calendar_edition_area_id", "area_id", "year", "valid_from", "number"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    area_id: Mapped[int | None] = mapped_column(
        ForeignKey("area.id"), comment="with all areas below it; null: the city"
    )
    year: Mapped[SmallInt | None]
    valid_from: Mapped[dt.date | None] = mapped_column(comment="first day of these hours, in Asia/Shanghai")
    status: Mapped[str | None]
    withdrawn: Mapped[bool] = mapped_column(
        server_default=text("false"), comment="what was said before holds no longer, and nothing takes its place"
    )
    source: Mapped[str]
    entered_at: Mapped[dt.datetime]
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), comment="null: the program itself")
    entered_by_way: Mapped[str]


class CalendarDay(Base):
    """One day that an edition of a year speaks of."""

    __tablename__ = "calendar_day"
    __table_args__ = (CheckConstraint(f"kind IN {KINDS}", name="kind_known"),)

    edition: Mapped[int] = mapped_column(ForeignKey("calendar_edition.number"), primary_key=True, autoincrement=False)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]


class CalendarSpan(Base):
    """One stretch of working hours of one weekday, 1 Monday to 7 Sunday; breaks lie between them."""

    __tablename__ = "calendar_span"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday_known"),
        CheckConstraint("opens < closes", name="opens_before_it_closes"),
    )

    edition: Mapped[int] = mapped_column(ForeignKey("calendar_edition.number"), primary_key=True, autoincrement=False)
    weekday: Mapped[SmallInt] = mapped_column(primary_key=True, autoincrement=False)
    opens: Mapped[dt.time] = mapped_column(primary_key=True)
    closes: Mapped[dt.time]


class DeadlineMove(Base):
    """A deadline that an edition of the calendar moved. Once for each issue and edition."""

    __tablename__ = "deadline_move"
    __table_args__ = (Index("ix_deadline_move_issue_id", "issue_id"),)

    edition: Mapped[int] = mapped_column(ForeignKey("calendar_edition.number"), primary_key=True, autoincrement=False)
    issue_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issue.id"), primary_key=True)
    decision_id: Mapped[BigInt] = mapped_column(ForeignKey("routing_decision.id"))
    was_due_at: Mapped[dt.datetime]
    due_at: Mapped[dt.datetime]
    moved_at: Mapped[dt.datetime]
