"""/v1/issues: the list by pages, and one issue in full. Limited to what the caller is in charge of. Knows no SQL."""

import base64
import binascii
import datetime as dt
import uuid
from typing import Any

import msgspec
from flask import Response
from flask_smorest import Blueprint

from server.accounts.charge import reach
from server.api.issue_schemas import IssueSchema, IssuesSchema, PageSchema, brief_json, filters_of
from server.cases.lists.issue_detail import Entry, IssueDetail, read_issue_detail
from server.cases.lists.issue_list import list_issues
from server.database.transaction import transaction
from server.http.auth import calling_charge, staff_required
from server.http.fresh import fresh_json
from sync.access.privacy import masked_facts, masked_routing
from sync.errors import CursorInvalid
from sync.tables import DeadLetter
from sync.wording.reasons import REASONS, as_document

blueprint = Blueprint("issues", __name__, url_prefix="/v1/issues", description="事件 · issues, for staff")


@blueprint.get("")
@staff_required()
@blueprint.arguments(PageSchema, location="query")
@blueprint.response(200, IssuesSchema)
def page_of_issues(query: dict[str, Any]) -> Response:
    """Return one page of the issues in the caller's charge, under filters."""
    with transaction() as tx:
        ground = tx.ground()
        try:
            page = list_issues(
                tx.session,
                reach(calling_charge(), ground),
                filters_of(query, ground),
                sort=query["sort"],
                after=_opened(query["cursor"], query["sort"]),
                limit=query["limit"],
                now=tx.now,
            )
        except ValueError as error:
            raise CursorInvalid(field="cursor") from error
    return fresh_json(
        {"issues": [brief_json(brief) for brief in page.issues], "cursor": _sealed(page.after, query["sort"])}
    )


@blueprint.get("/<uuid:issue_id>")
@staff_required()
@blueprint.response(200, IssueSchema)
def one_issue(issue_id: uuid.UUID) -> Response:
    """Return everything about one issue: what, where, state, deadline, body, why it was routed there, history."""
    with transaction() as tx:
        ground = tx.ground()
        detail = read_issue_detail(tx.session, issue_id, reach(calling_charge(), ground), ground, now=tx.now)
    return fresh_json(detail_json(detail))


_TIMES = ("captured_at", "received_at", "changed_at", "due_at", "closed_at")


def detail_json(detail: IssueDetail) -> dict[str, Any]:
    """Return an issue in full as JSON; of a masked one nothing by which its place could be found within its grid."""
    told = _told(detail)
    return told if not detail.masked else masked_facts(told) | _masked_parts(detail)


def _masked_parts(detail: IssueDetail) -> dict[str, Any]:
    """Return what is told of a masked issue in part."""
    return {
        "approximate": detail.row.grid_now is not None,
        "routing": masked_routing(detail.row.routing),
        "routing_failure": _failure(detail.failure, masked=True),
        "history": [_entry(entry, masked=True) for entry in detail.history],
    }


def _told(detail: IssueDetail) -> dict[str, Any]:
    row, doc = detail.row, detail.row.doc
    return {
        "id": row.id,
        "rev": row.rev,
        "category": _category(detail),
        "state": row.state,
        "severity": row.severity,
        "light": detail.light,
        "light_due_at": row.light_due_at,
        "light_stage": _stage_of(detail),
        "description": doc.get("description"),
        "address": doc.get("address_text"),
        "location": _location(detail),
        "distance_m": row.distance_m,
        "how": row.located,
        "ambiguous": len(row.candidates or ()) > 1,
        "approximate": False,
        "path": [{"code": step.code, "name": step.name, "kind": step.kind} for step in detail.path],
        "grid": _named(detail.grid),
        "grid_at_capture": _named(detail.grid_at_capture, edition=row.edition_at_capture),
        "candidates": [_named(each) for each in detail.candidates],
        "workers": [worker.name for worker in detail.workers],
        "photos": [_photo(detail, photo) for photo in doc.get("photos") or ()],
        "memos": [_photo(detail, memo) for memo in doc.get("memos") or ()],
        "tags": doc.get("tags") or [],
        "private": detail.private,
        "masked": detail.masked,
        "reporter": detail.reporter,
        **{name: getattr(row, name) for name in _TIMES},
        "closing_reason": row.closing_reason,
        "awaiting_routing": row.awaiting_routing,
        "routing_failure": _failure(detail.failure, masked=False),
        "body": _named(detail.body),
        "assisting": [_named(body) for body in detail.assisting],
        "routing": row.routing,
        "public_answer": row.public_answer,
        "history": [_entry(entry, masked=False) for entry in detail.history],
    }


