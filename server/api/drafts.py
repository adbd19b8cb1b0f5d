"""/v1/drafts: redrawing the ground before it is in force. Parses, calls ``server.grids``, renders. Knows no SQL.

Every change says by If-Match which version of the draft it was made over (428 without, 412 over another one).
"""

import datetime as dt
import re
from typing import Any

import shapely
from flask import Response, make_response, request
from flask_smorest import Blueprint

from geo.redraw import Redrawn
from geo.redraw.sheet import compare
from geo.tables import PlannedEdition
from server.accounts.charge import areas_of_role
from server.api.draft_schemas import (
    DraftAllChangesSchema,
    DraftAreasQuerySchema,
    DraftOperatedSchema,
    DraftOperationSchema,
    DraftPublishedSchema,
    DraftPublishSchema,
    DraftRebasedSchema,
    DraftRebaseSchema,
    GroundDraftSchema,
    GroundDraftsSchema,
    NewDraftSchema,
)
from server.api.edition_schemas import ImpactSchema, PlanSchema, impact_json, plan_json
from server.api.fresh import fresh_json
from server.auth import calling_charge, calling_staff, staff_required
from server.extensions import settings
from server.grids import drafts, publishing
from server.grids.checking import check_draft
from server.grids.drafts import Seen
from server.grids.errors import OperationRefused
from server.grids.homes import homes_in
from server.grids.operations import Operation
from server.grids.rights import require_charge
from server.grids.tables import Draft, DraftOperation
from server.grounds import ground_at
from server.jobs.queues import wake
from server.transaction import Transaction, transaction
from sync.impact import impact_of

blueprint = Blueprint("drafts", __name__, url_prefix="/v1/drafts", description="网格改划草案 · drafts of the ground")

_TAG = re.compile(r'(?:W/)?"?v(\d{1,9})"?\Z')
_IF_MATCH = {
    "parameters": [
        {
            "in": "header",
            "name": "If-Match",
            "required": True,
            "schema": {"type": "string"},
            "description": "The ETag of the draft that was seen, or *",
        }
    ]
}
_DRAWING = "all drafts; what they may change is in their areas"


