"""Steps (步骤): what somebody did with a case while the phone was offline. Written once, never patched or deleted.

No conflict can be between them. Whether one may be taken is not judged here, but when it takes effect, by the table of
steps: what has become illegal meanwhile is kept as overtaken, with what happened instead.
"""

import datetime as dt
import uuid
from typing import Final

from marshmallow import Schema, fields, validate
from sqlalchemy import CheckConstraint, Computed, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, Json
from sync.collections.collection import Collection, LocationSchema, SyncedRecord, elsewhere_index
from sync.collections.fields import Extra, Id, Listed, Number, Text, Time

STEPS: Final = (
    "accept", "refuse", "merge", "unmerge", "settle", "verify", "file", "receive", "return", "start", "done",
    "ask_extension", "resume", "check", "rework", "close", "rate", "reopen", "escalate", "assist_done",
)  # fmt: skip
"""What can be done with a phone. Handing a case to bodies wants a list of them, and is done at a desk."""
RESULTS: Final = ("exists", "not_found", "fixed", "not_fixed", "cannot_tell")
OUTCOMES: Final = ("taken", "overtaken", "refused")


class AskedLimitSchema(Schema):
    """How long an extension is asked for."""

    value = Number(required=True, validate=validate.Range(1, 1000))
    unit = Text(required=True, validate=validate.OneOf(("h", "wh", "wd", "d")))


class CaseStepTakenSchema(Schema):
    """What a device may write of a step."""

    issue_id = Id(required=True)
    step = Text(required=True, validate=validate.OneOf(STEPS))
    answer = Text(allow_none=True, validate=validate.Length(max=4000))
    reason = Text(allow_none=True, validate=validate.Length(max=500))
    note = Text(allow_none=True, validate=validate.Length(max=4000))
    result = Text(allow_none=True, validate=validate.OneOf(RESULTS))
    score = Number(allow_none=True, validate=validate.Range(1, 5))
    limit = fields.Nested(AskedLimitSchema, allow_none=True)
    of = Id(allow_none=True)
    photos = Listed(Id(), validate=validate.Length(max=20))
    location = fields.Nested(LocationSchema, allow_none=True)
    at = Time(allow_none=True)
    extra = Extra()


class TakenStep(SyncedRecord, Base):
    """One step as a phone sent it, and what became of it. ``outcome`` null: it waits to take effect."""

    __tablename__ = "step"
    __table_args__ = (
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome_known"),
        CheckConstraint("(outcome IS NULL) = (settled_at IS NULL)", name="settled_with_an_outcome"),
        Index("ix_step_grid_now_id", "grid_now", "id"),
        elsewhere_index("step"),
        Index("ix_step_author_id_id", "author_id", "id"),
        Index("ix_step_untaken", "issue_id", postgresql_where=text("outcome IN ('overtaken', 'refused')")),
        Index("ix_step_waiting", "issue_id", postgresql_where=text("outcome IS NULL AND deleted_at IS NULL")),
    )

    issue_id: Mapped[uuid.UUID] = mapped_column(Computed("CAST(doc ->> 'issue_id' AS uuid)", persisted=True))
    outcome: Mapped[str | None] = mapped_column(comment="null: it waits to take effect")
    settled_at: Mapped[dt.datetime | None]
    case_state: Mapped[str | None] = mapped_column(comment="of the case, when this was settled")
    instead: Mapped[Json | None] = mapped_column(comment="why it was not taken: what happened, what is possible")


TAKEN_STEPS = Collection(
    name="steps",
    topic=6,
    table=TakenStep.__table__,  # type: ignore[arg-type]  # declarative types it as FromClause
    schema=CaseStepTakenSchema,
    actions=frozenset({"put"}),
    by_grid=False,
    personal="author_id",
    shown={
        "outcome": TakenStep.outcome.expression,
        "case_state": TakenStep.case_state.expression,
        "instead": TakenStep.instead.expression,
    },
)
