"""What the map draws: areas, issues as points, counts for each grid; and hints when to draw anew. Knows no SQL."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy import Connection

from geo.editions import NEWEST, Ground
from server.accounts.charge import Reach, reach
from server.accounts.service import Worker, grid_workers
from server.accounts.signin import session_digest, sessions_in_force
from server.api.fresh import fresh_json
from server.api.issue_schemas import BriefSchema, FiltersSchema, brief_json, filters_of
from server.api.streams import STREAM, can_stream, stream
from server.auth import calling_charge, session_token, staff_required
from server.cases.board import Brief, Count, count_by_grid, map_issues
from server.cases.territory import Piece, Territory, city_epoch, newest, read_territory
from server.grounds import ground_at
from server.hub import Audience, event
from server.transaction import reading, transaction

blueprint = Blueprint("map", __name__, url_prefix="/v1", description="地图 · what the map draws, for staff")

_OPENLY = "the ground, which is no secret to staff"


def _signed_in(connection: Connection, shown: Collection[bytes]) -> frozenset[bytes]:
    return sessions_in_force(connection, shown, now=dt.datetime.now(dt.UTC))


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


class GroundSchema(Schema):
    """The edition in force. ``tiles``: template of the vector tiles' address, with {kind}, {z}, {x}, {y}."""

    edition = fields.Dict(required=True, allow_none=True)
    tiles = fields.String(required=True, allow_none=True)
    kinds = fields.List(fields.Dict(), required=True)
    areas = fields.List(fields.Dict(), required=True)


class PointSchema(Schema):
    """A GeoJSON feature; without a geometry where the issue has no place, or none for this person."""

    type = fields.String(required=True)
    id = fields.UUID(required=True)
    geometry = fields.Dict(required=True, allow_none=True)
    properties = fields.Nested(BriefSchema, required=True)


class PointsSchema(Schema):
    """A GeoJSON feature collection. ``truncated``: ``total`` are too many, the nearest deadlines are told."""

    type = fields.String(required=True)
    features = fields.List(fields.Nested(PointSchema), required=True)
    total = fields.Integer(required=True)
    truncated = fields.Boolean(required=True)


class CountsSchema(Schema):
    """Open issues of each grid in charge, and of other grids that hold issues of the caller's body."""

    grids = fields.List(fields.Dict(), required=True)
    outside = fields.Dict(required=True, allow_none=True)
    open = fields.Integer(required=True)
    overdue = fields.Integer(required=True)


@blueprint.get("/areas")
@staff_required()
@blueprint.response(200, GroundSchema)
def areas() -> Response:
    """Return kinds and areas of the edition in force, and which of them are in the caller's charge."""
    with transaction() as tx:
        ground = ground_at(tx.session)(NEWEST)
        if ground is None:
            return fresh_json({"edition": None, "tiles": None, "kinds": [], "areas": []})
        territory = read_territory(tx.session, ground, calling_charge().area_ids)
        epoch = city_epoch(tx.session)
    return fresh_json(_territory_json(territory, epoch))


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
    return stream(_OF_MAPS, session_digest(session_token()))


@blueprint.get("/map/issues")
@staff_required()
@blueprint.arguments(FiltersSchema, location="query")
@blueprint.response(200, PointsSchema)
def points(query: dict[str, Any]) -> Response:
    """Return the issues in the caller's charge as GeoJSON, under filters."""
    now = dt.datetime.now(dt.UTC)
    with transaction() as tx:
        ground = ground_at(tx.session)(now)
        found, total = map_issues(tx.session, reach(calling_charge(), ground), filters_of(query, ground), now=now)
    return fresh_json(
        {
            "type": "FeatureCollection",
            "features": [_point(brief) for brief in found],
            "total": total,
            "truncated": total > len(found),
        }
    )


@blueprint.get("/map/grids")
@staff_required()
@blueprint.arguments(FiltersSchema, location="query")
@blueprint.response(200, CountsSchema)
def grid_counts(query: dict[str, Any]) -> Response:
    """Return how many issues are open and overdue in each grid, under filters, and who works there."""
    now = dt.datetime.now(dt.UTC)
    with transaction() as tx:
        ground = ground_at(tx.session)(now)
        held = reach(calling_charge(), ground)
        counts = count_by_grid(tx.session, held, filters_of(query, ground), now=now)
        workers = grid_workers(tx.session, list(held.grid_ids), now=now)
    return fresh_json(_counts_json(counts, held, ground, workers))


def _territory_json(territory: Territory, epoch: uuid.UUID) -> dict[str, Any]:
    return {
        "edition": {"number": territory.edition, "name": territory.name},
        "tiles": _tiles(territory.edition, epoch),
        "kinds": [
            {
                "code": kind.code,
                "name_zh": kind.name_zh,
                "name_en": kind.name_en,
                "rank": kind.rank,
                "is_locating": kind.is_locating,
            }
            for kind in territory.kinds
        ],
        "areas": [_piece(piece) for piece in territory.pieces],
    }


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


def _counts_json(
    counts: Iterable[Count], held: Reach, ground: Ground | None, workers: dict[int, list[Worker]]
) -> dict[str, Any]:
    by_grid = {count.grid_id: count for count in counts}
    shown = sorted({*held.grid_ids, *(grid for grid in by_grid if grid is not None)})
    outside = by_grid.get(None, Count(None, 0, 0, 0, 0, 0))
    return {
        "grids": [
            _count_json(by_grid.get(grid, Count(grid, 0, 0, 0, 0, 0)), ground, workers.get(grid, []))
            for grid in shown
            if ground is not None and grid in ground.areas
        ],
        "outside": {"open": outside.open, "overdue": outside.overdue} if held.everywhere else None,
        "open": sum(count.open for count in by_grid.values()),
        "overdue": sum(count.overdue for count in by_grid.values()),
    }


def _count_json(count: Count, ground: Ground, workers: list[Worker]) -> dict[str, Any]:
    facts = ground.areas[count.grid_id or 0]
    return {
        "id": facts.id,
        "code": facts.code,
        "name": facts.name,
        "open": count.open,
        "overdue": count.overdue,
        "yellow": count.yellow,
        "green": count.green,
        "waiting": count.waiting,
        "workers": [{"login": worker.login, "name": worker.name} for worker in workers],
    }
