"""What the map draws: areas, issues as points, counts for each grid; and hints when to draw anew. Knows no SQL."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from geo.editions.ground import NEWEST, AreaFacts, Ground
from server import clock
from server.accounts.charge import Reach, reach
from server.accounts.errors import OutsideCharge
from server.accounts.service import grid_workers
from server.accounts.signin import session_digest, sessions_in_force
from server.api.issue_schemas import BriefSchema, FiltersSchema, Listed, brief_json, filters_of
from server.cases.lists.issue_list import Brief, Count, Filters, count_by_grid, map_issues
from server.database.ground_cache import ground_at
from server.database.transaction import reading, transaction
from server.events.hub import Audience, event
from server.events.streams import STREAM, can_stream, stream
from server.grids.area_search import MOST_FOUND, AreaQuery, FoundArea, find_areas
from server.grids.map_areas import Frame, Piece, city_epoch, newest, read_frame, read_territory
from server.http.auth import calling_charge, session_token, staff_required
from server.http.fresh import fresh_json

blueprint = Blueprint("map", __name__, url_prefix="/v1", description="地图 · what the map draws, for staff")

_OPENLY = "the ground, which is no secret to staff"


def _signed_in(connection: Connection, shown: Collection[bytes]) -> frozenset[bytes]:
    return sessions_in_force(connection, shown, now=clock.now())


_OF_MAPS = Audience(
    hello=b"retry: 3000\n\n",
    beat=event("here"),
    ground=event("ground"),
    scope=b"",
    epoch=event("ground"),
    touched=b"",
    in_force=_signed_in,
    proved_s=3.0,
)


class InForceSchema(Schema):
    """The edition in force, and the ``tiles`` that ``/v1/areas`` tells of it: other tiles, another ground to draw."""

    edition = fields.Integer(required=True, allow_none=True)
    tiles = fields.String(required=True, allow_none=True)


class AreaQuerySchema(Schema):
    """Which areas. Without any of these: all of them down to the grids, as the map needs them once."""

    words = fields.String(
        validate=validate.Length(max=100),
        metadata={
            "description": "Words or the beginning of a code. Each must be in the name or code of an area or of one "
            "above it, and one in its own; full and half width, capital and small letters are the same"
        },
    )
    kind = Listed(
        validate.Regexp(r"^[0-9A-Za-z._-]{1,60}(?!\n)$"),
        metadata={
            "description": "Kinds of area with commas between, as `kinds` tells them; micro-grids and buildings too"
        },
    )
    within = fields.String(
        validate=validate.Length(max=40), metadata={"description": "The code of an area above those that are told"}
    )
    code = fields.String(validate=validate.Length(max=40), metadata={"description": "The one area of this code"})
    in_charge = fields.Boolean(metadata={"description": "Only areas in the caller's charge"})
    limit = fields.Integer(
        validate=validate.Range(1, MOST_FOUND),
        metadata={"description": "How many to tell, the best first; 20 where anything else is asked"},
    )


class AreaSchema(Schema):
    """One area. ``bounds``: west, south, east, north in degrees EPSG:4326. ``path`` is told of areas asked for."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    parent = fields.String(required=True, allow_none=True, metadata={"description": "The code of the area above"})
    bounds = fields.List(fields.Float(), required=True, validate=validate.Length(equal=4))
    in_charge = fields.Boolean(required=True)
    path = fields.List(
        fields.String(), metadata={"description": "The names of what it lies in, from the whole city down"}
    )


class GroundSchema(Schema):
    """The edition in force. ``tiles``: template of the vector tiles' address, with {kind}, {z}, {x}, {y}.

    ``total``: how many areas match, of which ``areas`` are the best. A kind's ``width_deg`` tells how wide its areas
    are, in degrees, as if they were squares: the quarter-smallest (``small``) and the ``middle`` one.
    """

    edition = fields.Dict(required=True, allow_none=True)
    tiles = fields.String(required=True, allow_none=True)
    kinds = fields.List(fields.Dict(), required=True)
    areas = fields.List(fields.Nested(AreaSchema), required=True)
    total = fields.Integer(required=True)


class PointSchema(Schema):
    """A GeoJSON feature; without a geometry where the issue has no place, or none for this person."""

    type = fields.String(required=True)
    id = fields.UUID(required=True)
    geometry = fields.Dict(required=True, allow_none=True)
    properties = fields.Nested(BriefSchema, required=True)


class PointsSchema(Schema):
    """A GeoJSON feature collection. ``truncated``: ``total`` are too many, the nearest deadlines are told.

    ``grid_names``: by code, of the grids that the issues told lie in.
    """

    type = fields.String(required=True)
    features = fields.List(fields.Nested(PointSchema), required=True)
    total = fields.Integer(required=True)
    truncated = fields.Boolean(required=True)
    grid_names = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class WorkerNameSchema(Schema):
    """Who works in a grid."""

    login = fields.String(required=True)
    name = fields.String(required=True)


