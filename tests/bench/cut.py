"""The ground of the timeline, and what is asked of it: a square of square grids, the first of which is cut in two.

Owns the statements. `BEFORE` keeps where every record lay; what comes after it compares with that.
"""

import os

SIDE = int(os.environ.get("TIMELINE_SIDE", "76"))
COUNT = int(os.environ.get("TIMELINE_RECORDS", "100000"))
CROWDED = 2000
"""Records in the grid that is cut; the others lie anywhere."""
WEST, SOUTH, STEP = 113.0, 25.0, 0.004
ROOT, CUT, BESIDE, NEW = "storm", "s0", "s1", "s0-east"
LAY = f"""
    INSERT INTO area (code, kind) VALUES ('{ROOT}', 'county');
    INSERT INTO area (code, kind) SELECT 's' || n, 'grid' FROM generate_series(0, {SIDE * SIDE - 1}) AS n;
    INSERT INTO area_version (area_id, name, polygon, editions)
    SELECT id, '全市', ST_Multi(ST_MakeEnvelope({WEST}, {SOUTH}, round({WEST} + {SIDE} * {STEP}, 8),
           round({SOUTH} + {SIDE} * {STEP}, 8), 4326)), '[1,)' FROM area WHERE code = '{ROOT}';
    INSERT INTO area_version (area_id, parent_id, name, polygon, editions)
    SELECT area.id, (SELECT id FROM area WHERE code = '{ROOT}'), '第' || n || '网格', ST_Multi(ST_MakeEnvelope(
        round({WEST} + x * {STEP}, 8), round({SOUTH} + y * {STEP}, 8),
        round({WEST} + (x + 1) * {STEP}, 8), round({SOUTH} + (y + 1) * {STEP}, 8), 4326)), '[1,)'
    FROM generate_series(0, {SIDE * SIDE - 1}) AS n JOIN area ON area.code = 's' || n,
         LATERAL (SELECT n % {SIDE} AS x, n / {SIDE} AS y) AS place;
"""
FILL = f"""
    INSERT INTO visit (id, rev, doc_rev, doc, captured_at, received_at, changed_at, position, located,
                       edition_at_capture, grid_at_capture, grid_now)
    SELECT gen_random_uuid(), 1, 1, '{{"outcome": "met"}}', now(), now(), now(),
           ST_SetSRID(ST_MakePoint({WEST} + (x + 0.01 + 0.98 * random()) * {STEP},
                                   {SOUTH} + (y + 0.01 + 0.98 * random()) * {STEP}), 4326), 'inside', 1, id, id
    FROM (SELECT CASE WHEN m < {CROWDED} THEN 0 ELSE floor(random() * {SIDE * SIDE})::int END AS n
          FROM generate_series(0, {COUNT - 1}) AS m OFFSET 0) AS made
    JOIN area ON code = 's' || n, LATERAL (SELECT n % {SIDE} AS x, n / {SIDE} AS y) AS place;
"""
RECORDS = """
    SELECT id, grid_now, grid_at_capture, position, author_id, deleted_at, 'visit' AS of FROM visit
    UNION ALL SELECT id, grid_now, grid_at_capture, position, author_id, deleted_at, 'issue' FROM issue
"""
BEFORE = f"CREATE TABLE before_the_cut AS SELECT id, grid_now FROM ({RECORDS}) AS record"
BY_GRID = f"""
    SELECT coalesce(code, 'none') AS grid, count(*) FROM ({RECORDS}) AS record LEFT JOIN area ON area.id = grid_now
    WHERE code IN ('{CUT}', '{NEW}', '{BESIDE}') OR code IS NULL GROUP BY 1 ORDER BY 1
"""
CHECKED = f"""
    WITH record AS MATERIALIZED ({RECORDS})
    SELECT (SELECT count(*) FROM record) AS records, (SELECT count(DISTINCT id) FROM record) AS ids,
           (SELECT count(*) FROM before_the_cut LEFT JOIN record USING (id) WHERE record.id IS NULL) AS lost,
           (SELECT count(*) FROM record WHERE grid_now IS NULL) AS in_no_grid,
           (SELECT count(*) FROM record LEFT JOIN area_version AS version
                ON version.area_id = grid_now AND upper_inf(version.editions)
            WHERE version.polygon IS NULL OR NOT ST_Covers(version.polygon, position)) AS not_where_they_lie,
           (SELECT count(*) FROM before_the_cut AS before JOIN record USING (id)
            WHERE before.grid_now <> record.grid_now) AS moved,
           (SELECT count(*) FROM before_the_cut AS before JOIN record USING (id)
            JOIN area AS old ON old.id = before.grid_now JOIN area AS new ON new.id = record.grid_now
            WHERE old.id <> new.id AND (old.code, new.code) <> ('{CUT}', '{NEW}')) AS moved_elsewhere,
           count(*) AS operations, count(DISTINCT op_id) AS op_ids
    FROM operation JOIN device ON device.id = operation.device_id WHERE device.platform = 'bench'
"""
MOVED = f"""
    SELECT record.id::text FROM ({RECORDS}) AS record JOIN before_the_cut AS before USING (id)
    WHERE before.grid_now <> record.grid_now
"""
OF_PHONES = f"""
    WITH record AS MATERIALIZED ({RECORDS}), seen AS (
        SELECT person_id, record.id FROM assignment JOIN record ON grid_now = area_id
        WHERE during @> now() AND deleted_at IS NULL
        UNION SELECT author_id, id FROM record WHERE of = 'issue' AND deleted_at IS NULL
    )
    SELECT person_id, array_agg(id::text) FROM seen WHERE person_id = ANY (%s) GROUP BY person_id
"""
MOVE = """
    SELECT extract(epoch FROM started_at)::float8, extract(epoch FROM finished_at)::float8, moved
    FROM edition_move WHERE edition_number = %s
"""
