"""/v1/rules and /v1/categories: what routing goes by. Knows no SQL."""

import datetime as dt
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields, post_load, validate

from server.accounts.charge import Charge, area_in_charge, reach
from server.accounts.errors import OutsideCharge
from server.api.fresh import fresh_json
from server.auth import access, calling_charge, staff_required
from server.cases.calendar import Limit
from server.cases.catalogue import read_catalogue
from server.cases.rulebook import Draft, Listed, listed_rules, retire, save
from server.cases.tables import HOURS, LIMIT_UNITS, SOURCES
from server.grounds import ground_at
from server.transaction import Transaction, transaction
from sync.collections.fields import Text
from sync.collections.issues import SEVERITIES

blueprint = Blueprint("rules", __name__, url_prefix="/v1", description="派遣规则与类别 · routing rules and categories")

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


class RuleSchema(Schema):
    """A rule in force, by the codes that people know."""

    id = fields.Integer(required=True)
    label = fields.String(required=True)
    category = fields.String(required=True, allow_none=True)
    area = fields.String(required=True, allow_none=True)
    severity = fields.String(required=True, allow_none=True)
    hours = fields.String(required=True)
    source = fields.String(required=True, allow_none=True)
    lead_body = fields.String(required=True)
    assisting = fields.List(fields.String(), required=True)
    limit = fields.Dict(required=True, allow_none=True)
    tier = fields.String(required=True, allow_none=True)


class RulesSchema(Schema):
    """All rules in force."""

    rules = fields.List(fields.Nested(RuleSchema), required=True)


class CatalogueSchema(Schema):
    """The catalogue: first levels of two digits, categories of four."""

    categories = fields.List(fields.Dict(), required=True)


@blueprint.get("/categories")
@access("anyone: the catalogue is about nobody")
@blueprint.response(200, CatalogueSchema)
def catalogue() -> Response:
    """Return all active categories, with when to file and close, limits, and who handles them by default."""
    with transaction() as tx:
        return fresh_json({"categories": read_catalogue(tx.session)})


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
    now = dt.datetime.now(dt.UTC)
    with transaction() as tx:
        _require_charge(tx, draft.area, now)
        made = save(tx.session, draft, author_id=calling_charge().person_id, now=now)
        [listed] = listed_rules(tx.session, made.id)
    return _rule_json(listed)


@blueprint.delete("/rules/<int:rule_id>")
@staff_required(*RULING, over="rules for areas in their charge")
@blueprint.response(204)
def retire_rule(rule_id: int) -> None:
    """Take a rule out of force. Past decisions keep naming it."""
    now = dt.datetime.now(dt.UTC)
    with transaction() as tx:
        for listed in listed_rules(tx.session, rule_id):
            _require_charge(tx, listed.draft.area, now)
        retire(tx.session, rule_id, now)


def _require_charge(tx: Transaction, area: str | None, now: dt.datetime) -> None:
    """Raise ``OutsideCharge`` unless the caller may rule for this area (None: the whole city).

    In a city without a ground yet only rules for the whole city can be made, by anybody who may make rules.
    """
    ground = ground_at(tx.session)(now)
    charge: Charge = calling_charge()
    if ground is None or reach(charge, ground).duty_everywhere:
        return
    found = next((each.id for each in ground.areas.values() if each.code == area), None)
    if found is None or not area_in_charge(ground, found, charge.duty_area_ids):
        raise OutsideCharge(what="area", area=area)


def _rule_json(listed: Listed) -> dict[str, Any]:
    draft = listed.draft
    return {
        "id": listed.id,
        "label": draft.label,
        "category": draft.category,
        "area": draft.area,
        "severity": draft.severity,
        "hours": draft.hours,
        "source": draft.source,
        "lead_body": draft.lead_body,
        "assisting": list(draft.assisting),
        "limit": draft.limit and {"value": draft.limit.value, "unit": draft.limit.unit},
        "tier": draft.tier,
    }
