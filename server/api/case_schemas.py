"""What the API takes and tells of cases and their steps. Knows no SQL and no route."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from server.api.issue_schemas import LIGHTS, Listed
from server.api.moments import day_field
from server.api.rulebook import LimitSchema
from server.cases.case_event import STEPS, CaseEvent
from server.cases.clocks.clock import Clock
from server.cases.clocks.terms import WORDS as STAGE_WORDS
from server.cases.errors import CaseError
from server.cases.life.judging import Possible
from server.cases.life.persons import Actor
from server.cases.life.taking import Outcome, Wanted
from server.cases.life.transitions import STATE_WORDS
from server.cases.life.transitions import STEPS as STEP_TABLE
from server.cases.lists.case_file import CaseFile, Untaken, shown_given
from sync.collections.collection import LocationSchema
from sync.collections.fields import Text
from sync.collections.issues import STATES

MOST_STEPS = 200


class CaseBodiesSchema(Schema):
    """Who is to handle a case: codes of organisations."""

    lead = Text(required=True, validate=validate.Length(min=1, max=100))
    assisting = fields.List(
        Text(validate=validate.Length(min=1, max=100)), load_default=list, validate=validate.Length(max=20)
    )


class CaseStepSchema(Schema):
    """One step of a case. Which fields it needs, its row of the table says (``GET /v1/cases/transitions``)."""

    id = fields.UUID(required=True, metadata={"description": "made by the caller; sent again, it is taken once"})
    step = fields.String(required=True, validate=validate.OneOf([each for each in STEPS if each != "report"]))
    state = fields.String(validate=validate.OneOf(STATES), metadata={"description": "the state that was seen"})
    reason = Text(validate=validate.Length(min=1, max=500))
    note = Text(validate=validate.Length(max=4000))
    answer = Text(validate=validate.Length(min=1, max=4000))
    photos = fields.List(fields.UUID(), validate=validate.Length(max=20))
    location = fields.Nested(LocationSchema)
    review_on = day_field()
    limit = fields.Nested(LimitSchema)
    bodies = fields.Nested(CaseBodiesSchema)
    body = Text(validate=validate.Length(min=1, max=100), metadata={"description": "code of an organisation"})
    of = fields.UUID(metadata={"description": "the case that this one is a duplicate of"})
    result = fields.String(validate=validate.OneOf(("exists", "not_found", "fixed", "not_fixed", "cannot_tell")))
    score = fields.Integer(strict=True, validate=validate.Range(1, 5))
    condition = Text(validate=validate.Length(min=1, max=100))


class CaseStepOfSchema(CaseStepSchema):
    """One step, with the case that it is of."""

    issue_id = fields.UUID(required=True)


class CaseStepsSchema(Schema):
    """Steps of several cases."""

    steps = fields.List(fields.Nested(CaseStepOfSchema), required=True, validate=validate.Length(1, MOST_STEPS))


class StepResultSchema(Schema):
    """What became of one step."""

    id = fields.UUID(required=True)
    issue_id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("taken", "illegal", "refused")))
    state = fields.String(required=True, allow_none=True)
    error = fields.Dict(metadata={"description": "type and what belongs to it, where it was not taken"})


class StepResultsSchema(Schema):
    """What became of each, in order."""

    results = fields.List(fields.Nested(StepResultSchema), required=True)


class PossibleStepSchema(Schema):
    """A step that the caller may take now.

    ``needs_when``: what one of its choices needs besides. ``seen``: the state that was seen must be sent with it.
    """

    step = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)
    needs = fields.List(fields.String(), required=True)
    may = fields.List(fields.String(), required=True)
    needs_when = fields.List(fields.Dict(), required=True)
    choices = fields.Dict(required=True)
    seen = fields.Boolean(required=True)


class UntakenStepSchema(Schema):
    """A step of a phone that was not taken, and what happened instead or what spoke against it (``instead``)."""

    id = fields.UUID(required=True)
    step = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    by = fields.String(required=True, allow_none=True)
    outcome = fields.String(required=True, validate=validate.OneOf(("overtaken", "refused")))
    instead = fields.Dict(required=True)
    given = fields.Dict(required=True)


class CaseFileSchema(Schema):
    """A case in full. Where it is ``masked``, texts, place, photos and people are null or empty."""

    id = fields.UUID(required=True)
    rev = fields.Integer(required=True)
    number = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    state_zh = fields.String(required=True)
    state_en = fields.String(required=True)
    category = fields.String(required=True)
    category_zh = fields.String(required=True)
    category_en = fields.String(required=True)
    severity = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    location = fields.Dict(required=True, allow_none=True)
    grid = fields.String(required=True, allow_none=True)
    grid_name = fields.String(required=True, allow_none=True)
    private = fields.Boolean(required=True)
    masked = fields.Boolean(required=True)
    body = fields.Dict(required=True, allow_none=True)
    assisting = fields.List(fields.Dict(), required=True)
    captured_at = fields.AwareDateTime(required=True)
    received_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True, allow_none=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    closing_reason = fields.String(required=True, allow_none=True)
    public_answer = fields.String(required=True, allow_none=True)
    merged_into = fields.UUID(required=True, allow_none=True)
    merged = fields.Dict(
        required=True,
        allow_none=True,
        metadata={"description": "how the case stands that it was merged into, the last of a chain, with its answer"},
    )
    light = fields.String(required=True, validate=validate.OneOf(LIGHTS))
    light_due_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "when the clock runs out that the light is of"}
    )
    light_stage = fields.String(required=True, allow_none=True)
    routing = fields.Dict(required=True, allow_none=True)
    photos = fields.List(fields.String(), required=True)
    timeline = fields.List(fields.Dict(), required=True)
    clocks = fields.List(fields.Dict(), required=True)
    untaken = fields.List(
        fields.Nested(UntakenStepSchema),
        required=True,
        metadata={"description": "steps that phones sent and that were not taken; none of a masked case"},
    )
    possible = fields.List(fields.Nested(PossibleStepSchema), required=True)


class CaseNumberSchema(Schema):
    """By which number to look."""

    number = Text(required=True, validate=validate.Length(min=1, max=40))


class CaseFoundSchema(Schema):
    """The case of a number, none where there is none in reach, or the number was misheard."""

    cases = fields.List(fields.Dict(), required=True)
    is_number = fields.Boolean(
        required=True, metadata={"description": "false: no case can have it; a digit was misheard or mistyped"}
    )


class CaseTransitionsSchema(Schema):
    """The table of steps, with the words of the states."""

    states = fields.List(fields.Dict(), required=True)
    transitions = fields.List(fields.Dict(), required=True)


class DutySchema(Schema):
    """The query of one page of the duty list."""

    state = Listed(validate.OneOf(STATES), load_default=list)
    light = Listed(validate.OneOf(LIGHTS), load_default=list)
    category = Listed(validate.Regexp(r"^[0-9]{2}([0-9]{2})?$"), load_default=list)
    words = Text(load_default="", validate=validate.Length(max=100))
    area = Text(load_default=None, validate=validate.Length(min=1, max=40))
    asks = fields.Boolean(
        load_default=False, metadata={"description": "those alone in which a body asks for more time"}
    )
    limit = fields.Integer(load_default=200, validate=validate.Range(1, 2000))
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))


class DutyPageSchema(Schema):
    """A page of open cases; ``cursor`` is null on the last."""

    cases = fields.List(fields.Dict(), required=True)
    cursor = fields.String(required=True, allow_none=True)


_FRAME = ("id", "step", "state", "issue_id")


def wanted_of(sent: Mapping[str, Any], issue_id: uuid.UUID, actor: Actor) -> Wanted:
    """Return a step as it is to be taken; its fields as JSON has them."""
    given = {name: _plain(value) for name, value in sent.items() if name not in _FRAME}
    return Wanted(sent["id"], issue_id, sent["step"], actor, given, sent.get("state"))


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, Mapping) else value


def result_json(outcome: Outcome) -> dict[str, Any]:
    """Return what became of a step as JSON."""
    told = {
        "id": outcome.wanted.id,
        "issue_id": outcome.wanted.issue_id,
        "status": outcome.status,
        "state": outcome.state,
    }
    return told if outcome.error is None else told | {"error": _error(outcome.error)}


def _error(error: CaseError) -> dict[str, Any]:
    return {"type": f"/problems/{error.code}", **error.data}


def file_json(file: CaseFile) -> dict[str, Any]:
    """Return a case in full as JSON."""
    facts = dict(file.facts)
    lon, lat = facts.pop("lon"), facts.pop("lat")
    state = STATE_WORDS[file.case.story.state]
    story = file.case.story
    return facts | {
        "state": story.state,
        "state_zh": state.zh,
        "state_en": state.en,
        "location": None if lon is None else {"lon": lon, "lat": lat, "datum": "wgs84"},
        "private": file.case.is_private,
        "masked": file.masked,
        "body": _body(file, story.body_id),
        "assisting": [body for each in story.assisting if (body := _body(file, each)) is not None],
        "photos": facts["photos"] or [],
        "timeline": [_event(file, event) for event in file.events],
        "clocks": [_clock(file, each) for each in file.clocks],
        "untaken": [_untaken(each) for each in file.untaken],
        "possible": [possible_json(each, file.case.photo_rule) for each in file.possible],
    }


def _untaken(each: Untaken) -> dict[str, Any]:
    words = STEP_TABLE[each.step].words.as_json()
    return {
        "id": each.id, "step": each.step, **words, "at": each.at, "by": each.by, "outcome": each.outcome,
        "instead": each.instead, "given": each.given,
    }  # fmt: skip


def _body(file: CaseFile, body_id: int | None) -> dict[str, Any] | None:
    body = None if body_id is None else file.bodies.get(body_id)
    return None if body is None else {"code": body.code, "name": body.name, "name_en": body.name_en}


def _clock(file: CaseFile, clock: Clock) -> dict[str, Any]:
    zh, en = STAGE_WORDS[clock.stage]
    return {
        "stage": clock.stage,
        "zh": zh,
        "en": en,
        "body": _body(file, clock.body_id),
        "since": clock.since,
        "due_at": clock.due_at,
        "warn_at": clock.warn_at,
        "ended_at": clock.ended_at,
        "paused": [{"since": each.since, "until": each.until, "why": each.why} for each in clock.pauses],
        "state": clock.state,
        "light": clock.light(file.read_at),
        "in_time": clock.in_time,
        "offline": clock.offline,
        "window": clock.is_window,
        "provisional": list(clock.provisional),
    }


def _event(file: CaseFile, event: CaseEvent) -> dict[str, Any]:
    words = STEP_TABLE[event.step].words
    return {
        "id": event.id,
        "step": event.step,
        "zh": words.zh,
        "en": words.en,
        "state": event.state,
        "at": event.at,
        "taken_at": event.taken_at,
        "offline": event.offline,
        "by": {
            "name": None if event.person_id is None else file.people.get(event.person_id),
            "body": _body(file, event.body_id),
        },
        "source": event.source,
        "given": shown_given(file, event),
    }


def possible_json(possible: Possible, photo_rule: str) -> dict[str, Any]:
    """Return a step that may be taken as JSON; what all its rows need, and what some of its choices need besides.

    ``photo_rule``: of the case's category, which may ask for photos.
    """
    step, rows = STEP_TABLE[possible.step], possible.rows
    wanted = [row.needed(photo_rule) for row in rows]
    needs = [name for name in wanted[0] if all(name in each for each in wanted)]
    may = {name for row in rows for name in row.fields} - set(needs)
    when = [
        {"field": name, "values": list(values), "needs": [each for each in each_needs if each not in needs]}
        for row, each_needs in zip(rows, wanted, strict=True)
        for name, values in row.when.items()
    ]
    open_values = {name: {value for row in rows for value in row.when.get(name, ())} for name in step.choices}
    choices = {
        name: [each for each in values if not open_values[name] or each["value"] in open_values[name]]
        for name, values in step.choices_json().items()
    }
    return {
        "step": possible.step,
        **step.words.as_json(),
        "needs": needs,
        "may": sorted(may),
        "needs_when": [each for each in when if each["needs"]],
        "choices": choices,
        "seen": all(row.seen for row in rows),
    }
