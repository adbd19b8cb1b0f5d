"""The commands on the work calendar: `./patrol calendar show`, `import` and `export`. They call one service and print.

Must not know how editions are stored or deadlines are counted. What is entered here is entered for the whole city by
whoever may run commands on the server; the job that moves deadlines is found by the sweeper.
"""

import datetime as dt
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from server.api.calendar_schemas import days_of, year_json
from server.cases.calendars import sheet, store
from server.cases.calendars.calendar import SHANGHAI, WorkCalendar
from server.cases.calendars.store import Author, Draft
from server.cases.deadlines import entering
from server.cases.deadlines.entering import Entered
from server.cases.errors import CaseError
from server.config import Config
from server.database.ground_cache import ground_at
from server.http.problems import TABLE
from server.texts.reasons import REASON_WORDS

_SHOWN = 20
_MARKS = {"holiday": "休 off ", "workday": "班 work"}


def calendar_show(*, year: int, area: str | None = None) -> int:
    """Print a year as it is counted in an area, or in the city."""

    def work(session: Session) -> str:
        told = year_json(_calendar(session, area), year)
        state = "已公布 announced" if told["status"] == "announced" else f"{told['note_zh']} · {told['note_en']}"
        days = [f"  {each['date']} {_MARKS[each['kind']]}  {each['name']}" for each in told["days"]]
        hours = [f"  {each['from']} 起 from  {_week(each['week'])}" for each in told["hours"]]
        return "\n".join([f"{year}  第 {told['edition']} 版 edition {told['edition']}  {state}", *days, *hours])

    return _run(work)


def calendar_export(*, year: int, area: str | None = None) -> int:
    """Print the days of a year as the file that ``calendar_import`` takes."""
    return _run(lambda session: sheet.write(days_of(_calendar(session, area), year)).rstrip("\r\n"))


def calendar_import(
    *, file: str, area: str | None = None, source: str | None = None, provisional: bool = False, dry_run: bool = False
) -> int:
    """Enter the days of a file, or say what that would move; print which deadlines move."""
    now = dt.datetime.now(dt.UTC)

    def work(session: Session) -> str:
        days = sheet.read(Path(file).read_bytes())
        area_id = None if area is None else store.area_of(session, area)
        year = next(iter(days)).year
        draft = Draft(source or Path(file).name, area_id, year, announced=not provisional, days=days)
        entered = entering.enter(session, draft, Author("command"), ground_at(session)(now), now)
        if dry_run:
            session.rollback()
        return _entered(entered, year, dry_run=dry_run)

    return _run(work)


def _entered(entered: Entered, year: int, *, dry_run: bool) -> str:
    moved = len(entered.moves)
    head = (
        f"{year}  试算，未录入 a look, nothing was entered" if dry_run else f"{year}  第 {entered.edition} 版 edition"
    )
    lines = [f"  {each.issue_id}  {_local(each.was_due_at)} → {_local(each.due_at)}" for each in entered.moves[:_SHOWN]]
    rest = [f"  … {moved - _SHOWN}"] if moved > _SHOWN else []
    would = "将改变 would move" if dry_run else "改变 move"
    return "\n".join([head, f"{would}: {moved} 个到期时间 deadlines", *lines, *rest])


def _calendar(session: Session, area: str | None) -> WorkCalendar:
    return store.read(session).over(store.line_of(session, area))


def _week(week: dict[str, list[str]]) -> str:
    return "  ".join(f"{weekday}: {', '.join(spans)}" for weekday, spans in week.items() if spans)


def _local(at: dt.datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def _run(work: Callable[[Session], str]) -> int:
    """Do it in one transaction and print what it says; in both languages what was wrong."""
    engine = create_engine(Config.from_environment().database_url)
    try:
        with Session(engine) as session:
            told = work(session)
            session.commit()
    except CaseError as error:
        sys.stderr.write(_told(error))
        return 1
    finally:
        engine.dispose()
    sys.stdout.write(f"{told}\n")
    return 0


def _told(error: CaseError) -> str:
    entry = TABLE[error.code]
    data: dict[str, Any] = dict(error.data)
    lines = [_fault(each) for each in data.pop("faults", ())]
    reason = REASON_WORDS.get((error.code, str(data.get("reason"))), (entry.do_zh, entry.do_en))
    at_fault = " ".join(f"{name}={value}" for name, value in data.items())
    return "\n".join([f"✗ {entry.zh} · {entry.en}  {at_fault}", *lines, f"  {' · '.join(filter(None, reason))}", ""])


def _fault(fault: Mapping[str, Any]) -> str:
    return f"  第 {fault['line']} 行 line {fault['line']}: {fault['zh']} · {fault['en']}  {fault['value']}"
