"""/v1/sync: the ground of a worker beside the records on it: the grids around, and what came and went. Knows no SQL."""

import datetime as dt
from dataclasses import asdict
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server import clock
from server.api.moments import moment_field
from server.database.ground_cache import ground_now
from server.database.transaction import transaction
from server.http.auth import calling_device, device_required
from server.http.fresh import fresh_json
from sync.access.scope import current_scope
from sync.pull.neighbours import neighbours
from sync.pull.scope_changes import scope_changes

blueprint = Blueprint("scope", __name__, url_prefix="/v1/sync", description="网格员的地面 · the ground of a worker")
SCOPE_CHANGES_FOR = dt.timedelta(days=30)


class NeighbourSchema(Schema):
    """A grid that is not the phone's; ``geometry``: GeoJSON in WGS-84."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    geometry = fields.Raw(required=True, metadata={"type": "object"})


class NeighboursSchema(Schema):
    """The grids around those in scope, by an edition of the ground."""

    edition = fields.Integer(required=True)
    grids = fields.List(fields.Nested(NeighbourSchema), required=True)


@blueprint.get("/neighbours")
@device_required()
@blueprint.response(200, NeighboursSchema, description="Under an ETag")
def neighbouring_grids() -> Response:
    """Return the grids around the phone's own, without what lies in them: to be drawn, and named where it reports."""
    now = clock.now()
    device = calling_device()
    with transaction() as tx:
        ground = ground_now(tx.session, device.ground_serial)
        scope = current_scope(tx.session, device, ground, now)
        grids = [asdict(each) for each in neighbours(tx.session, ground, scope)]
    return fresh_json({"edition": ground.number, "grids": grids})


class ScopeChangesQuerySchema(Schema):
    """Since when; left out, of the last 30 days."""

    after = moment_field(load_default=None)


class GridChangeSchema(Schema):
    """A grid that came, went or has other borders; ``others``: those that its ground came from or went to."""

    at = fields.AwareDateTime(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    change = fields.String(required=True, validate=validate.OneOf(("came", "went", "reshaped")))
    why = fields.String(required=True, validate=validate.OneOf(("redrawn", "assigned")))
    others = fields.List(fields.String(), required=True)


class ScopeChangesSchema(Schema):
    """What changed in the scope of the device's person, in the order of its time."""

    server_time = fields.AwareDateTime(required=True)
    changes = fields.List(fields.Nested(GridChangeSchema), required=True)


@blueprint.get("/scope-changes")
@device_required()
@blueprint.arguments(ScopeChangesQuerySchema, location="query")
@blueprint.response(200, ScopeChangesSchema)
def what_came_and_went(query: dict[str, Any]) -> dict[str, Any]:
    """Return which grids came and went, and whether by a redraw or by another assignment."""
    now = clock.now()
    device = calling_device()
    with transaction() as tx:
        current_scope(tx.session, device, ground_now(tx.session, device.ground_serial), now)
        after = query["after"] or now - SCOPE_CHANGES_FOR
        changes = [asdict(each) for each in scope_changes(tx.session, device.person_id, after=after, now=now)]
    return {"server_time": now, "changes": changes}
