"""Tables of uploads: what has been announced, and which parts of it have come.

The row is the truth: bytes in the store that no row names do not exist. The finished file is an ``Attachment``.
A folder of parts that is not needed any more is entered as left over in the transaction that leaves it, so that no
crash forgets bytes in the store.
"""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Integer, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, BigInt
from sync.collections.attachments import ATTACHABLE

STATES = ("open", "finished", "refused")


class Upload(Base):
    """One file on its way from one device."""

    __tablename__ = "upload"
    __table_args__ = (
        CheckConstraint(f"collection IN {ATTACHABLE}", name="collection_known"),
        CheckConstraint(f"state IN {STATES}", name="state_known"),
        CheckConstraint("length > 0 AND received BETWEEN 0 AND length", name="received_within_length"),
        CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", name="refused_with_a_reason"),
        CheckConstraint("length(sha256) = 32", name="sha256_whole"),
        Index("ix_upload_unfinished", "device_id", postgresql_where=text("state = 'open'")),
        Index("ix_upload_touched_at", "touched_at", postgresql_where=text("state <> 'finished'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    collection: Mapped[str]
    record_id: Mapped[uuid.UUID]
    sha256: Mapped[bytes] = mapped_column(comment="of the whole file, as announced")
    length: Mapped[BigInt]
    received: Mapped[BigInt] = mapped_column(server_default="0", comment="bytes that are durably stored: the offset")
    writer: Mapped[uuid.UUID | None] = mapped_column(comment="the request that may append; a later one takes over")
    state: Mapped[str] = mapped_column(server_default="open")
    refusal: Mapped[str | None] = mapped_column(comment="why the file is not taken")
    said: Mapped[str] = mapped_column(comment="Upload-Metadata as it was sent, to be sent back")
    mismatches: Mapped[int] = mapped_column(server_default="0", comment="times the whole was not what was announced")
    created_at: Mapped[dt.datetime]
    touched_at: Mapped[dt.datetime] = mapped_column(comment="when a byte last came: it expires by this")
    folder: Mapped[uuid.UUID] = mapped_column(comment="of its parts in the store; another when it begins anew")


class UploadPart(Base):
    """Bytes of an upload from ``position`` on, stored as one object."""

    __tablename__ = "upload_part"
    __table_args__ = (CheckConstraint("size > 0", name="size_positive"),)

    upload_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("upload.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int]
    key: Mapped[str] = mapped_column(comment="of the object in the store; new for every write")


class LeftoverFolder(Base):
    """Parts that nobody needs any more, until they are out of the store."""

    __tablename__ = "leftover_folder"

    folder: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    left_at: Mapped[dt.datetime]


class PhotoHash(Base):
    """How one photo can be known again: as the same file, and as a picture that looks the same.

    ``phash`` is read as a signed number of 64 bits. A photo of next to nothing (a hand before the lens, the dark) has
    none, since all of them look alike.
    """

    __tablename__ = "photo_hash"
    __table_args__ = (
        CheckConstraint("length(sha256) = 32", name="sha256_whole"),
        Index("ix_photo_hash_sha256", "sha256"),
        Index("ix_photo_hash_bands", "bands", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    )

    attachment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attachment.id", ondelete="CASCADE"), primary_key=True)
    sha256: Mapped[bytes] = mapped_column(comment="of the file as it was sent")
    phash: Mapped[BigInt | None] = mapped_column(
        comment="of the picture as it looks, 64 bits; null: it has nothing to tell it by"
    )
    bands: Mapped[list[int] | None] = mapped_column(
        ARRAY(Integer),
        Computed(
            "CASE WHEN phash IS NOT NULL THEN ARRAY[(phash & 65535)::integer, 65536 + (phash >> 16 & 65535)::integer, "
            "131072 + (phash >> 32 & 65535)::integer, 196608 + (phash >> 48 & 65535)::integer] END",
            persisted=True,
        ),
        comment="the four 16 bits of phash, each with its number above it",
    )
