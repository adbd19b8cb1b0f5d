"""/v1/rules: what routing goes by, before the catalogue's own bodies. Knows no SQL."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, post_load, validate
from sqlalchemy import and_, not_

from server.accounts.charge import reach
from server.accounts.issue_sight import in_reach, masked
from server.cases.calendars.calendar import Limit
from server.cases.case import Rule
from server.cases.routing import trial
from server.cases.routing.rulebook import Draft, Listed, active_rules, listed_rules, retire, save
from server.cases.tables import HOURS, LIMIT_UNITS, SOURCES
from server.database.transaction import Transaction, transaction
from server.http.auth import calling_charge, staff_required
from server.http.in_charge import require_area
from server.jobs.queues import wake
from sync.collections.fields import Text
from sync.collections.issues import SEVERITIES

blueprint = Blueprint("rules", __name__, url_prefix="/v1", description="派遣规则 · routing rules")

RULING = ("dispatcher", "admin")
LONGEST_LIMIT = 1000


class LimitSchema(Schema):
    """How long something may take: clock hours, working hours, working days or days."""

    value = fields.Integer(required=True, strict=True, validate=validate.Range(1, LONGEST_LIMIT))
    unit = fields.String(required=True, validate=validate.OneOf(LIMIT_UNITS))


class DraftSchema(Schema):
    """A rule to be made: of which cases it speaks (left out: of all), and who handles them by when."""

    label = Text(required=True, validate=validate.Length(min=1, max=200))
    category = Text(load_default=None, validate=validate.Regexp(r"^[0-9]{2}([0-9]{2})?$"))
    area = Text(load_default=None, validate=validate.Length(min=1, max=40))
    severity = fields.String(load_default=None, validate=validate.OneOf(SEVERITIES))
    hours = fields.String(load_default="any", validate=validate.OneOf(HOURS))
    source = fields.String(load_default=None, validate=validate.OneOf(SOURCES))
    lead_body = Text(required=True, validate=validate.Length(min=1, max=100))
    assisting = fields.List(
        Text(validate=validate.Length(min=1, max=100)), load_default=list, validate=validate.Length(max=20)
    )
    limit = fields.Nested(LimitSchema, load_default=None)
    tier = fields.String(
        load_default=None, validate=validate.OneOf(("grid", "community", "street", "county", "department"))
    )

    @post_load
    def _draft(self, sent: dict[str, Any], **_: Any) -> Draft:
        limit = sent.pop("limit")
        assisting = tuple(sent.pop("assisting"))
        return Draft(**sent, assisting=assisting, limit=limit and Limit(limit["value"], limit["unit"]))


class NamedBodySchema(Schema):
    """A body by its code and its names."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class RuleSchema(Schema):
    """A rule in force, by the codes that people know."""

    id = fields.Integer(required=True)
    label = fields.String(required=True)
    category = fields.String(required=True, allow_none=True)
    area = fields.String(required=True, allow_none=True)
    area_name = fields.String(
        required=True, allow_none=True, metadata={"description": "The name of its area; the last it had, if no more"}
    )
    severity = fields.String(required=True, allow_none=True)
    hours = fields.String(required=True)
    source = fields.String(required=True, allow_none=True)
    lead_body = fields.String(required=True)
    assisting = fields.List(fields.String(), required=True)
    limit = fields.Dict(required=True, allow_none=True)
    tier = fields.String(required=True, allow_none=True)
    applies = fields.Boolean(
        required=True,
        metadata={"description": "False where its area is no more, or lies below the grids: it decides nothing then"},
    )
    area_standing = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(("in-force", "retired", "below-grids"))
    )
    category_retired = fields.Boolean(
        required=True, metadata={"description": "Its category is no longer in force: it speaks of old cases alone"}
    )
    bodies_missing = fields.Integer(
        required=True, metadata={"description": "So many of the bodies that it named to assist are no more"}
    )
    successors = fields.List(
        fields.Dict(),
        required=True,
        metadata={
            "description": "Code and name of the areas that have the ground of one that is no more, the largest "
            "part first: a rule can be made anew for one of them"
        },
    )


class RuleTrialQuestionSchema(Schema):
    """A change to be tried: a rule that would be made, one that would be retired, or both."""

    rule = fields.Nested(DraftSchema, load_default=None, allow_none=True)
    without = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 2**31 - 1))
    days = fields.Integer(load_default=90, strict=True, validate=validate.Range(1, 730))


class RuleTrialMoveSchema(Schema):
    """So many cases that would have gone from one body to another."""

    was = fields.Nested(NamedBodySchema, required=True)
    would_be = fields.Nested(NamedBodySchema, required=True)
    count = fields.Integer(required=True)


