"""/v1/drafts: redrawing the ground before it is in force. Parses, calls ``server.grids``, renders. Knows no SQL.

Every change says by If-Match which version of the draft it was made over (428 without, 412 over another one).
"""

import datetime as dt
import re
from typing import Any

import shapely
from flask import Response, make_response, request
from flask_smorest import Blueprint

from geo.editions.tables import PlannedEdition
from geo.redraw import Redrawn
from geo.redraw.layer import compare
from server import clock
from server.accounts.names import names_of
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
from server.database.extensions import settings
from server.database.transaction import Transaction, transaction
from server.grids import drafts, publishing
from server.grids.checking import check_draft
from server.grids.concerned import concerned
from server.grids.drafts import Seen
from server.grids.errors import OperationRefused
from server.grids.homes import homes_in
from server.grids.rights import DRAWING, Drawer, owner_of
from server.grids.tables import Draft, DraftOperation
from server.http.auth import calling_charge, calling_staff, staff_required
from server.http.fresh import fresh_json
from server.jobs.queues import wake
from sync.redraw.impact import impact_of

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
    with transaction() as tx:
        draft = drafts.begin(
            tx.session, name=sent["name"], author=calling_staff().login, now=tx.now, base=sent["base_edition"]
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
        names = names_of(tx.session, [draft.author for draft, _ in found])
        told = [
            _facts(draft, newest, waiting.get(draft.id))
            | {"operations": count, "author_name": names.get(draft.author, draft.author)}
            for draft, count in found
        ]
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
        draft = drafts.lock(tx.session, draft_id, _seen())
        _drawer(tx).require_disposal(tx.session, draft, _owner(tx, draft))
        drafts.give_up(tx.session, draft)


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
    with transaction() as tx:
        draft = drafts.find(tx.session, draft_id)
        _drawer(tx).require_standing(tx.session, draft)
        done = drafts.drawn(tx.session, draft)
        differing = compare(done.before.grids, done.after.grids)
        before = {code: tract.polygon for code, tract in differing.before.items()}
        after = {code: tract.polygon for code, tract in differing.put.items()}
        names = {code: tract.name for code, tract in differing.put.items()}
        counted = impact_of(tx.session, before, after, names=names, now=tx.now, near_m=settings().near_m)
        changes = done.changes().values()
        touched = {code for each in changes for code in each.put}
        retired = {code for each in changes for code in each.gone}
        return impact_json(counted, concerned(tx.session, touched, retired, now=tx.now))


@blueprint.post("/<int(max=2147483647):draft_id>/operations")
@staff_required("gis", over=_DRAWING)
@blueprint.arguments(DraftOperationSchema)
@blueprint.response(201, DraftOperatedSchema)
@blueprint.doc(**_IF_MATCH)
def operate(sent: dict[str, Any], draft_id: int) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Do one operation more. What was undone is gone then."""
    kind = sent.pop("kind")
    with transaction() as tx:
        draft = drafts.lock(tx.session, draft_id, _seen())
        drawer = _drawer(tx)
        drawer.require_discarding(tx.session, draft)
        _, step = drafts.do(tx.session, draft, kind, sent, author=drawer.login, now=tx.now)
        drawer.require_done(tx.session, draft, _owner(tx, draft))
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
        _drawer(tx).require_undoing(tx.session, draft)
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
        _drawer(tx).require_redoing(tx.session, draft)
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
        _drawer(tx).require_disposal(tx.session, draft, _owner(tx, draft))
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
    with transaction() as tx:
        draft = drafts.lock(tx.session, draft_id, _seen())
        _drawer(tx).require_standing(tx.session, draft)
        order = publishing.order_of(tx.session, draft, by=calling_staff().login, note=sent["note"])
        if sent["at"] is not None:
            due_at = sent["at"].astimezone(dt.UTC)
            planned = publishing.plan(tx.session, draft, order, due_at=due_at, now=tx.now)
            return make_response(plan_json(planned), 202, {"ETag": _tag(draft)})
        done = publishing.put_into_force(tx.session, draft, order, _now)
        tx.then(wake, "editions")
    told = {name: [each.code for each in getattr(done, name)] for name in ("added", "changed", "retired")}
    return {"edition": done.number, **told}, 201, {"ETag": _tag(draft)}


def _now() -> dt.datetime:
    return clock.now()


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


def _drawer(tx: Transaction) -> Drawer:
    return Drawer(calling_staff().login, calling_charge().areas(DRAWING), tx.ground())


def _owner(tx: Transaction, draft: Draft) -> Drawer:
    now = _now()
    return owner_of(tx.session, draft, tx.ground(), now=now)


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
    facts["author_name"] = names_of(tx.session, [draft.author]).get(draft.author, draft.author)
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