def _stage_of(detail: IssueDetail) -> str | None:
    row = detail.row
    if row.light_due_at is None:
        return None
    return "handling" if row.pressing_due_at is None else row.pressing_stage


def _failure(failure: DeadLetter | None, *, masked: bool) -> dict[str, Any] | None:
    if failure is None:
        return None
    return {
        "reason": None if masked else failure.reason,
        "since": failure.since,
        "attempts": failure.attempts,
        "next_attempt_at": failure.next_attempt_at,
    }


def _photo(detail: IssueDetail, photo: str) -> dict[str, Any]:
    """Return a photo or memo that the issue names; awaited until its upload has ended; it may have been refused."""
    come, refusal = detail.photos.get(uuid.UUID(photo)), detail.refusals.get(uuid.UUID(photo))
    if come is None and refusal is not None:
        return {"id": photo, "awaited": False, "refused": refusal}
    if come is None:
        return {"id": photo, "awaited": True}
    return {"id": photo, "awaited": False, "type": come.type, "preview": come.preview}


def _category(detail: IssueDetail) -> dict[str, Any]:
    category, parent, code = detail.category, detail.parent, detail.row.category
    return {
        "code": code,
        "name_zh": category.name_zh if category else code,
        "name_en": category.name_en if category else code,
        "parent_zh": parent.name_zh if parent else None,
        "parent_en": parent.name_en if parent else None,
    }


def _location(detail: IssueDetail) -> dict[str, Any] | None:
    if detail.lon is None:
        return None
    sent = detail.row.doc.get("location") or {}
    datum = sent.get("source_datum") or sent.get("datum")
    return {"lon": detail.lon, "lat": detail.lat, "accuracy_m": sent.get("accuracy_m"), "datum": datum}


def _named(thing: Any, **more: Any) -> dict[str, Any] | None:
    return None if thing is None else {"code": thing.code, "name": thing.name, **more}


def _entry(entry: Entry, *, masked: bool) -> dict[str, Any]:
    return {
        "at": entry.at,
        "received_at": entry.received_at,
        "by": None if masked and entry.from_device else entry.by,
        "from": "device" if entry.from_device else "server",
        "action": entry.action,
        "status": entry.status,
        "rev": entry.rev,
        "fields": [] if masked and entry.from_device else list(entry.fields),
        "state": entry.state,
        "body": entry.body,
        "problem": None if masked else _problem(entry),
        "moved": entry.moved,
    }


def _problem(entry: Entry) -> dict[str, str] | None:
    """Return the reason in both languages; it was stored in the language of the phone."""
    problem = as_document(entry.problem)
    if problem is None:
        return None
    title = str(problem.get("title", ""))
    zh, en = REASONS.get(problem["type"].rpartition("/")[2], (title, title))
    return {"zh": zh, "en": en}


def _sealed(after: tuple[str, str] | None, sort: str) -> str | None:
    if after is None:
        return None
    return base64.urlsafe_b64encode(msgspec.json.encode((sort, *after))).decode().rstrip("=")


def _opened(cursor: str | None, sort: str) -> tuple[str, str] | None:
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        made_for, key, issue_id = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=tuple[str, str, str])
        uuid.UUID(issue_id)
        dt.datetime.fromisoformat(key)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise CursorInvalid(field="cursor") from error
    if made_for != sort:
        raise CursorInvalid(field="cursor")
    return key, issue_id
