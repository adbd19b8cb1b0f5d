"""The table of suggestions: two cases that may be of one matter, as the program found, until a person says otherwise.

What persons do about them (merging, taking back) are steps of the case, and not kept here. Knows no Flask.
"""

import datetime as dt
import uuid

from sqlalchemy import REAL, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base


class DuplicateSuggestion(Base):
    """That a case may be of the same matter as one that came before it, and how far that goes.

    ``score`` and ``likeness`` are parts of one. Which of the two is closed or masked is asked when it is read.
    """

    __tablename__ = "duplicate_suggestion"
    __table_args__ = (
        CheckConstraint("issue_id <> other_id", name="not_of_itself"),
        CheckConstraint("score BETWEEN 0 AND 1", name="score_is_a_part"),
        CheckConstraint("likeness BETWEEN 0 AND 1", name="likeness_is_a_part"),
        Index("ix_duplicate_suggestion_other_id", "other_id"),
    )

    # No foreign keys: their check locks both cases, and routing would wait for whoever has the other in hand.
    issue_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, comment="the one that came later")
    other_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    score: Mapped[float] = mapped_column(REAL)
    likeness: Mapped[float | None] = mapped_column(REAL, comment="of the texts; null: one of them says nothing")
    distance_m: Mapped[float] = mapped_column(REAL)
    hours_apart: Mapped[float] = mapped_column(REAL)
    same_category: Mapped[bool]
    found_at: Mapped[dt.datetime]
    dismissed_at: Mapped[dt.datetime | None]
    dismissed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