class CountSchema(Schema):
    """The open issues of one grid: how many in all, of which overdue, and by the other lights."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    open = fields.Integer(required=True)
    overdue = fields.Integer(required=True)
    yellow = fields.Integer(required=True)
    green = fields.Integer(required=True)
    waiting = fields.Integer(required=True, metadata={"description": "No deadline runs yet"})


class GridSchema(CountSchema):
    """One grid in charge: its open issues, and who works there."""

    workers = fields.List(fields.Nested(WorkerNameSchema), required=True)


class CountsSchema(Schema):
    """The grids that hold open issues of the caller's, and by their ids alone those in charge that hold none."""

    grids = fields.List(fields.Nested(CountSchema), required=True)
    quiet = fields.List(fields.Integer(), required=True)
    outside = fields.Dict(required=True, allow_none=True)
    open = fields.Integer(required=True)
    overdue = fields.Integer(required=True)


@blueprint.get("/areas")
@staff_required()
@blueprint.arguments(AreaQuerySchema, location="query")
@blueprint.response(200, GroundSchema)
def areas(query: dict[str, Any]) -> Response:
    """Return kinds and areas of the edition in force, and which of them are in the caller's charge.

    With any parameter it is a search for lists and keyboards: areas of any kind by words, code, kind or the area that
    they lie in, the best first, each with its box and the names of what it lies in.
    """
    with transaction() as tx:
        ground = ground_at(tx.session)(NEWEST)
        if ground is None:
            return fresh_json({"edition": None, "tiles": None, "kinds": [], "areas": [], "total": 0})
        tops, epoch = calling_charge().area_ids, city_epoch(tx.session)
        if query:
            found = find_areas(tx.session, ground, _area_query(query), tops)
            told, total = [_found_json(each) for each in found.areas], found.total
            frame = read_frame(tx.session, ground)
        else:
            frame, pieces = read_territory(tx.session, ground, tops)
            told, total = [_piece(piece) for piece in pieces], len(pieces)
    return fresh_json(_frame_json(frame, epoch) | {"areas": told, "total": total})


@blueprint.get("/map/ground")
@staff_required(over=_OPENLY, remembered=True)
@blueprint.response(200, InForceSchema)
def in_force() -> dict[str, Any]:
    """Return which ground is in force: what an open map asks when it is hinted at, and seldom when it is not."""
    with reading() as reader:
        number, epoch = newest(reader)
    return {"edition": number, "tiles": None if number is None else _tiles(number, epoch)}


@blueprint.get("/map/events")
@staff_required(over=_OPENLY)
@blueprint.response(200, {"type": "string"}, content_type=STREAM, description="event: ground, event: here")
@blueprint.alt_response(204, description="No hints are to be had from this server: ask every two seconds")
def events() -> Response:
    """Listen for hints: ``ground`` when another edition is in force (ask /v1/map/ground), ``here`` every 20 seconds.

    Ask once when the stream opens, too. It ends soon after the session does.
    """
    if not can_stream():
        return Response(status=204)
    session = session_digest(session_token())
    return stream(_OF_MAPS, session, caller=session)


@blueprint.get("/map/issues")
@staff_required()
@blueprint.arguments(FiltersSchema, location="query")
@blueprint.response(200, PointsSchema)
def points(query: dict[str, Any]) -> Response:
    """Return the issues in the caller's charge as GeoJSON, under filters."""
    with transaction() as tx:
        ground = tx.ground()
        found, total = map_issues(tx.session, reach(calling_charge(), ground), filters_of(query, ground), now=tx.now)
    return fresh_json(
        {
            "type": "FeatureCollection",
            "features": [_point(brief) for brief in found],
            "total": total,
            "truncated": total > len(found),
            "grid_names": _grid_names(found, ground),
        }
    )


@blueprint.get("/map/grids")
@staff_required()
@blueprint.arguments(FiltersSchema, location="query")
@blueprint.response(200, CountsSchema)
def grid_counts(query: dict[str, Any]) -> Response:
    """Return how many issues are open and overdue in each grid, under filters."""
    with transaction() as tx:
        ground = tx.ground()
        held = reach(calling_charge(), ground)
        counts = count_by_grid(tx.session, held, filters_of(query, ground), now=tx.now)
    return fresh_json(_counts_json(counts, held, ground))


