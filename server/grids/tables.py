"""Tables of drafts: what is drawn over an edition, as the operations that were done. Knows nothing of areas."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Integer, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, BigIdentityKey, IdentityKey, Json

OPERATIONS = ("split", "merge", "reshape", "rename", "reassign", "add", "retire", "replace", "propose", "heal")


class Draft(Base):
    """A division in the making, over one edition. ``version`` counts its changes."""

    __tablename__ = "draft"

    id: Mapped[IdentityKey]
    name: Mapped[str]
    base_edition: Mapped[int] = mapped_column(ForeignKey("edition.number"))
    author: Mapped[str] = mapped_column(comment="login of who began it")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"), comment="what If-Match names")
    published_edition: Mapped[int | None] = mapped_column(
        ForeignKey("edition.number"), comment="once set, the draft does not change any more"
    )
    plan_id: Mapped[int | None] = mapped_column(
        ForeignKey("planned_edition.id"), comment="while that waits, the draft does not change"
    )


class DraftOperation(Base):
    """One operation of a draft. Those undone are the last ones; doing another takes them away."""

    __tablename__ = "draft_operation"
    __table_args__ = (
        UniqueConstraint("draft_id", "position"),
        CheckConstraint(f"kind IN ({', '.join(repr(kind) for kind in OPERATIONS)})", name="kind_known"),
        CheckConstraint("position > 0", name="position_positive"),
    )

    id: Mapped[BigIdentityKey]
    draft_id: Mapped[int] = mapped_column(ForeignKey("draft.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(comment="1, 2, 3 ... in the order in which they are done")
    kind: Mapped[str]
    parameters: Mapped[Json] = mapped_column(JSONB)
    undone: Mapped[bool] = mapped_column(server_default=text("false"))
    author: Mapped[str]
    made_at: Mapped[dt.datetime]
