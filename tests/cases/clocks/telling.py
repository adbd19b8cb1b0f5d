"""Events of a case as tests tell them: the step, when, and what was given with it."""

import uuid
from datetime import UTC, datetime, timedelta

from server.cases.calendars.calendar import SHANGHAI, Layer, Limit, WorkCalendar, Year
from server.cases.calendars.seeding import announced_years
from server.cases.case_event import CaseEvent
from server.cases.clocks import run
from server.cases.clocks.terms import defaults

CALENDAR = WorkCalendar([Layer({year: Year(1, announced=True, days=days) for year, days in announced_years().items()})])
STATES = {
    "report": "reported", "accept": "accepted", "refuse": "refused", "merge": "merged", "settle": "settled",
    "verify": "verified", "file": "filed", "dispatch": "dispatched", "whistle": "dispatched", "receive": "received",
    "return": "returned", "start": "in_progress", "done": "done", "grant_extension": "extended",
    "suspend": "suspended", "resume": "in_progress", "check": "checked", "rework": "reworked", "close": "closed",
    "reopen": "reworked", "void": "void", "unmerge": "reported", "assist_done": "in_progress",
    "rate": "closed", "score": "closed",
}  # fmt: skip


def at(text):
    """Read a moment of 2026 in Shanghai like "11-18 09:00"; one of another year in full."""
    text = text if text[4] == "-" else f"2026-{text}"
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def event(step, moment, *, body=None, known=None, state=None, **given):
    """Tell one event. ``known``: when the server heard of it, where it was done offline before."""
    done = at(moment) if isinstance(moment, str) else moment
    taken = done if known is None else at(known)
    return CaseEvent(
        uuid.uuid4(), step, "", STATES[step] if state is None else state, done.astimezone(UTC), taken.astimezone(UTC),
        body_id=body, source="phone" if known else "page", offline=known is not None, given=given,
    )  # fmt: skip


def clocks(*events, handling=None, now="2027-03-01 12:00", terms=None, calendar=CALENDAR, verify=False):
    """Return the clocks of a case, by stage; of several of one stage, the newest."""
    found = every(*events, handling=handling, now=now, terms=terms, calendar=calendar, verify=verify)
    return {clock.stage: clock for clock in found}


def every(*events, handling=None, now="2027-03-01 12:00", terms=None, calendar=CALENDAR, verify=False):
    limit = Limit(*handling) if handling else None
    return run(events, (terms or defaults()).of_case(handling=limit, verify=verify), calendar, at(now))


def local(moment):
    return None if moment is None else moment.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


def minutes(count):
    return timedelta(minutes=count)
