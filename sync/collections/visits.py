"""Visits (走访): a worker knocked at a door. Written once by workers; never patched or deleted by a phone."""

from marshmallow import Schema, fields, validate, validates_schema
from marshmallow.exceptions import ValidationError
from sqlalchemy import CheckConstraint, Computed, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base
from sync.collections.collection import Collection, Doc, LocationSchema, SyncedRecord, elsewhere_index, merge_by
from sync.collections.fields import Extra, Id, Listed, Text, Time
from sync.merge.merge import Policy

OUTCOMES = ("met", "no_answer", "refused", "moved", "vacant", "appointment")
PURPOSES = ("routine", "follow_up", "check", "appointment", "emergency")


def check(doc: Doc) -> dict[str, str]:
    """Return what is wrong with the whole record: it must say where, and end after it began."""
    wrong = {}
    if not (doc.get("household_id") or doc.get("address_text") or doc.get("location")):
        wrong["household_id"] = "place-missing"
    return wrong


class VisitSchema(Schema):
    """What a device may write of a visit."""

    household_id = Id(allow_none=True, metadata=merge_by(Policy.LWW))
    address_text = Text(allow_none=True, validate=validate.Length(max=200))
    outcome = Text(required=True, validate=validate.OneOf(OUTCOMES))
    purpose = Text(validate=validate.OneOf(PURPOSES))
    needs = Listed(
        Text(validate=validate.Length(max=60)),
        validate=validate.Length(max=20),
        metadata=merge_by(Policy.UNION),
    )
    note = Text(allow_none=True, validate=validate.Length(max=4000), metadata=merge_by(Policy.APPEND))
    location = fields.Nested(LocationSchema, allow_none=True)
    started_at = Time(allow_none=True, metadata=merge_by(Policy.MIN))
    ended_at = Time(allow_none=True, metadata=merge_by(Policy.MAX))
    photos = Listed(Id(), validate=validate.Length(max=20), metadata=merge_by(Policy.UNION))
    memos = Listed(Id(), validate=validate.Length(max=5), metadata=merge_by(Policy.UNION))
    extra = Extra()

    @validates_schema(skip_on_field_errors=True)
    def _whole(self, data: Doc, *, partial: object, **_: object) -> None:
        if partial is False and (wrong := check(data)):
            raise ValidationError({name: [message] for name, message in wrong.items()})


class Visit(SyncedRecord, Base):
    """One knock at one door, met or not."""

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome_known"),
        Index("ix_visit_grid_now_id", "grid_now", "id"),
        elsewhere_index("visit"),
        Index("ix_visit_household_id", "household_id"),
        Index("ix_visit_author_id_adrift", "author_id", "id", postgresql_where=text("grid_now IS NULL")),
    )

    household_id: Mapped[str | None] = mapped_column(Computed("doc ->> 'household_id'", persisted=True))
    outcome: Mapped[str] = mapped_column(Computed("doc ->> 'outcome'", persisted=True))


VISITS = Collection(
    name="visits",
    topic=1,
    table=Visit.__table__,  # type: ignore[arg-type]  # declarative types it as FromClause
    schema=VisitSchema,
    actions=frozenset({"put"}),
    check=check,
    one_of=("location", "household_id", "address_text"),
    adrift="author_id",
)
