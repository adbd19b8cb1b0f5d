"""What the bodies of the sample city did with the cases of the patrol day: signed for, in progress, answered, closed.

Owns who of the sample city takes which steps, and in which words. Each step goes the way that every step goes
(``server.cases.life``): what is not allowed to people is not done here. Some cases are left lying and grow overdue.
"""

import datetime as dt
import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.accounts.charge import read_charge
from server.cases.case_event import Source
from server.cases.life.persons import Actor
from server.cases.life.taking import Wanted, take
from server.demo.planting import named_id

ANSWERS_FILE: Final = Path(__file__).parent / "data" / "answers.json"
_ANSWERS: Final[Mapping[str, Mapping[str, Any]]] = json.loads(ANSWERS_FILE.read_text(encoding="utf-8"))
"""Category, or its first level -> what is written when it is done, explained, or sent back."""

# How often, and the steps: of the body, and of the duty desk where they begin with a dot.
_STORIES: Final[Mapping[tuple[str, ...], int]] = {
    (): 44,
    ("receive",): 12,
    ("receive", "start"): 12,
    ("receive", "start", "ask_extension"): 4,
    ("receive", "start", "ask_extension", ".grant_extension"): 2,
    ("receive", "return"): 4,
    ("receive", "start", ".suspend"): 3,
    ("receive", "start", "done"): 8,
    ("receive", "start", "done", ".rework"): 2,
}
# What can be answered by words alone is often closed by them.
_EXPLAINED: Final = ("receive", "start", "done", ".close")
_EXPLAINED_IN: Final = 0.4
_WAITING_FOR: Final = ("等待配件到货", "需产权单位配合，已发函", "雨天无法施工")
_SHOWN: Final = frozenset({"return", "done"})
"""Steps that are shown with a photo."""
_PLAIN: Final[Mapping[str, dict[str, Any]]] = {
    "rework": {"reason": "现场照片看不出处理结果，请补充并复查"},
    "close": {"reason": "explained"},
}
_REVIEW_IN: Final = dt.timedelta(days=14)

_DISPATCHED = text("""
    SELECT id, category, body_id FROM issue
    WHERE state = 'dispatched' AND NOT awaiting_routing AND deleted_at IS NULL ORDER BY id
""")
_HANDLERS = text("""
    SELECT DISTINCT ON (organisation_id) organisation_id, person_id FROM assignment
    WHERE role = 'handler' AND during @> CAST(:now AS timestamptz) ORDER BY organisation_id, person_id
""")
_DUTY = text("""
    SELECT person_id FROM assignment JOIN area ON area.id = area_id
    WHERE role = 'dispatcher' AND during @> CAST(:now AS timestamptz) ORDER BY person_id LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class _Cast:
    """Who acts: the people of bodies, by phones whose photos are still to come, and the dispatcher of the city."""

    bodies: Mapping[int, Actor]
    duty: Actor

    def of(self, body_id: int) -> Actor:
        return self.bodies.get(body_id) or Actor("phone", body_ids=frozenset({body_id}))


def move_on(session: Session, ground: Ground | None, chance: Random, *, now: dt.datetime) -> int:
    """Move the dispatched cases on; return how many moved. Locks them; the feed is appended last."""
    cast = _cast(session, now)
    wanted = [step for row in session.execute(_DISPATCHED).all() for step in _steps(row, cast, chance, now)]
    outcomes, _deliveries = take(session, wanted, ground, now)
    moved = Counter(each.wanted.issue_id for each in outcomes if each.status == "taken")
    return len(moved)


def _cast(session: Session, now: dt.datetime) -> _Cast:
    handlers = session.execute(_HANDLERS, {"now": now}).all()
    dispatcher = session.scalar(_DUTY, {"now": now})
    duty = Actor("rule", is_rule=True) if dispatcher is None else _person(session, "page", dispatcher, now)
    by_phone = {row.organisation_id: _person(session, "phone", row.person_id, now) for row in handlers}
    return _Cast(by_phone, duty)


def _person(session: Session, source: Source, person_id: int, now: dt.datetime) -> Actor:
    return Actor(source, read_charge(session, person_id, now=now))


def _steps(row: Any, cast: _Cast, chance: Random, now: dt.datetime) -> Iterator[Wanted]:
    story = chance.choices(list(_STORIES), list(_STORIES.values()))[0]
    if chance.random() < _EXPLAINED_IN and _has(row.category, "explained"):
        story = _EXPLAINED
    for number, told in enumerate(story):
        step = told.removeprefix(".")
        given = _given(step, row.category, story, chance, now)
        if step in _SHOWN:
            given["photos"] = [str(named_id("aftermath photo", row.id, number))]
        actor = cast.duty if told.startswith(".") else cast.of(row.body_id)
        yield Wanted(_step_id(row.id, number), row.id, step, actor, given)


def _step_id(issue_id: uuid.UUID, number: int) -> uuid.UUID:
    return named_id("aftermath", issue_id, number)


def _given(step: str, category: str, story: Sequence[str], chance: Random, now: dt.datetime) -> dict[str, Any]:
    """Return what is given with a step, in words that fit the category."""
    if step == "return":
        return {"reason": "not_ours", "note": _said(category, "return")}
    if step == "ask_extension":
        return {"reason": chance.choice(_WAITING_FOR), "limit": {"value": chance.choice((1, 2, 3)), "unit": "wd"}}
    if step == "suspend":
        review = (now + _REVIEW_IN).astimezone(dt.timezone(dt.timedelta(hours=8))).date()
        return {"reason": chance.choice(_WAITING_FOR), "review_on": review.isoformat()}
    if step == "done":
        return {"answer": chance.choice(_said(category, "explained" if story == _EXPLAINED else "done"))}
    return _PLAIN.get(step, {})


def _has(category: str, what: str) -> bool:
    return any(what in _ANSWERS.get(code, {}) for code in (category, category[:2]))


def _said(category: str, what: str) -> Any:
    """Return the words of a category; where it has none of its own, those of its first level."""
    own = _ANSWERS.get(category, {})
    return own[what] if what in own else _ANSWERS[category[:2]][what]
