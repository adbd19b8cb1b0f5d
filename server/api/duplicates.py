"""/v1/cases: what may be reported already, what two cases have in common, and photos seen before. Knows no SQL.

Phones and pages ask the same: what a phone is told is what its pull would show it unmasked, what staff are told is
what lies in their charge unmasked. Everything else does not exist here.
"""

import uuid
from dataclasses import asdict
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate
from sqlalchemy import ColumnElement, and_, not_, or_, select

from geo.geometry.datum import to_wgs84
from server import clock
from server.accounts.charge import RULING, reach
from server.accounts.issue_sight import in_reach, masked
from server.api.duplicate_schemas import DismissedSchema, DuplicatesSchema, LikelySchema, ReusedPhotosSchema
from server.api.moments import moment_field
from server.cases.catalogues.bans import barred
from server.cases.catalogues.editions import catalogue_at
from server.cases.duplicates import suggesting
from server.cases.duplicates.comparing import Facts, compare, facts_of
from server.cases.duplicates.reused import Reused, reused_photos
from server.cases.duplicates.suggesting import Asked, Candidate
from server.cases.errors import UnknownCase
from server.database.ground_cache import ground_now
from server.database.transaction import Transaction, transaction
from server.http.auth import (
    called_by_device,
    calling_charge,
    calling_device,
    calling_staff,
    device_or_staff,
    staff_required,
)
from server.http.fresh import fresh_json
from sync.access.scope import current_scope
from sync.access.sight import asker, hidden, of_person, within
from sync.collections.collection import LocationSchema
from sync.collections.fields import Text
from sync.collections.issues import ISSUES, Issue

blueprint = Blueprint(
    "duplicates", __name__, url_prefix="/v1/cases", description="重复与旧照 · duplicates, reused photos"
)

SEEN = "cases that they may see whole"


class DuplicateQuestionSchema(Schema):
    """A report that is about to be sent: of what, where, in which words; ``at``: when it was seen (left out: now)."""

    category = Text(required=True, validate=validate.Regexp(r"^[0-9]{4}$"))
    location = fields.Nested(LocationSchema, required=True)
    description = Text(load_default="", allow_none=True, validate=validate.Length(max=4000))
    at = moment_field(load_default=None, allow_none=True)


@blueprint.post("/duplicates")
@device_or_staff(SEEN)
@blueprint.arguments(DuplicateQuestionSchema)
@blueprint.response(200, LikelySchema)
def likely(sent: dict[str, Any]) -> dict[str, Any]:
    """Return the open cases that may be of the same matter as a report not sent yet, the likeliest first."""
    now = clock.now()
    place = sent["location"]
    lon, lat = to_wgs84([place["lon"]], [place["lat"]], place.get("datum") or "wgs84")
    asked = Asked(sent["category"], sent["at"] or now, float(lon[0]), float(lat[0]), sent["description"] or "")
    with transaction() as tx:
        seen = _seen(tx)
        [candidates] = suggesting.suggest(tx.session, [asked], seen=seen)
        facts = facts_of(tx.session, [each.id for each in candidates], seen)
        bans = barred(catalogue_at(tx.session, asked.at), asked.category, _areas(tx, asked), asked.at)
    return {
        "candidates": [_candidate(each, facts[each.id]) for each in candidates if each.id in facts],
        "not_reported": [
            {"area": each["area"] or None, "hours": each["hours"], "zh": each["reason_zh"], "en": each["reason_en"]}
            for each in bans
        ],
    }


def _areas(tx: Transaction, asked: Asked) -> set[str]:
    """Return the codes of the grid that a place lies in today, and of what that lies in."""
    ground = tx.ground()
    grid = None if ground is None else ground.locator.locate_one(asked.lon, asked.lat)
    return set() if ground is None or grid is None else {ground.areas[each].code for each in ground.ancestors(grid)}


@blueprint.get("/<uuid:issue_id>/duplicates")
@device_or_staff(SEEN)
@blueprint.response(200, DuplicatesSchema)
def duplicates(issue_id: uuid.UUID) -> Response:
    """Return a case and those that may be of the same matter, facts side by side; dismissed ones come last."""
    with transaction() as tx:
        case, pairs = compare(tx.session, issue_id, _seen(tx))
    return fresh_json(
        {
            "case": _facts(case),
            "candidates": [
                _candidate(pair.candidate, pair.facts) | {"dismissed": pair.dismissed} for pair in pairs
            ],
        }
    )  # fmt: skip


@blueprint.post("/<uuid:issue_id>/duplicates/<uuid:other_id>/dismissal")
@staff_required(*RULING, over="cases that they may see whole, in the charge of that role")
@blueprint.response(200, DismissedSchema)
def dismiss(issue_id: uuid.UUID, other_id: uuid.UUID) -> dict[str, Any]:
    """Say that two cases are not of one matter: they are suggested no more. Saying it twice changes nothing."""
    with transaction() as tx:
        seen = facts_of(tx.session, [issue_id, other_id], _seen(tx))
        for each in (issue_id, other_id):
            if each not in seen:
                raise UnknownCase(each)
        done = suggesting.dismiss(tx.session, issue_id, other_id, by=calling_staff().person_id, now=tx.now)
    return {"dismissed": done}


@blueprint.get("/<uuid:issue_id>/reused-photos")
@device_or_staff(SEEN)
@blueprint.response(200, ReusedPhotosSchema)
def reused(issue_id: uuid.UUID) -> Response:
    """Return which photos of a case and its tasks were handed in elsewhere or before: when, and with which case."""
    with transaction() as tx:
        seen = _seen(tx)
        if issue_id not in facts_of(tx.session, [issue_id], seen):
            raise UnknownCase(issue_id)
        found = reused_photos(tx.session, issue_id, seen)
    return fresh_json({"photos": [_reused(each) for each in found]})


def _seen(tx: Transaction) -> ColumnElement[bool]:
    """Return the condition on ``Issue`` that the caller may see it whole."""
    if not called_by_device():
        held = reach(calling_charge(), tx.ground())
        return and_(in_reach(held), not_(masked(held)))
    device = calling_device()
    ground = ground_now(tx.session, device.ground_serial)
    scope = current_scope(tx.session, device, ground, tx.now)
    held_there = or_(within(ISSUES, scope.tokens), of_person(ISSUES, scope))
    shown = select(Issue.id).where(held_there, not_(hidden(ISSUES))).correlate(None)
    return Issue.id.in_(shown.params(asker(device, ground)))


def _candidate(candidate: Candidate, facts: Facts) -> dict[str, Any]:
    return {
        **_facts(facts),
        "score": candidate.score,
        "likeness": candidate.likeness,
        "distance_m": candidate.distance_m,
        "hours_apart": candidate.hours_apart,
        "same_category": candidate.same_category,
        "reasons": [each.as_json() for each in candidate.reasons],
    }


def _facts(facts: Facts) -> dict[str, Any]:
    return asdict(facts) | {"photos": list(facts.photos)}


def _reused(found: Reused) -> dict[str, Any]:
    return asdict(found)
