"""The documents of the OGC API beside the features: landing page, conformance, collections, schemas, API description.

Owns their shapes, as plain dictionaries; knows no SQL and no request.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.types import Boolean, DateTime

from server.ogc.collections import Collection
from server.ogc.questions import DEFAULT_LIMIT, MOST
from server.ogc.reference import CRS84, frames

Json = dict[str, Any]
GEOJSON, JSON, SCHEMA = "application/geo+json", "application/json", "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
MVT = "application/vnd.mapbox-vector-tile"
TILED = "WebMercatorQuad"
_FEATURES, _SPEC = "http://www.opengis.net/spec/ogcapi-features-", "http://www.opengis.net/spec/"
CONFORMANCE = (
    f"{_SPEC}ogcapi-common-1/1.0/conf/core",
    f"{_SPEC}ogcapi-common-2/1.0/conf/collections",
    f"{_FEATURES}1/1.0/conf/core",
    f"{_FEATURES}1/1.0/conf/oas30",
    f"{_FEATURES}1/1.0/conf/geojson",
    f"{_FEATURES}2/1.0/conf/crs",
    f"{_FEATURES}3/1.0/conf/queryables",
    f"{_FEATURES}3/1.0/conf/queryables-query-parameters",
    f"{_FEATURES}3/1.0/conf/filter",
    f"{_FEATURES}3/1.0/conf/features-filter",
    f"{_SPEC}cql2/1.0/conf/cql2-text",
    f"{_SPEC}cql2/1.0/conf/cql2-json",
    f"{_SPEC}cql2/1.0/conf/basic-cql2",
    f"{_SPEC}cql2/1.0/conf/advanced-comparison-operators",
    f"{_SPEC}cql2/1.0/conf/case-insensitive-comparison",
    f"{_SPEC}cql2/1.0/conf/basic-spatial-functions",
    f"{_SPEC}cql2/1.0/conf/basic-spatial-functions-plus",
    f"{_SPEC}cql2/1.0/conf/spatial-functions",
    f"{_FEATURES}4/1.0/conf/create-replace-delete",
    f"{_FEATURES}4/1.0/conf/update",
    f"{_FEATURES}4/1.0/conf/optimistic-locking-etags",
    f"{_FEATURES}4/1.0/conf/features",
    f"{_FEATURES}5/1.0/conf/schemas",
    f"{_FEATURES}5/1.0/conf/queryables",
    f"{_SPEC}ogcapi-tiles-1/1.0/conf/core",
    f"{_SPEC}ogcapi-tiles-1/1.0/conf/tileset",
    f"{_SPEC}ogcapi-tiles-1/1.0/conf/tilesets-list",
    f"{_SPEC}ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    f"{_SPEC}ogcapi-tiles-1/1.0/conf/mvt",
)


def link(rel: str, href: str, kind: str = JSON, **more: Any) -> Json:
    """Return a link; every one says its type."""
    return {"rel": rel, "href": href, "type": kind, **more}


def landing(root: str) -> Json:
    """Return the page that everything else is found from."""
    return {
        "title": "GridPatrol 巡格",
        "description": "网格、事件、走访 · grids, issues and visits",
        "links": [
            link("self", root),
            link("service-desc", f"{root}/api", OPENAPI),
            link("service-doc", f"{root}/api", OPENAPI),
            link("conformance", f"{root}/conformance"),
            link("data", f"{root}/collections"),
            link("http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes", f"{root}/tileMatrixSets"),
        ],
    }


def collections(root: str, found: Iterable[Collection], extents: Mapping[str, tuple[float, ...] | None]) -> Json:
    """Return the list of collections. The reference systems are told once, and referred to by each.

    ``extents``: by collection, a box that holds all of it; one that is asked for by itself tells the exact one.
    """
    return {
        "links": [link("self", f"{root}/collections")],
        "crs": list(frames()),
        "collections": [collection(root, each, extents.get(each.id), ["#/crs"]) for each in found],
    }


def collection(root: str, of: Collection, extent: tuple[float, ...] | None, crs: list[str] | None = None) -> Json:
    """Return what is said of one collection. ``extent``: west, south, east, north."""
    here = f"{root}/collections/{of.id}"
    links = [
        link("self", here),
        link("items", f"{here}/items", GEOJSON),
        link("http://www.opengis.net/def/rel/ogc/1.0/schema", f"{here}/schema", SCHEMA),
        link("describedby", f"{here}/schema", SCHEMA),
        link("http://www.opengis.net/def/rel/ogc/1.0/queryables", f"{here}/queryables", SCHEMA),
    ]
    if of.kind is not None and of.draft is None:
        links.append(link("http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector", f"{here}/tiles"))
    told: Json = {"id": of.id, "title": of.title, "itemType": "feature", "links": links}
    told |= {"crs": crs or list(frames()), "storageCrs": CRS84}
    if extent is not None:
        told["extent"] = {"spatial": {"bbox": [list(extent)], "crs": CRS84}}
    return told


def schema(root: str, of: Collection, columns: Mapping[str, ColumnElement[Any]], *, queryables: bool) -> Json:
    """Return the JSON schema of a collection's features, or of what they can be asked by.

    Every property has a number in the sequence, the id too: QGIS gives the sequence up where one has none.
    """
    properties: Json = {} if queryables else {"id": _id_of(of)}
    for number, (name, column) in enumerate(columns.items(), start=2):
        properties[name] = _type_of(column) | {"title": name, "x-ogc-propertySeq": number}
        if of.has_time and name == "captured_at" and not queryables:
            properties[name]["x-ogc-role"] = "primary-instant"
        if of.draft is not None and name == "kind" and not queryables:
            properties[name]["readOnly"] = True
    shape = "point" if of.geometry == "Point" else "multipolygon"
    role = {} if queryables else {"x-ogc-role": "primary-geometry"}
    properties["geometry"] = {"format": f"geometry-{shape}", "title": "geometry"} | role
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{root}/collections/{of.id}/{'queryables' if queryables else 'schema'}",
        "type": "object",
        "title": of.title,
        "properties": properties,
        "additionalProperties": False,
    } | ({"required": ["code", "name", "geometry"]} if of.draft is not None and not queryables else {})


def _id_of(of: Collection) -> Json:
    kind: Json = {"type": "integer"} if of.is_ground else {"type": "string", "format": "uuid"}
    return kind | {"readOnly": True, "x-ogc-role": "id", "title": "id", "x-ogc-propertySeq": 1}


def _type_of(column: ColumnElement[Any]) -> Json:
    if isinstance(column.type, DateTime):
        return {"type": "string", "format": "date-time"}
    return {"type": "boolean" if isinstance(column.type, Boolean) else "string"}


_PARAMETERS: Mapping[str, Json] = {
    "limit": {"schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT}},
    "bbox": {
        "schema": {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
        "style": "form",
        "explode": False,
    },
    "bbox-crs": {"schema": {"type": "string", "format": "uri", "default": CRS84}},
    "crs": {"schema": {"type": "string", "format": "uri", "default": CRS84}},
    "datetime": {"schema": {"type": "string"}},
    "filter": {"schema": {"type": "string"}},
    "filter-lang": {"schema": {"type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"}},
    "filter-crs": {"schema": {"type": "string", "format": "uri", "default": CRS84}},
    "after": {"schema": {"type": "string"}, "description": "as the next link has it"},
}


def api(root: str, found: Iterable[Collection], columns: Mapping[str, Iterable[str]]) -> Json:
    """Return the OpenAPI document. Each collection's paths stand literally: GDAL looks them up so."""
    named = [{"name": name, "in": "query", "required": False, **more} for name, more in _PARAMETERS.items()]
    paths: Json = {
        path: {"get": _get(path)} for path in ("/", "/conformance", "/collections", "/tileMatrixSets")
    }  # fmt: skip
    for each in found:
        here = f"/collections/{each.id}"
        own = [
            {"name": name, "in": "query", "required": False, "schema": {"type": "string"}} for name in columns[each.id]
        ]
        paths |= {f"{here}{end}": {"get": _get(f"{each.id}{end}")} for end in ("", "/schema", "/queryables")}
        paths[f"{here}/items"] = {"get": _get(f"{each.id} items", [*named, *own], GEOJSON)}
        feature = {"name": "featureId", "in": "path", "required": True, "schema": {"type": "string"}}
        crs = next(parameter for parameter in named if parameter["name"] == "crs")
        paths[f"{here}/items/{{featureId}}"] = {"get": _get(f"{each.id} item", [feature, crs], GEOJSON)}
        if each.is_writable:
            paths[f"{here}/items"] |= {"post": _write("put an area into it", 201)}
            paths[f"{here}/items/{{featureId}}"] |= {
                "put": _write("another state of an area", 204, [feature]),
                "patch": _write("some of an area", 204, [feature], "application/merge-patch+json"),
                "delete": _write("take an area away", 204, [feature], None),
            }
    return {
        "openapi": "3.0.3",
        "info": {"title": "GridPatrol 巡格 OGC API", "version": "1"},
        "servers": [{"url": root}],
        "security": [{"program": []}, {"staff": []}],
        "paths": paths,
        "components": {
            # QGIS looks for the limits of pages here alone, and without them reads whole layers a hundred at a time.
            "parameters": {each["name"]: each for each in named if each["name"] == "limit"},
            "securitySchemes": {
                "program": {"type": "http", "scheme": "basic"},
                "staff": {"type": "apiKey", "in": "cookie", "name": "patrol_session"},
            },
        },
    }


