"""/v1/categories and /v1/catalogue: the catalogue as phones read it, and as administrators edit it. Knows no SQL.

Whoever edits may look first: with ``dry_run`` the answer says what would change and what is wrong; nothing is kept.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server import clock
from server.api.moments import moment_field
from server.cases.catalogues import editions, workbook
from server.cases.catalogues.editions import Version
from server.cases.catalogues.entries import Change, Entry, Fault
from server.cases.catalogues.fault_words import told
from server.cases.catalogues.telling import change_json, forms, public, sent_entry, whole
from server.cases.errors import CasesBecomePublic, InvalidCatalogueFile, UnknownCategory
from server.cases.routing.trial import mark_changed
from server.database.ground_cache import ground_at
from server.database.transaction import Transaction, transaction
from server.http.auth import access, calling_charge, staff_required
from server.http.fresh import fresh_json
from server.http.in_charge import require_city
from server.jobs.queues import wake
from sync.collections.fields import Text

blueprint = Blueprint("catalogue", __name__, url_prefix="/v1", description="类别目录 · the catalogue of categories")

EDITING = "admin"
OVER = "the catalogue of the city: admin of the whole city"
_ROW = fields.Dict(keys=Text())
_XLSX = {workbook.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}


class CatalogueTimeSchema(Schema):
    """Of which moment; left out: now."""

    at = moment_field(load_default=None)


class CatalogueSchema(Schema):
    """The catalogue: first levels of two digits, categories of four."""

    edition = fields.Integer(required=True, metadata={"description": "Grows with every change that came into force"})
    categories = fields.List(fields.Dict(), required=True)


class WholeCatalogueSchema(Schema):
    """The catalogue of a moment as it is edited, retired categories too."""

    edition = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    categories = fields.List(fields.Dict(), required=True)
    forms = fields.Dict(required=True, metadata={"description": "What is asked of each part: names, kinds, choices"})


def _make_public() -> fields.Boolean:
    told = "that private cases become public by it; without this it is refused with /problems/cases-become-public"
    return fields.Boolean(load_default=False, metadata={"description": told})


class CategoryEditSchema(Schema):
    """An edit of one category. What is left out stands; ``conditions`` and ``bans`` are sent as whole lists."""

    since = moment_field(load_default=None, allow_none=True, data_key="from")
    dry_run = fields.Boolean(load_default=False)
    make_public = _make_public()
    fields_ = fields.Dict(keys=Text(), load_default=dict, data_key="fields", validate=validate.Length(max=40))
    conditions = fields.List(_ROW, load_default=None, allow_none=True, validate=validate.Length(max=40))
    bans = fields.List(_ROW, load_default=None, allow_none=True, validate=validate.Length(max=60))


class WorkbookQuerySchema(Schema):
    """From when a workbook holds, and whether it is only looked at."""

    since = moment_field(load_default=None, data_key="from")
    dry_run = fields.Boolean(load_default=True)
    make_public = _make_public()


class CatalogueReportSchema(Schema):
    """What an edit or a workbook changes, or would, and what is wrong with it. With faults nothing is changed."""

    dry_run = fields.Boolean(required=True)
    since = fields.AwareDateTime(required=True, data_key="from")
    rows = fields.Integer(required=True)
    changes = fields.List(fields.Dict(), required=True)
    faults = fields.List(fields.Dict(), required=True)
    retired = fields.Dict(
        required=True,
        metadata={"description": "Of those it retires: open_cases (they stay with their bodies), rules (labels)"},
    )
    made_public = fields.Dict(
        required=True, metadata={"description": "categories that are private no longer; cases: how many become public"}
    )


class CategoryVersionsSchema(Schema):
    """What a category said, says and will say, the newest first."""

    versions = fields.List(fields.Dict(), required=True)


@blueprint.get("/categories")
@access("public: the catalogue is about nobody")
@blueprint.arguments(CatalogueTimeSchema, location="query")
@blueprint.response(200, CatalogueSchema)
def catalogue(asked: dict[str, Any]) -> Response:
    """Return the categories in force, now or at a moment: when to file and close, limits, conditions, bodies."""
    at = asked["at"] or clock.now()
    with transaction() as tx:
        found = editions.catalogue_at(tx.session, at)
        edition = editions.edition_of(tx.session, at)
    shown = [public(each) for each in found.values() if each.own["is_active"]]
    return fresh_json({"edition": edition, "categories": shown})


@blueprint.get("/catalogue")
@staff_required(over="the whole catalogue; it is about nobody")
@blueprint.arguments(CatalogueTimeSchema, location="query")
@blueprint.response(200, WholeCatalogueSchema)
def whole_catalogue(asked: dict[str, Any]) -> Response:
    """Return the catalogue as it is edited, with what is planned of it."""
    now = clock.now()
    at = asked["at"] or now
    with transaction() as tx:
        found = editions.catalogue_at(tx.session, at)
        edition, planned = editions.edition_of(tx.session, at), editions.planned_from(tx.session, now)
        # One that is still to come is listed, too: as it will be.
        for code, begins in planned.items():
            if code not in found:
                found[code] = editions.catalogue_at(tx.session, begins)[code]
    shown = [whole(each, planned.get(code)) for code, each in sorted(found.items())]
    return fresh_json({"edition": edition, "at": at, "categories": shown, "forms": forms()})


@blueprint.get("/catalogue/<string:code>/versions")
@staff_required(over="the whole catalogue; it is about nobody")
@blueprint.response(200, CategoryVersionsSchema)
def versions(code: str) -> Response:
    """Return what a category said, says and will say."""
    with transaction() as tx:
        found = editions.versions_of(tx.session, code)
    if not found:
        raise UnknownCategory(code)
    return fresh_json({"versions": [_version(each) for each in found]})


def _version(version: Version) -> dict[str, Any]:
    return {
        "from": version.since,
        "until": version.until,
        "fields": dict(version.terms),
        "entered_at": version.entered_at,
        "entered_by": version.entered_by,
    }


@blueprint.put("/catalogue/<string:code>")
@staff_required(EDITING, over=OVER)
@blueprint.arguments(CategoryEditSchema)
@blueprint.response(200, CatalogueReportSchema)
def edit(sent: dict[str, Any], code: str) -> dict[str, Any]:
    """Change a category from now or from a later moment on, make one, or retire one; or look what that would change."""
    with transaction() as tx:
        require_city(tx)
        at = sent["since"] or tx.now
        standing = editions.catalogue_at(tx.session, at).get(code)
        said = {"fields": sent["fields_"], "conditions": sent["conditions"], "bans": sent["bans"]}
        entry, faults = sent_entry(code, standing, said)
        return _enter(tx, _Asked([entry], faults, sent["since"], tx.now, sent["dry_run"], sent["make_public"]))


@blueprint.get("/catalogue/xlsx")
@staff_required(over="the whole catalogue; it is about nobody")
@blueprint.arguments(CatalogueTimeSchema, location="query")
@blueprint.response(200, content_type=workbook.MEDIA_TYPE, description="The workbook that is also taken")
def as_workbook(asked: dict[str, Any]) -> Response:
    """Return the catalogue of a moment as XLSX: categories, filing conditions, and what may not be reported."""
    at = asked["at"] or clock.now()
    with transaction() as tx:
        found = editions.catalogue_at(tx.session, at)
    return Response(
        workbook.write(found.values()),
        content_type=workbook.MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="catalogue-{at:%Y-%m-%d}.xlsx"'},
    )


@blueprint.post("/catalogue/xlsx")
@staff_required(EDITING, over=OVER)
@blueprint.arguments(WorkbookQuerySchema, location="query")
@blueprint.response(200, CatalogueReportSchema)
@blueprint.doc(requestBody={"required": True, "content": _XLSX})
def take_workbook(asked: dict[str, Any]) -> dict[str, Any]:
    """Take a workbook, or look what it would change (``dry_run``, the default). What it does not list stands.

    The file is opened in a confined child; formulas are refused. Any fault is told, and nothing is changed then.
    """
    now = clock.now()
    with transaction() as tx:
        require_city(tx)
    found = workbook.read(request.get_data(cache=False))
    with transaction() as tx:
        faults = list(found.faults) or editions.faults_in(tx.session, found.entries, asked["since"] or now, found.rows)
        return _enter(tx, _Asked(found.entries, faults, asked["since"], now, asked["dry_run"], asked["make_public"]))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be entered, what is wrong with it already, from when, and whether it is only looked at."""

    entries: Sequence[Entry]
    faults: Sequence[Fault]
    since: dt.datetime | None
    now: dt.datetime
    dry_run: bool
    make_public: bool


