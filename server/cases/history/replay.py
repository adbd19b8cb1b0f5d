"""What the events of a case add up to. Pure: the same events, the same story.

Owns the fold from events to what later steps are judged by, and to what the case shows. Must not know which steps are
legal. The columns of an issue are a copy of what is found here, for joins and lists.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from server.cases.case_event import CaseEvent
from sync.collections.issues import CLOSED_STATES

_BY_ITSELF = ("rule", "sweeper")


@dataclass(frozen=True, slots=True)
class Whistle:
    """Bodies called together by somebody of the street: ``unscored`` are still to be scored (organisation ids)."""

    at: datetime
    person_id: int | None
    called: frozenset[int]
    unscored: frozenset[int]


@dataclass(frozen=True, slots=True)
class Story:
    """A case as its events tell it. Without any, it is not reported yet: its state is empty.

    ``asked``: what was given when an extension was asked for that nobody has decided on. ``before``: the state that a
    merge or a suspension began in. ``by_people``: somebody other than a rule acted since the report.
    """

    state: str = ""
    events: int = 0
    last_at: datetime | None = None
    source: str = "worker"
    body_id: int | None = None
    assisting: tuple[int, ...] = ()
    by_people: bool = False
    verified: str | None = None
    checked: str | None = None
    asked: Mapping[str, Any] | None = None
    extensions_asked: int = 0
    returns: int = 0
    before: str = ""
    suspended_at: datetime | None = None
    whistle: Whistle | None = None
    assisted: frozenset[int] = frozenset()
    of: UUID | None = None
    closed_at: datetime | None = None
    closing_reason: str | None = None
    answer: str | None = None
    rated: bool = False
    reopened: int = 0
    escalated: int = 0
    acted: frozenset[int] = field(default_factory=frozenset)

    @property
    def is_closed(self) -> bool:
        """Whether the case has ended."""
        return self.state in CLOSED_STATES


EMPTY = Story()


def replay(events: Iterable[CaseEvent], story: Story = EMPTY) -> Story:
    """Return what these events, in their order, make of a story."""
    for event in events:
        story = follow(story, event)
    return story


def follow(story: Story, event: CaseEvent) -> Story:
    """Return a story with one more event."""
    moved = replace(
        story,
        state=event.state,
        events=story.events + 1,
        last_at=event.at,
        by_people=story.by_people or (event.step != "report" and event.source not in _BY_ITSELF),
        acted=story.acted | _who_acted(event),
        answer=event.given.get("answer") or story.answer,
    )
    told = _TELLS.get(event.step)
    moved = moved if told is None else replace(moved, **told(moved, event))
    return _ended(story, moved, event)


def _ended(before: Story, story: Story, event: CaseEvent) -> Story:
    """Note when a case ends, and why; and that it goes on where it does."""
    if story.is_closed and not before.is_closed:
        return replace(story, closed_at=event.at, closing_reason=_reason(event))
    if before.is_closed and not story.is_closed:
        return replace(story, closed_at=None, closing_reason=None)
    return story


def _reason(event: CaseEvent) -> str | None:
    """Return why a case ended: one of the closing reasons; what was void or settled has none of them but itself."""
    if event.step in ("close", "refuse"):
        return str(event.given.get("reason"))
    return {"merge": "duplicate", "settle": "fixed"}.get(event.step)


def _who_acted(event: CaseEvent) -> frozenset[int]:
    """Return who handled it for a body with this step: they check nothing of it."""
    handling = ("receive", "return", "start", "done", "ask_extension", "assist_done")
    return frozenset({event.person_id} if event.person_id is not None and event.step in handling else ())


def _reported(_story: Story, event: CaseEvent) -> dict[str, Any]:
    return {"source": event.given.get("source", "worker")}


def _given_to(story: Story, event: CaseEvent) -> dict[str, Any]:
    bodies = event.given.get("bodies") or {}
    lead = bodies.get("lead", event.body_id)
    assisting = tuple(bodies.get("assisting") or ())
    kept = {"assisted": frozenset[int]()} if lead != story.body_id else {}
    return {
        "body_id": lead, "assisting": assisting, "asked": None, "extensions_asked": 0, "checked": None, **kept,
    }  # fmt: skip


def _dispatched(story: Story, event: CaseEvent) -> dict[str, Any]:
    return {**_given_to(story, event), "whistle": None}


def _whistled(story: Story, event: CaseEvent) -> dict[str, Any]:
    given = event.given.get("bodies") or {}
    called = frozenset({given.get("lead"), *(given.get("assisting") or ())} - {None})
    whistle = Whistle(event.at, event.person_id, called, called)
    if event.state == event.state_before:
        return {"assisting": tuple(given.get("assisting") or ()), "whistle": whistle}
    return {**_given_to(story, event), "whistle": whistle}


def _returned(story: Story, _event: CaseEvent) -> dict[str, Any]:
    return {
        "returns": story.returns + 1, "body_id": None, "assisting": (), "asked": None, "whistle": None,
    }  # fmt: skip


def _merged(_story: Story, event: CaseEvent) -> dict[str, Any]:
    return {"of": UUID(str(event.given["of"])), "before": event.state_before}


def _scored(story: Story, event: CaseEvent) -> dict[str, Any]:
    if story.whistle is None:
        return {}
    return {"whistle": replace(story.whistle, unscored=story.whistle.unscored - {event.body_id})}


def _suspended(_story: Story, event: CaseEvent) -> dict[str, Any]:
    return {"before": event.state_before, "suspended_at": event.at}


def _again(story: Story, event: CaseEvent) -> dict[str, Any]:
    reopened = {"reopened": story.reopened + 1, "rated": False} if event.step == "reopen" else {}
    return {"checked": None, **reopened}


_TELLS: dict[str, Any] = {
    "report": _reported,
    "dispatch": _dispatched,
    "whistle": _whistled,
    "return": _returned,
    "merge": _merged,
    "unmerge": lambda _story, _event: {"of": None, "before": ""},
    "verify": lambda _story, event: {"verified": event.given.get("result")},
    "check": lambda _story, event: {"checked": event.given.get("result")},
    "ask_extension": lambda story, event: {"asked": event.given, "extensions_asked": story.extensions_asked + 1},
    "grant_extension": lambda _story, _event: {"asked": None},
    "refuse_extension": lambda _story, _event: {"asked": None},
    "suspend": _suspended,
    "resume": lambda _story, _event: {"before": "", "suspended_at": None},
    "done": lambda _story, _event: {"asked": None, "checked": None},
    "rework": _again,
    "reopen": _again,
    "assist_done": lambda story, event: {"assisted": story.assisted | {event.body_id}},
    "score": _scored,
    "rate": lambda _story, _event: {"rated": True},
    "escalate": lambda story, _event: {"escalated": story.escalated + 1},
}