_CONTENT_CRS = {"name": "Content-Crs", "in": "header", "schema": {"type": "string", "default": f"<{CRS84}>"}}
_IF_MATCH = {"name": "If-Match", "in": "header", "schema": {"type": "string"}}


def _write(summary: str, status: int, parameters: Iterable[Json] = (), kind: str | None = GEOJSON) -> Json:
    answers = {
        str(status): {"description": "Done"},
        "403": {"description": "Not GIS staff of this area"},
        "404": {"description": "There is none"},
        "412": {"description": "It has changed since it was read"},
    }
    told: Json = {"summary": summary, "parameters": [*parameters, _IF_MATCH], "responses": answers}
    if kind is not None:
        told["parameters"].append(_CONTENT_CRS)
        told["requestBody"] = {"required": True, "content": {kind: {"schema": {"type": "object"}}}}
        told["responses"] |= {"422": {"description": "A field or the geometry is not right"}}
    return told


def _get(summary: str, parameters: list[Json] | None = None, kind: str = JSON) -> Json:
    answers = {
        "200": {"description": "OK", "content": {kind: {"schema": {"type": "object"}}}},
        "400": {"description": "A parameter is wrong"},
        "404": {"description": "There is none"},
    }
    return {"summary": summary, "parameters": parameters or [], "responses": answers}
