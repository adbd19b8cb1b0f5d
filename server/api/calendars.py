"""/v1/calendars: which days are worked where, and when; entering what was announced. Knows no SQL.

Whoever enters may look first: with ``dry_run`` the answer says which deadlines would move, and nothing is kept.
"""

from dataclasses import replace
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server import clock
from server.accounts.charge import reach
from server.api.calendar_schemas import (
    FIRST_YEAR,
    LAST_YEAR,
    CalendarEditionsSchema,
    CalendarEnteredSchema,
    CalendarHoursSchema,
    CalendarMovesSchema,
    CalendarPlaceSchema,
    CalendarWithdrawalSchema,
    CalendarYearSchema,
    CalendarYearShownSchema,
    CalendarYearsSchema,
    days_of,
    drafted,
    entered_json,
    move_json,
    year_json,
    years_json,
)
from server.cases.calendars import store
from server.cases.calendars.calendar import SHANGHAI
from server.cases.calendars.sheet import write
from server.cases.calendars.store import Author, Draft
from server.cases.deadlines import entering, moves
from server.cases.errors import UnknownCalendar
from server.database.transaction import Transaction, transaction
from server.http.auth import calling_charge, staff_required
from server.http.in_charge import require_area
from server.jobs.queues import wake

blueprint = Blueprint("calendars", __name__, url_prefix="/v1/calendars", description="工作日历 · the work calendar")

ENTERING = "admin"
OVER = "the city's: admin of the whole city; an area's own: admin over that area"


class CalendarPageSchema(Schema):
    """Which editions."""

    before = fields.Integer(load_default=None, validate=validate.Range(1, 2**31 - 1))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))


@blueprint.get("")
@staff_required(over="the whole calendar; it is about nobody")
@blueprint.arguments(CalendarPageSchema, location="query")
@blueprint.response(200, CalendarEditionsSchema)
def editions(asked: dict[str, Any]) -> dict[str, Any]:
    """Return who entered which year or hours, when, and by which source, the newest first."""
    with transaction() as tx:
        return {"editions": store.listed(tx.session, limit=asked["limit"], before=asked["before"])}


@blueprint.get("/years")
@staff_required(over="the whole calendar; it is about nobody")
@blueprint.arguments(CalendarPlaceSchema, location="query")
@blueprint.response(200, CalendarYearsSchema)
def years(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the years of the calendar of an area, or of the city: which are announced, and which may still change."""
    this = clock.now().astimezone(SHANGHAI).year
    with transaction() as tx:
        calendar = store.read(tx.session).over(store.line_of(tx.session, asked["area"]))
        listed = sorted({*store.years(tx.session), this, this + 1})
    return {"area": asked["area"], "years": years_json(calendar, listed)}


@blueprint.get("/<int:year>")
@staff_required(over="the whole calendar; it is about nobody")
@blueprint.arguments(CalendarPlaceSchema, location="query")
@blueprint.response(200, CalendarYearShownSchema)
def year(asked: dict[str, Any], year: int) -> dict[str, Any]:
    """Return a year as it is counted in an area, or in the city: its days, hours, and whether it may still change."""
    with transaction() as tx:
        _known(year)
        calendar = store.read(tx.session).over(store.line_of(tx.session, asked["area"]))
        area_id = None if asked["area"] is None else store.area_of(tx.session, asked["area"])
        own = store.newest_of(tx.session, Draft("", area_id, year))
    return {**year_json(calendar, year), "area": asked["area"], "own_edition": own}


@blueprint.get("/<int:year>/csv")
@staff_required(over="the whole calendar; it is about nobody")
@blueprint.arguments(CalendarPlaceSchema, location="query")
@blueprint.response(200, {"type": "string"}, content_type="text/csv", description="date,kind,name")
def year_as_csv(asked: dict[str, Any], year: int) -> Response:
    """Return the days of a year as the file that is also taken: ``date,kind,name``."""
    _known(year)
    with transaction() as tx:
        calendar = store.read(tx.session).over(store.line_of(tx.session, asked["area"]))
    return Response(
        write(days_of(calendar, year)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="calendar-{year}.csv"'},
    )


@blueprint.post("/years")
@staff_required(ENTERING, over=OVER)
@blueprint.arguments(CalendarYearSchema)
@blueprint.response(200, CalendarEnteredSchema)
def enter_year(sent: dict[str, Any]) -> dict[str, Any]:
    """Enter a year as it was announced, or look at which deadlines that would move."""
    return _enter(sent)


@blueprint.post("/hours")
@staff_required(ENTERING, over=OVER)
@blueprint.arguments(CalendarHoursSchema)
@blueprint.response(200, CalendarEnteredSchema)
def enter_hours(sent: dict[str, Any]) -> dict[str, Any]:
    """Enter working hours from a day on, or look at which deadlines that would move."""
    return _enter(sent)


@blueprint.post("/withdrawals")
@staff_required(ENTERING, over=OVER)
@blueprint.arguments(CalendarWithdrawalSchema)
@blueprint.response(200, CalendarEnteredSchema)
def withdraw(sent: dict[str, Any]) -> dict[str, Any]:
    """Withdraw what an area, or the city, has said of a year or from a day on; editions of before stay on record."""
    return _enter(sent, withdrawn=True)


@blueprint.get("/editions/<int:number>/moves")
@staff_required(ENTERING, over="the cases in their charge")
@blueprint.response(200, CalendarMovesSchema)
def moved(number: int) -> dict[str, Any]:
    """Return which deadlines an edition has moved so far."""
    with transaction() as tx:
        if number > store.newest(tx.session):
            raise UnknownCalendar(number)
        found = moves.moved_by(tx.session, number, reach(calling_charge(), tx.ground()))
    return {"moved": len(found), "moves": [move_json(each) for each in found[: moves.LISTED_AT_MOST]]}


def _enter(sent: dict[str, Any], *, withdrawn: bool = False) -> dict[str, Any]:
    with transaction() as tx:
        area_id = _area_id(tx, sent["area"])
        draft = replace(drafted(sent, area_id), withdrawn=withdrawn)
        by = Author("page", calling_charge().person_id)
        entered = entering.enter(tx.session, draft, by, tx.ground(), tx.now)
        if sent["dry_run"]:
            tx.session.rollback()
        else:
            tx.then(wake, "calendar")
    return entered_json(entered, dry_run=sent["dry_run"])


def _area_id(tx: Transaction, code: str | None) -> int | None:
    """Return the id of the area (None: the city). Raises ``OutsideCharge`` unless the caller may enter for it."""
    found = require_area(tx, code)
    return store.area_of(tx.session, code) if found is None and code is not None else found


def _known(year: int) -> None:
    """Take only a year that a calendar can have. Raises ``UnknownCalendar``."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise UnknownCalendar(year)
