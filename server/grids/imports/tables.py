"""The table of imports: boundary files on their way in, and what came of them.

The row is the truth: bytes in the store that no row names do not exist. One process at a time has the claim on a row.
"""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, BigInt, Json

STATES = ("receiving", "waiting", "working", "done", "refused")


class BoundaryImport(Base):
    """One boundary file that somebody sent, what shall become of it, and what did."""

    __tablename__ = "boundary_import"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state_known"),
        CheckConstraint("(state = 'working') = (claim IS NOT NULL)", name="claimed_while_working"),
        CheckConstraint("(claim IS NULL) = (claimed_until IS NULL)", name="claimed_until"),
        CheckConstraint("(state = 'refused') = (problem IS NOT NULL)", name="refused_with_a_reason"),
        CheckConstraint("(state IN ('done', 'refused')) = (ended_at IS NOT NULL)", name="ended"),
        Index("ix_boundary_import_under_way", "state", postgresql_where=text("state IN ('waiting', 'working')")),
        Index("ix_boundary_import_begun_at", "begun_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    login: Mapped[str] = mapped_column(comment="of the person, as editions and drafts name their authors")
    file: Mapped[str] = mapped_column(comment="its name, as it was sent")
    suffix: Mapped[str] = mapped_column(server_default="", comment="by its first bytes: .gpkg, .zip or .geojson")
    size: Mapped[BigInt] = mapped_column(server_default="0", comment="bytes")
    parts: Mapped[int] = mapped_column(server_default="0", comment="objects in the store, numbered from 0")
    asked: Mapped[Json] = mapped_column(JSONB, comment="what shall become of it")
    dry_run: Mapped[bool] = mapped_column(comment="it is only looked at")
    state: Mapped[str] = mapped_column(server_default="receiving")
    counts: Mapped[Json] = mapped_column(JSONB, server_default=text("'{}'"), comment="how far it is, by step")
    attempts: Mapped[int] = mapped_column(server_default="0")
    claim: Mapped[uuid.UUID | None]
    claimed_until: Mapped[dt.datetime | None] = mapped_column(comment="after that, another process may begin it anew")
    report: Mapped[Json | None] = mapped_column(JSONB, deferred=True, comment="GeoJSON: faults, repairs and findings")
    outcome: Mapped[Json | None] = mapped_column(JSONB, comment="what it changed, and where")
    problem: Mapped[Json | None] = mapped_column(JSONB, comment="code and data of why it was refused")
    begun_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
