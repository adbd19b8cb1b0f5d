"""Counting deadlines again by another edition of the calendar: in chunks, each once, whatever is killed between.

Owns which cases are behind (``issue.calendar_edition``, which says by which edition a deadline is right), and what is
written where one moved: a decision with its reasons, the line in the history, the notices of its bodies, the touch of
the feed, and ``deadline_move``. Takes a session, never commits, never sends. Counted are the clocks of the case, with
its extensions and pauses. Locks: issues in ascending id, skipping those that others hold; the feed last.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.calendars import store
from server.cases.calendars.calendar import SHANGHAI, Calendars, Deadline, Limit
from server.cases.case import Counted, Reason
from server.cases.routing import notices
from server.cases.routing.decisions import array_text, history_line, moment
from server.cases.routing.notices import Told
from server.cases.routing.reasons import calendar_provisional, deadline, deadline_moved
from server.cases.timing import reading
from server.cases.timing.reading import handling_of, line_of
from sync.collections.issues import CLOSED_STATES, ISSUES
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store import dead_letters, feed, log
from sync.store.records import encode

QUEUE = "calendar"
RECOUNT = "recount"
"""What the history calls a deadline that another edition of the calendar moved."""
# The reasons that speak of the deadline; another count says them anew.
_OF_THE_DEADLINE = frozenset(
    {"deadline", "deadline-kept", "calendar-provisional", "calendar-guessed", "deadline-moved"}
)
_FINISHED = (*sorted(CLOSED_STATES), "done", "checked")
_DAY = timedelta(days=1)
_NEVER = datetime(9000, 1, 1, tzinfo=SHANGHAI)

_BEHIND = """
    issue.calendar_edition < :newest AND issue.closed_at IS NULL AND issue.deleted_at IS NULL
    AND NOT issue.awaiting_routing AND NOT (issue.state = ANY (CAST(:finished AS text[])))
"""
_ASIDE = f"LEFT JOIN dead_letter AS aside ON aside.queue = '{QUEUE}' AND aside.item = issue.id::text"
_IN_TURN = """
    (aside.item IS NULL OR aside.next_attempt_at <= :now
     OR aside.mark <> issue.rev::text || '.' || CAST(:newest AS int)::text)
"""
_STANDING = """
    JOIN LATERAL (
        SELECT * FROM routing_decision WHERE issue_id = issue.id ORDER BY id DESC LIMIT 1
    ) AS standing ON true
"""
_COLUMNS = """
    issue.id, issue.rev, issue.state, issue.grid_now, issue.author_id, issue.due_at, issue.calendar_edition,
    standing.id AS decision_id, standing.body_id, standing.assisting_ids, standing.since, standing.limit_value,
    standing.limit_unit, standing.due_at AS standing_due_at, standing.provisional_years, standing.reasons
"""
_CLAIM = text(f"""
    SELECT {_COLUMNS} FROM issue {_STANDING} {_ASIDE}
    WHERE {_BEHIND} AND {_IN_TURN} AND (CAST(:only AS uuid[]) IS NULL OR issue.id = ANY (CAST(:only AS uuid[])))
    ORDER BY issue.id LIMIT :limit FOR NO KEY UPDATE OF issue SKIP LOCKED
""")  # noqa: S608  # constants of ours
_IDS = text(f"""
    SELECT issue.id FROM issue {_ASIDE} WHERE {_BEHIND} AND {_IN_TURN} ORDER BY issue.id LIMIT :limit
""")  # noqa: S608  # as above
_ANY = text(f"SELECT EXISTS (SELECT FROM issue {_ASIDE} WHERE {_BEHIND} AND {_IN_TURN})")  # noqa: S608  # as above
_REV = text("SELECT rev FROM issue WHERE id = :id")
# Those that a change of these days could move: days after a deadline never do.
_CONCERNED = text(f"""
    SELECT {_COLUMNS} FROM issue {_STANDING}
    WHERE issue.calendar_edition IS NOT NULL AND issue.closed_at IS NULL AND issue.deleted_at IS NULL
      AND NOT (issue.state = ANY (CAST(:finished AS text[])))
      AND issue.due_at >= :first AND standing.since < :until
    ORDER BY issue.due_at, issue.id
""")  # noqa: S608  # as above
_DECIDE = Statement("""
    INSERT INTO routing_decision (
        issue_id, decided_at, rule_id, body_id, assisting_ids, tier, since, limit_value, limit_unit, due_at, edition,
        reasons, calendar_edition, provisional_years
    )
    SELECT old.issue_id, CAST(:now AS timestamptz), old.rule_id, old.body_id, old.assisting_ids, old.tier, old.since,
           old.limit_value, old.limit_unit, new.due_at, old.edition, CAST(new.reasons AS jsonb), new.calendar_edition,
           CAST(new.provisional_years AS smallint[])
    FROM unnest(
        CAST(:decisions AS bigint[]), CAST(:due AS timestamptz[]), CAST(:reasons AS text[]),
        CAST(:calendars AS int[]), CAST(:provisional AS text[])
    ) AS new (id, due_at, reasons, calendar_edition, provisional_years)
    JOIN routing_decision AS old ON old.id = new.id
    RETURNING issue_id, id
