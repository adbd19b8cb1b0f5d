"""/v1/desk: the cases of the caller's body, by pages and one in full. Knows no SQL."""

import uuid
from dataclasses import asdict
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server import clock
from server.api.issue_schemas import LIGHTS, Listed
from server.cases.lists.desk import DeskCase, Wanted, list_cases, read_case
from server.database.transaction import transaction
from server.http.auth import calling_charge, staff_required
from server.http.fresh import fresh_json
from server.http.keyset import opened, sealed
from sync.collections.issues import SEVERITIES, STATES

blueprint = Blueprint("desk", __name__, url_prefix="/v1/desk", description="承办台 · the desk of a handling body")


class DeskSchema(Schema):
    """The query of one page of the desk."""

    part = fields.String(load_default=None, validate=validate.OneOf(("lead", "assisting")))
    progress = fields.String(load_default="open", validate=validate.OneOf(("open", "closed", "all")))
    light = Listed(validate.OneOf(LIGHTS), load_default=list)
    state = Listed(validate.OneOf(STATES), load_default=list)
    category = Listed(validate.Regexp(r"^[0-9]{2}([0-9]{2})?$"), load_default=list)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))


class CaseSchema(Schema):
    """One case at a desk. Where it is ``masked``, description, address, place and routing are null."""

    id = fields.UUID(required=True)
    number = fields.String(required=True, allow_none=True)
    part = fields.String(required=True, validate=validate.OneOf(("lead", "assisting")))
    lead = fields.String(required=True, metadata={"description": "code of the body that leads"})
    category = fields.Dict(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    severity = fields.String(required=True, validate=validate.OneOf(SEVERITIES))
    light = fields.String(required=True, validate=validate.OneOf(LIGHTS))
    light_due_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "when the clock runs out that the light is of"}
    )
    light_stage = fields.String(required=True, allow_none=True)
    private = fields.Boolean(required=True)
    masked = fields.Boolean(required=True)
    description = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    location = fields.Dict(required=True, allow_none=True, metadata={"description": "lon, lat in WGS-84 degrees"})
    grid = fields.Dict(required=True, allow_none=True)
    captured_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True, allow_none=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    routing = fields.Dict(required=True, allow_none=True, metadata={"description": "the newest decision, with reasons"})


class CasesSchema(Schema):
    """A page of cases; ``cursor`` is null on the last."""

    cases = fields.List(fields.Nested(CaseSchema), required=True)
    cursor = fields.String(required=True, allow_none=True)


class FolderSchema(CaseSchema):
    """One case in full: with every decision, and what the caller's body was told of it, newest first."""

    decisions = fields.List(fields.Dict(), required=True)
    deliveries = fields.List(fields.Dict(), required=True)


@blueprint.get("/cases")
@staff_required("handler", over="the cases that their body leads or assists")
@blueprint.arguments(DeskSchema, location="query")
@blueprint.response(200, CasesSchema)
def page_of_cases(query: dict[str, Any]) -> Response:
    """Return one page of the cases of the caller's body, the nearest deadline first."""
    wanted = Wanted(
        part=query["part"],
        progress=query["progress"],
        lights=tuple(query["light"]),
        states=tuple(query["state"]),
        categories=tuple(query["category"]),
    )
    with transaction() as tx:
        page = list_cases(
            tx.session,
            sorted(calling_charge().organisation_ids),
            wanted,
            after=opened(query["cursor"]),
            limit=query["limit"],
            now=clock.now(),
        )
    return fresh_json({"cases": [case_json(each) for each in page.cases], "cursor": sealed(page.after)})


@blueprint.get("/cases/<uuid:issue_id>")
@staff_required("handler", over="the cases that their body leads or assists")
@blueprint.response(200, FolderSchema)
def one_case(issue_id: uuid.UUID) -> Response:
    """Return one case of the caller's body in full."""
    with transaction() as tx:
        bodies = sorted(calling_charge().organisation_ids)
        folder = read_case(tx.session, issue_id, bodies, now=clock.now())
    more = {
        "decisions": [asdict(step) for step in folder.decisions],
        "deliveries": [asdict(told) for told in folder.deliveries],
    }
    return fresh_json(case_json(folder.case) | more)


def case_json(case: DeskCase) -> dict[str, Any]:
    """Return a case as JSON."""
    return {
        "id": case.id,
        "number": case.number,
        "part": case.part,
        "lead": case.lead,
        "category": {"code": case.category, "name_zh": case.category_zh, "name_en": case.category_en},
        "state": case.state,
        "severity": case.severity,
        "light": case.light,
        "light_due_at": case.light_due_at,
        "light_stage": case.light_stage,
        "private": case.private,
        "masked": case.masked,
        "description": case.description,
        "address": case.address,
        "location": None if case.lon is None else {"lon": case.lon, "lat": case.lat, "datum": "wgs84"},
        "grid": None if case.grid is None else {"code": case.grid, "name": case.grid_name},
        "captured_at": case.captured_at,
        "due_at": case.due_at,
        "closed_at": case.closed_at,
        "routing": case.routing,
    }
