"""/ogc/collections/draft-.../items: features put into drafts and taken away, as OGC API Features part 4 has it.

Parses, does one operation of ``server.grids`` a request, answers without a body. No program is made to say which
version it saw; one that does (If-Match) is held to it. Knows no SQL.
"""

import datetime as dt
from typing import Any

from flask import Response, abort, request
from marshmallow import ValidationError

from geo.errors import InvalidQuestion
from geo.features import read_standing
from server.accounts.charge import areas_of_role
from server.accounts.errors import OutsideCharge
from server.auth import calling_charge, calling_staff, staff_required
from server.grids import drafts
from server.grids.errors import AreaNotYours
from server.grids.numbering import Numbers
from server.grids.rights import require_charge
from server.grids.tables import Draft
from server.grounds import ground_at
from server.ogc.collections import Collection, find
from server.ogc.routes import DRAWING, blueprint, draws, root
from server.ogc.sent import SentFeature, read_feature
from server.transaction import Transaction, transaction

_DRAWING = "drafts, in the areas that they are GIS staff of"
_READ = ("GET", "HEAD", "OPTIONS")
_ITEMS = "/collections/<collection_id>/items"


@blueprint.route(_ITEMS, methods=["OPTIONS"], provide_automatic_options=False)
@staff_required(over="the ground, which is no secret to staff", by_password=True)
def items_options(collection_id: str) -> Response:
    """Return what may be done with a collection's items."""
    return _allowed(collection_id, "POST")


@blueprint.route(f"{_ITEMS}/<feature_id>", methods=["OPTIONS"], provide_automatic_options=False)
@staff_required(over="the ground, which is no secret to staff", by_password=True)
def item_options(collection_id: str, feature_id: str) -> Response:  # noqa: ARG001  # of any id, also of none yet
    """Return what may be done with a single feature, whether it is there or not."""
    return _allowed(collection_id, "PUT", "PATCH", "DELETE")


@blueprint.post(_ITEMS)
@staff_required(DRAWING, over=_DRAWING, by_password=True)
def create(collection_id: str) -> Response:
    """Put an area into a draft."""
    with transaction() as tx:
        of, draft = _locked(tx, collection_id)
        sent = read_feature(request)
        given = _added(of, sent)
        _do(tx, draft, "add", given)
        number = Numbers(tx.session, drafts.drawn(tx.session, draft)).of([given["code"]])[given["code"]]
    made = Response(status=201)
    made.headers["Location"] = f"{root()}/collections/{of.id}/items/{number}"
    return made


def _allowed(collection_id: str, *writing: str) -> Response:
    with transaction() as tx:
        of = find(tx.session, read_standing(tx.session), collection_id)
        if of is None:
            abort(404)
        methods = (*_READ, *(writing if of.is_writable and draws() else ()))
    answer = Response(status=204)
    answer.headers["Allow"] = ", ".join(methods)
    return answer


def _locked(tx: Transaction, collection_id: str) -> tuple[Collection, Draft]:
    """Return a collection that can be written, and its draft, locked."""
    of = find(tx.session, read_standing(tx.session), collection_id)
    if of is None:
        abort(404)
    if of.draft is None:
        abort(405)
    return of, drafts.lock(tx.session, of.draft.id, "any")


def _do(tx: Transaction, draft: Draft, kind: str, given: dict[str, Any]) -> None:
    """Do one operation in the caller's areas. Raises AreaNotYours, and the errors of ``drafts.do``."""
    now = dt.datetime.now(dt.UTC)
    _, step = drafts.do(tx.session, draft, kind, given, author=calling_staff().login, now=now)
    tops = areas_of_role(tx.session, calling_charge().person_id, DRAWING, now=now)
    try:
        require_charge(ground_at(tx.session)(now), tops, [step.operation])
    except OutsideCharge as error:
        raise AreaNotYours(error.data.get("area")) from error


def _added(of: Collection, sent: SentFeature) -> dict[str, Any]:
    missing = {name: ["Missing data for required field."] for name in ("code", "name") if name not in sent.properties}
    if missing:
        raise ValidationError({"properties": missing})
    _require_kind(of, sent)
    given = {name: sent.properties[name] for name in ("code", "name", "parent") if sent.properties.get(name)}
    return given | {"area_kind": of.kind, "polygon": sent.geometry}


def _require_kind(of: Collection, sent: SentFeature) -> None:
    if sent.properties.get("kind") not in (None, of.kind):
        raise InvalidQuestion("kind", of.kind or "")