def _enter(tx: Transaction, asked: _Asked) -> dict[str, Any]:
    """Enter, or look.

    Raises ``InvalidCatalogueFile`` where something is wrong, ``CasesBecomePublic`` where that was not asked for, and it
    is not only looked at.
    """
    faults = [told(each) for each in asked.faults]
    changes: list[Change] = []
    if not faults:
        try:
            changes = editions.apply(
                tx.session, asked.entries, since=asked.since, by=calling_charge().person_id, now=asked.now
            )
        except InvalidCatalogueFile as error:
            faults = [dict(each) for each in error.faults]
    if faults and not asked.dry_run:
        raise InvalidCatalogueFile(faults)
    changed, retired = [each.code for each in changes], [each.code for each in changes if each.kind == "retired"]
    touched = {"open_cases": 0, "rules": []} if not retired else editions.left_with(tx.session, retired)
    public = editions.made_public(tx.session, changes)
    if public["cases"] and not (asked.dry_run or asked.make_public):
        raise CasesBecomePublic(**public)
    if asked.dry_run:
        tx.session.rollback()
    elif changed and mark_changed(tx.session, ground_at(tx.session)(asked.now), asked.now, categories=changed):
        tx.then(wake, "routing")
    return {
        "dry_run": asked.dry_run,
        "since": asked.since or asked.now,
        "rows": len(asked.entries),
        "changes": [change_json(each) for each in changes],
        "faults": faults,
        "retired": touched,
        "made_public": public,
    }
