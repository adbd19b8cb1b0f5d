"""The floors of cases: the same rows as ours writes, and the same pages as ours tells, by bare statements."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
from uuid_utils.compat import uuid7

_OPEN = "closed_at IS NULL AND deleted_at IS NULL"
_PAGE = "id, number, state, category, severity, doc ->> 'description', doc ->> 'address_text', due_at, captured_at"
_GRIDS = """
    SELECT grid.id FROM area AS community JOIN area_version AS lies ON lies.parent_id = community.id
    JOIN area AS grid ON grid.id = lies.area_id WHERE community.code = %s AND upper_inf(lies.editions)
"""
_BODY = "SELECT id FROM organisation WHERE code = %s"
DUTY = f"SELECT {_PAGE} FROM issue WHERE {_OPEN} ORDER BY coalesce(due_at, received_at), id LIMIT 201"
DUTY_OF = f"""
    SELECT {_PAGE} FROM issue WHERE {_OPEN} AND grid_now = ANY (ARRAY({_GRIDS}))
    ORDER BY coalesce(due_at, received_at), id LIMIT 201
"""
COUNTS = f"SELECT state, due_at < now(), count(*) FROM issue WHERE {_OPEN} GROUP BY 1, 2"
DESK = f"SELECT {_PAGE}, routing FROM issue WHERE {_OPEN} AND body_id = ({_BODY}) ORDER BY due_at, id LIMIT 101"
DESK_COUNTS = f"SELECT state, due_at < now(), count(*) FROM issue WHERE {_OPEN} AND body_id = ({_BODY}) GROUP BY 1, 2"

_MOVE = """
    UPDATE issue SET state = %s, rev = rev + 1, changed_at = now() WHERE id = ANY (%s::uuid[])
"""
_STEP = """
    INSERT INTO case_step (id, issue_id, place, step, state_before, state, at, taken_at, body_id, person_id, source,
                           given)
    SELECT new.id, new.issue_id, %s, %s, %s, %s, now(), now(), issue.body_id, issue.author_id, 'page', %s::jsonb
    FROM unnest(%s::uuid[], %s::uuid[]) AS new (id, issue_id) JOIN issue ON issue.id = new.issue_id
"""
_LOG = """
    INSERT INTO operation (received_at, author_id, op_id, body_hash, collection, record_id, action, base_rev, data, rev,
                           status, settled_at)
    SELECT now(), issue.author_id, new.id, decode(md5(new.id::text), 'hex'), 'cases', issue.id, %s, issue.rev - 1,
           jsonb_build_object('state', issue.state, 'step', %s::text, 'step_id', new.id), issue.rev, 'applied', now()
    FROM unnest(%s::uuid[], %s::uuid[]) AS new (id, issue_id) JOIN issue ON issue.id = new.issue_id
"""
_TOUCH = """
    WITH taken AS (
        UPDATE feed_counter SET position = position + 2 * %s RETURNING position - 2 * %s AS before
    )
    INSERT INTO feed (channel, position, topic, ref)
    SELECT CASE which WHEN 0 THEN grid_now * 4 ELSE author_id * 4 + 1 END,
           before + 2 * place - which, 2, issue.id
    FROM taken, unnest(%s::uuid[]) WITH ORDINALITY AS touch (ref, place) JOIN issue ON issue.id = ref,
         generate_series(0, 1) AS which
"""
_TASK = """
    INSERT INTO task (id, rev, doc_rev, doc, captured_at, received_at, changed_at, grid_now, kind, title, person_id,
                      due_at, issue_id)
    SELECT gen_random_uuid(), 1, 1, '{}', now(), now(), now(), grid_now, 'check', '核查', author_id,
           now() + interval '1 day', id
    FROM issue WHERE id = ANY (%s::uuid[])
"""
_STEPS = (
    (5, "receive", "dispatched", "received", "{}"),
    (6, "start", "received", "in_progress", "{}"),
    (7, "done", "in_progress", "done", f'{{"answer": "已更换井盖", "photos": ["{uuid7()}"]}}'),
)
_AWAITING = "SELECT id FROM issue WHERE awaiting_routing AND (deleted_at IS NULL OR must_tell) ORDER BY id"
_SENT = """
    UPDATE issue SET state = 'dispatched', body_id = 2, assisting_ids = '{}', due_at = now() + interval '2 days',
        calendar_edition = 1, routing = %s::jsonb, awaiting_routing = false, rev = rev + 1, changed_at = now(),
        number = case_number(26, nextval('case_serial'))
    WHERE id = ANY (%s::uuid[])
