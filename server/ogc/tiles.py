"""/ogc/.../tiles: the areas of a kind as vector tiles, with the documents that programs find them by.

A tile's address with ``edition`` and ``epoch`` is for ever; the one without shows the edition in force and is asked
again each time, at the price of a 304. Knows no SQL.
"""

from typing import Any

from flask import Response, abort, request
from sqlalchemy.orm import Session

from geo.errors import InvalidQuestion
from geo.serving.features import EditionInForce, area_layer, read_extent, read_standing
from geo.serving.simplified import MAX_ZOOM
from geo.serving.tiles import TileAddress, TileName
from server.database.transaction import transaction
from server.http.auth import staff_required
from server.ogc.answers import json_answer
from server.ogc.collections import Collection, find
from server.ogc.documents import MVT, TILED, Json, link
from server.ogc.routes import blueprint, root
from server.tiles.answers import tile_answer

_SCHEME = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
_TOP_LEFT = 20037508.3427892
_ZERO_SCALE, _PIXEL_M, _TILE_PIXELS = 559082264.028717, 0.00028, 256
AREAS = "areas-"
_GROUND = "the ground alone, which is no secret: tiles hold no issues"


@blueprint.get("/tileMatrixSets")
@staff_required(over=_GROUND, by_password=True)
def tile_matrix_sets() -> Response:
    """Return the tilings that are spoken."""
    linked = [link("self", f"{root()}/tileMatrixSets/{TILED}")]
    return json_answer({"tileMatrixSets": [{"id": TILED, "title": TILED, "uri": _SCHEME, "links": linked}]})


@blueprint.get(f"/tileMatrixSets/{TILED}")
@staff_required(over=_GROUND, by_password=True)
def tile_matrix_set() -> Response:
    """Return the tiling of web maps, level by level."""
    levels = [_level(zoom) for zoom in range(MAX_ZOOM + 1)]
    crs = "http://www.opengis.net/def/crs/EPSG/0/3857"
    return json_answer(
        {"id": TILED, "uri": _SCHEME, "title": TILED, "crs": crs, "orderedAxes": ["X", "Y"], "tileMatrices": levels}
    )


@blueprint.get("/collections/<collection_id>/tiles")
@staff_required(over=_GROUND, by_password=True)
def tile_sets(collection_id: str) -> Response:
    """Return the tilings of a collection."""
    with transaction() as tx:
        of, _ = _tiled(tx.session, collection_id)
    return json_answer({"links": [link("self", _here(of))], "tilesets": [_tile_set(of)]})


@blueprint.get(f"/collections/<collection_id>/tiles/{TILED}")
@staff_required(over=_GROUND, by_password=True)
def tile_set(collection_id: str) -> Response:
    """Return what is said of a collection's tiles; as TileJSON where ``f=tilejson``."""
    asked = request.args.get("f", "json")
    if asked not in ("json", "tilejson"):
        raise InvalidQuestion("f", "json, tilejson")
    with transaction() as tx:
        of, standing = _tiled(tx.session, collection_id)
        bounds = read_extent(tx.session, area_layer(of.edition or 0, of.kind))
    return json_answer(_tile_json(of, standing, bounds) if asked == "tilejson" else _tile_set(of))


@blueprint.get(f"/collections/<collection_id>/tiles/{TILED}/<int:z>/<int:y>/<int:x>")
@staff_required(over=_GROUND, by_password=True, remembered=True)
def tile(collection_id: str, z: int, y: int, x: int) -> Response:
    """Return a Mapbox Vector Tile; an empty body where nothing lies."""
    address = TileAddress(z, x, y)
    if not address.exists:
        abort(404)
    edition = _asked_edition()
    if edition is not None:
        epoch, kind = request.args.get("epoch"), collection_id.removeprefix(AREAS)
        # Without the city's life the number of an edition means nothing.
        if not epoch or kind == collection_id:
            abort(404)
        return tile_answer(TileName(epoch, edition, kind, address), is_address=True, by_password=True)
    with transaction() as tx:
        of, standing = _tiled(tx.session, collection_id)
    return tile_answer(TileName(standing.epoch, of.edition or 0, of.kind or "", address), is_address=False)


def _tiled(session: Session, collection_id: str) -> tuple[Collection, EditionInForce]:
    standing = read_standing(session)
    of = find(session, standing, collection_id)
    if of is None or of.kind is None or of.draft is not None:
        abort(404)
    return of, standing


def _asked_edition() -> int | None:
    asked = request.args.get("edition")
    if asked is None:
        return None
    if not (asked.isascii() and asked.isdigit() and len(asked) < 10):  # noqa: PLR2004  # fits an integer
        raise InvalidQuestion("edition", "the number of an edition")
    return int(asked)


def _here(of: Collection) -> str:
    return f"{root()}/collections/{of.id}/tiles"


def _tile_set(of: Collection) -> Json:
    template = f"{_here(of)}/{TILED}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    here = f"{_here(of)}/{TILED}"
    return {
        "title": of.title,
        "dataType": "vector",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": _SCHEME,
        "layers": [{"id": each, "dataType": "vector"} for each in ("areas", "labels")],
        "links": [
            link("self", here),
            link("http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme", f"{root()}/tileMatrixSets/{TILED}"),
            link("item", template, MVT, templated=True),
            link("describedby", f"{here}?f=tilejson"),
        ],
    }


def _tile_json(of: Collection, standing: EditionInForce, bounds: tuple[float, ...] | None) -> Json:
    """Return TileJSON 3.0.0. The addresses name the edition: what a program keeps of them stays true."""
    version = f"?edition={of.edition}&epoch={standing.epoch}"
    fields = {"code": "编码 · code", "name": "名称 · name"}
    return {
        "tilejson": "3.0.0",
        "name": of.title,
        "version": f"{of.edition}.0.0",
        "tiles": [f"{_here(of)}/{TILED}/{{z}}/{{y}}/{{x}}{version}"],
        "minzoom": 0,
        "maxzoom": MAX_ZOOM,
        "bounds": list(bounds or (-180.0, -85.0, 180.0, 85.0)),
        "vector_layers": [{"id": each, "fields": fields} for each in ("areas", "labels")],
    }


def _level(zoom: int) -> dict[str, Any]:
    scale = _ZERO_SCALE / 2**zoom
    return {
        "id": str(zoom),
        "scaleDenominator": scale,
        "cellSize": scale * _PIXEL_M,
        "pointOfOrigin": [-_TOP_LEFT, _TOP_LEFT],
        "tileWidth": _TILE_PIXELS,
        "tileHeight": _TILE_PIXELS,
        "matrixWidth": 2**zoom,
        "matrixHeight": 2**zoom,
    }
