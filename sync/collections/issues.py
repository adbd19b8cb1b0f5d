"""Issues (事件): a problem at a place. Devices write what was seen; the state of the case belongs to the server."""

import datetime as dt
import uuid
from typing import Any

from marshmallow import Schema, fields, validate, validates_schema
from marshmallow.exceptions import ValidationError
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Computed,
    ForeignKey,
    Index,
    Integer,
    case,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, Json
from sync.collections.categories import Category
from sync.collections.collection import Collection, Doc, LocationSchema, SyncedRecord, elsewhere_index, merge_by
from sync.collections.fields import Extra, Flag, Id, Listed, Text
from sync.merge.merge import Policy

SEVERITIES = ("low", "normal", "urgent")
STATES = (
    "reported", "accepted", "refused", "merged", "settled", "verified", "filed", "dispatched", "received", "returned",
    "in_progress", "extended", "suspended", "done", "checked", "reworked", "closed", "void",
)  # fmt: skip
UNRECEIVED_STATES = ("reported", "accepted", "verified", "filed", "returned", "dispatched")
"""Before a body has signed for the case: it begins with what is written then."""
_OPEN = text("closed_at IS NULL AND deleted_at IS NULL")
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
    memos = Listed(Id(), validate=validate.Length(max=5), metadata=merge_by(Policy.UNION))
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
        CheckConstraint("merged_into IS NULL OR (merged_into <> id AND state = 'merged')", name="merged_into_another"),
        Index("uq_issue_number", "number", unique=True, postgresql_where=text("number IS NOT NULL")),
        Index("ix_issue_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
        Index("ix_issue_grid_now_id", "grid_now", "id"),
        elsewhere_index("issue"),
        Index("ix_issue_author_id_id", "author_id", "id"),
        Index("ix_issue_position", "position", postgresql_using="gist"),
        Index(
            "ix_issue_calendar_edition",
            "calendar_edition",
            "id",
            postgresql_where=text("calendar_edition IS NOT NULL AND closed_at IS NULL AND deleted_at IS NULL"),
        ),
        # The duty list of a city by its order; that of a community, and the counts, by grid.
        Index("ix_issue_due_first", text("coalesce(light_due_at, received_at)"), "id", postgresql_where=_OPEN),
        Index("ix_issue_open", "grid_now", "state", "light_due_at", postgresql_where=_OPEN),
        # The desk of a handling body. What no body has yet is in neither, so that a push pays nothing for them.
        Index(
            "ix_issue_body_id", "body_id", "due_at", postgresql_where=text("closed_at IS NULL AND body_id IS NOT NULL")
        ),
        Index(
            "ix_issue_body_id_closed",
            "body_id",
            "due_at",
            postgresql_where=text("closed_at IS NOT NULL AND body_id IS NOT NULL"),
        ),
        Index(
            "ix_issue_assisting_ids",
            "assisting_ids",
            postgresql_using="gin",
            postgresql_where=text("assisting_ids IS NOT NULL"),
        ),
        Index(
            "ix_issue_awaiting_routing",
            "id",
            postgresql_where=text("awaiting_routing AND (deleted_at IS NULL OR must_tell)"),
        ),
    )

    category: Mapped[str] = mapped_column(Computed("doc ->> 'category'", persisted=True), ForeignKey("category.code"))
    severity: Mapped[str] = mapped_column(Computed("coalesce(doc ->> 'severity', 'normal')", persisted=True))
    private: Mapped[bool] = mapped_column(Computed("coalesce((doc -> 'private')::boolean, false)", persisted=True))
    state: Mapped[str] = mapped_column(server_default="reported")
    awaiting_routing: Mapped[bool] = mapped_column(
        server_default=text("true"),
        comment="set anew by a trigger when category, severity, position or grid_now changes",
    )
    must_tell: Mapped[bool] = mapped_column(
        server_default=text("false"),
        comment="its bodies do not know how it stands: set by a trigger when it is rewritten or deleted under them",
    )
    due_at: Mapped[dt.datetime | None] = mapped_column(comment="deadline of the handling body")
    pressing_stage: Mapped[str | None] = mapped_column(
        comment="stage of the clock that runs out first, as the job has counted it; null: not counted"
    )
    pressing_warn_at: Mapped[dt.datetime | None] = mapped_column(comment="when four fifths of its time are gone")
    pressing_due_at: Mapped[dt.datetime | None] = mapped_column(comment="when it runs out")
    light_due_at: Mapped[dt.datetime | None] = mapped_column(
        Computed(
            "CASE WHEN closed_at IS NOT NULL THEN NULL WHEN pressing_due_at IS NOT NULL THEN pressing_due_at "
            "WHEN state IN ('suspended', 'done', 'checked') THEN NULL ELSE due_at END",
            persisted=True,
        ),
        comment="by which the light of the case is; null: none",
    )
    calendar_edition: Mapped[int | None] = mapped_column(
        comment="newest edition of the calendar by which due_at is right; null: it depends on none"
    )
    body_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("organisation.id"), comment="organisation that must handle it"
    )
    assisting_ids: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    routing: Mapped[Json | None] = mapped_column(comment="the reasons of the newest routing decision")
    public_answer: Mapped[str | None]
    closed_at: Mapped[dt.datetime | None]
    closing_reason: Mapped[str | None]
    number: Mapped[str | None] = mapped_column(comment="what people call the case by: digits, with a check digit")
    merged_into: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("issue.id"), comment="the case that it is a duplicate of"
    )


def merged_case() -> ColumnElement[Any]:
    """Return how the case stands that an issue was merged into, as jsonb with its answer; null: into none."""
    private_category = (
        select(Category.is_private).where(Category.code == Issue.category).correlate(Issue).scalar_subquery()
    )
    standing = func.merged_case(Issue.merged_into, or_(Issue.private, private_category), type_=JSONB())
    return case((Issue.merged_into.is_not(None), standing))


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
        "number": Issue.number.expression,
        "merged": merged_case(),
    },
    check=check,
    case="body_id IS NOT NULL, state, ARRAY(SELECT person_id FROM task WHERE issue_id = issue.id"
    " AND deleted_at IS NULL AND task.state IN ('open', 'started'))",
    one_of=("location", "address_text"),
)