"""
_REASONS = (
    '[{"code": "category-default", "zh": "按类别的默认单位办理：城市管理局", "en": "By the default body: City"},'
    ' {"code": "deadline", "zh": "自立案起 1 个工作日", "en": "1 working day from the filing"}]'
)
_DECIDED = """
    INSERT INTO routing_decision (issue_id, decided_at, body_id, assisting_ids, tier, since, limit_value, limit_unit,
                                  due_at, reasons, calendar_edition)
    SELECT id, now(), 2, '{}', 'community', now(), 1, 'wd', now() + interval '2 days', %s::jsonb, 1
    FROM unnest(%s::uuid[]) AS id RETURNING id
"""
_BEGUN = """
    INSERT INTO case_step (id, issue_id, place, step, state_before, state, at, taken_at, body_id, source, given)
    SELECT gen_random_uuid(), id, place, step, before, after, now(), now(), CASE place WHEN 4 THEN 2 END, 'rule', '{}'
    FROM unnest(%s::uuid[]) AS id, (VALUES
        (1, 'report', '', 'reported'), (2, 'accept', 'reported', 'accepted'), (3, 'file', 'accepted', 'filed'),
        (4, 'dispatch', 'filed', 'dispatched')) AS told (place, step, before, after)
    ORDER BY id, place
"""
_TOLD = """
    INSERT INTO delivery (id, decision_id, issue_id, organisation_id, channel, kind, state, created_at, first_due_at,
                          delivered_at)
    SELECT gen_random_uuid(), decision, issue_id, 2, 'desk', 'dispatched', 'delivered', now(), now(), now()
    FROM unnest(%s::bigint[], %s::uuid[]) AS new (decision, issue_id)
"""


def ask(
    url: str, statement: str, given: Sequence[Any], seconds: float, begin: Callable[[], object]
) -> tuple[int, float]:
    """Ask a question again and again for so many seconds from `begin` on; returns answers and seconds."""
    with psycopg.connect(url, autocommit=True, options="-c jit=off") as connection:
        cursor = connection.cursor(binary=True)
        begin()
        began, count = time.perf_counter(), 0
        while (now := time.perf_counter()) - began < seconds:
            cursor.execute(statement, given, prepare=True).fetchall()
            count += 1
        return count, now - began


def step(url: str, cases: Sequence[UUID], each: int, connections: int, begin: Callable[[], object]) -> float:
    """Write all steps of these cases, ``each`` a commit, over so many connections; returns the seconds it took."""
    opened = [psycopg.connect(url, autocommit=True, options="-c jit=off") for _ in range(connections)]
    begin()
    began = time.perf_counter()
    with ThreadPoolExecutor(connections) as threads:
        list(threads.map(_write, opened, [cases[n::connections] for n in range(connections)], [each] * connections))
    took = time.perf_counter() - began
    for connection in opened:
        connection.close()
    return took


def _write(connection: psycopg.Connection[Any], cases: Sequence[UUID], each: int) -> None:
    cursor = connection.cursor(binary=True)
    for first in range(0, len(cases), each):
        some = sorted(cases[first : first + each])
        for place, name, before, after, given in _STEPS:
            ids = [uuid7() for _ in some]
            with connection.transaction():
                cursor.execute(_MOVE, (after, some), prepare=True)
                cursor.execute(_STEP, (place, name, before, after, given, ids, some), prepare=True)
                cursor.execute(_LOG, (name, name, ids, some), prepare=True)
                if name == "done":
                    cursor.execute(_TASK, (some,), prepare=True)
                cursor.execute(_TOUCH, (len(some), len(some), some), prepare=True)


def route(url: str, batch: int) -> float:
    """Send all cases that await routing to a body, ``batch`` a commit; returns the seconds it took."""
    with psycopg.connect(url, autocommit=True, options="-c jit=off") as connection:
        waiting = [issue_id for (issue_id,) in connection.execute(_AWAITING)]
        cursor = connection.cursor(binary=True)
        began = time.perf_counter()
        for first in range(0, len(waiting), batch):
            some = waiting[first : first + batch]
            ids = [uuid7() for _ in some]
            with connection.transaction():
                cursor.execute(_BEGUN, (some,), prepare=True)
                decided = cursor.execute(_DECIDED, (_REASONS, some), prepare=True).fetchall()
                cursor.execute(_SENT, (f'{{"reasons": {_REASONS}}}', some), prepare=True)
                cursor.execute(_LOG, ("route", "route", ids, some), prepare=True)
                cursor.execute(_TOLD, ([number for (number,) in decided], some), prepare=True)
                cursor.execute(_TOUCH, (len(some), len(some), some), prepare=True)
        return time.perf_counter() - began
