"""/v1/terms: how long each stage of a case may take; setting it, and which deadlines that moves. Knows no SQL.

Whoever sets may look first: with ``dry_run`` the answer says which deadlines would move, and nothing is kept.
"""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server.accounts.charge import reach
from server.cases.calendars.calendar import Limit
from server.cases.clocks.terms import LONGEST, WINDOWS, WORDS
from server.cases.deadlines import terms
from server.cases.deadlines.terms import Asked, Move
from server.cases.timing.tables import STAGE_UNITS
from server.database.transaction import transaction
from server.http.auth import calling_charge, staff_required
from server.http.in_charge import require_city
from server.jobs.queues import wake
from sync.collections.fields import Text

blueprint = Blueprint("terms", __name__, url_prefix="/v1/terms", description="环节时限 · limits of stages")

LISTED_AT_MOST = 200
SETTING = "admin"
OVER = "the whole city"


class StageLimitSchema(Schema):
    """How long a stage may take: minutes, clock hours, working hours, working days or days."""

    value = fields.Integer(required=True, strict=True, validate=validate.Range(1, LONGEST))
    unit = fields.String(required=True, validate=validate.OneOf(STAGE_UNITS))


class TermSchema(Schema):
    """One stage. ``window``: it says until when something may be done; nobody is late who does not."""

    stage = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)
    limit = fields.Nested(StageLimitSchema, required=True, allow_none=True)
    is_own = fields.Boolean(required=True, metadata={"description": "false: nobody has set it; it is the default"})
    window = fields.Boolean(required=True)


class TermsSchema(Schema):
    """What holds of each stage, and the edition that it holds by (0: nobody has set any)."""

    edition = fields.Integer(required=True)
    terms = fields.List(fields.Nested(TermSchema), required=True)


class TermsEditionSchema(Schema):
    """One limit as it was set. ``moved``: how many deadlines of open cases that moved."""

    number = fields.Integer(required=True)
    stage = fields.String(required=True)
    limit = fields.Nested(StageLimitSchema, required=True, allow_none=True)
    entered_at = fields.AwareDateTime(required=True)
    entered_by = fields.String(required=True, allow_none=True)
    source = fields.String(required=True)
    moved = fields.Integer(required=True)


class TermsEditionsSchema(Schema):
    """What was set, the newest first."""

    editions = fields.List(fields.Nested(TermsEditionSchema), required=True)


class TermsPageSchema(Schema):
    """Which editions."""

    before = fields.Integer(load_default=None, validate=validate.Range(1, 2**31 - 1))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class TermsSentSchema(Schema):
    """Limits to be set, by stage; null: the stage has none. Those not named stay."""

    limits = fields.Dict(
        keys=fields.String(validate=validate.OneOf(terms.SET_HERE)),
        values=fields.Nested(StageLimitSchema, allow_none=True),
        required=True,
        validate=validate.Length(1, len(terms.SET_HERE)),
    )
    source = Text(
        required=True,
        validate=validate.Length(min=1, max=300),
        metadata={"description": "by which document: it is kept with the limits"},
    )
    dry_run = fields.Boolean(
        required=True, metadata={"description": "true: say what would move and keep nothing; look before you set"}
    )
    follows = fields.Integer(
        load_default=None,
        strict=True,
        validate=validate.Range(0, 2**31 - 1),
        metadata={"description": "the edition that you have seen: where another came meanwhile it is 409"},
    )


class TermsMoveSchema(Schema):
    """One deadline that moves; null: there was, or is, none."""

    issue_id = fields.UUID(required=True)
    stage = fields.String(required=True)
    was_due_at = fields.AwareDateTime(required=True, allow_none=True)
    due_at = fields.AwareDateTime(required=True, allow_none=True)


class TermsMovesSchema(Schema):
    """Deadlines of open cases that a limit moved."""

    moved = fields.Integer(required=True, metadata={"description": "how many deadlines move"})
    moves = fields.List(
        fields.Nested(TermsMoveSchema),
        required=True,
        metadata={"description": f"the first {LISTED_AT_MOST} of them, those due first first"},
    )


class TermsEnteredSchema(TermsMovesSchema):
    """The edition from which on the limits hold, or would, and what that moves."""

    edition = fields.Integer(required=True, allow_none=True, metadata={"description": "null where it was a look"})
    dry_run = fields.Boolean(required=True)


@blueprint.get("")
@staff_required(over="the limits of all stages; they are about nobody")
@blueprint.response(200, TermsSchema)
def standing() -> dict[str, Any]:
    """Return how long each stage may take; handling takes what the catalogue says of a category."""
    with transaction() as tx:
        held = terms.standing(tx.session)
        edition = terms.newest(tx.session)
    return {"edition": edition, "terms": [_term_json(each) for each in held]}


@blueprint.get("/editions")
@staff_required(over="the limits of all stages; they are about nobody")
@blueprint.arguments(TermsPageSchema, location="query")
@blueprint.response(200, TermsEditionsSchema)
def editions(asked: dict[str, Any]) -> dict[str, Any]:
    """Return who set which limit, when, and by which document, the newest first."""
    with transaction() as tx:
        rows = terms.history(tx.session, before=asked["before"], limit=asked["limit"])
    return {
        "editions": [
            {**row, "limit": _limit_json(row["limit_value"], row["limit_unit"])} for row in rows
        ]
    }  # fmt: skip


@blueprint.get("/editions/<int:number>/moves")
@staff_required(SETTING, over="the cases in their charge")
@blueprint.response(200, TermsMovesSchema)
def moved(number: int) -> dict[str, Any]:
    """Return which deadlines of open cases a limit moved when it was set."""
    with transaction() as tx:
        held = reach(calling_charge(), tx.ground())
        found, count = terms.moved_by(tx.session, number, held, LISTED_AT_MOST)
    return {"moved": count, "moves": [_move_json(each) for each in found]}


@blueprint.post("")
@staff_required(SETTING, over=OVER)
@blueprint.arguments(TermsSentSchema)
@blueprint.response(200, TermsEnteredSchema)
def enter(sent: dict[str, Any]) -> dict[str, Any]:
    """Set limits of stages from now on, or look at which deadlines of open cases that would move."""
    with transaction() as tx:
        require_city(tx)
        limits = {stage: None if told is None else Limit(**told) for stage, told in sent["limits"].items()}
        asked = Asked(limits, sent["source"], calling_charge().person_id, sent["follows"])
        entered = terms.enter(tx.session, asked, tx.ground(), tx.now)
        if sent["dry_run"]:
            tx.session.rollback()
        else:
            tx.then(wake, "clocks")
    return {
        "edition": None if sent["dry_run"] else entered.edition,
        "dry_run": sent["dry_run"],
        "moved": len(entered.moves),
        "moves": [_move_json(each) for each in entered.moves[:LISTED_AT_MOST]],
    }


def _term_json(each: terms.StageTerms) -> dict[str, Any]:
    zh, en = WORDS[each.stage]
    limit = each.limit and {"value": each.limit.value, "unit": each.limit.unit}
    return {
        "stage": each.stage, "zh": zh, "en": en, "limit": limit, "is_own": each.is_own, "window": each.stage in WINDOWS,
    }  # fmt: skip


def _limit_json(value: int | None, unit: str | None) -> dict[str, Any] | None:
    return None if value is None else {"value": value, "unit": unit}


def _move_json(move: Move) -> dict[str, Any]:
    return {"issue_id": move.issue_id, "stage": move.stage, "was_due_at": move.was_due_at, "due_at": move.due_at}