@blueprint.get("/map/grids/<code>")
@staff_required()
@blueprint.arguments(FiltersSchema, location="query")
@blueprint.response(200, GridSchema)
def one_grid(query: dict[str, Any], code: str) -> Response:
    """Return how many issues are open and overdue in one grid in charge, under filters, and who works there."""
    with transaction() as tx:
        ground = tx.ground()
        held = reach(calling_charge(), ground)
        grid = _grid_at(ground, code)
        counts = count_by_grid(tx.session, held, _only(filters_of(query, ground), grid.id), now=tx.now)
        if not counts and grid.id not in held.grid_ids:
            raise OutsideCharge(what=code)
        workers = grid_workers(tx.session, [grid.id] if grid.id in held.grid_ids else [], now=tx.now)
    count = counts[0] if counts else Count(grid.id, 0, 0, 0, 0, 0)
    told = [{"login": worker.login, "name": worker.name} for worker in workers.get(grid.id, [])]
    return fresh_json(_count_json(count, grid) | {"workers": told})


def _grid_at(ground: Ground | None, code: str) -> AreaFacts:
    """Return the grid of a code. Raises ``OutsideCharge`` where there is none in force."""
    found = (ground.areas[grid] for grid in ground.grid_ids if ground.areas[grid].code == code) if ground else ()
    grid = next(iter(found), None)
    if grid is None:
        raise OutsideCharge(what=code)
    return grid


def _only(filters: Filters, grid_id: int) -> Filters:
    """Return the filters, of what lies in one grid."""
    asked = filters.grid_ids
    return replace(filters, grid_ids=(grid_id,) if asked is None or grid_id in asked else ())


def _grid_names(found: Iterable[Brief], ground: Ground | None) -> dict[str, str]:
    asked = {brief.grid for brief in found if brief.grid is not None}
    return {facts.code: facts.name for facts in ground.areas.values() if facts.code in asked} if ground else {}


def _area_query(query: dict[str, Any]) -> AreaQuery:
    kinds = frozenset(query.get("kind", ()))
    return AreaQuery(**{name: value for name, value in query.items() if name != "kind"}, kinds=kinds)


def _found_json(found: FoundArea) -> dict[str, Any]:
    facts, above = found.facts, found.path[:-1]
    return {
        "id": facts.id,
        "code": facts.code,
        "name": facts.name,
        "kind": facts.kind,
        "parent": above[-1].code if above else None,
        "bounds": found.bounds,
        "in_charge": found.in_charge,
        "path": [each.name for each in above],
    }


def _frame_json(frame: Frame, epoch: uuid.UUID) -> dict[str, Any]:
    return {
        "edition": {"number": frame.edition, "name": frame.name},
        "tiles": _tiles(frame.edition, epoch),
        "kinds": [
            {
                "code": kind.code,
                "name_zh": kind.name_zh,
                "name_en": kind.name_en,
                "rank": kind.rank,
                "is_locating": kind.is_locating,
                "width_deg": _width_json(frame, kind.code),
            }
            for kind in frame.kinds
        ],
    }


def _width_json(frame: Frame, kind: str) -> dict[str, float] | None:
    widths = frame.widths.get(kind)
    return None if widths is None else {"small": widths.small, "middle": widths.middle}


def _tiles(edition: int, epoch: uuid.UUID) -> str:
    # The epoch keeps a browser's cache of one city's edition 1 from serving another's.
    return f"/v1/tiles/{edition}/{{kind}}/{{z}}/{{x}}/{{y}}.mvt?epoch={str(epoch)[:8]}"


def _piece(piece: Piece) -> dict[str, Any]:
    return {
        "id": piece.id,
        "code": piece.code,
        "name": piece.name,
        "kind": piece.kind,
        "parent": piece.parent,
        "bounds": piece.bounds,
        "in_charge": piece.in_charge,
    }


def _point(brief: Brief) -> dict[str, Any]:
    place = (
        None if brief.lon is None else {"type": "Point", "coordinates": [round(brief.lon, 7), round(brief.lat or 0, 7)]}
    )
    return {"type": "Feature", "id": brief.id, "geometry": place, "properties": brief_json(brief)}


def _counts_json(counts: Sequence[Count], held: Reach, ground: Ground | None) -> dict[str, Any]:
    areas = {} if ground is None else ground.areas
    by_grid = {count.grid_id: count for count in counts}
    outside = by_grid.get(None, Count(None, 0, 0, 0, 0, 0))
    return {
        "grids": [
            _count_json(by_grid[grid], areas[grid])
            for grid in sorted(grid for grid in by_grid if grid is not None)
            if grid in areas
        ],
        "quiet": [grid for grid in held.grid_ids if grid not in by_grid and grid in areas],
        "outside": {"open": outside.open, "overdue": outside.overdue} if held.everywhere else None,
        "open": sum(count.open for count in counts),
        "overdue": sum(count.overdue for count in counts),
    }


def _count_json(count: Count, grid: AreaFacts) -> dict[str, Any]:
    return {
        "id": grid.id,
        "code": grid.code,
        "name": grid.name,
        "open": count.open,
        "overdue": count.overdue,
        "yellow": count.yellow,
        "green": count.green,
        "waiting": count.waiting,
    }
