"""/v1/editions: the ground as it is, was and shall be; publishing it, and how far records have followed.

Parses, calls ``geo.editions.history``, ``geo.editions.plans``, ``sync.redraw.cutover`` and ``sync.redraw.impact``,
renders. Knows no SQL.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from flask import Response, make_response
from flask_smorest import Blueprint

from geo.editions import history, plans
from geo.editions.difference import NewArea, propose
from geo.editions.ground import Ground
from geo.editions.publish import Published
from geo.errors import PlanBroken, UnknownEdition
from geo.geometry.datum import to_wgs84
from server import clock
from server.accounts.charge import is_whole_city, reach
from server.accounts.issue_sight import is_masked
from server.accounts.names import names_of
from server.api.edition_schemas import (
    AreasQuerySchema,
    EditionSchema,
    EditionsSchema,
    ImpactSchema,
    LineageSchema,
    ListingSchema,
    MomentSchema,
    MoveSchema,
    PlaceQuerySchema,
    PlaceSchema,
    PlanSchema,
    PlansSchema,
    PublicationSchema,
    PublishedSchema,
    RecordGridsSchema,
    RedrawSchema,
    RestorationSchema,
    areas_of,
    edition_json,
    impact_json,
    lineage_json,
    move_json,
    plan_json,
)
from server.database.extensions import settings
from server.database.ground_cache import ground_at, ground_now
from server.database.transaction import Transaction, transaction
from server.grids.concerned import concerned
from server.grids.ground_kept import require_ground_kept
from server.grids.rights import DRAWING, require_own
from server.http.auth import calling_charge, calling_staff, staff_required
from server.http.in_charge import named
from server.jobs.queues import wake
from sync.collections.attachments import ATTACHABLE
from sync.errors import CollectionUnknown, NotFoundInCharge
from sync.redraw import moving
from sync.redraw.cutover import publish_order
from sync.redraw.impact import impact_of
from sync.redraw.whereabouts import whereabouts
from sync.store.located import locate

blueprint = Blueprint("editions", __name__, url_prefix="/v1", description="版本与变更 · editions and redraws")
_GROUND = "the ground, which is no secret to staff"
_OWN_GROUND = "areas that they are GIS staff of"
_MOST_PLANS = 200
RECORDS = ATTACHABLE


@blueprint.get("/editions")
@staff_required(over=_GROUND, by_password=True)
@blueprint.arguments(ListingSchema, location="query")
@blueprint.response(200, EditionsSchema)
def listed(query: dict[str, Any]) -> dict[str, Any]:
    """Return the editions, the newest first."""
    with transaction() as tx:
        found = history.editions(tx.session, limit=query["limit"] + 1, before=query["before"])
        names = names_of(tx.session, [each.by for each in found])
    told = [edition_json(each) | {"by_name": names.get(each.by, each.by)} for each in found[: query["limit"]]]
    return {"editions": told, "before": told[-1]["number"] if len(found) > query["limit"] else None}


@blueprint.get("/editions/in-force")
@staff_required(over=_GROUND, by_password=True)
@blueprint.arguments(MomentSchema, location="query")
@blueprint.response(200, EditionSchema)
def in_force(query: dict[str, Any]) -> dict[str, Any]:
    """Return the edition in force at a time."""
    with transaction() as tx:
        return edition_json(history.edition_at(tx.session, query["at"] or _now()))


@blueprint.get("/editions/<int:number>")
@staff_required(over=_GROUND, by_password=True)
@blueprint.response(200, EditionSchema)
def one(number: int) -> dict[str, Any]:
    """Return one edition."""
    with transaction() as tx:
        return edition_json(history.edition(tx.session, number))


@blueprint.get("/editions/<int:number>/fragments")
@staff_required(over=_GROUND, by_password=True)
@blueprint.response(200, content_type="application/geo+json", description="Ground that passed from grid to grid")
def fragments(number: int) -> Response:
    """Return the ground that an edition took from grids and gave to others, as GeoJSON."""
    with transaction() as tx:
        history.edition(tx.session, number)
        return _features(history.fragments_of(tx.session, number))


@blueprint.get("/editions/<int:number>/move")
@staff_required(over=_GROUND)
@blueprint.response(200, MoveSchema)
def move(number: int) -> dict[str, Any]:
    """Return how far the records have followed an edition; ``stage`` done at once where no ground changed hands."""
    with transaction() as tx:
        history.edition(tx.session, number)
        told = move_json(moving.progress(tx.session, number))
    return told or _nothing_to_move(number)


@blueprint.get("/editions/areas")
@staff_required(over=_GROUND, by_password=True)
@blueprint.arguments(AreasQuerySchema, location="query")
@blueprint.response(200, content_type="application/geo+json", description="A page of areas, by code")
def areas(query: dict[str, Any]) -> Response:
    """Return the areas of an edition as GeoJSON, by its number or as they were at a time; ``after``: the next page."""
    with transaction() as tx:
        number = query["edition"]
        if number is not None:
            history.edition(tx.session, number)
        else:
            number = history.edition_at(tx.session, query["at"] or _now()).number
        asked = {name: query[name] for name in ("kind", "parent", "after", "limit")}
        page = history.areas_page(tx.session, number, **asked)
    return _features(page.features, edition=number, after=page.after)


@blueprint.get("/editions/areas/<code>/lineage")
@staff_required(over=_GROUND, by_password=True)
@blueprint.response(200, LineageSchema)
def lineage(code: str) -> dict[str, Any]:
    """Return what an area was in each edition, what it came from, and what became of it."""
    with transaction() as tx:
        return lineage_json(history.lineage(tx.session, code.replace("\0", "")))


@blueprint.get("/editions/place")
@staff_required(over=_GROUND, by_password=True)
@blueprint.arguments(PlaceQuerySchema, location="query")
@blueprint.response(200, PlaceSchema)
def place(query: dict[str, Any]) -> dict[str, Any]:
    """Return the grid that a point lies in, today or at a time."""
    with transaction() as tx:
        ground = _ground_at(tx, query["at"])
    lon, lat = (float(each) for each in to_wgs84(query["lon"], query["lat"], query["datum"]))
    point = {"lon": lon, "lat": lat, "accuracy_m": query["accuracy_m"]}
    grid = locate(ground, [point], near_m=settings().near_m)[0].as_json(ground)
    return {"edition": ground.number, "lon": round(lon, 8), "lat": round(lat, 8), "grid": grid}


@blueprint.get("/records/<collection>/<uuid:record_id>/grids")
@staff_required(over="records in their charge")
@blueprint.arguments(MomentSchema, location="query")
@blueprint.response(200, RecordGridsSchema)
def record_grids(query: dict[str, Any], collection: str, record_id: uuid.UUID) -> dict[str, Any]:
    """Return the grids of a record: at its capture, today, and at a time; of a masked issue only today's."""
    if collection not in RECORDS:
        raise CollectionUnknown(field="collection", unknown=[collection], known=sorted(RECORDS))
    with transaction() as tx:
        today = ground_now(tx.session)
        found = whereabouts(tx.session, collection, record_id)
        held = reach(calling_charge(), today)
        if found is None or not (held.everywhere or found.grid_now in held.grid_ids):
            raise NotFoundInCharge
        then = _ground_at(tx, query["at"])
        if collection == "issues" and is_masked(tx.session, record_id, held):
            # Where it lay in other editions would close in on its place.
            return {"at_capture": None, "now": named(today, found.grid_now), "at": None, "edition": then.number}
        captured = _edition_of(tx, found.edition_at_capture)
        grid = found.grid_in(then, near_m=settings().near_m)
    return {
        "at_capture": named(captured or today, found.grid_at_capture),
        "now": named(today, found.grid_now),
        "at": named(then, grid),
        "edition": then.number,
    }


