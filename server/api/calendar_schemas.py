"""What /v1/calendars takes and answers: shapes alone."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from server.api.moments import day_field
from server.cases.calendars import sheet
from server.cases.calendars.calendar import Day, WorkCalendar, parse_hours
from server.cases.calendars.store import Draft
from server.cases.calendars.tables import KINDS, STATUSES
from server.cases.deadlines.entering import Entered
from server.cases.deadlines.recounting import Move
from sync.collections.fields import Text

LISTED_AT_MOST = 200
FIRST_YEAR, LAST_YEAR = 2000, 2100
WEEKDAYS = tuple("1234567")


class CalendarPlaceSchema(Schema):
    """For which area; left out: for the whole city."""

    area = Text(load_default=None, validate=validate.Length(min=1, max=40))


class CalendarSentSchema(CalendarPlaceSchema):
    """What everything that is entered has."""

    source = Text(
        required=True,
        validate=validate.Length(min=1, max=300),
        metadata={"description": "by which document: it is told with every deadline that moves"},
    )
    dry_run = fields.Boolean(
        required=True, metadata={"description": "true: say what would move and keep nothing; look before you enter"}
    )
    follows = fields.Integer(
        load_default=None,
        strict=True,
        validate=validate.Range(0, 2**31 - 1),
        metadata={
            "description": "the newest edition of the same area and year, or day, that you have seen, 0 for none: "
            "where another came meanwhile it is 409"
        },
    )


class CalendarDaySchema(Schema):
    """One day that is free, or worked though it is a weekend."""

    date = day_field(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    name = Text(required=True, validate=validate.Length(min=1, max=sheet.LIMIT_NAME))

    @validates_schema
    def _check(self, sent: Mapping[str, Any], **_: Any) -> None:
        reason = sheet.name_reason(sent["name"])
        if reason is not None:
            raise ValidationError("Not a valid string.", "name")


class CalendarYearSchema(CalendarSentSchema):
    """A year as it was announced, or is expected: its days, or the CSV of them (``date,kind,name``)."""

    year = fields.Integer(required=True, strict=True, validate=validate.Range(FIRST_YEAR, LAST_YEAR))
    status = fields.String(load_default="announced", validate=validate.OneOf(STATUSES))
    days = fields.List(
        fields.Nested(CalendarDaySchema), load_default=None, validate=validate.Length(1, sheet.LIMIT_LINES)
    )
    csv = fields.String(load_default=None, validate=validate.Length(1, sheet.LIMIT_BYTES))

    @validates_schema
    def _check(self, sent: Mapping[str, Any], **_: Any) -> None:
        if (sent["days"] is None) == (sent["csv"] is None):
            raise ValidationError("Either days or csv must be given.", "days")
        dates = [each["date"] for each in sent["days"] or ()]
        if len(dates) != len(set(dates)):
            raise ValidationError("A day is given twice.", "days")

    @post_load
    def _days(self, sent: dict[str, Any], **_: Any) -> dict[str, Any]:
        given = sent.pop("days")
        text = sent.pop("csv")
        days = sheet.read(text.encode()) if given is None else {each["date"]: _day(each) for each in given}
        return {**sent, "days": days}


class CalendarHoursSchema(CalendarSentSchema):
    """Working hours from a day on, by weekday; breaks lie between them, and a weekday without any is not worked."""

    valid_from = day_field(required=True, metadata={"description": "first day of these hours, in Asia/Shanghai"})
    week = fields.Dict(
        keys=fields.String(validate=validate.OneOf(WEEKDAYS)),
        values=fields.List(fields.String(validate=validate.Length(max=11)), validate=validate.Length(0, 12)),
        required=True,
        metadata={"description": 'by weekday, "1" Monday to "7" Sunday: ["08:30-12:00", "14:00-17:30"]'},
    )

    @validates_schema
    def _check(self, sent: Mapping[str, Any], **_: Any) -> None:
        if not FIRST_YEAR <= sent["valid_from"].year <= LAST_YEAR:
            raise ValidationError("Must lie between 2000 and 2100.", "valid_from")

    @post_load
    def _week(self, sent: dict[str, Any], **_: Any) -> dict[str, Any]:
        week = [sent["week"].get(weekday, []) for weekday in WEEKDAYS]
        return {**sent, "week": tuple(parse_hours(",".join(spans)) if spans else () for spans in week)}


class CalendarWithdrawalSchema(CalendarSentSchema):
    """A year, or hours, that shall say nothing any more: what is around holds, and the city's year is provisional."""

    year = fields.Integer(load_default=None, strict=True, validate=validate.Range(FIRST_YEAR, LAST_YEAR))
    valid_from = day_field(load_default=None)

    @validates_schema
    def _check(self, sent: Mapping[str, Any], **_: Any) -> None:
        if (sent["year"] is None) == (sent["valid_from"] is None):
            raise ValidationError("Either year or valid_from must be given.", "year")


class CalendarMoveSchema(Schema):
    """One deadline that moves."""

    issue_id = fields.UUID(required=True)
    was_due_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True)


class CalendarEnteredSchema(Schema):
    """The edition that was entered, or would be, and what it moves."""

    edition = fields.Integer(required=True, allow_none=True, metadata={"description": "null where it was a look"})
    dry_run = fields.Boolean(required=True)
    moved = fields.Integer(required=True, metadata={"description": "how many deadlines move"})
    moves = fields.List(
        fields.Nested(CalendarMoveSchema),
        required=True,
        metadata={"description": f"the first {LISTED_AT_MOST} of them, those due first first"},
    )