class RuleTrialExampleSchema(Schema):
    """One of them that the caller may see whole."""

    id = fields.UUID(required=True)
    category = fields.String(required=True)
    grid = fields.String(required=True, allow_none=True)
    received_at = fields.AwareDateTime(required=True)
    was = fields.Nested(NamedBodySchema, required=True)
    would_be = fields.Nested(NamedBodySchema, required=True)
    description = fields.String(required=True, allow_none=True)


class RuleTrialSchema(Schema):
    """What a change of the rules would have done to the cases since a moment."""

    since = fields.AwareDateTime(required=True)
    looked = fields.Integer(required=True, metadata={"description": "cases that it could speak of"})
    cut_off = fields.Boolean(required=True, metadata={"description": "there were more; the newest were looked at"})
    applies = fields.Integer(required=True, metadata={"description": "cases that it would have decided"})
    elsewhere = fields.Integer(required=True, metadata={"description": "of them, those that another body would have"})
    other_limit = fields.Integer(required=True, metadata={"description": "the same body, under another limit"})
    moves = fields.List(fields.Nested(RuleTrialMoveSchema), required=True)
    examples = fields.List(fields.Nested(RuleTrialExampleSchema), required=True)


class RulesSchema(Schema):
    """All rules in force."""

    rules = fields.List(fields.Nested(RuleSchema), required=True)


@blueprint.get("/rules")
@staff_required(*RULING, over="all rules; they are about nobody")
@blueprint.response(200, RulesSchema)
def rules() -> dict[str, Any]:
    """Return the rules in force."""
    with transaction() as tx:
        return {"rules": [_rule_json(each) for each in listed_rules(tx.session)]}


@blueprint.post("/rules")
@staff_required(*RULING, over="rules for areas in their charge")
@blueprint.arguments(DraftSchema)
@blueprint.response(201, RuleSchema)
def make_rule(draft: Draft) -> dict[str, Any]:
    """Make a rule. One that speaks of exactly the same cases as another is refused (409)."""
    with transaction() as tx:
        require_area(tx, draft.area)
        made = save(tx.session, draft, author_id=calling_charge().person_id, now=tx.now)
        _decide_anew(tx, [made], tx.now)
        [listed] = listed_rules(tx.session, made.id)
    return _rule_json(listed)


@blueprint.delete("/rules/<int:rule_id>")
@staff_required(*RULING, over="rules for areas in their charge")
@blueprint.response(204)
def retire_rule(rule_id: int) -> None:
    """Take a rule out of force. Past decisions keep naming it."""
    with transaction() as tx:
        for listed in listed_rules(tx.session, rule_id):
            require_area(tx, listed.draft.area)
        retired = [rule for rule in active_rules(tx.session) if rule.id == rule_id]
        retire(tx.session, rule_id, tx.now)
        _decide_anew(tx, retired, tx.now)


@blueprint.post("/rules/trial")
@staff_required(*RULING, over="rules for areas in their charge; of the cases, those that they may see whole are named")
@blueprint.arguments(RuleTrialQuestionSchema)
@blueprint.response(200, RuleTrialSchema)
def try_rule(sent: dict[str, Any]) -> dict[str, Any]:
    """Say what would have gone elsewhere if a rule had been made or retired. Nothing is kept."""
    change = trial.Changed(sent["rule"], sent["without"])
    with transaction() as tx:
        ground = tx.ground()
        for listed in [] if change.retired_id is None else listed_rules(tx.session, change.retired_id):
            require_area(tx, listed.draft.area)
        if change.made is not None:
            require_area(tx, change.made.area)
        held = reach(calling_charge(), ground)
        seen = and_(in_reach(held), not_(masked(held)))
        return asdict(trial.try_out(tx.session, change, ground, tx.now, days=sent["days"], seen=seen))


def _decide_anew(tx: Transaction, rules: Sequence[Rule], now: dt.datetime) -> None:
    """Have those cases that no body has received go where the rules send them now."""
    if rules and trial.mark_changed(tx.session, tx.ground(), now, rules=rules):
        tx.then(wake, "routing")


def _rule_json(listed: Listed) -> dict[str, Any]:
    draft = listed.draft
    return {
        "id": listed.id,
        "label": draft.label,
        "category": draft.category,
        "area": draft.area,
        "area_name": listed.area_name,
        "severity": draft.severity,
        "hours": draft.hours,
        "source": draft.source,
        "lead_body": draft.lead_body,
        "assisting": list(draft.assisting),
        "limit": draft.limit and {"value": draft.limit.value, "unit": draft.limit.unit},
        "tier": draft.tier,
        "applies": listed.area_standing in (None, "in-force"),
        "category_retired": listed.category_retired,
        "bodies_missing": listed.bodies_missing,
        "area_standing": listed.area_standing,
        "successors": [{"code": each.code, "name": each.name} for each in listed.successors],
    }