@blueprint.post("/editions/preview")
@staff_required("gis", over=_OWN_GROUND)
@blueprint.arguments(RedrawSchema)
@blueprint.response(200, ImpactSchema)
def preview(sent: dict[str, Any]) -> dict[str, Any]:
    """Return what a redraw would change: households, open issues, due visits, workers and phones, from grid to grid."""
    now, redrawn = _now(), areas_of(sent)
    with transaction() as tx:
        _require_own(tx, redrawn, sent["retired"])
        coming = propose(tx.session, redrawn, sent["retired"])
        names = {area.code: area.name for area, _ in coming.fresh}
        impact = impact_of(
            tx.session, coming.before, coming.after, names=names, now=now, near_m=settings().near_m
        )  # fmt: skip
        others = concerned(tx.session, [area.code for area, _ in coming.fresh], coming.retired, now=now)
    return impact_json(impact, others)


@blueprint.post("/editions")
@staff_required("gis", over=_OWN_GROUND)
@blueprint.arguments(PublicationSchema)
@blueprint.response(201, PublishedSchema)
@blueprint.alt_response(202, schema=PlanSchema, description="Planned, where a time was set")
def publish(sent: dict[str, Any]) -> dict[str, Any] | Response:
    """Publish an edition now, or plan it for a set time. Refused whole where anything of it is wrong."""
    now, redrawn = _now(), areas_of(sent)
    order = plans.Order(redrawn, sent["retired"], sent["base"], calling_staff().login, sent["name"], sent["note"])
    with transaction() as tx:
        _require_own(tx, redrawn, sent["retired"])
        require_ground_kept(tx.session, redrawn, sent["retired"])
        if sent["at"] is not None:
            planned = plans.plan(tx.session, order, due_at=sent["at"].astimezone(dt.UTC), now=now)
            return make_response(plan_json(planned), 202)
        return _published(tx, publish_order(tx.session, order, _now))