class CalendarMovesSchema(Schema):
    """What an edition has moved so far; the job may be under way."""

    moved = fields.Integer(required=True)
    moves = fields.List(fields.Nested(CalendarMoveSchema), required=True)


class CalendarEditionSchema(Schema):
    """Who said what of which year, or hours, when, and by which source."""

    number = fields.Integer(required=True)
    area = fields.String(required=True, allow_none=True)
    year = fields.Integer(required=True, allow_none=True)
    valid_from = fields.Date(required=True, allow_none=True)
    status = fields.String(required=True, allow_none=True)
    withdrawn = fields.Boolean(required=True)
    source = fields.String(required=True)
    entered_at = fields.AwareDateTime(required=True)
    entered_by = fields.String(required=True, allow_none=True)
    entered_by_way = fields.String(required=True)


class CalendarEditionsSchema(Schema):
    """Editions, the newest first."""

    editions = fields.List(fields.Nested(CalendarEditionSchema), required=True)


class CalendarYearOfSchema(Schema):
    """A year in one place: whether it may still change, and how many days of it are said something of."""

    year = fields.Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    free = fields.Integer(required=True, metadata={"description": "days that are free though their weekday is worked"})
    worked = fields.Integer(required=True, metadata={"description": "days that are worked though it is a weekend"})


class CalendarYearsSchema(Schema):
    """The years that somebody has spoken of, with this one and the next, ascending."""

    area = fields.String(required=True, allow_none=True)
    years = fields.List(fields.Nested(CalendarYearOfSchema), required=True)


class CalendarYearShownSchema(Schema):
    """A year in one place: whether it may still change, its days, and the hours in force through it."""

    year = fields.Integer(required=True)
    area = fields.String(required=True, allow_none=True)
    edition = fields.Integer(required=True, metadata={"description": "newest edition of the whole calendar"})
    own_edition = fields.Integer(
        required=True, metadata={"description": "newest of this area and year, to be sent as ``follows``; 0: none"}
    )
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    days = fields.List(fields.Nested(CalendarDaySchema), required=True)
    hours = fields.List(fields.Dict(), required=True, metadata={"description": "``from`` a day on, the ``week``"})
    note_zh = fields.String(required=True, allow_none=True)
    note_en = fields.String(required=True, allow_none=True)


def drafted(sent: Mapping[str, Any], area_id: int | None) -> Draft:
    """Return what was sent as the services take it."""
    return Draft(
        source=sent["source"],
        area_id=area_id,
        year=sent.get("year"),
        announced=sent.get("status", "announced") == "announced",
        days=sent.get("days"),
        valid_from=sent.get("valid_from"),
        week=sent.get("week"),
        follows=sent["follows"],
    )


def entered_json(entered: Entered, *, dry_run: bool) -> dict[str, Any]:
    """Return what was entered, or would be."""
    return {
        "edition": None if dry_run else entered.edition,
        "dry_run": dry_run,
        "moved": len(entered.moves),
        "moves": [move_json(each) for each in entered.moves[:LISTED_AT_MOST]],
    }


def move_json(move: Move) -> dict[str, Any]:
    """Return one move; nothing of the case but its id."""
    return {"issue_id": move.issue_id, "was_due_at": move.was_due_at, "due_at": move.due_at}


def year_json(calendar: WorkCalendar, year: int) -> dict[str, Any]:
    """Return the days and hours of a year by one calendar."""
    provisional = calendar.is_provisional(year)
    return {
        "year": year,
        "edition": calendar.edition,
        "status": "provisional" if provisional else "announced",
        "days": [{"date": day, "kind": said.kind, "name": said.name} for day, said in days_of(calendar, year).items()],
        "hours": _hours(calendar, year),
        "note_zh": f"暂定：{year}年的放假调休安排尚未公布" if provisional else None,
        "note_en": f"provisional: the holidays of {year} are not announced" if provisional else None,
    }


def years_json(calendar: WorkCalendar, years: Iterable[int]) -> list[dict[str, Any]]:
    """Return years by one calendar, in short."""
    found = []
    for year in years:
        days = days_of(calendar, year)
        free = [day for day, said in days.items() if said.kind == "holiday" and calendar.week(day)[day.weekday()]]
        found.append(
            {
                "year": year,
                "status": "provisional" if calendar.is_provisional(year) else "announced",
                "free": len(free),
                "worked": sum(said.kind == "workday" for said in days.values()),
            }
        )
    return found


def days_of(calendar: WorkCalendar, year: int) -> dict[dt.date, Day]:
    """Return what is said of the days of a year, in their order."""
    return {day: said for day in _dates(year) if (said := calendar.day(day)) is not None}


def _dates(year: int) -> list[dt.date]:
    first = dt.date(year, 1, 1)
    return [first + dt.timedelta(days=n) for n in range((dt.date(year + 1, 1, 1) - first).days)]


def _hours(calendar: WorkCalendar, year: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for day in _dates(year):
        week = {
            str(weekday): [f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in spans]
            for weekday, spans in enumerate(calendar.week(day), 1)
        }
        if not found or found[-1]["week"] != week:
            found.append({"from": day.isoformat(), "week": week})
    return found


def _day(sent: Mapping[str, Any]) -> Day:
    return Day(sent["kind"], sent["name"])
