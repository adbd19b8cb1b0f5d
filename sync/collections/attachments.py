"""Attachments (附件): files that belong to a record. Written by the server once an upload has ended well; phones pull.

An attachment is seen by whoever sees its record: ``grid_now``, ``follower_id``, ``closed_at`` and ``deleted_at`` are
those of the record. A trigger on every table that files can be attached to keeps them so when the record moves (a
redraw, a mended position), closes or is deleted, and a deferred trigger on this table touches the feed before the
commit: no writer can forget either. What files can be attached to, and what is copied, is the view ``attachable``.

Until its record has come (``bond`` awaited), an attachment is seen by its author alone. Conversely a record may name
a file that is still to come: a phone that holds no attachment of that id shows it as awaited.
"""

import datetime as dt
import uuid

from marshmallow import Schema, fields, validate
from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, BigInt, SmallInt
from sync.collections.collection import Collection, SyncedRecord
from sync.collections.fields import Id, Number, Text

ATTACHABLE = ("visits", "issues", "households", "tasks")
BONDS = ("awaited", "bound", "refused")
PREVIEWS = ("awaited", "ready", "none")
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "application/pdf", "audio/webm", "audio/mp4")


class ContentSchema(Schema):
    """What others may fetch: the file without what it tells of its author."""

    sha256 = Text(required=True)
    size = Number(required=True)


class AttachmentSchema(Schema):
    """What a phone reads of an attachment. ``sha256`` and ``size`` are those of the file as it was sent."""

    sha256 = Text(required=True)
    size = Number(required=True)
    type = Text(required=True, validate=validate.OneOf(MEDIA_TYPES))
    record = Id(required=True)
    collection = Text(required=True, validate=validate.OneOf(ATTACHABLE))
    preview = Text(required=True, validate=validate.OneOf(PREVIEWS))
    content = fields.Nested(ContentSchema, required=True)


class Attachment(SyncedRecord, Base):
    """One file of one record. ``id`` is the upload's, by which the record names it."""

    __tablename__ = "attachment"
    __table_args__ = (
        CheckConstraint(f"collection IN {ATTACHABLE}", name="collection_known"),
        CheckConstraint(f"bond IN {BONDS}", name="bond_known"),
        CheckConstraint(f"preview IN {PREVIEWS}", name="preview_known"),
        CheckConstraint(f"media_type IN {MEDIA_TYPES}", name="media_type_known"),
        Index("ix_attachment_grid_now_id", "grid_now", "id"),
        Index("ix_attachment_follower_id_id", "follower_id", "id"),
        Index("ix_attachment_record_id", "record_id"),
        Index("ix_attachment_awaiting_record", "record_id", "id", postgresql_where=text("bond = 'awaited'")),
        Index("ix_attachment_awaiting_preview", "id", postgresql_where=text("preview = 'awaited'")),
    )

    collection: Mapped[str]
    record_id: Mapped[uuid.UUID]
    bond: Mapped[str] = mapped_column(
        comment="awaited: the record has not come; refused: its author may not attach to it"
    )
    follower_id: Mapped[int | None] = mapped_column(comment="the person who sees the record wherever it lies")
    closed_at: Mapped[dt.datetime | None] = mapped_column(comment="of the record")
    media_type: Mapped[str] = mapped_column(comment="found in the bytes, not believed")
    served_sha256: Mapped[bytes] = mapped_column(comment="of the stripped file, which is what others get")
    served_size: Mapped[BigInt]
    preview: Mapped[str]
    preview_attempts: Mapped[SmallInt] = mapped_column(server_default="0")
    preview_claimed_at: Mapped[dt.datetime | None] = mapped_column(comment="somebody is making it since then")


ATTACHMENTS = Collection(
    name="attachments",
    topic=5,
    table=Attachment.__table__,  # type: ignore[arg-type]  # declarative types it as FromClause
    schema=AttachmentSchema,
    actions=frozenset(),
    personal="follower_id",
    shown={"preview": Attachment.preview.expression},
)
