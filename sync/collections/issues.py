"""Issues (事件): a problem at a place. Devices write what was seen; the state of the case belongs to the server."""

import datetime as dt

from marshmallow import Schema, fields, validate, validates_schema
from marshmallow.exceptions import ValidationError
from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Integer, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, Json
from sync.collections.collection import Collection, Doc, LocationSchema, SyncedRecord, elsewhere_index, merge_by
from sync.collections.fields import Extra, Flag, Id, Listed, Text
from sync.merge import Policy

SEVERITIES = ("low", "normal", "urgent")
STATES = (
    "reported", "accepted", "refused", "merged", "settled", "verified", "filed", "dispatched", "received", "returned",
    "in_progress", "extended", "suspended", "done", "checked", "reworked", "closed", "void",
)  # fmt: skip
CLOSED_STATES = ("refused", "merged", "settled", "closed", "void")


def check(doc: Doc) -> dict[str, str]:
    """Return what is wrong with the whole record: an issue says where it is."""
    return {} if doc.get("location") or doc.get("address_text") else {"location": "place-missing"}


class IssueSchema(Schema):
    """What a device may write of an issue."""

    category = Text(required=True, validate=validate.Regexp(r"^[0-9]{4}$"), metadata=merge_by(Policy.REVIEW))
    description = Text(allow_none=True, validate=validate.Length(max=4000), metadata=merge_by(Policy.APPEND))
    severity = Text(validate=validate.OneOf(SEVERITIES), metadata=merge_by(Policy.MAX, order=SEVERITIES))
    location = fields.Nested(LocationSchema, allow_none=True)
    address_text = Text(allow_none=True, validate=validate.Length(max=200))
    photos = Listed(Id(), validate=validate.Length(max=20), metadata=merge_by(Policy.UNION))
    private = Flag(metadata=merge_by(Policy.MAX))
    tags = Listed(
        Text(validate=validate.Length(max=60)),
        validate=validate.Length(max=20),
        metadata=merge_by(Policy.UNION),
    )
    extra = Extra()

    @validates_schema(skip_on_field_errors=True)
    def _whole(self, data: Doc, *, partial: object, **_: object) -> None:
        if partial is False and (wrong := check(data)):
            raise ValidationError({name: [message] for name, message in wrong.items()})


class Issue(SyncedRecord, Base):
    """One problem at one place, with the state of its case."""

    __tablename__ = "issue"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state_known"),
        CheckConstraint(f"severity IN {SEVERITIES}", name="severity_known"),
        Index("ix_issue_grid_now_id", "grid_now", "id"),
        elsewhere_index("issue"),
        Index("ix_issue_author_id_id", "author_id", "id"),
        Index("ix_issue_position", "position", postgresql_using="gist"),
        Index("ix_issue_open", "state", "due_at", postgresql_where=text("closed_at IS NULL")),
        # The desk of a handling body. What no body has yet is in neither, so that a push pays nothing for them.
        Index(
            "ix_issue_body_id", "body_id", "due_at", postgresql_where=text("closed_at IS NULL AND body_id IS NOT NULL")
        ),
        Index(
            "ix_issue_assisting_ids",
            "assisting_ids",
            postgresql_using="gin",
            postgresql_where=text("closed_at IS NULL AND assisting_ids IS NOT NULL"),
        ),
        Index("ix_issue_awaiting_routing", "id", postgresql_where=text("awaiting_routing AND deleted_at IS NULL")),
    )

    category: Mapped[str] = mapped_column(Computed("doc ->> 'category'", persisted=True), ForeignKey("category.code"))
    severity: Mapped[str] = mapped_column(Computed("coalesce(doc ->> 'severity', 'normal')", persisted=True))
    private: Mapped[bool] = mapped_column(Computed("coalesce((doc -> 'private')::boolean, false)", persisted=True))
    state: Mapped[str] = mapped_column(server_default="reported")
    awaiting_routing: Mapped[bool] = mapped_column(
        server_default=text("true"), comment="set anew by a trigger when category, severity or grid_now changes"
    )
    due_at: Mapped[dt.datetime | None] = mapped_column(comment="deadline of the handling body")
    body_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("organisation.id"), comment="organisation that must handle it"
    )
    assisting_ids: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    routing: Mapped[Json | None] = mapped_column(comment="the reasons of the newest routing decision")
    public_answer: Mapped[str | None]
    closed_at: Mapped[dt.datetime | None]
    closing_reason: Mapped[str | None]


ISSUES = Collection(
    name="issues",
    topic=2,
    table=Issue.__table__,  # type: ignore[arg-type]  # declarative types it as FromClause
    schema=IssueSchema,
    actions=frozenset({"put", "patch", "delete"}),
    personal="author_id",
    shown={
        "state": Issue.state.expression,
        "deadline": Issue.due_at.expression,
        "body": Issue.routing.expression["body"]["name"],
        "routing": Issue.routing.expression,
        "public_answer": Issue.public_answer.expression,
        "closed_at": Issue.closed_at.expression,
    },
    check=check,
)
