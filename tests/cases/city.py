"""A very small city on real PostgreSQL: one county, one community, two grids side by side, and what happens there.

The west grid lies between 114.30 and 114.31 east, the east grid between 114.31 and 114.32; both between 25.68 and
25.69 north. All statements are committed by the caller.
"""

import json
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, text

from geo.editions.ground import load_ground
from server.cases.calendars.seeding import seed
from server.cases.catalogue import load_catalogue
from server.config import sqlalchemy_url
from server.launch.scratch import copy_of
from tests.emptying import empty

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)  # 10:00 on a Wednesday in Shanghai
WEST, EAST = "360725100001001", "360725100001002"
IN_WEST, IN_EAST, AT_BORDER, IN_SEA = (114.305, 25.685), (114.315, 25.685), (114.3099, 25.685), (121.9, 25.0)

_KINDS = (
    ("county", "县", "County", 0, False),
    ("community", "社区", "Community", 1, False),
    ("grid", "网格", "Grid", 2, True),
)
_AREAS = (
    ("360725", "county", None, "崇义县", (114.30, 25.68, 114.32, 25.69)),
    ("360725100001", "community", "360725", "阳岭社区", (114.30, 25.68, 114.32, 25.69)),
    (WEST, "grid", "360725100001", "阳岭第一网格", (114.30, 25.68, 114.31, 25.69)),
    (EAST, "grid", "360725100001", "阳岭第二网格", (114.31, 25.68, 114.32, 25.69)),
)
_CHANGING = (
    "case_step, step, task, deadline_move, delivery_attempt, delivery, endpoint, routing_decision, rule, issue, "
    "operation, feed, assignment, dead_letter, attachment, photo_hash, duplicate_suggestion"
)


def migrate(url):
    """Return an engine of the same options as the app's, on the schema that the migrations build.

    They run once for a cluster: an empty database becomes a copy of the one that they built.
    """
    copy_of(url, _build, of=ROOT / "migrations")
    return _engine(url)


def _engine(url):
    return create_engine(sqlalchemy_url(url), connect_args={"options": "-c jit=off -c timezone=UTC"})


def _build(url):
    engine = _engine(url)
    configuration = Config(ROOT / "migrations" / "alembic.ini")
    with engine.connect() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
        connection.commit()
    engine.dispose()


def found(session):
    """Found the city: its ground, its catalogue, and a worker, a handler and a dispatcher."""
    for kind in _KINDS:
        session.execute(
            text("INSERT INTO area_kind VALUES (:code, :zh, :en, :rank, :locating) ON CONFLICT DO NOTHING"),
            dict(zip(("code", "zh", "en", "rank", "locating"), kind, strict=True)),
        )
    session.execute(
        text("INSERT INTO edition (number, name, in_force, published_by) VALUES (1, '一', '[2026-01-01,)', 'test')")
    )
    for code, kind, parent, name, (west, south, east, north) in _AREAS:
        session.execute(text("INSERT INTO area (code, kind) VALUES (:code, :kind)"), {"code": code, "kind": kind})
        session.execute(
            text("""
                INSERT INTO area_version (area_id, parent_id, name, polygon, editions)
                SELECT area.id, (SELECT id FROM area WHERE code = :parent), :name,
                       ST_Multi(ST_MakeEnvelope(:west, :south, :east, :north, 4326)), '[1,)'
                FROM area WHERE code = :code
            """),
            {"code": code, "parent": parent, "name": name, "west": west, "south": south, "east": east, "north": north},
        )
    for login in ("worker", "handler", "dispatcher"):
        session.execute(text("INSERT INTO person (login, name) VALUES (:login, :login)"), {"login": login})
    load_catalogue(session)
    seed(session, NOW)


def clear(session):
    """Take away what a test did; ground, people and catalogue stay."""
    empty(session, _CHANGING)
    session.execute(text("UPDATE feed_counter SET position = 0"))
    # Nobody else may take an edition away: triggers refuse it.
    session.execute(text("SET LOCAL session_replication_role = replica"))
    for table, number in (("calendar_day", "edition"), ("calendar_span", "edition"), ("calendar_edition", "number")):
        entered = "SELECT number FROM calendar_edition WHERE entered_by_way <> 'seed'"
        session.execute(text(f"DELETE FROM {table} WHERE {number} IN ({entered})"))


def ground(session):
    """Return the edition in force."""
    return load_ground(session, 1)


def id_of(session, table, code):
    """Return the id of an area, an organisation or (by login) a person."""
    column = "login" if table == "person" else "code"
    return session.scalar(text(f"SELECT id FROM {table} WHERE {column} = :code"), {"code": code})


def report(session, category="0301", at=IN_WEST, grid=WEST, *, description="井盖缺失", **more):
    """Put an issue into the database as a push leaves it: awaiting routing. Returns its id."""
    issue_id = uuid.uuid4()
    doc = {"category": category, "description": description, "location": {"lon": at[0], "lat": at[1]}, **more}
    session.execute(
        text("""
            INSERT INTO issue (id, rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, position,
                               located, edition_at_capture, grid_at_capture, grid_now)
            VALUES (:id, 1, 1, CAST(:doc AS jsonb), :author, :captured, :now, :now,
                    ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :located, 1, :grid, :grid)
        """),
        {
            "id": issue_id,
            "doc": json.dumps(doc, ensure_ascii=False),
            "author": id_of(session, "person", "worker"),
            "captured": NOW - timedelta(hours=6),
            "now": NOW - timedelta(minutes=1),
            "lon": at[0],
            "lat": at[1],
            "located": "inside" if grid else "outside",
            "grid": grid and id_of(session, "area", grid),
        },
    )
    return issue_id


def shown(session, issue_id, given):
    """Return the fields of a step with each photo that they name sent before, for this case."""
    return (
        given if "photos" not in given else given | {"photos": [sent_photo(session, issue_id) for _ in given["photos"]]}
    )


def sent_photo(session, record_id, collection="issues"):
    """Put a photo of a record into the database, as one that has come. Returns its id, as a step names it."""
    photo = str(uuid.uuid4())
    session.execute(
        text("""
            INSERT INTO attachment (id, rev, doc_rev, doc, captured_at, received_at, changed_at, collection, record_id,
                                    bond, media_type, served_sha256, served_size, preview)
            VALUES (:id, 1, 1, '{}', :at, :at, :at, :collection, :record, 'bound', 'image/jpeg', :sha, 9, 'ready')
        """),
        {"id": photo, "at": NOW, "record": record_id, "collection": collection, "sha": bytes(32)},
    )
    return photo


def rows(session, statement, **parameters):
    """Return the rows of a statement as dictionaries."""
    return [dict(row._mapping) for row in session.execute(text(statement), parameters)]


def issue(session, issue_id):
    """Return one issue as it stands."""
    return rows(session, "SELECT * FROM issue WHERE id = :id", id=issue_id)[0]


@contextmanager
def counting(engine):
    """Count the statements that run inside."""
    seen = []

    def note(_connection, _cursor, statement, *_):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