""")
_WRITE = Statement("""
    UPDATE issue SET due_at = new.due_at, calendar_edition = new.calendar_edition, rev = issue.rev + 1,
        changed_at = CAST(:now AS timestamptz),
        routing = coalesce(issue.routing, '{}') || CAST(new.routing AS jsonb)
    FROM unnest(
        CAST(:issues AS uuid[]), CAST(:due AS timestamptz[]), CAST(:calendars AS int[]), CAST(:routings AS text[])
    ) AS new (id, due_at, calendar_edition, routing)
    WHERE issue.id = new.id
""")
_NOTE = Statement("""
    INSERT INTO deadline_move (edition, issue_id, decision_id, was_due_at, due_at, moved_at)
    SELECT new.edition, new.issue_id, new.decision_id, new.was_due_at, new.due_at, CAST(:now AS timestamptz)
    FROM unnest(
        CAST(:calendars AS int[]), CAST(:issues AS uuid[]), CAST(:decisions AS bigint[]), CAST(:was AS timestamptz[]),
        CAST(:due AS timestamptz[])
    ) AS new (edition, issue_id, decision_id, was_due_at, due_at)
""")
_STANDS = text("UPDATE issue SET calendar_edition = :edition WHERE id = ANY (CAST(:ids AS uuid[]))")


@dataclass(frozen=True, slots=True)
class Recounted:
    """What one run did. ``looked``: cases counted again; ``moved``: those whose deadline is another now."""

    looked: int = 0
    moved: tuple[uuid.UUID, ...] = ()
    deliveries: tuple[uuid.UUID, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One deadline, where it was and where it goes (UTC), and the grid (area id) of its case."""

    issue_id: uuid.UUID
    grid_id: int | None
    was_due_at: datetime
    due_at: datetime


def waits(session: Session, now: datetime) -> bool:
    """Return whether a run at ``now`` would find a case that is behind."""
    return bool(session.scalar(_ANY, _asked(store.newest(session), now)))


def behind(session: Session, limit: int, now: datetime) -> list[uuid.UUID]:
    """Return up to ``limit`` cases that a run at ``now`` would take, in its order; locks nothing."""
    return list(session.scalars(_IDS, {**_asked(store.newest(session), now), "limit": limit}))


def recount(
    session: Session, now: datetime, ground: Ground | None, limit: int, *, only: Sequence[uuid.UUID] | None = None
) -> Recounted:
    """Count up to ``limit`` cases that are behind again, in a number of statements that does not grow with them.

    Those of which nothing changes are marked alone: phones and bodies hear nothing. ``only``: no others than these.
    """
    calendars = store.read(session)
    wanted = None if only is None else list(only)
    asked = {**_asked(calendars.edition, now), "limit": limit, "only": wanted}
    rows = session.execute(_CLAIM, asked).all()
    if not rows:
        return Recounted()
    counted = _count(session, rows, calendars, ground)
    changed = [(row, due) for row, due in counted if _differs(row, due)]
    stands = [row.id for row, due in counted if not _differs(row, due)]
    if stands:
        session.execute(_STANDS, {"edition": calendars.edition, "ids": stands})
    dead_letters.take_back(session, QUEUE, [str(row.id) for row in rows])
    deliveries = _write(session, changed, calendars.edition, now) if changed else ()
    moved = tuple(row.id for row, due in changed if due.due_at != row.due_at)
    return Recounted(len(rows), moved, deliveries, more=len(rows) == limit)


def would_move(
    session: Session,
    ground: Ground | None,
    calendars: Calendars,
    first: date,
    last: date | None,
    *,
    within: int | None = None,
) -> list[Move]:
    """Return the deadlines that are others by these calendars, where days from ``first`` to ``last`` may have changed.

    ``last`` None: all from ``first`` on. ``within``: of cases in this area alone. Writes and locks nothing.
    """
    until = _NEVER if last is None else _midnight(last + _DAY)
    asked = {"finished": list(_FINISHED), "first": _midnight(first), "until": until}
    rows = session.execute(_CONCERNED, asked).all()
    rows = [row for row in rows if within is None or within in line_of(row.grid_now, ground)]
    counted = _count(session, rows, calendars, ground)
    return [Move(row.id, row.grid_now, row.due_at, due.due_at) for row, due in counted if due.due_at != row.due_at]


def set_aside(session: Session, issue_id: uuid.UUID, error: BaseException, now: datetime) -> None:
    """Keep a case that could not be counted, with the reason; another revision or edition is tried at once."""
    rev = session.scalar(_REV, {"id": issue_id})
    mark = f"{rev}.{store.newest(session)}"
    dead_letters.put(session, QUEUE, str(issue_id), dead_letters.reason_of(error), now, mark=mark)


