"""/ogc: OGC API Features and Tiles for GIS programs. Parses, asks ``geo.serving.features`` once, renders.

Every answer is for signed-in staff, by session or by application password. What is said of the ground carries an
ETag of the edition, answered before any polygon is read: an edition never changes, and another one has another tag.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from flask import Blueprint, Response, abort, current_app, request
from sqlalchemy.orm import Session

from geo.serving.area_pages import AreaQuestion, count_areas, read_area_extent, read_area_page
from geo.serving.features import (
    WGS84,
    EditionInForce,
    FeaturePage,
    Layer,
    area_layer,
    count_matched,
    read_extent,
    read_feature,
    read_outlines,
    read_page,
    read_standing,
    read_standing_at_once,
)
from server import clock
from server.accounts.errors import RoleMissing
from server.database.extensions import settings
from server.database.transaction import reading, transaction
from server.grids import drafts
from server.http.auth import calling_charge, staff_required
from server.ogc import documents
from server.ogc.answers import ground_answer, json_answer
from server.ogc.collections import Collection, find, known_ground, layer_of, listed, names_ground, properties_of
from server.ogc.matching import standing_area
from server.ogc.questions import PlainQuestion, format_of, frame_of, known_key, plain_question_of, question_of
from sync.sql.statements import Reader

blueprint = Blueprint("ogc", __name__, url_prefix="/ogc")
_GROUND = "the ground, which is no secret to staff; drafts for GIS staff; issues and visits in their charge"
_KEPT = 2_000
DRAWING = "gis"


def _asks_ground(collection_id: str, **_others: str) -> bool:
    """Return whether an answer is the same for all staff; drafts and records need the charge of who asks."""
    return names_ground(collection_id)


def root() -> str:
    """Return the address of the landing page as this program reaches it: links must lead back by the same way."""
    public = settings().public_url
    here = public if urlsplit(public).netloc == request.host else request.host_url.rstrip("/")
    return f"{here}/ogc"


@blueprint.after_request
def ask_for_password(response: Response) -> Response:
    """Tell a program that is not signed in how it may."""
    if response.status_code == 401:  # noqa: PLR2004
        response.headers["WWW-Authenticate"] = 'Basic realm="GridPatrol", charset="UTF-8"'
    return response


@blueprint.get("")
@blueprint.get("/", endpoint="landing_slash")
@staff_required(over=_GROUND, by_password=True)
def landing() -> Response:
    """Return the landing page."""
    format_of(request.args)
    return json_answer(documents.landing(root()))


@blueprint.get("/conformance")
@staff_required(over=_GROUND, by_password=True)
def conformance() -> Response:
    """Return what is conformed to."""
    return json_answer({"conformsTo": list(documents.CONFORMANCE)})


@blueprint.get("/api")
@staff_required(over=_GROUND, by_password=True)
def api_document() -> Response:
    """Return the OpenAPI document, with the paths of each collection."""
    with transaction() as tx:
        found = listed(tx.session, read_standing(tx.session), with_drafts=draws())
        columns = {each.id: properties_of(tx.session, each, calling_charge(), tx.now) for each in found}
    return json_answer(documents.api(root(), found, columns), documents.OPENAPI)


@blueprint.get("/collections")
@staff_required(over=_GROUND, by_password=True)
def collections() -> Response:
    """Return the collections."""
    with transaction() as tx:
        standing = read_standing(tx.session)
        found = listed(tx.session, standing, with_drafts=draws())
        # Records lie in the city; which of them the caller may see is asked of each collection.
        of_records = standing.edition or 0
        outlines = read_outlines(tx.session, {each.edition or of_records for each in found})
        extents = {each.id: outlines.get(each.edition or of_records) for each in found}
        return json_answer(documents.collections(root(), found, extents))


@blueprint.get("/collections/<collection_id>")
@staff_required(over=_GROUND, by_password=True)
def collection(collection_id: str) -> Response:
    """Return one collection, with its extent."""
    with transaction() as tx:
        of, layer, _ = _found(tx.session, collection_id)
        return json_answer(documents.collection(root(), of, read_extent(tx.session, layer)))


@blueprint.get("/collections/<collection_id>/schema")
@staff_required(over=_GROUND, by_password=True)
def schema(collection_id: str) -> Response:
    """Return the schema of a collection's features."""
    return _schema(collection_id, queryables=False)


@blueprint.get("/collections/<collection_id>/queryables")
@staff_required(over=_GROUND, by_password=True)
def queryables(collection_id: str) -> Response:
    """Return what a collection's features can be asked by."""
    return _schema(collection_id, queryables=True)


def _schema(collection_id: str, *, queryables: bool) -> Response:
    with transaction() as tx:
        of, layer, _ = _found(tx.session, collection_id)
    return json_answer(documents.schema(root(), of, layer.properties, queryables=queryables), documents.SCHEMA)


@blueprint.get("/collections/<collection_id>/items", provide_automatic_options=False)
@staff_required(over=_GROUND, by_password=True, remembered=_asks_ground)
def items(collection_id: str) -> Response:
    """Return a page of features as GeoJSON."""
    plain = _plain_items(collection_id) if names_ground(collection_id) else None
    if plain is not None:
        return plain
    with transaction() as tx:
        of, layer, standing = _found(tx.session, collection_id)
        asked = question_of(request.args, layer)

        def make() -> bytes:
            page = read_page(
                tx.session, layer, asked.conditions, after=asked.after, limit=asked.limit, frame=asked.frame
            )
            count = partial(count_matched, tx.session, layer, asked.conditions)
            return _written(of, page, _matched(of, page, asked.after, _key_of(of, standing), count))

        answer = ground_answer(of, standing, make, content_type=documents.GEOJSON)
    answer.headers["Content-Crs"] = f"<{asked.crs}>"
    return answer


