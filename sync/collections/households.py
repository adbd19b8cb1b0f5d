"""Households (户): who lives behind a door, as a visit needs it. Written by staff; workers patch three fields.

A worker may take a door for some days (``DoorClaim``): all phones that see the household are told who, and until when.
"""

import datetime as dt
import uuid

from marshmallow import Schema, fields, validate
from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Integer,
    Select,
    bindparam,
    column,
    func,
    select,
    table,
)
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base
from sync.collections.collection import Collection, LocationSchema, SyncedRecord, elsewhere_index, merge_by
from sync.collections.fields import Extra, Listed, Text
from sync.merge.merge import Policy

RISK_TIERS = ("general", "key", "high")
CONTACT_PREFERENCES = ("door", "phone", "message", "weekend", "evening", "none")


class HouseholdSchema(Schema):
    """Fields of a household; ``Collection.patchable`` says which of them a phone may write."""

    building = Text(required=True, validate=validate.Length(max=100))
    unit = Text(allow_none=True, validate=validate.Length(max=20))
    room = Text(allow_none=True, validate=validate.Length(max=20))
    location = fields.Nested(LocationSchema, allow_none=True)
    risk_tier = Text(validate=validate.OneOf(RISK_TIERS), metadata=merge_by(Policy.REVIEW))
    risk_tier_suggestion = Text(allow_none=True, validate=validate.OneOf(RISK_TIERS), metadata=merge_by(Policy.REVIEW))
    contact_preference = Text(allow_none=True, validate=validate.OneOf(CONTACT_PREFERENCES))
    needs = Listed(
        Text(validate=validate.Length(max=60)),
        validate=validate.Length(max=50),
        metadata=merge_by(Policy.UNION),
    )
    extra = Extra()


class Household(SyncedRecord, Base):
    """One door and the tier that says how often it is visited."""

    __tablename__ = "household"
    __table_args__ = (
        CheckConstraint(f"risk_tier IN {RISK_TIERS}", name="risk_tier_known"),
        Index("ix_household_grid_now_id", "grid_now", "id"),
        elsewhere_index("household"),
    )

    risk_tier: Mapped[str] = mapped_column(Computed("coalesce(doc ->> 'risk_tier', 'general')", persisted=True))


class DoorClaim(Base):
    """That a worker goes to a door until a moment, so that nobody else knocks. One at a time for each door."""

    __tablename__ = "door_claim"
    __table_args__ = (
        CheckConstraint("until > taken_at", name="ends_after_it_began"),
        Index("ix_door_claim_until", "until"),
    )

    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("household.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(Integer, ForeignKey("person.id"))
    taken_at: Mapped[dt.datetime]
    until: Mapped[dt.datetime] = mapped_column(comment="from then on it counts no more, and may be taken by others")


def _claimed() -> Select[tuple[object]]:
    """Return who goes to the household of a row until when, as jsonb; the reader binds ``me``, the person asking."""
    person = table("person", column("id", Integer), column("name"))
    told = func.jsonb_build_object(
        "by", person.c.name, "until", DoorClaim.until, "mine", DoorClaim.person_id == bindparam("me", type_=Integer)
    )
    return (
        select(told)
        .join(person, person.c.id == DoorClaim.person_id)
        .where(DoorClaim.household_id == Household.id, DoorClaim.until > func.now())
        .correlate(Household)
    )


HOUSEHOLDS = Collection(
    name="households",
    topic=3,
    table=Household.__table__,  # type: ignore[arg-type]  # declarative types it as FromClause
    schema=HouseholdSchema,
    actions=frozenset({"patch"}),
    patchable=frozenset({"contact_preference", "risk_tier_suggestion", "needs"}),
    shown={"claimed": _claimed().scalar_subquery()},
)
