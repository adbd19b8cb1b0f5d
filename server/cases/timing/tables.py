"""Tables of timing: what a city has set for stages, a cache of when cases speak up, and what was raised already.

Knows no requests. ``case_timing`` and ``case_alarm`` hold nothing that cannot be counted again; ``escalation`` holds
what was raised, so that it is raised once.
"""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, BigIdentityKey, IdentityKey, SmallInt
from server.cases.clocks.terms import SETTABLE

STAGE_UNITS = ("min", "h", "wh", "wd", "d")


class StageLimit(Base):
    """How long a stage may take, as a city has set it. Never changed: the newest of a stage counts."""

    __tablename__ = "stage_limit"
    __table_args__ = (
        CheckConstraint(f"stage IN {tuple(sorted(SETTABLE))}", name="stage_known"),
        CheckConstraint(f"limit_unit IN {STAGE_UNITS}", name="limit_unit_known"),
        CheckConstraint("(limit_value IS NULL) = (limit_unit IS NULL)", name="limit_whole"),
        CheckConstraint("limit_value BETWEEN 1 AND 1000", name="limit_near"),
    )

    number: Mapped[IdentityKey]
    stage: Mapped[str]
    limit_value: Mapped[SmallInt | None] = mapped_column(comment="null: the stage has no limit")
    limit_unit: Mapped[str | None]
    entered_at: Mapped[dt.datetime]
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), comment="null: the program itself")
    source: Mapped[str] = mapped_column(server_default="", comment="by which document; empty: not said")


class StageLimitMove(Base):
    """A deadline of an open case that another limit of its stage moved."""

    __tablename__ = "stage_limit_move"
    __table_args__ = (
        CheckConstraint("was_due_at IS DISTINCT FROM due_at", name="moves"),
        Index("ix_stage_limit_move_issue_id", "issue_id"),
    )

    number: Mapped[int] = mapped_column(ForeignKey("stage_limit.number"), primary_key=True, autoincrement=False)
    issue_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issue.id"), primary_key=True)
    clock: Mapped[uuid.UUID] = mapped_column(primary_key=True, comment="the event that began it")
    body_id: Mapped[int | None]
    was_due_at: Mapped[dt.datetime | None]
    due_at: Mapped[dt.datetime | None] = mapped_column(comment="null: the stage has no limit now")


class CaseTiming(Base):
    """Whether the alarms of a case are as its events have them. Steps and decisions set ``stale`` by trigger."""

    __tablename__ = "case_timing"
    __table_args__ = (
        Index("ix_case_timing_stale", "issue_id", postgresql_where=text("stale")),
        Index("ix_case_timing_calendar_edition", "calendar_edition", postgresql_where=text("calendar_edition > 0")),
    )

    issue_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issue.id"), primary_key=True)
    stale: Mapped[bool] = mapped_column(server_default=text("true"))
    calendar_edition: Mapped[int | None] = mapped_column(comment="by which its alarms were counted; null: by none")


class CaseAlarm(Base):
    """When a running clock speaks up: ``level`` 0 warns who holds the case, 1 and more go up the tree."""

    __tablename__ = "case_alarm"
    __table_args__ = (
        Index("uq_case_alarm_once", "issue_id", "clock", "stage", "body_id", "level", unique=True,
              postgresql_nulls_not_distinct=True),
        Index("ix_case_alarm_alarm_at", "alarm_at"),
        CheckConstraint("level >= 0", name="level_counted"),
    )  # fmt: skip

    id: Mapped[BigIdentityKey]
    issue_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issue.id"))
    clock: Mapped[uuid.UUID] = mapped_column(comment="the event that began it")
    stage: Mapped[str]
    body_id: Mapped[int | None]
    level: Mapped[SmallInt]
    area_id: Mapped[int | None] = mapped_column(comment="to which area it goes; null: to who holds it")
    alarm_at: Mapped[dt.datetime]
    due_at: Mapped[dt.datetime]


class Escalation(Base):
    """What was raised of a clock, to whom, and when: each level once, whatever is counted again or killed."""

    __tablename__ = "escalation"
    __table_args__ = (
        Index("uq_escalation_once", "issue_id", "clock", "stage", "body_id", "level", unique=True,
              postgresql_nulls_not_distinct=True),
        CheckConstraint("level >= 0", name="level_counted"),
    )  # fmt: skip

    id: Mapped[BigIdentityKey]
    issue_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issue.id"))
    clock: Mapped[uuid.UUID] = mapped_column(comment="the event that began it")
    stage: Mapped[str]
    body_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    level: Mapped[SmallInt] = mapped_column(comment="0: a warning to who holds the case; 1 and more: up the tree")
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    due_at: Mapped[dt.datetime]
    raised_at: Mapped[dt.datetime]
