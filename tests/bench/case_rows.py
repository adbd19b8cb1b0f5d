"""Cases by the hundred thousand, made set-wise as their lives leave them.

They lie in the grids of the city and come from the workers of those grids; categories and bodies are those of the
catalogue, the texts those of the sample city's reports. Each call of ``Maker`` is one statement.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from server.demo.patrol_day import REPORTS_FILE
from tests.bench.curve import STAMPED_ID

OPEN_OF = 10
"""Of so many cases one is open."""
CHUNK = 50_000
_PLACES = """
    CREATE TEMP TABLE place AS
    SELECT row_number() OVER (ORDER BY area.id) - 1 AS number, area.id AS grid, person_id,
           ST_X(ST_PointOnSurface(polygon)) AS lon, ST_Y(ST_PointOnSurface(polygon)) AS lat
    FROM area JOIN area_kind ON area_kind.code = area.kind AND is_locating
    JOIN area_version ON area_version.area_id = area.id AND upper_inf(editions)
    JOIN LATERAL (
        SELECT min(person_id) AS person_id FROM assignment WHERE role = 'grid_worker' AND assignment.area_id = area.id
    ) AS worker ON person_id IS NOT NULL
"""
_MATTERS = """
    CREATE TEMP TABLE matter AS
    SELECT row_number() OVER (ORDER BY own.code) - 1 AS number, own.code, organisation.code AS body_code,
           organisation.id AS body, said.words
    FROM category AS own JOIN category AS above ON above.code = own.parent_code
    JOIN organisation ON organisation.code = coalesce(own.default_body, above.default_body)
    JOIN jsonb_each({reports}::jsonb) AS told (code, texts) ON told.code = own.code
    CROSS JOIN LATERAL (SELECT texts ->> 1 AS words) AS said
    WHERE own.is_active
"""
_DOC = """
    jsonb_build_object('category', code, 'description', words || n, 'severity', 'normal', 'address_text',
        '人民路' || n || '号', 'location',
        jsonb_build_object('lon', lon, 'lat', lat, 'accuracy_m', 8.0, 'datum', 'wgs84'))
"""
# Some 300 m around the middle of the grid.
_POSITION = """
    ST_SetSRID(ST_MakePoint(lon + (random() - 0.5) * 0.003, lat + (random() - 0.5) * 0.003), 4326)
"""
_STOOD = f"""
    WITH made AS MATERIALIZED (
        SELECT n, stamped_id(at) AS id, at, place.*, matter.code, matter.body, matter.words,
               n > %(closed)s::bigint AS is_open, at + (0.2 + 3 * random()) * interval '1 day' AS due
        FROM (SELECT n, now() - interval '1 year' * (1 - n / %(count)s::float8) AS at
              FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n) AS row
        JOIN place ON place.number = row.n %% (SELECT count(*) FROM place)
        JOIN matter ON matter.number = (row.n * 7919) %% (SELECT count(*) FROM matter)
    ), stood AS MATERIALIZED (
        SELECT *, CASE WHEN NOT is_open THEN 'closed' ELSE (ARRAY[
            'dispatched', 'received', 'in_progress', 'in_progress', 'done', 'reported', 'extended', 'suspended'
        ])[1 + n %% 8] END AS state FROM made
    ), written AS (
        INSERT INTO issue (id, rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, position, located,
                           edition_at_capture, grid_at_capture, grid_now, state, awaiting_routing, body_id,
                           assisting_ids, due_at, routing, closed_at, closing_reason, public_answer)
        SELECT id, 4, 1, {_DOC}, person_id, at, at + interval '5 minutes', at, {_POSITION}, 'inside', 1, grid, grid,
               state, false, CASE WHEN state <> 'reported' THEN body END,
               CASE WHEN state <> 'reported' THEN '{{}}'::int[] END,
               CASE WHEN state NOT IN ('reported', 'suspended') THEN due END,
               jsonb_build_object('since', at, 'decided_at', at, 'reasons', jsonb_build_array(jsonb_build_object(
                   'code', 'category-default', 'zh', '按类别的默认单位', 'en', 'By the default body of its category'))),
               CASE WHEN NOT is_open THEN due END, CASE WHEN NOT is_open THEN 'fixed' END,
               CASE WHEN NOT is_open THEN '已处置' END
        FROM stood ORDER BY n
    )
    INSERT INTO case_step (id, issue_id, place, step, state_before, state, at, taken_at, person_id, source, given)
    SELECT stamped_id(at), id, 1, 'report', '', 'reported', at, at, person_id, 'phone', '{{"source": "worker"}}'
    FROM stood ORDER BY n
"""
_ALIKE = """
    WITH open AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM issue WHERE closed_at IS NULL)
    INSERT INTO duplicate_suggestion (issue_id, other_id, score, likeness, distance_m, hours_apart, same_category,
                                      found_at)
    SELECT later.id, earlier.id, 0.6, 0.5, 20, 3, true, now()
    FROM open AS later JOIN open AS earlier ON earlier.n = later.n - 1 WHERE later.n % 20 = 0
