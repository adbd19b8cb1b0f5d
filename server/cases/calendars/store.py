"""The editions of the calendar as rows: reading them as values, and entering another one.

Owns the rows of ``calendar_edition``, ``calendar_day`` and ``calendar_span``, and that numbers ascend in the order of
the commits: whoever enters holds a lock until the commit. Must not know cases or requests.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock
from typing import Any, Final

from cachetools import LRUCache
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from server.cases.areas import standing_of
from server.cases.calendars.calendar import Calendars, Day, Hours, Layer, Span, Week, Year
from server.cases.calendars.tables import CalendarDay, CalendarEdition, CalendarSpan
from server.cases.errors import CalendarSuperseded, InvalidCalendar

# Any number that no other lock of the database has; held until the commit.
_ENTERING = text("SELECT pg_advisory_xact_lock(7261001)")
_NEWEST = text("SELECT coalesce(max(number), 0) FROM calendar_edition")
# An edition is never changed; one that was tried out and taken back left its number free, though: which transaction
# wrote it tells two of the same number apart.
_STAMP = text("""
    SELECT number, xmin::text AS written_by FROM calendar_edition
    WHERE CAST(:edition AS int) IS NULL OR number = :edition ORDER BY number DESC LIMIT 1
""")
_KEPT_AT_MOST: Final = 16
_kept: LRUCache[tuple[int, str], Calendars] = LRUCache(_KEPT_AT_MOST)
_kept_lock = Lock()
_IN_FORCE = text("""
    SELECT number, area_id, year, valid_from, status FROM (
        SELECT DISTINCT ON (area_id, year, valid_from) * FROM calendar_edition WHERE number <= :until
        ORDER BY area_id, year, valid_from, number DESC
    ) AS said
    WHERE NOT withdrawn ORDER BY valid_from
""")
_DAYS = text("SELECT edition, day, kind, name FROM calendar_day WHERE edition = ANY (CAST(:editions AS int[]))")
_SPANS = text("""
    SELECT edition, weekday, opens, closes FROM calendar_span WHERE edition = ANY (CAST(:editions AS int[]))
    ORDER BY edition, weekday, opens
""")
_NEWEST_OF = text("""
    SELECT number FROM calendar_edition
    WHERE area_id IS NOT DISTINCT FROM CAST(:area AS int) AND year IS NOT DISTINCT FROM CAST(:year AS smallint)
      AND valid_from IS NOT DISTINCT FROM CAST(:valid_from AS date)
    ORDER BY number DESC LIMIT 1
""")
_YEARS = text("SELECT DISTINCT year FROM calendar_edition WHERE year IS NOT NULL ORDER BY year")
_LISTED = text("""
    SELECT edition.number, area.code AS area, edition.year, edition.valid_from, edition.status, edition.withdrawn,
           edition.source, edition.entered_at, person.name AS entered_by, edition.entered_by_way
    FROM calendar_edition AS edition
    LEFT JOIN area ON area.id = edition.area_id
    LEFT JOIN person ON person.id = edition.entered_by
    WHERE (CAST(:number AS int) IS NULL OR edition.number = :number)
      AND (CAST(:before AS int) IS NULL OR edition.number < :before)
    ORDER BY edition.number DESC LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be entered: the days of a year, or the hours from a day on. ``area_id`` None: for the whole city.

    ``follows``: the edition of the same area and year, or day, that whoever enters has seen; None: any. 0: none.
    """

    source: str
    area_id: int | None = None
    year: int | None = None
    announced: bool = True
    days: Mapping[date, Day] | None = None
    valid_from: date | None = None
    week: Week | None = None
    withdrawn: bool = False
    follows: int | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Who enters, and by which way: "seed", "page" or "command"."""

    way: str
    person_id: int | None = None


def newest(session: Session) -> int:
    """Return the number of the newest edition, 0 before the first."""
    return int(session.scalar(_NEWEST) or 0)


def read(session: Session, edition: int | None = None) -> Calendars:
    """Return the calendars by an edition, by the newest where none is named. Shared: nobody changes what they get."""
    stamp = session.execute(_STAMP, {"edition": edition}).first()
    if stamp is None:
        return _read(session, edition or 0)
    key = (stamp.number, stamp.written_by)
    with _kept_lock:
        kept: Calendars | None = _kept.get(key)
    if kept is None:
        kept = _read(session, stamp.number)
        with _kept_lock:
            _kept[key] = kept
    return kept