@blueprint.get("/collections/<collection_id>/items/<feature_id>", provide_automatic_options=False)
@staff_required(over=_GROUND, by_password=True, remembered=_asks_ground)
def item(collection_id: str, feature_id: str) -> Response:
    """Return one feature as GeoJSON."""
    with transaction() as tx:
        of, layer, standing = _found(tx.session, collection_id)
        frame, crs = frame_of(request.args)
        key = known_key(feature_id, layer)
        found = None if key is None else read_feature(tx.session, layer, key, frame)
        if found is None:
            abort(404)
        here = f"{root()}/collections/{of.id}"
        links = [
            documents.link("self", f"{here}/items/{feature_id}", documents.GEOJSON),
            documents.link("collection", here),
        ]
        whole = b"".join((found[:-1], b',"links":', msgspec.json.encode(links), b"}"))
        tag = _item_tag(tx.session, of, feature_id)
        answer = ground_answer(of, standing, lambda: whole, content_type=documents.GEOJSON, tag=tag)
    answer.headers["Content-Crs"] = f"<{crs}>"
    return answer


def _item_tag(session: Session, of: Collection, feature_id: str) -> str | None:
    """Return the tag by which a feature of a draft may be written over."""
    if of.draft is None:
        return None
    return standing_area(session, of, drafts.find(session, of.draft.id), feature_id).tag


def _plain_items(collection_id: str) -> Response | None:
    """Return a page of areas as maps ask for it, by the driver alone; None where more is asked, or not known yet."""
    with reading() as reader:
        standing = read_standing_at_once(reader)
        of = known_ground(standing, collection_id)
        if of is None or of.edition is None:
            return None
        asked = plain_question_of(request.args, area_layer(of.edition, of.kind))
        if asked is None:
            return None
        box = _narrowing(reader, standing, of, asked)
        areas = AreaQuestion(of.edition, of.kind, asked.frame, asked.box_frame if box else None)

        def make() -> bytes:
            page = read_area_page(reader, areas, box, after=asked.after, limit=asked.limit)
            key = (standing.epoch, areas.edition, areas.kind, areas.box, box)
            return _written(of, page, _matched(of, page, asked.after, key, partial(count_areas, reader, areas, box)))

        answer = ground_answer(of, standing, make, content_type=documents.GEOJSON)
    answer.headers["Content-Crs"] = f"<{asked.crs}>"
    return answer


def _found(session: Session, collection_id: str) -> tuple[Collection, Layer, EditionInForce]:
    standing = read_standing(session)
    of = find(session, standing, collection_id)
    if of is None:
        abort(404)
    if of.draft is not None and not draws():
        raise RoleMissing(roles=[DRAWING])
    if of.edition is not None and of.draft is None:
        return of, area_layer(of.edition, of.kind), standing
    return of, layer_of(session, of, calling_charge(), clock.now()), standing


def draws() -> bool:
    """Return whether the caller is of those who see and write drafts."""
    return DRAWING in calling_charge().roles


def _narrowing(reader: Reader, standing: EditionInForce, of: Collection, asked: PlainQuestion) -> tuple[float, ...]:
    """Return the box that was asked for; none where all of the ground lies in it, which is read faster without."""
    if asked.box is None:
        return ()
    if asked.box_frame.srid != WGS84:
        return asked.box
    extents: Kept = current_app.extensions.setdefault("ogc_extents", OrderedDict())
    extent = _kept(
        extents, (standing.epoch, of.edition, of.kind), lambda: read_area_extent(reader, of.edition or 0, of.kind)
    )
    west, south, east, north = asked.box
    holds_all = extent and west <= extent[0] and south <= extent[1] and east >= extent[2] and north >= extent[3]
    return () if holds_all else asked.box


Kept = OrderedDict[Hashable, Any]


def _kept(book: Kept, key: Hashable, read: Callable[[], Any]) -> Any:
    if key not in book:
        book[key] = read()
        if len(book) > _KEPT:
            book.popitem(last=False)
    return book[key]


def _matched(of: Collection, page: FeaturePage, after: Any, key: Hashable, count: Callable[[], int]) -> int:
    """Return how many features match in all; what was counted of an edition stays so, and is kept."""
    if after is None and not page.more:
        return page.returned
    if not of.is_ground:
        return count()
    counts: Kept = current_app.extensions.setdefault("ogc_counts", OrderedDict())
    return int(_kept(counts, key, count))


def _key_of(of: Collection, standing: EditionInForce) -> Hashable:
    shown = sorted((name, value) for name, value in request.args.items() if name not in ("limit", "after", "crs"))
    return standing.epoch, of.state, of.kind, urlencode(shown)


def _written(of: Collection, page: FeaturePage, matched: int) -> bytes:
    here = f"{root()}/collections/{of.id}"
    links = [
        documents.link("self", _address(here, request.args), documents.GEOJSON),
        documents.link("collection", here),
    ]
    if page.more and page.last is not None:
        following = _address(here, {**request.args, "after": page.last})
        links.append(documents.link("next", following, documents.GEOJSON))
    head = f'{{"type":"FeatureCollection","numberMatched":{matched},"numberReturned":{page.returned},"links":'
    return b"".join((head.encode(), msgspec.json.encode(links), b',"features":[', page.features, b"]}"))


def _address(here: str, args: Mapping[str, Any]) -> str:
    query = urlencode(dict(args))
    return f"{here}/items?{query}" if query else f"{here}/items"