"""
_WAITING = f"""
    INSERT INTO issue (id, rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, position, located,
                       edition_at_capture, grid_at_capture, grid_now)
    SELECT stamped_id(now()), 1, 1, {_DOC}, person_id, now() - interval '10 minutes', now(), now(), {_POSITION},
           'inside', 1, grid, grid
    FROM generate_series(1, %(count)s::int) AS n
    JOIN place ON place.number = n %% (SELECT count(*) FROM place)
    JOIN matter ON matter.number = (n * 7919) %% (SELECT count(*) FROM matter)
"""
_DISPATCHED = f"""
    WITH made AS MATERIALIZED (
        SELECT stamped_id(now()) AS id, n, place.*, matter.code, matter.body, matter.words
        FROM generate_series(1, %(count)s::int) AS n
        JOIN place ON place.number = n %% (SELECT count(*) FROM place)
        JOIN (SELECT * FROM matter WHERE body_code = %(body)s ORDER BY number LIMIT 1) AS matter ON true
    ), written AS (
        INSERT INTO issue (id, rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, position, located,
                           edition_at_capture, grid_at_capture, grid_now, state, awaiting_routing, body_id,
                           assisting_ids, due_at, routing, number)
        SELECT id, 2, 1, {_DOC}, person_id, now(), now(), now(), {_POSITION}, 'inside', 1, grid, grid, 'dispatched',
               false, body, '{{}}', now() + interval '2 days', '{{}}', case_number(26, nextval('case_serial'))
        FROM made
    ), decided AS (
        INSERT INTO routing_decision (issue_id, decided_at, body_id, assisting_ids, tier, since, limit_value,
                                      limit_unit, due_at, reasons)
        SELECT id, now(), body, '{{}}', 'community', now(), 2, 'wd', now() + interval '2 days', '[]' FROM made
    )
    INSERT INTO case_step (id, issue_id, place, step, state_before, state, at, taken_at, body_id, source, given)
    SELECT stamped_id(now()), id, step.place, step.name, before, after, now(), now(),
           CASE WHEN step.name = 'dispatch' THEN body END, 'rule',
           CASE step.name WHEN 'report' THEN '{{"source": "worker"}}'::jsonb
                WHEN 'dispatch' THEN jsonb_build_object('bodies', jsonb_build_object('lead', body))
                ELSE '{{}}'::jsonb END
    FROM made, (VALUES (1, 'report', '', 'reported'), (2, 'accept', 'reported', 'accepted'),
                       (3, 'file', 'accepted', 'filed'), (4, 'dispatch', 'filed', 'dispatched'))
                AS step (place, name, before, after)
    ORDER BY id, step.place
    RETURNING CASE place WHEN 4 THEN issue_id END
"""

# A photo of each, under the id of its case.
_SHOWN = """
    INSERT INTO attachment (id, rev, doc_rev, doc, captured_at, received_at, changed_at, grid_now, follower_id,
                            collection, record_id, bond, media_type, served_sha256, served_size, preview)
    SELECT id, 1, 1, '{}', received_at, received_at, received_at, grid_now, author_id,
           'issues', id, 'bound', 'image/jpeg', sha256(''), 0, 'none'
    FROM issue WHERE id = ANY (%(cases)s)
"""


@dataclass(frozen=True)
class Maker:
    """Makes cases over one connection, which knows the places and matters of the city."""

    connection: psycopg.Connection[Any]

    def stand(self, count: int) -> None:
        """Let so many cases stand where a year has left them; the newest tenth is open, some may be duplicates."""
        for first in range(1, count + 1, CHUNK):
            told = {"first": first, "last": min(first + CHUNK - 1, count), "count": count}
            self.connection.execute(_STOOD, told | {"closed": count - count // OPEN_OF})
        self.connection.execute(_ALIKE)
        self._settle()

    def wait(self, count: int) -> None:
        """Let so many cases await routing, as pushes leave them."""
        self.connection.execute(_WAITING, {"count": count})
        self.connection.execute("ANALYZE issue")

    def dispatch(self, count: int, body: str) -> list[UUID]:
        """Give so many cases to a body, as routing leaves them; returns them."""
        rows = self.connection.execute(_DISPATCHED, {"count": count, "body": body}).fetchall()
        given = [issue_id for (issue_id,) in rows if issue_id is not None]
        self.connection.execute(_SHOWN, {"cases": given})
        self._settle()
        return given

    def community(self) -> str:
        """Return the code of a community."""
        return str(self.connection.execute("SELECT min(code) FROM area WHERE kind = 'community'").fetchone()[0])

    def _settle(self) -> None:
        self.connection.execute("UPDATE case_timing SET stale = false WHERE stale")
        self.connection.execute("VACUUM ANALYZE")


@contextmanager
def maker(url: str) -> Iterator[Maker]:
    """Make cases in a city."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET jit = off")
        connection.execute("SET statement_timeout = 0")
        connection.execute(STAMPED_ID.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
        connection.execute(_PLACES)
        reports = REPORTS_FILE.read_text(encoding="utf-8")
        connection.execute(sql.SQL(_MATTERS).format(reports=sql.Literal(reports)))
        yield Maker(connection)
