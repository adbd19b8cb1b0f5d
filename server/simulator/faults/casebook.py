"""What must hold of cases, with everything at rest: each step that was acknowledged is in effect once, or explained.

Owns the questions that are asked of the steps that phones sent, of the calls of bodies' systems, and of the cases
themselves: no case is in a state that its steps do not lead to. Each raises ``Broken`` at the first that does not hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.cases.case_event import CaseEvent
from server.cases.history.replay import replay
from server.simulator.faults.calling import Caller
from server.simulator.faults.survivor import Survivor
from server.simulator.faults.world import Broken

_CHUNK: Final = 1000
_HANDLING: Final = frozenset({"receive", "return", "start", "done", "ask_extension", "assist_done"})

_SENT = text("""
    SELECT step.id::text, step.doc ->> 'issue_id' AS issue_id, step.doc ->> 'step' AS step, step.outcome, step.instead,
           step.author_id, taken.id IS NOT NULL AS is_taken, taken.issue_id::text AS taken_on, taken.step AS taken_as,
           taken.source, taken.person_id, issue.id IS NOT NULL AS is_known, issue.author_id AS reporter,
           taken.body_id IN (
               SELECT organisation_id FROM assignment WHERE assignment.person_id = step.author_id
           ) AS is_of_body
    FROM step
    LEFT JOIN case_step AS taken ON taken.id = step.id
    LEFT JOIN issue ON issue.id = step.issue_id
    WHERE step.id = ANY (CAST(:ids AS uuid[]))
""")
_CALLED = text("""
    SELECT case_step.id::text, source, organisation.code, person_id FROM case_step
    LEFT JOIN organisation ON organisation.id = body_id WHERE case_step.id = ANY (CAST(:ids AS uuid[]))
""")
_CASES = text("""
    SELECT id, state, body_id, closed_at, closing_reason, merged_into, public_answer, awaiting_routing,
           deleted_at IS NOT NULL AS is_deleted FROM issue
    WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT :limit
""")
_EVENTS = text("""
    SELECT issue_id, place, id, step, state_before, state, at, taken_at, body_id, person_id, source, offline, given
    FROM case_step WHERE issue_id = ANY (CAST(:ids AS uuid[])) ORDER BY issue_id, place
""")
_UNANSWERED = text("SELECT count(*) FROM callback WHERE answer IS NULL")
_NIL: Final = "00000000-0000-0000-0000-000000000000"


def check_steps(session: Session, phone: Survivor) -> int:
    """Each step that a phone was told is kept is settled: taken once as it was sent, or explained. Return how many."""
    ids = sorted({made.record_id for made in phone.made.values() if _is_kept(made)})
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        rows = {row.id: row for row in session.execute(_SENT, {"ids": part})}
        for record_id in part:
            if record_id not in rows:
                raise Broken("step", f"{phone.name}: was told that step {record_id} is kept", ("steps", record_id))
            _check_sent(phone, rows[record_id])
    return len(ids)


def _is_kept(made: Any) -> bool:
    return bool(made.collection == "steps" and made.status in ("applied", "merged", "released"))


def _check_sent(phone: Survivor, row: Any) -> None:
    where, record = f"{phone.name}: {row.step} {row.id} of {row.issue_id}", ("steps", row.id)
    if row.outcome is None:
        if row.is_known:
            raise Broken("step", f"{where} was never settled", record)
    elif row.outcome == "taken":
        done = (row.taken_on, row.taken_as, row.source, row.person_id)
        if done != (row.issue_id, row.step, "phone", row.author_id):
            raise Broken("step", f"{where} is told as taken, and is in the case as {done}", record)
        _check_right(phone, row, where)
    elif not row.instead:
        raise Broken("step", f"{where} is {row.outcome} without a reason", record)
    elif row.is_taken and row.source == "phone" and row.person_id == row.author_id:
        raise Broken("step", f"{where} is told as {row.outcome}, and the case has it", record)


def _check_right(phone: Survivor, row: Any, where: str) -> None:
    """A step that was taken was somebody's to take, as far as can be told without the code that judges it."""
    record = ("steps", row.id)
    if row.id in phone.barred:
        raise Broken("rights", f"{where} was taken for somebody who may not", record)
    if row.step in _HANDLING and not row.is_of_body:
        raise Broken("rights", f"{where} was taken for somebody of another body", record)
    if row.step == "check" and row.reporter == row.author_id:
        raise Broken("rights", f"{where} was checked by who reported it", record)


def check_calls(session: Session, callers: Iterable[Caller]) -> int:
    """Each step that a body was told is taken is in effect once, as its own; no other is. Return how many calls."""
    if session.scalar(_UNANSWERED):
        raise Broken("callback", "a call was committed without its answer")
    calls = [(caller, call) for caller in callers for call in caller.calls]
    ids = sorted({step for _, call in calls for step in call.steps})
    found: dict[str, Any] = {}
    for start in range(0, len(ids), _CHUNK):
        found |= {row.id: row for row in session.execute(_CALLED, {"ids": ids[start : start + _CHUNK]})}
    for caller, call in calls:
        for result in call.results:
            _check_called(caller, result, found.get(result["id"]))
    return len(calls)


def _check_called(caller: Caller, result: Mapping[str, Any], row: Any) -> None:
    where, record = f"{caller.body}: step {result['id']}", ("issues", result["issue_id"])
    if (result["status"] == "taken") != (row is not None):
        raise Broken(
            "callback", f"{where} is answered {result}, and the case has {row}", ("issues", result["issue_id"])
        )
    if row is not None and (row.source, row.code, row.person_id) != ("callback", caller.body, None):
        raise Broken("callback", f"{where} is in the case as {row}", record)


def check_cases(session: Session) -> int:
    """Every case shows what its steps add up to, one chain without gaps; return how many were looked at."""
    count, after = 0, _NIL
    while rows := session.execute(_CASES, {"after": after, "limit": _CHUNK}).all():
        events: dict[Any, list[tuple[int, CaseEvent]]] = {}
        for issue_id, place, *columns in session.execute(_EVENTS, {"ids": [row.id for row in rows]}):
            events.setdefault(issue_id, []).append((place, CaseEvent(*columns)))
        for row in rows:
            _check_case(row, events.get(row.id, []))
        count, after = count + len(rows), str(rows[-1].id)
    return count


def _check_case(row: Any, events: Sequence[tuple[int, CaseEvent]]) -> None:
    record = ("issues", str(row.id))
    if not events:
        if row.state != "reported" or row.body_id is not None or row.closed_at is not None:
            raise Broken("case", f"{row.id} is {row.state} without a step", record)
        return
    if [place for place, _ in events] != list(range(1, len(events) + 1)):
        raise Broken("case", f"{row.id} has steps at {[place for place, _ in events]}", record)
    before = ""
    for _, event in events:
        if event.state_before != before:
            raise Broken(
                "case", f"{row.id}: {event.step} {event.id} follows {event.state_before}, not {before}", record
            )
        before = event.state
    story = replay(event for _, event in events)
    shown = (row.state, row.body_id, row.closed_at, row.closing_reason, row.merged_into, row.public_answer)
    told = (story.state, story.body_id, story.closed_at, story.closing_reason, story.of, story.answer)
    # What somebody deletes that had come to a body is taken back from it; that is no step.
    is_taken_back = row.is_deleted and (row.state, row.body_id) == ("reported", None)
    if shown != told and not is_taken_back:
        raise Broken("case", f"{row.id} shows {shown}, and its steps make {told}", record)
