"""Tasks (任务): due visits, checks to make, orders to claim. Made by the server; workers patch state, note, photos."""

import datetime as dt
import uuid

from marshmallow import Schema, validate
from sqlalchemy import CheckConstraint, Computed, Index, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base
from sync.collections.collection import Collection, SyncedRecord, elsewhere_index, merge_by
from sync.collections.fields import Extra, Id, Listed, Text
from sync.collections.issues import Issue
from sync.merge.merge import Policy

KINDS = ("visit", "check", "verify", "order")
STATES = ("open", "started", "done", "declined")


class TaskSchema(Schema):
    """What a device may write of a task."""

    state = Text(validate=validate.OneOf(STATES), metadata=merge_by(Policy.MAX, order=STATES))
    note = Text(allow_none=True, validate=validate.Length(max=4000), metadata=merge_by(Policy.APPEND))
    photos = Listed(Id(), validate=validate.Length(max=20), metadata=merge_by(Policy.UNION))
    extra = Extra()


class Task(SyncedRecord, Base):
    """One thing one worker is asked to do by a time."""

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind_known"),
        CheckConstraint(f"state IN {STATES}", name="state_known"),
        Index("ix_task_grid_now_id", "grid_now", "id"),
        elsewhere_index("task"),
        Index("ix_task_person_id_id", "person_id", "id"),
        Index("ix_task_household_id", "household_id", postgresql_where=text("household_id IS NOT NULL")),
        Index("ix_task_issue_id", "issue_id", postgresql_where=text("issue_id IS NOT NULL")),
    )

    state: Mapped[str] = mapped_column(Computed("coalesce(doc ->> 'state', 'open')", persisted=True))
    kind: Mapped[str]
    title: Mapped[str]
    person_id: Mapped[int] = mapped_column(comment="the worker it is given to")
    due_at: Mapped[dt.datetime | None]
    household_id: Mapped[uuid.UUID | None]
    issue_id: Mapped[uuid.UUID | None]


# What whoever is to look at a case must know of it, wherever it lies.
_CASE = (
    select(
        func.jsonb_build_object(
            "number", Issue.number, "category", Issue.category, "state", Issue.state,
            "description", Issue.doc["description"], "address_text", Issue.doc["address_text"],
            "location", Issue.doc["location"],
        )
    )
    .where(Issue.id == Task.issue_id, Task.kind.in_(("verify", "check")), Issue.deleted_at.is_(None))
    .correlate(Task)
    .scalar_subquery()
)  # fmt: skip

TASKS = Collection(
    name="tasks",
    topic=4,
    table=Task.__table__,  # type: ignore[arg-type]  # declarative types it as FromClause
    schema=TaskSchema,
    actions=frozenset({"patch"}),
    by_grid=False,
    personal="person_id",
    shown={
        "kind": Task.kind.expression,
        "title": Task.title.expression,
        "due_at": Task.due_at.expression,
        "household_id": Task.household_id.expression,
        "issue_id": Task.issue_id.expression,
        "case": _CASE,
    },
)
