"""Notices that tests enter: of the year 2027, as a city hears of them."""

from datetime import date

from server.cases.calendars.calendar import Day
from server.cases.calendars.store import Author, Draft, enter
from tests.cases.city import NOW

PERSON = Author("page")
LAW_OF_2027 = {
    "2027-01-01": "元旦",
    **{f"2027-02-{day:02}": "春节" for day in range(5, 12)},
    "2027-04-05": "清明节",
    **{f"2027-05-0{day}": "劳动节" for day in range(1, 6)},
    "2027-06-09": "端午节",
    "2027-09-15": "中秋节",
    **{f"2027-10-0{day}": "国庆节" for day in range(1, 8)},
}


def notice(*, free=(), worked=(), less=()):
    """The notice of 2027: the days of the law, and others that are free or worked."""
    days = {date.fromisoformat(day): Day("holiday", name) for day, name in LAW_OF_2027.items() if day not in less}
    days |= {date.fromisoformat(day): Day("holiday", "调休") for day in free}
    return days | {date.fromisoformat(day): Day("workday", "调休") for day in worked}


def announce(session, *, source="国办发明电〔2026〕7号", area_id=None, follows=None, announced=True, now=NOW, **days):
    draft = Draft(source, area_id, 2027, announced=announced, days=notice(**days), follows=follows)
    return enter(session, draft, PERSON, now)
