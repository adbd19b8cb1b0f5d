"""/v1/editions: the ground as it is, was and shall be; publishing it, and how far records have followed.

Parses, calls ``geo.history``, ``geo.plans``, ``sync.flip`` and ``sync.impact``, renders. Knows no SQL.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from flask import Response, make_response
from flask_smorest import Blueprint

from geo import history, plans
from geo.coming import NewArea, propose
from geo.editions import Ground
from geo.errors import UnknownEdition
from geo.publish import Published
from server.accounts.charge import area_in_charge, areas_of_role, reach
from server.accounts.errors import OutsideCharge
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
from server.api.in_charge import named
from server.auth import calling_charge, calling_staff, staff_required
from server.extensions import settings
from server.grounds import ground_at, ground_now
from server.jobs.queues import wake
from server.transaction import Transaction, transaction
from sync import moving
from sync.collections import COLLECTIONS
from sync.errors import CollectionUnknown, NotFoundInCharge
from sync.flip import publish_order
from sync.impact import impact_of
from sync.located import locate
from sync.whereabouts import whereabouts

blueprint = Blueprint("editions", __name__, url_prefix="/v1", description="版本与变更 · editions and redraws")
_GROUND = "the ground, which is no secret to staff"
_OWN_GROUND = "areas that they are GIS staff of"
_MOST_PLANS = 200


@blueprint.get("/editions")
@staff_required(over=_GROUND, by_password=True)
@blueprint.arguments(ListingSchema, location="query")
@blueprint.response(200, EditionsSchema)
def listed(query: dict[str, Any]) -> dict[str, Any]:
    """Return the editions, the newest first."""
    with transaction() as tx:
        found = history.editions(tx.session, limit=query["limit"] + 1, before=query["before"])
    told = [edition_json(each) for each in found[: query["limit"]]]
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
    point = {name: query[name] for name in ("lon", "lat", "accuracy_m")}
    return {"edition": ground.number, "grid": locate(ground, [point], near_m=settings().near_m)[0].as_json(ground)}


@blueprint.get("/records/<collection>/<uuid:record_id>/grids")
@staff_required(over="records in their charge")
@blueprint.arguments(MomentSchema, location="query")
@blueprint.response(200, RecordGridsSchema)
def record_grids(query: dict[str, Any], collection: str, record_id: uuid.UUID) -> dict[str, Any]:
    """Return the grids of a record: at its capture, today, and at a time."""
    if collection not in COLLECTIONS:
        raise CollectionUnknown(field="collection", unknown=[collection], known=sorted(COLLECTIONS))
    with transaction() as tx:
        today = ground_now(tx.session)
        found = whereabouts(tx.session, collection, record_id)
        held = reach(calling_charge(), today)
        if found is None or not (held.everywhere or found.grid_now in held.grid_ids):
            raise NotFoundInCharge
        then = _ground_at(tx, query["at"])
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
        _require_own(tx, redrawn, sent["retired"], now)
        coming = propose(tx.session, redrawn, sent["retired"])
        names = {area.code: area.name for area, _ in coming.fresh}
        impact = impact_of(
            tx.session, coming.before, coming.after, names=names, now=now, near_m=settings().near_m
        )  # fmt: skip
    return impact_json(impact)


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
        _require_own(tx, redrawn, sent["retired"], now)
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
    now = _now()
    with transaction() as tx:
        redrawn, retired = history.way_back(tx.session, number)
        _require_own(tx, redrawn, retired, now)
        name = sent["name"] or f"恢复第 {number} 版 · edition {number} again"
        base = sent["base"] or plans.in_force(tx.session) or number
        order = plans.Order(redrawn, retired, base, calling_staff().login, name, sent["note"])
        return _published(tx, publish_order(tx.session, order, _now))


@blueprint.get("/editions/plans")
@staff_required(over=_GROUND)
@blueprint.response(200, PlansSchema)
def planned_editions() -> dict[str, Any]:
    """Return the planned editions: those that wait, and what became of the others."""
    with transaction() as tx:
        return {"plans": [plan_json(each) for each in plans.plans(tx.session, limit=_MOST_PLANS)]}


@blueprint.delete("/editions/plans/<int:plan_id>")
@staff_required("gis", over=_OWN_GROUND)
@blueprint.response(200, PlanSchema)
def withdraw(plan_id: int) -> dict[str, Any]:
    """Withdraw a planned edition before its time."""
    now = _now()
    with transaction() as tx:
        order = plans.order_of(tx.session, plan_id)
        _require_own(tx, order.areas, order.retired, now)
        return plan_json(plans.withdraw(tx.session, plan_id, now=now))


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


def _require_own(tx: Transaction, redrawn: Sequence[NewArea], retired: Sequence[str], now: dt.datetime) -> None:
    """Raise ``OutsideCharge`` unless all of it lies in areas that the caller is GIS staff of.

    What is there must lie in them today; what is new, and where something goes, must come to lie in them. Before the
    first edition there is no ground that anybody could be staff of.
    """
    ground = ground_at(tx.session)(now)
    if ground is None:
        return
    tops = areas_of_role(tx.session, calling_charge().person_id, "gis", now=now)
    if ground.root_ids and ground.root_ids <= tops:
        return
    ids = {facts.code: facts.id for facts in ground.areas.values()}
    coming = {area.code for area in redrawn}
    touched = [*coming, *retired, *(area.parent_code or "" for area in redrawn)]
    for code in touched:
        known = ids.get(code)
        if known is None and code in coming:
            continue
        if known is None or not area_in_charge(ground, known, tops):
            raise OutsideCharge(what="area", area=code)


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
    return dt.datetime.now(dt.UTC)