@blueprint.post("")
@staff_required("gis", over="the ground, which is no secret to staff")
@blueprint.arguments(NewDraftSchema)
@blueprint.response(201, GroundDraftSchema)
def begin(sent: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Begin a draft over the edition in force, or another."""
    now = _now()
    with transaction() as tx:
        draft = drafts.begin(
            tx.session, name=sent["name"], author=calling_staff().login, now=now, base=sent["base_edition"]
        )
        told = _draft_json(tx, draft)
    return told, 201, {"ETag": _tag(draft), "Location": f"/v1/drafts/{draft.id}"}


@blueprint.get("")
@staff_required("gis", over="the ground, which is no secret to staff")
@blueprint.response(200, GroundDraftsSchema)
def list_drafts() -> dict[str, Any]:
    """Return all drafts, the newest first."""
    with transaction() as tx:
        newest = drafts.newest_edition(tx.session)
        found = drafts.listed(tx.session)
        waiting = drafts.plans_of(tx.session, [draft for draft, _ in found])
        told = [_facts(draft, newest, waiting.get(draft.id)) | {"operations": count} for draft, count in found]
        return {"drafts": told}


@blueprint.get("/<int(max=2147483647):draft_id>")
@staff_required("gis", over="the ground, which is no secret to staff")
@blueprint.response(200, GroundDraftSchema)
def read(draft_id: int) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Return a draft with its operations, those undone too."""
    with transaction() as tx:
        draft = drafts.find(tx.session, draft_id)
        return _draft_json(tx, draft), 200, {"ETag": _tag(draft)}


@blueprint.delete("/<int(max=2147483647):draft_id>")
@staff_required("gis", over=_DRAWING)
@blueprint.response(204)
@blueprint.doc(**_IF_MATCH)
def give_up(draft_id: int) -> None:
    """Give up a draft."""
    with transaction() as tx:
        drafts.give_up(tx.session, drafts.lock(tx.session, draft_id, _seen()))


@blueprint.get("/<int(max=2147483647):draft_id>/areas")
@staff_required("gis", over="the ground, which is no secret to staff")
@blueprint.arguments(DraftAreasQuerySchema, location="query")
@blueprint.response(200, content_type="application/geo+json", description="A GeoJSON FeatureCollection")
def areas(query: dict[str, Any], draft_id: int) -> Response:
    """Return the areas as the draft leaves them."""
    with transaction() as tx:
        done = drafts.drawn(tx.session, drafts.find(tx.session, draft_id))
    kind = query["kind"] or done.after.locating
    if kind not in done.after.sheets:
        raise OperationRefused("kind", "unknown-kind")
    sheet, before = done.after.sheets[kind], done.before.sheets[kind]
    within = shapely.box(*query["bbox"]) if "bbox" in query else None
    codes = list(sheet.tracts) if within is None else sheet.near(within)
    differing = {code for code in codes if sheet.tracts[code] is not before.tracts.get(code)}
    wanted = sorted(differing if query["changed"] else codes)
    features = [
        {
            "type": "Feature",
            "id": code,
            "geometry": shapely.geometry.mapping(sheet[code].polygon),
            "properties": {
                "code": code,
                "name": sheet[code].name,
                "parent": sheet[code].parent_code,
                "changed": code in differing,
            },
        }
        for code in wanted[: query["limit"]]
    ]
    found = {"numberMatched": len(wanted), "numberReturned": len(features)}
    return fresh_json({"type": "FeatureCollection", "kind": kind, **found, "features": features})


@blueprint.get("/<int(max=2147483647):draft_id>/changes")
@staff_required("gis", over="the ground, which is no secret to staff")
@blueprint.response(200, DraftAllChangesSchema)
def changes(draft_id: int) -> Response:
    """Return what the draft changes so far, against the edition that it is over."""
    with transaction() as tx:
        done = drafts.drawn(tx.session, drafts.find(tx.session, draft_id))
    return fresh_json({"changes": [_changes_json(kind, each) for kind, each in done.changes().items()]})


@blueprint.get("/<int(max=2147483647):draft_id>/findings")
@staff_required("gis", over="the ground, which is no secret to staff")
@blueprint.response(200, content_type="application/geo+json", description="A GeoJSON FeatureCollection, with open")
def findings(draft_id: int) -> Response:
    """Return what the gate finds of what the draft changes; ``open``: it may be published."""
    with transaction() as tx:
        done = drafts.drawn(tx.session, drafts.find(tx.session, draft_id))
        homes = homes_in(tx.session, done, settings().household_norm, near_m=settings().near_m)
    return fresh_json(check_draft(done.before, done.after, homes).as_geojson())


@blueprint.get("/<int(max=2147483647):draft_id>/impact")
@staff_required("gis", over=_DRAWING)
@blueprint.response(200, ImpactSchema)
def impact(draft_id: int) -> dict[str, Any]:
    """Return what the draft would change for whom: households, open issues, due visits, workers, phones."""
    now = _now()
    with transaction() as tx:
        draft = drafts.find(tx.session, draft_id)
        _require_charge(tx, drafts.standing(drafts.operations(tx.session, draft)), now)
        done = drafts.drawn(tx.session, draft)
        differing = compare(done.before.grids, done.after.grids)
        before = {code: tract.polygon for code, tract in differing.before.items()}
        after = {code: tract.polygon for code, tract in differing.put.items()}
        names = {code: tract.name for code, tract in differing.put.items()}
        return impact_json(impact_of(tx.session, before, after, names=names, now=now, near_m=settings().near_m))


@blueprint.post("/<int(max=2147483647):draft_id>/operations")
@staff_required("gis", over=_DRAWING)
@blueprint.arguments(DraftOperationSchema)
@blueprint.response(201, DraftOperatedSchema)
@blueprint.doc(**_IF_MATCH)
def operate(sent: dict[str, Any], draft_id: int) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Do one operation more. What was undone is gone then."""
    now = _now()
    kind = sent.pop("kind")
    with transaction() as tx:
        draft = drafts.lock(tx.session, draft_id, _seen())
        _, step = drafts.do(tx.session, draft, kind, sent, author=calling_staff().login, now=now)
        _require_charge(tx, [step.operation], now)
        told = {"draft": _draft_json(tx, draft), "changes": _changes_json(step.kind, step.redrawn)}
    return told, 201, {"ETag": _tag(draft)}


@blueprint.post("/<int(max=2147483647):draft_id>/undo")
@staff_required("gis", over=_DRAWING)
@blueprint.response(200, GroundDraftSchema)
@blueprint.doc(**_IF_MATCH)
def undo(draft_id: int) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Undo the last operation that stands."""
    with transaction() as tx:
        draft = drafts.lock(tx.session, draft_id, _seen())
        drafts.undo(tx.session, draft)
        return _draft_json(tx, draft), 200, {"ETag": _tag(draft)}


@blueprint.post("/<int(max=2147483647):draft_id>/redo")
@staff_required("gis", over=_DRAWING)
@blueprint.response(200, GroundDraftSchema)
@blueprint.doc(**_IF_MATCH)
def redo(draft_id: int) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Do again what was undone last."""
    with transaction() as tx:
        draft = drafts.lock(tx.session, draft_id, _seen())
        drafts.redo(tx.session, draft)
        return _draft_json(tx, draft), 200, {"ETag": _tag(draft)}


@blueprint.post("/<int(max=2147483647):draft_id>/rebase")
@staff_required("gis", over=_DRAWING)
@blueprint.arguments(DraftRebaseSchema)
@blueprint.response(200, DraftRebasedSchema)
@blueprint.doc(**_IF_MATCH)
def rebase(sent: dict[str, Any], draft_id: int) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Do the operations anew over the edition in force, and name those that do not fit."""
    with transaction() as tx:
        draft = drafts.lock(tx.session, draft_id, _seen())
        found = publishing.rebase(tx.session, draft, sent["on_conflict"])
        told = {"draft": _draft_json(tx, draft), "conflicts": [each.as_json() for each in found]}
    return told, 200, {"ETag": _tag(draft)}


@blueprint.post("/<int(max=2147483647):draft_id>/publish")
@staff_required("gis", over=_DRAWING)
@blueprint.arguments(DraftPublishSchema)
@blueprint.response(201, DraftPublishedSchema)
@blueprint.alt_response(202, schema=PlanSchema, description="Planned, where a time was set")
@blueprint.doc(**_IF_MATCH)
def publish(sent: dict[str, Any], draft_id: int) -> tuple[dict[str, Any], int, dict[str, str]] | Response:
    """Bring the draft into force, or plan that. Refused (409) where another edition came since, or the gate is shut."""
    now = _now()
    with transaction() as tx:
        draft = drafts.lock(tx.session, draft_id, _seen())
        _require_charge(tx, drafts.standing(drafts.operations(tx.session, draft)), now)
        order = publishing.order_of(tx.session, draft, by=calling_staff().login, note=sent["note"])
        if sent["at"] is not None:
            due_at = sent["at"].astimezone(dt.UTC)
            planned = publishing.plan(tx.session, draft, order, due_at=due_at, now=now)
            return make_response(plan_json(planned), 202, {"ETag": _tag(draft)})
        done = publishing.put_into_force(tx.session, draft, order, _now)
        tx.then(wake, "editions")
    told = {name: [each.code for each in getattr(done, name)] for name in ("added", "changed", "retired")}
    return {"edition": done.number, **told}, 201, {"ETag": _tag(draft)}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _seen() -> Seen:
    """The version of the draft that If-Match names; one that no draft has where it cannot be read."""
    sent = request.headers.get("If-Match", "").strip()
    if not sent:
        return None
    if sent == "*":
        return "any"
    found = _TAG.match(sent)
    return int(found[1]) if found else 0


def _tag(draft: Draft) -> str:
    return f'"v{draft.version}"'


def _require_charge(tx: Transaction, operations: list[Operation], now: dt.datetime) -> None:
    """Raise ``OutsideCharge`` unless the caller may do these operations."""
    tops = areas_of_role(tx.session, calling_charge().person_id, "gis", now=now)
    require_charge(ground_at(tx.session)(now), tops, operations)


def _facts(draft: Draft, newest: int, plan: PlannedEdition | None) -> dict[str, Any]:
    return {
        "id": draft.id,
        "name": draft.name,
        "base_edition": draft.base_edition,
        "superseded": draft.published_edition is None and draft.base_edition != newest,
        "author": draft.author,
        "created_at": draft.created_at,
        "version": draft.version,
        "published_edition": draft.published_edition,
        "planned": None if plan is None or draft.published_edition is not None else _planned_json(plan),
    }


def _planned_json(plan: PlannedEdition) -> dict[str, Any]:
    return {"plan": plan.id, "at": plan.due_at, "state": plan.state, "problem": plan.problem}


def _draft_json(tx: Transaction, draft: Draft) -> dict[str, Any]:
    rows = drafts.operations(tx.session, draft)
    plan = drafts.plans_of(tx.session, [draft]).get(draft.id)
    facts = _facts(draft, drafts.newest_edition(tx.session), plan)
    return facts | {"operations": sum(not row.undone for row in rows), "done": [_done_json(row) for row in rows]}


def _done_json(row: DraftOperation) -> dict[str, Any]:
    names = ("position", "kind", "undone", "author", "made_at")
    return {name: getattr(row, name) for name in names} | {"parameters": _parameters_json(row.parameters)}


def _parameters_json(kept: dict[str, Any]) -> dict[str, Any]:
    """The parameters of an operation; without the polygons of a file, or of a division that was worked out."""
    many = "parts" if "parts" in kept else "areas" if "file" in kept else None
    if many is None:
        return kept
    return kept | {many: [{name: value for name, value in area.items() if name != "polygon"} for area in kept[many]]}


def _changes_json(kind: str, done: Redrawn) -> dict[str, Any]:
    features = [
        {
            "type": "Feature",
            "geometry": shapely.geometry.mapping(each.polygon),
            "properties": {"from": each.source, "to": each.target, "area_m2": round(each.area_m2, 1)},
        }
        for each in done.moved
    ]
    return {
        "kind": kind,
        "before": list(done.codes_before),
        "after": list(done.codes_after),
        "gone": list(done.gone),
        "moved": {"type": "FeatureCollection", "features": features},
        "lineage": [{"source": each.source, "target": each.target, "how": each.how} for each in done.lineage],
    }
