"""Organisations, the grids that they serve, staff sessions, and the book of what was done to accounts.

People and assignments belong to ``sync.tables``.
"""

import datetime as dt

from geoalchemy2 import WKBElement
from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, BigIdentityKey, IdentityKey, Json, point_column

ACCOUNT_EVENTS = (
    "added",
    "renamed",
    "role_given",
    "role_ended",
    "password_set",
    "password_changed",
    "blocked",
    "unblocked",
    "signed_out",
)
ORGANISATION_KINDS = ("party", "department", "property", "society", "company", "service_centre", "community")


class Organisation(Base):
    """A body that handles issues, serves grids or sends volunteers (党组织, 部门, 物业, 社会组织, 企业, 知行家)."""

    __tablename__ = "organisation"
    __table_args__ = (CheckConstraint(f"kind IN {ORGANISATION_KINDS}", name="kind_known"),)

    id: Mapped[IdentityKey]
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(server_default="")
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    position: Mapped[WKBElement | None] = mapped_column(point_column())
    retired_at: Mapped[dt.datetime | None] = mapped_column(comment="null: cases can be given to it")


class ServiceLink(Base):
    """A centre serves a grid: many to many, beside the tree of areas."""

    __tablename__ = "service_link"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True)


class StaffSession(Base):
    """A signed-in browser. The cookie's token is stored hashed; the CSRF token is bound to it."""

    __tablename__ = "staff_session"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    last_seen_at: Mapped[dt.datetime]


class AppPassword(Base):
    """A password that a person made for one program, as QGIS. Random, stored hashed, revoked by its owner."""

    __tablename__ = "app_password"

    id: Mapped[IdentityKey]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[dt.datetime]
    last_used_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]


class AccountEvent(Base):
    """Something done to an account: to whom, by whom (null: the command line), when, from where. Never deleted."""

    __tablename__ = "account_event"
    __table_args__ = (CheckConstraint(f"what IN {ACCOUNT_EVENTS}", name="what_known"),)

    id: Mapped[BigIdentityKey]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    what: Mapped[str]
    at: Mapped[dt.datetime]
    source: Mapped[str] = mapped_column(comment="the caller's address; command or migration")
    detail: Mapped[Json] = mapped_column(server_default="{}")
