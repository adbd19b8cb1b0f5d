"""/v1/bodies: the bodies that cases can be given to, for staff who choose among them. Knows no SQL."""

from dataclasses import asdict

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from server.cases.lists.bodies import list_bodies
from server.cases.routing.retiring import retire
from server.database.transaction import transaction
from server.http.auth import staff_required
from server.http.fresh import fresh_json
from server.http.in_charge import require_city

blueprint = Blueprint("bodies", __name__, url_prefix="/v1", description="承办单位 · bodies that handle cases")


class ListedBodySchema(Schema):
    """One body by its code and names."""

    code = fields.String(required=True)
    kind = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class ListedBodiesSchema(Schema):
    """All bodies, those that handle most kinds of case first."""

    bodies = fields.List(fields.Nested(ListedBodySchema), required=True)


@blueprint.get("/bodies")
@staff_required(over="all bodies; they are about nobody")
@blueprint.response(200, ListedBodiesSchema)
def bodies() -> Response:
    """Return the bodies that a case can be given to."""
    with transaction() as tx:
        return fresh_json({"bodies": [asdict(each) for each in list_bodies(tx.session)]})


@blueprint.delete("/bodies/<string:code>")
@staff_required("admin", over="the whole city")
@blueprint.response(204)
def retire_body(code: str) -> None:
    """Retire a body, so that no case is given to it any more; 409 with its open cases, and what would give it some."""
    with transaction() as tx:
        require_city(tx)
        retire(tx.session, code, tx.now)
