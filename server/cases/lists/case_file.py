"""One case as those who take its steps see it: what it is, what happened, and what they may do now.

Owns the reading of it for one person; what is private is masked. Must not know requests, nor take steps.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import any_, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from geo.editions.tables import Area, AreaVersion
from server.accounts.tables import Organisation
from server.cases.case_event import FACTS_OF_A_STEP, CaseEvent
from server.cases.clocks.clock import Clock
from server.cases.errors import UnknownCase
from server.cases.life.judging import Possible, possible_for
from server.cases.life.persons import Actor, CaseNow, sees, sees_in_full
from server.cases.life.reading import look
from server.cases.lists.issue_list import light_columns
from server.cases.timing import reading
from sync.access.privacy import masked_facts
from sync.collections.categories import Category
from sync.collections.issues import Issue, merged_case
from sync.tables import Person

# What a stranger sent of a case that is not there for them says nothing of it.
_UNTAKEN = text("""
    SELECT step.id, doc ->> 'step', captured_at, person.name, outcome, instead, doc - '{issue_id,step,at}'::text[]
    FROM step LEFT JOIN person ON person.id = step.author_id
    WHERE issue_id = :id AND outcome IN ('overtaken', 'refused') AND step.deleted_at IS NULL
      AND instead ->> 'type' <> '/problems/unknown-case'
    ORDER BY captured_at, step.id LIMIT 50
""")


@dataclass(frozen=True, slots=True)
class Named:
    """A body as people know it."""

    id: int
    code: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Untaken:
    """A step that a phone sent and that was not taken: kept, with what happened instead or what spoke against it.

    ``given``: its fields as the phone sent them, bodies by code.
    """

    id: uuid.UUID
    step: str
    at: datetime
    by: str | None
    outcome: str
    instead: Mapping[str, Any]
    given: Mapping[str, Any]


@dataclass(frozen=True)
class CaseFile:
    """One case for one person. ``facts``: by the names of the answer, masked where it is; ``people``: id -> name.

    ``untaken``: steps of phones that became of nothing, the oldest first.
    """

    case: CaseNow
    events: tuple[CaseEvent, ...]
    facts: Mapping[str, Any]
    masked: bool
    possible: tuple[Possible, ...]
    clocks: tuple[Clock, ...]
    bodies: Mapping[int, Named]
    people: Mapping[int, str]
    by_bodies: Mapping[uuid.UUID, int]
    untaken: tuple[Untaken, ...]
    read_at: datetime


def read_case(session: Session, issue_id: uuid.UUID, actor: Actor, ground: Ground | None, now: datetime) -> CaseFile:
    """Return one case. Raises ``UnknownCase`` for one that there is not, or not for this person."""
    opened = look(session, [issue_id], ground).get(issue_id)
    if opened is None or opened.case.is_deleted or not sees(actor, opened.case):
        raise UnknownCase(issue_id)
    unwritten = {} if opened.report is None else {issue_id: [opened.report]}
    case, masked = opened.case, not sees_in_full(actor, opened.case)
    facts = dict(session.execute(_facts(now).where(Issue.id == issue_id)).mappings().one())
    return CaseFile(
        case=case,
        events=opened.events,
        facts=masked_facts(facts) if masked else facts,
        masked=masked,
        possible=() if masked and not _has_part(actor, case) else possible_for(case, actor, now),
        clocks=reading.of_cases(session, [issue_id], ground, now, fresh=unwritten)[issue_id],
        bodies=_bodies(session, opened.events),
        people={} if masked else _people(session, opened.events),
        by_bodies={event.id: event.body_id for event in opened.events if event.body_id is not None},
        untaken=() if masked else tuple(Untaken(*row) for row in session.execute(_UNTAKEN, {"id": issue_id})),
        read_at=now,
    )


def find_by_number(
    session: Session, number: str, actor: Actor, ground: Ground | None
) -> tuple[uuid.UUID, str, str] | None:
    """Return id, number and state of the case of a number, None where there is none for this person."""
    row = session.execute(select(Issue.id).where(Issue.number == number, Issue.deleted_at.is_(None))).one_or_none()
    opened = None if row is None else look(session, [row.id], ground).get(row.id)
    if opened is None or not sees(actor, opened.case):
        return None
    return opened.case.id, number, opened.case.story.state


def shown_given(file: CaseFile, event: CaseEvent) -> dict[str, Any]:
    """Return the fields of a step as they are shown, bodies by code and name."""
    given = dict(event.given)
    if file.masked:
        given = {name: value for name, value in given.items() if name in FACTS_OF_A_STEP}
    if isinstance(given.get("bodies"), Mapping):
        bodies = given["bodies"]
        given["bodies"] = {
            "lead": _code(file, bodies.get("lead")),
            "assisting": [_code(file, each) for each in bodies.get("assisting") or ()],
        }
    if "body" in given:
        given["body"] = _code(file, given["body"])
    return given


def _code(file: CaseFile, body_id: Any) -> str | None:
    body = file.bodies.get(body_id)
    return None if body is None else body.code


def _has_part(actor: Actor, case: CaseNow) -> bool:
    """Return whether somebody to whom a case is masked has a part in it all the same: their body assists."""
    return not actor.bodies.isdisjoint(case.story.assisting)


def _facts(now: datetime) -> Any:
    lead = select(Organisation.code).where(Organisation.id == Issue.body_id).scalar_subquery()
    return (
        select(
            Issue.id, Issue.rev, Issue.number, Issue.state, Issue.category, Issue.severity,
            Category.name_zh.label("category_zh"), Category.name_en.label("category_en"),
            Issue.doc["description"].astext.label("description"), Issue.doc["address_text"].astext.label("address"),
            func.ST_X(Issue.position).label("lon"), func.ST_Y(Issue.position).label("lat"),
            Area.code.label("grid"), AreaVersion.name.label("grid_name"), lead.label("body"),
            Issue.captured_at, Issue.received_at, Issue.due_at, Issue.closed_at, Issue.closing_reason,
            Issue.public_answer, Issue.merged_into, merged_case().label("merged"), Issue.routing,
            *(column.label(name) for name, column in light_columns(now).items()),
            func.coalesce(Issue.doc["photos"], func.jsonb_build_array()).label("photos"),
        )
        .join(Category, Category.code == Issue.category)
        .outerjoin(Area, Area.id == Issue.grid_now)
        .outerjoin(AreaVersion, (AreaVersion.area_id == Area.id) & func.upper_inf(AreaVersion.editions))
    )  # fmt: skip


def _bodies(session: Session, events: Sequence[CaseEvent]) -> dict[int, Named]:
    ids: set[int] = {event.body_id for event in events if event.body_id is not None}
    for event in events:
        bodies = event.given.get("bodies")
        if isinstance(bodies, Mapping):
            ids |= {each for each in (bodies.get("lead"), *(bodies.get("assisting") or ())) if each is not None}
    rows = session.execute(
        select(Organisation.id, Organisation.code, Organisation.name, Organisation.name_en).where(
            Organisation.id == any_(cast(sorted(ids), ARRAY(INTEGER)))
        )
    )
    return {row.id: Named(row.id, row.code, row.name, row.name_en or row.name) for row in rows}


def _people(session: Session, events: Sequence[CaseEvent]) -> dict[int, str]:
    ids = sorted({event.person_id for event in events if event.person_id is not None})
    rows = session.execute(select(Person.id, Person.name).where(Person.id == any_(cast(ids, ARRAY(INTEGER)))))
    return {row.id: row.name for row in rows}
