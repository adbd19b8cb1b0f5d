"""Households (户): who lives behind a door, as a visit needs it. Written by staff; workers patch three fields."""

from marshmallow import Schema, fields, validate
from sqlalchemy import CheckConstraint, Computed, Index
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


HOUSEHOLDS = Collection(
    name="households",
    topic=3,
    table=Household.__table__,  # type: ignore[arg-type]  # declarative types it as FromClause
    schema=HouseholdSchema,
    actions=frozenset({"patch"}),
    patchable=frozenset({"contact_preference", "risk_tier_suggestion", "needs"}),
)
