"""Categories (类别): the city's catalogue of what can be reported, with limits. Data, read by phones and by routing."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, SmallInt

LIMIT_UNITS = ("h", "wh", "wd", "d")
PHOTO_RULES = ("none", "report", "after", "both")
INTAKES = ("auto", "duty")


class Category(Base):
    """One row of the catalogue: two digits for a first level, four for a second."""

    __tablename__ = "category"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9]{2}([0-9]{2})?$'", name="code_shape"),
        CheckConstraint("(length(code) = 2) = (parent_code IS NULL)", name="second_level_has_parent"),
        CheckConstraint(f"limit_unit IN {LIMIT_UNITS}", name="limit_unit_known"),
        CheckConstraint("sort IN ('component', 'event')", name="sort_known"),
        CheckConstraint(f"photo_rule IN {PHOTO_RULES}", name="photo_rule_known"),
        CheckConstraint(f"intake IN {INTAKES}", name="intake_known"),
        CheckConstraint("gbt_code ~ '^[0-9]{2}([0-9]{2,3})?$'", name="gbt_code_shape"),
        CheckConstraint("duplicate_radius_m > 0", name="duplicate_radius_positive"),
        CheckConstraint("duplicate_window_h > 0", name="duplicate_window_positive"),
        CheckConstraint("(duplicate_radius_m IS NULL) = (duplicate_window_h IS NULL)", name="duplicate_whole"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("category.code"))
    name_zh: Mapped[str]
    name_en: Mapped[str]
    sort: Mapped[str] = mapped_column(comment="component (部件) or event (事件)")
    file_when: Mapped[str] = mapped_column(server_default="")
    file_when_en: Mapped[str] = mapped_column(server_default="")
    close_when: Mapped[str] = mapped_column(server_default="")
    close_when_en: Mapped[str] = mapped_column(server_default="")
    limit_value: Mapped[SmallInt | None] = mapped_column(comment="time to handle it, in limit_unit")
    limit_unit: Mapped[str | None] = mapped_column(comment="h clock hours, wh working hours, wd working days, d days")
    response_h: Mapped[SmallInt | None] = mapped_column(comment="time to answer, clock hours")
    lowest_tier: Mapped[str] = mapped_column(server_default="community")
    default_body: Mapped[str | None] = mapped_column(comment="code of the organisation that handles it by default")
    assisting_bodies: Mapped[str] = mapped_column(server_default="", comment="codes, separated by commas")
    photo_rule: Mapped[str] = mapped_column(server_default="after")
    duplicate_radius_m: Mapped[SmallInt | None]
    duplicate_window_h: Mapped[SmallInt | None]
    intake: Mapped[str] = mapped_column(
        server_default="auto", comment="auto: rules dispatch at once; duty: the duty desk accepts, files and dispatches"
    )
    is_night: Mapped[bool] = mapped_column(
        server_default=text("false"), comment="a fault of the night: checked at night"
    )
    gbt_code: Mapped[str | None] = mapped_column(
        comment="class and subclass in GB/T 30428, where the city has entered it"
    )
    is_private: Mapped[bool]
    is_active: Mapped[bool]
    valid_from: Mapped[dt.datetime | None] = mapped_column(comment="facts of before do not know it; null: always was")
    valid_until: Mapped[dt.datetime | None] = mapped_column(
        comment="facts of before still do; null: in force. Kept by a trigger when is_active changes"
    )
