"""One event of a case: a step that somebody, or a rule, took. Pure values.

Owns what every part of a case speaks of when it says what happened: its life writes them, its clocks are counted from
them, its time line shows them. Must not know which steps are legal, the database, or how a case is counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

Source = Literal["page", "api", "phone", "callback", "rule", "sweeper"]
Step = Literal[
    "report", "accept", "refuse", "merge", "unmerge", "settle", "verify", "file", "dispatch", "receive", "return",
    "start", "done", "ask_extension", "grant_extension", "refuse_extension", "suspend", "resume", "check", "rework",
    "close", "rate", "reopen", "escalate", "void", "whistle", "assist_done", "score",
]  # fmt: skip

FACTS_OF_A_STEP = frozenset({"bodies", "limit", "body", "score", "since", "rule", "derived", "source"})
"""Fields of steps that are shown of a masked case too."""

STEPS: tuple[str, ...] = get_args(Step)
SOURCES: tuple[str, ...] = get_args(Source)


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """A step of a case as it was taken.

    ``at`` is when it took effect (aware UTC): the corrected time of the device where it was done ``offline``;
    ``taken_at`` when the server applied it. ``body_id`` is the body that it concerns, which is the one dispatched to
    for a dispatch, the one that acts for a step of a body; None where no body has to do with it. ``person_id`` is who
    did it, None for a rule and the sweeper. ``given`` holds the fields of the step: reason, until, review_on, limit,
    answer, photos, bodies, result, of ...
    """

    id: UUID
    step: str
    state_before: str
    state: str
    at: datetime
    taken_at: datetime
    body_id: int | None = None
    person_id: int | None = None
    source: Source = "api"
    offline: bool = False
    given: Mapping[str, Any] = field(default_factory=dict)