@blueprint.post("/editions/<int:number>/restoration")
@staff_required("gis", over=_OWN_GROUND)
@blueprint.arguments(RestorationSchema)
@blueprint.response(201, PublishedSchema)
def restore(sent: dict[str, Any], number: int) -> dict[str, Any]:
    """Roll back: publish a new edition whose ground is that of an older one."""
    with transaction() as tx:
        redrawn, retired = history.way_back(tx.session, number)
        _require_own(tx, redrawn, retired)
        name = sent["name"] or f"恢复第 {number} 版"
        base = sent["base"] or plans.in_force(tx.session) or number
        order = plans.Order(redrawn, retired, base, calling_staff().login, name, sent["note"])
        return _published(tx, publish_order(tx.session, order, _now))


@blueprint.get("/editions/plans")
@staff_required(over=_GROUND)
@blueprint.response(200, PlansSchema)
def planned_editions() -> dict[str, Any]:
    """Return the planned editions: those that wait, and what became of the others."""
    with transaction() as tx:
        found = plans.plans(tx.session, limit=_MOST_PLANS)
        names = names_of(tx.session, [each.planned_by for each in found])
        told = [plan_json(each) | {"by_name": names.get(each.planned_by, each.planned_by)} for each in found]
        return {"plans": told}


@blueprint.delete("/editions/plans/<int:plan_id>")
@staff_required("gis", over=_OWN_GROUND)
@blueprint.response(200, PlanSchema)
def withdraw(plan_id: int) -> dict[str, Any]:
    """Withdraw a planned edition before its time; one that cannot be read, who is in charge of the whole city."""
    with transaction() as tx:
        try:
            order = plans.order_of(tx.session, plan_id)
        except PlanBroken:
            ground = tx.ground()
            if ground is not None and not is_whole_city(ground, calling_charge().areas(DRAWING)):
                raise
        else:
            _require_own(tx, order.areas, order.retired)
        return plan_json(plans.withdraw(tx.session, plan_id, now=tx.now))


def _published(tx: Transaction, done: Published) -> dict[str, Any]:
    """Tell what was published, and have the records follow after the commit."""
    if done.redrawn is not None:
        tx.then(wake, "editions")
    return {
        "edition": done.number,
        "new": done.is_new,
        "added": [each.code for each in done.added],
        "changed": [each.code for each in done.changed],
        "retired": [each.code for each in done.retired],
        "unchanged": done.unchanged,
        "move": move_json(moving.progress(tx.session, done.number)) if done.is_new else None,
    }


def _require_own(tx: Transaction, redrawn: Sequence[NewArea], retired: Sequence[str]) -> None:
    """Raise ``OutsideCharge`` unless all of it lies in areas that the caller is GIS staff of."""
    require_own(tx.ground(), calling_charge().areas(DRAWING), redrawn, retired)


def _ground_at(tx: Transaction, at: dt.datetime | None) -> Ground:
    ground = ground_at(tx.session)(at or _now())
    if ground is None:
        raise UnknownEdition(0)
    return ground


def _edition_of(tx: Transaction, number: int | None) -> Ground | None:
    """Return the ground of an edition by its number, by way of the moment that it began."""
    if number is None:
        return None
    facts = history.edition(tx.session, number)
    begins = facts.begins or dt.datetime.min.replace(tzinfo=dt.UTC)
    return ground_at(tx.session)(begins)


def _nothing_to_move(number: int) -> dict[str, Any]:
    counts = dict.fromkeys(("grids", "looked_at", "moved", "reassigned"), 0)
    return {"edition": number, "stage": "done", **counts, "started_at": None, "finished_at": None}


def _features(features: Sequence[str], **more: Any) -> Response:
    """Join features that are JSON already."""
    head = "".join(f'"{name}":{"null" if value is None else _quoted(value)},' for name, value in more.items())
    body = f'{{"type":"FeatureCollection",{head}"features":[{",".join(features)}]}}'
    return Response(body, content_type="application/geo+json")


def _quoted(value: object) -> str:
    return str(value) if isinstance(value, int) else f'"{value}"'


def _now() -> dt.datetime:
    return clock.now()
