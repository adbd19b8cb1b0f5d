"""/ogc/collections/draft-.../items: features put into drafts and taken away, as OGC API Features part 4 has it.

Parses, does one operation of ``server.grids`` a request, answers without a body. No program is made to say which
version it saw; one that does (If-Match) is held to it. Knows no SQL.
"""

from collections.abc import Callable
from typing import Any

import shapely
from flask import Request, Response, abort, request
from marshmallow import ValidationError
from werkzeug.exceptions import MethodNotAllowed

from geo.geometry.shapes import polygon_of
from geo.redraw import AreaShape
from geo.redraw.layer import to_units
from geo.serving.features import read_standing
from server import clock
from server.accounts.errors import OutsideCharge
from server.database.transaction import Transaction, transaction
from server.grids import drafts
from server.grids.errors import AreaNotYours, OperationRefused
from server.grids.numbering import Numbers
from server.grids.rights import Drawer, owner_of
from server.grids.tables import Draft
from server.http.auth import calling_charge, calling_staff, staff_required
from server.ogc.collections import Collection, find
from server.ogc.matching import StandingArea, draft_tag, require_match, standing_area
from server.ogc.routes import DRAWING, blueprint, draws, root
from server.ogc.sent import SentFeature, read_feature, read_patch

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
        require_match(request, draft_tag(draft))
        sent = read_feature(request)
        given = _added(of, sent)
        _do(tx, draft, "add", given)
        number = Numbers(tx.session, drafts.drawn(tx.session, draft)).of([given["code"]])[given["code"]]
    made = Response(status=201)
    made.headers["Location"] = f"{root()}/collections/{of.id}/items/{number}"
    return made


@blueprint.put(f"{_ITEMS}/<feature_id>")
@staff_required(DRAWING, over=_DRAWING, by_password=True)
def put(collection_id: str, feature_id: str) -> Response:
    """Draw an area of a draft anew, and name it."""
    return _changed(collection_id, feature_id, read_feature)


@blueprint.patch(f"{_ITEMS}/<feature_id>")
@staff_required(DRAWING, over=_DRAWING, by_password=True)
def patch(collection_id: str, feature_id: str) -> Response:
    """Draw an area of a draft anew, or name it, or put it under another; what is not said stays."""
    return _changed(collection_id, feature_id, read_patch)


@blueprint.delete(f"{_ITEMS}/<feature_id>")
@staff_required(DRAWING, over=_DRAWING, by_password=True)
def delete(collection_id: str, feature_id: str) -> Response:
    """Take an area away from a draft."""
    with transaction() as tx:
        of, draft = _locked(tx, collection_id)
        _do(tx, draft, "retire", {"code": _there(tx, of, draft, feature_id).code})
    return Response(status=204)


def _there(tx: Transaction, of: Collection, draft: Draft, feature_id: str) -> StandingArea:
    """Return the area that a feature is, as it stands. Raises PreconditionFailed where If-Match names another state."""
    area = standing_area(tx.session, of, draft, feature_id)
    require_match(request, area.tag, draft_tag(draft))
    return area


def _changed(collection_id: str, feature_id: str, read: Callable[[Request], SentFeature]) -> Response:
    with transaction() as tx:
        of, draft = _locked(tx, collection_id)
        area = _there(tx, of, draft, feature_id)
        change = _change(of, area, read(request))
        if change is not None:
            _do(tx, draft, *change)
    return Response(status=204)


def _change(of: Collection, area: StandingArea, sent: SentFeature) -> tuple[str, dict[str, Any]] | None:
    """Return the one operation that makes an area what was sent; None where it is that already."""
    _require_kind(of, sent)
    if sent.properties.get("code", area.code) != area.code:
        raise OperationRefused("code", "code-for-life")
    named = {
        name: sent.properties[name]
        for name, now in (("name", area.tract.name), ("parent", area.tract.parent_code))
        if sent.properties.get(name, now) != now
    }
    drawn = sent.geometry if sent.geometry is not None and not _is_ground_of(area.tract, sent.geometry) else None
    if drawn is None and not named:
        return None
    if drawn is None and list(named) == ["name"]:
        return "rename", {"code": area.code, **named}
    if drawn is None and list(named) == ["parent"] and named["parent"]:
        return "reassign", {"code": area.code, **named}
    polygon = drawn or shapely.geometry.mapping(area.tract.polygon)
    return "replace", {"alone": True, "areas": [{"code": area.code, "polygon": polygon, **named}]}


def _is_ground_of(tract: AreaShape, geometry: dict[str, Any]) -> bool:
    """Whether a polygon (GeoJSON), whole units of 1e-8 degree, is that of an area, whatever its type and direction."""
    sent, now = to_units([polygon_of(geometry), tract.polygon])
    one, other = (shapely.normalize(shapely.multipolygons(shapely.get_parts(each))) for each in (sent, now))
    return bool(shapely.equals_identical(one, other))


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
        raise MethodNotAllowed(valid_methods=_READ)
    return of, drafts.lock(tx.session, of.draft.id, "any")


def _do(tx: Transaction, draft: Draft, kind: str, given: dict[str, Any]) -> None:
    """Do one operation in the caller's areas. Raises AreaNotYours, and the errors of ``drafts.do``."""
    now = clock.now()
    ground = tx.ground()
    drawer = Drawer(calling_staff().login, calling_charge().areas(DRAWING), ground)
    try:
        drawer.require_discarding(tx.session, draft)
        drafts.do(tx.session, draft, kind, given, author=drawer.login, now=now)
        drawer.require_done(tx.session, draft, owner_of(tx.session, draft, ground, now=now))
    except OutsideCharge as error:
        raise AreaNotYours(error.data.get("area")) from error


def _added(of: Collection, sent: SentFeature) -> dict[str, Any]:
    missing = {name: ["Missing data for required field."] for name in ("code", "name") if name not in sent.properties}
    if missing:
        raise ValidationError({"properties": missing})
    _require_kind(of, sent)
    given = {name: sent.properties[name] for name in ("code", "name", "parent") if sent.properties.get(name)}
    return given | {"area_kind": of.kind, "polygon": sent.geometry, "alone": True}


def _require_kind(of: Collection, sent: SentFeature) -> None:
    if sent.properties.get("kind") not in (None, of.kind):
        raise OperationRefused("kind", "other-kind")