def _read(session: Session, until: int) -> Calendars:
    rows = session.execute(_IN_FORCE, {"until": until}).all()
    editions = [row.number for row in rows]
    days: dict[int, dict[date, Day]] = defaultdict(dict)
    for number, day, kind, name in session.execute(_DAYS, {"editions": editions}):
        days[number][day] = Day(kind, name)
    spans: dict[int, list[tuple[int, Span]]] = defaultdict(list)
    for number, weekday, opens, closes in session.execute(_SPANS, {"editions": editions}):
        spans[number].append((weekday, (opens, closes)))
    years: dict[int | None, dict[int, Year]] = defaultdict(dict)
    hours: dict[int | None, list[Hours]] = defaultdict(list)
    for number, area_id, year, valid_from, status in rows:
        if year is not None:
            years[area_id][year] = Year(number, status == "announced", days[number])
        else:
            hours[area_id].append(Hours(number, valid_from, _week(spans[number])))
    layers = {area: Layer(years[area], tuple(hours[area])) for area in {*years, *hours}}
    return Calendars(until, layers.pop(None, None), {area: each for area, each in layers.items() if area is not None})


def enter(session: Session, draft: Draft, by: Author, now: datetime) -> int:
    """Write an edition and return its number. One at a time: others wait until the commit.

    Raises ``CalendarSuperseded`` where another edition than ``draft.follows`` is the newest of the same area and year,
    or day, and ``InvalidCalendar`` for an area for which none can hold.
    """
    session.execute(_ENTERING)
    if draft.area_id is not None:
        standing = standing_of(session, [draft.area_id]).get(draft.area_id, "unknown")
        if standing != "in-force":
            raise InvalidCalendar("area", standing, draft.area_id)
    before = newest_of(session, draft)
    if draft.follows is not None and draft.follows != before:
        raise CalendarSuperseded(draft.follows, before)
    number = newest(session) + 1
    session.execute(
        insert(CalendarEdition).values(
            number=number, area_id=draft.area_id, year=draft.year, valid_from=draft.valid_from,
            status=None if draft.year is None else "announced" if draft.announced else "provisional",
            withdrawn=draft.withdrawn, source=draft.source, entered_at=now, entered_by=by.person_id,
            entered_by_way=by.way,
        )
    )  # fmt: skip
    days = [{"edition": number, "day": day, "kind": d.kind, "name": d.name} for day, d in (draft.days or {}).items()]
    if days:
        session.execute(insert(CalendarDay), days)
    spans = [
        {"edition": number, "weekday": weekday, "opens": opens, "closes": closes}
        for weekday, hours in enumerate(draft.week or (), 1)
        for opens, closes in hours
    ]
    if spans:
        session.execute(insert(CalendarSpan), spans)
    return number


def newest_of(session: Session, draft: Draft) -> int:
    """Return the newest edition of the same area and year, or day; 0 where there is none."""
    scope = {"area": draft.area_id, "year": draft.year, "valid_from": draft.valid_from}
    return int(session.scalar(_NEWEST_OF, scope) or 0)


def area_of(session: Session, code: str) -> int:
    """Return the id of an area by its code. Raises ``InvalidCalendar``."""
    found = session.scalar(text("SELECT id FROM area WHERE code = :code"), {"code": code})
    if found is None:
        raise InvalidCalendar("area", "unknown", code)
    return int(found)


def line_of(session: Session, code: str | None) -> tuple[int, ...]:
    """Return the ids of an area and of what it lies in today, the smallest first; none for the whole city."""
    if code is None:
        return ()
    found = session.execute(
        text("""
            WITH RECURSIVE line AS (
                SELECT area_id, parent_id, 0 AS depth FROM area_version
                WHERE area_id = :area AND upper_inf(editions)
                UNION ALL
                SELECT above.area_id, above.parent_id, line.depth + 1 FROM line
                JOIN area_version AS above ON above.area_id = line.parent_id AND upper_inf(above.editions)
            )
            SELECT area_id FROM line ORDER BY depth
        """),
        {"area": area_of(session, code)},
    )
    return tuple(row[0] for row in found)


def listed(session: Session, *, limit: int, before: int | None = None, number: int | None = None) -> list[Any]:
    """Return editions, the newest first: who said what of which year or hours, when, and by which source."""
    return list(session.execute(_LISTED, {"limit": limit, "before": before, "number": number}).mappings())


def years(session: Session) -> list[int]:
    """Return the years of which anybody has said something, ascending."""
    return [int(year) for year in session.scalars(_YEARS)]


def _week(spans: Iterable[tuple[int, Span]]) -> Week:
    week: list[list[Span]] = [[] for _ in range(7)]
    for weekday, span in spans:
        week[weekday - 1].append(span)
    return tuple(tuple(each) for each in week)
