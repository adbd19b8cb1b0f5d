"""POST /v1/enrolments: staff hand a worker of theirs a code that enrols one phone. Knows no SQL."""

import io
from typing import Any

import segno
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server.accounts.charge import ENROLLING
from server.accounts.service import enrol_worker
from server.database.extensions import settings
from server.database.transaction import transaction
from server.http.auth import calling_charge, staff_required
from sync.collections.fields import Text

blueprint = Blueprint("enrolments", __name__, url_prefix="/v1/enrolments", description="登记码 · enrolment codes")


class WorkerSchema(Schema):
    """Whose phone it will be."""

    worker = Text(required=True, validate=validate.Length(min=1, max=100), metadata={"description": "login"})


class CodeSchema(Schema):
    """A code that works once. ``qr_svg`` holds ``url``."""

    code = fields.String(required=True)
    url = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    qr_svg = fields.String(required=True)


@blueprint.post("")
@staff_required(*ENROLLING, over="those who do field work in their areas alone")
@blueprint.arguments(WorkerSchema)
@blueprint.response(201, CodeSchema)
def make_code(sent: dict[str, Any]) -> dict[str, Any]:
    """Make a code for a worker in the caller's charge; it works as long as the worker is in it."""
    config = settings()
    with transaction() as tx:
        ground = tx.ground()
        code = enrol_worker(
            tx.session, sent["worker"], now=tx.now, ttl=config.enrolment_ttl, ground=ground, by=calling_charge()
        )
    url = enrolment_url(config.public_url, code.text)
    return {"code": code.text, "url": url, "expires_at": code.expires_at, "qr_svg": qr_svg(url)}


def enrolment_url(public_url: str, code: str) -> str:
    """Return what the QR code holds. The code stands behind the #: it is never sent, and so never logged."""
    return f"{public_url}/enrol#{code}"


def qr_svg(text: str) -> str:
    """Return an SVG picture, without an XML declaration, four modules of quiet zone around it."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", xmldecl=False, border=4, light="#ffffff", omitsize=True)
    return out.getvalue().decode()
