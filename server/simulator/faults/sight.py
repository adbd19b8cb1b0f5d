"""What must hold of the phones, with everything at rest: each holds just what its worker may see, and can prove it.

Owns the oracle of sight, read straight from the tables without any code of the engine, and the questions that phones
ask over the protocol. Each raises ``Broken`` at the first that does not hold.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.simulator import agreement
from server.simulator.faults.survivor import Survivor
from server.simulator.faults.world import Broken
from server.simulator.phone import Disagrees, Made
from sync.collections import COLLECTIONS

_BATCH: Final = 200

_GRIDS = """
    WITH RECURSIVE me AS (SELECT person_id AS id FROM device WHERE uid = :device),
    below AS (
        SELECT area_id FROM assignment, me WHERE person_id = me.id AND area_id IS NOT NULL AND during @> now()
            AND role IN ('grid_head', 'grid_worker', 'building_head', 'unit_head')
        UNION SELECT area_version.area_id FROM area_version JOIN below ON parent_id = below.area_id
        WHERE upper_inf(editions)
    ),
    above AS (
        SELECT area_id FROM assignment, me WHERE person_id = me.id AND area_id IS NOT NULL AND during @> now()
            AND role IN ('grid_head', 'grid_worker', 'building_head', 'unit_head')
        UNION SELECT parent_id FROM area_version JOIN above ON area_version.area_id = above.area_id
        WHERE upper_inf(editions) AND parent_id IS NOT NULL
    ),
    grids AS (
        SELECT area.id AS area_id, area.uid, area.code, lower(editions) AS since FROM area
        JOIN area_kind ON area_kind.code = area.kind AND is_locating
        JOIN area_version ON area_version.area_id = area.id AND upper_inf(editions)
        WHERE area.id IN (SELECT area_id FROM below UNION SELECT area_id FROM above)
    )
"""


def _visible_sql() -> str:
    """One list for each collection, by what its declaration says: whose grids, and whose own."""
    lists = ["SELECT 'grids' AS collection, uid::text AS id, since AS rev FROM grids"]
    for name, collection in COLLECTIONS.items():
        rights = ["grid_now IN (SELECT area_id FROM grids)"] if collection.by_grid else []
        if collection.personal is not None:
            followed = " AND (closed_at IS NULL OR closed_at > now() - interval '30 days')"
            own = f"{collection.personal} = (SELECT id FROM me)"  # noqa: S608  # our own column
            rights.append(f"({own}{followed if 'closed_at' in collection.table.c else ''})")
        where = f"deleted_at IS NULL AND ({' OR '.join(rights)})"
        lists.append(f"SELECT '{name}', id::text, rev FROM {collection.table.name} WHERE {where}")  # noqa: S608  # our own names
    return " UNION ALL ".join(lists)


_VISIBLE = text(_GRIDS + _visible_sql())
_FILES = text("SELECT id::text, record_id::text FROM attachment WHERE collection = 'issues' AND deleted_at IS NULL")
_SCOPE = text(_GRIDS + "SELECT code FROM grids")  # noqa: S608  # the same


def check_sight(session: Session, phone: Survivor) -> None:
    """The phone holds every record that its worker may see, at its revision, and no other.

    What it holds masked has no files for it; whether it is masked rightly, ``check_privacy`` asks.
    """
    asked = {"device": phone.device_id}
    scope = set(session.scalars(_SCOPE, asked))
    if scope != phone.scope:
        raise Broken("scope", f"{phone.name}: is told {sorted(phone.scope)} and its worker has {sorted(scope)}")
    visible = {(row.collection, row.id): row.rev for row in session.execute(_VISIBLE, asked)}
    masked = {key for (name, key), each in phone.held.items() if name == "issues" and each["data"].get("masked")}
    for file_id, issue_id in session.execute(_FILES):
        if issue_id in masked:
            visible.pop(("attachments", file_id), None)
    for key in sorted(visible.keys() - phone.held.keys()):
        raise Broken("skipped", f"{phone.name}: never got {key[0]} {key[1]}, revision {visible[key]}", key)
    for key in sorted(phone.held.keys() - visible.keys()):
        raise Broken("rights", f"{phone.name}: holds {key[0]} {key[1]}, which its worker may not see", key)
    for key, rev in sorted(visible.items()):
        if phone.held[key]["rev"] != rev:
            raise Broken("stale", f"{phone.name}: {key[0]} {key[1]} is at {phone.held[key]['rev']}, not {rev}", key)


_MASKED = text("""
    SELECT issue.id::text FROM issue JOIN category ON category.code = issue.category
    JOIN device ON device.uid = :device
    WHERE (issue.private OR category.is_private) AND author_id IS DISTINCT FROM device.person_id AND NOT EXISTS (
        SELECT FROM task WHERE issue_id = issue.id AND task.person_id = device.person_id AND task.deleted_at IS NULL
        AND state IN ('open', 'started'))
""")
_TELLING: Final = frozenset({"description", "address_text", "location", "photos", "tags", "extra", "routing"})


def check_privacy(session: Session, phone: Survivor) -> None:
    """Of a private issue that is neither its worker's own nor their task, the phone holds nothing that tells of it."""
    for record_id in session.scalars(_MASKED, {"device": phone.device_id}):
        held = phone.held.get(("issues", record_id))
        if held is not None and (told := sorted(_TELLING & held["data"].keys())):
            raise Broken("privacy", f"{phone.name}: holds {told} of a private issue", ("issues", record_id))


def check_anew(phone: Survivor) -> None:
    """Whoever begins from nothing gets just what the phone holds, to the last field."""
    anew = phone.pulled_anew()
    if phone.held != anew:
        # A clock may have warned between the two: then the phone hears of it now.
        phone.pull()
        anew = phone.pulled_anew()
    for key in sorted(phone.held.keys() | anew.keys()):
        mine, theirs = phone.held.get(key), anew.get(key)
        if mine != theirs:
            raise Broken("converging", f"{phone.name}: {key[0]} {key[1]} is {mine}, and {theirs} from nothing", key)


def check_counts(phone: Survivor) -> dict[str, Any]:
    """Counts and checksums agree grid by grid, and no ``seq`` is missing; return what the server says of the phone."""
    if not agreement.matches_digest(phone):
        raise Broken("digest", f"{phone.name}: what it holds does not match the server's digest")
    told = phone.ask("/v1/sync/status")
    if told["gaps"] or told["highest_seq"] != len(phone.made):
        seen = f"up to {told['highest_seq']} without {told['gaps']}"
        raise Broken("acknowledged", f"{phone.name}: sent {len(phone.made)} and the server saw {seen}")
    return told


def check_replays(phone: Survivor, ops: Sequence[Made]) -> None:
    """What is sent again gets the first answer, byte for byte, marked as replayed."""
    before = phone.happened["replayed"]
    try:
        for start in range(0, len(ops), _BATCH):
            phone.push(ops[start : start + _BATCH])
    except Disagrees as error:
        raise Broken("receipt", str(error)) from error
    again = phone.happened["replayed"] - before
    if again != len(ops):
        raise Broken("receipt", f"{phone.name}: of {len(ops)} operations sent again {again} were known")