def _asked(newest: int, now: datetime) -> dict[str, Any]:
    return {"newest": newest, "now": now, "finished": list(_FINISHED)}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


def _count(
    session: Session, rows: Sequence[Any], calendars: Calendars, ground: Ground | None
) -> list[tuple[Any, Deadline]]:
    """Return the deadline of each case by its clocks; of one without, or whose clock stands still, the one it had."""
    clocks = reading.of_cases(session, [row.id for row in rows], ground, _NEVER, calendars=calendars)
    found = []
    for row in rows:
        clock = handling_of(clocks.get(row.id, ()), row.body_id)
        due_at = row.due_at if clock is None or clock.due_at is None else clock.due_at
        found.append((row, Deadline(due_at, () if clock is None else clock.provisional, calendars.edition)))
    return found


def _differs(row: Any, due: Deadline) -> bool:
    return due.due_at != row.due_at or due.provisional_years != tuple(row.provisional_years)


def _write(
    session: Session, changed: Sequence[tuple[Any, Deadline]], edition: int, now: datetime
) -> tuple[uuid.UUID, ...]:
    """Write what changed, of issues that are locked; return the deliveries that are to be sent."""
    [said] = store.listed(session, limit=1, number=edition)
    reasons = [_reasons(row, due, edition, said["source"]) for row, due in changed]
    columns = {
        "issues": arrays.uuids([row.id for row, _ in changed]),
        "due": arrays.times([due.due_at for _, due in changed]),
        "calendars": arrays.numbers([edition for _ in changed]),
        "now": now,
    }
    decided: dict[uuid.UUID, int] = dict(
        _DECIDE.run(
            session,
            **columns,
            decisions=arrays.numbers([row.decision_id for row, _ in changed]),
            reasons=arrays.texts([encode(each) for each in reasons]),
            provisional=arrays.texts([array_text(due.provisional_years) for _, due in changed]),
        )
    )
    routings = [_routing(due, said) for (_, due), said in zip(changed, reasons, strict=True)]
    _WRITE.run(session, **columns, routings=arrays.texts([encode(each) for each in routings]))
    moved = [(row, due) for row, due in changed if due.due_at != row.due_at]
    deliveries = _tell(session, moved, decided, edition, now)
    log.write(session, [_history(row, due, said) for row, due in moved], now=now)
    touched = [(row.id, (row.grid_now,), row.author_id) for row, _ in changed]
    worked = [(row.id, (row.body_id, *row.assisting_ids)) for row, _ in changed]
    feed.append(session, feed.record_touches(ISSUES.topic, touched) + feed.work_touches(ISSUES.topic, worked))
    return deliveries


def _tell(
    session: Session, moved: Sequence[tuple[Any, Deadline]], decided: dict[uuid.UUID, int], edition: int, now: datetime
) -> tuple[uuid.UUID, ...]:
    """Note which deadlines moved, and tell the bodies that have those cases."""
    _NOTE.run(
        session,
        calendars=arrays.numbers([edition for _ in moved]),
        issues=arrays.uuids([row.id for row, _ in moved]),
        decisions=arrays.numbers([decided[row.id] for row, _ in moved]),
        was=arrays.times([row.due_at for row, _ in moved]),
        due=arrays.times([due.due_at for _, due in moved]),
        now=now,
    )
    bodies = [(row.id, body) for row, _ in moved for body in (row.body_id, *row.assisting_ids)]
    return notices.write(session, [Told(decided[each], each, body, "dispatched") for each, body in bodies], now)


def _reasons(row: Any, due: Deadline, edition: int, source: str) -> list[dict[str, str]]:
    """Return the reasons of the decision as they are now: what speaks of the deadline is said anew, first."""
    said: list[Reason] = [deadline(Limit(row.limit_value, row.limit_unit), row.since, due.due_at)]
    if due.due_at != row.due_at:
        said.insert(0, deadline_moved(row.due_at, due.due_at, edition, source))
    if due.provisional_years:
        said.append(calendar_provisional(due.provisional_years))
    return [*(each.as_json() for each in said), *(each for each in row.reasons if each["code"] not in _OF_THE_DEADLINE)]


def _routing(due: Deadline, reasons: list[dict[str, str]]) -> dict[str, Any]:
    counted = Counted(due.edition, due.provisional_years)
    return {"deadline": moment(due.due_at), "calendar": counted.as_json(), "reasons": reasons}


def _history(row: Any, due: Deadline, said: Any) -> log.Logged:
    data = {
        "deadline": moment(due.due_at),
        "deadline_before": moment(row.due_at),
        "calendar_edition": said["number"],
        "why": said["source"],
    }
    return history_line(row.id, row.rev, RECOUNT, data)
