"""A simple oracle of who may do what to which record: knows the tables and the two grids, and nothing of the engine."""

from dataclasses import dataclass

from sqlalchemy import text

from tests.cases.city import EAST, WEST

FIELD = ("grid_head", "grid_worker", "building_head", "unit_head")
RULING = ("supervisor", "dispatcher", "admin")
IN_EFFECT = ("applied", "merged", "review", "released")
TABLES = {"issues": "issue", "visits": "visit", "tasks": "task", "households": "household"}


@dataclass(frozen=True)
class Was:
    """A record as the oracle reads it."""

    doc: dict
    author: int | None
    worker: int | None
    grid: int | None
    deleted: bool
    has_body: bool
    holders: tuple = ()

    @property
    def private(self):
        return is_private(self.doc)


def is_private(doc):
    return bool(doc.get("private")) or doc.get("category", "")[:2] in ("06", "07")


class Oracle:
    """Reads what the tables say, and says whether what changed had a right to.

    ``grids``: the ids of the areas WEST and EAST, by code.
    """

    def __init__(self, session, grids):
        self.session, self.grids = session, grids

    def read(self):
        found = {}
        for collection, table in TABLES.items():
            case = "body_id IS NOT NULL" if table == "issue" else "false"
            worker = "person_id" if table == "task" else "NULL::int"
            holders = (
                "ARRAY(SELECT person_id FROM task WHERE issue_id = record.id AND state IN ('open', 'started'))"
                if table == "issue"
                else "ARRAY[]::int[]"
            )
            rows = self.session.execute(
                text(f"""
                    SELECT id::text, doc, author_id, {worker}, grid_now, deleted_at IS NOT NULL, {case}, {holders}
                    FROM {table} AS record
                """)
            )
            found |= {(collection, row[0]): Was(*row[1:7], tuple(row[7])) for row in rows}
        return found

    def effects(self):
        rows = self.session.execute(
            text("""
                SELECT id, op_id, collection, record_id::text AS record, action, author_id, corrected_at, status,
                       coalesce(changes, data) AS changes, ruling, ruled_by
                FROM operation WHERE status = ANY (:statuses) AND collection <> 'cases'
            """),
            {"statuses": list(IN_EFFECT)},
        ).all()
        return {row.id: row for row in rows}

    def roles(self, person, moment=None):
        return [
            tuple(row)
            for row in self.session.execute(
                text("""
                    SELECT role, area_id FROM assignment
                    WHERE person_id = :person AND during @> coalesce(:moment, clock_timestamp())
                      AND (:moment IS NULL OR upper_inf(during) OR upper(during) > now() - interval '30 days')
                """),
                {"person": person, "moment": moment},
            )
        ]

    def judge(self, before, after, took_effect):
        made_by_server = {key for key in after.keys() - before.keys() if key[0] == "tasks"}
        changed = {
            key
            for key, now in after.items()
            if key not in before or (now.doc, now.deleted) != (before[key].doc, before[key].deleted)
        } - made_by_server
        assert before.keys() <= after.keys(), "no record is ever gone"
        touched = {(op.collection, op.record) for op in took_effect.values()}
        assert changed <= touched, "a record changed, and no operation took effect"
        made = {}
        for op in sorted(took_effect.values(), key=lambda op: op.action != "put"):
            key = (op.collection, op.record)
            was = before.get(key) or made.get(key)
            assert self.may(op, was), (op, was)
            made[key] = made.get(key) or after[key]
        for key in changed & before.keys():
            if before[key].private and not after[key].private:
                assert all(op.ruling == "released" for op in took_effect.values() if (op.collection, op.record) == key)

    def may(self, op, was):
        """Say whether somebody had the right to this, by the plainest reading of the rules."""
        if op.collection == "households" or (op.collection == "visits" and op.action != "put"):
            return False
        if op.collection == "tasks":
            theirs = was is not None and was.worker == op.author_id
            return op.action == "patch" and theirs and self.has_field(op.author_id)
        if op.ruling == "released":
            ruled = {grid for role, grid in self.roles(op.ruled_by) if role in RULING}
            there = self.grid_of(op.changes)
            return (was is None or was.grid in ruled) and (there is None or there in ruled)
        return self.may_add(op) if was is None else self.may_change(op, was)

    def may_add(self, op):
        mine = self.field_grids(op.author_id, op.corrected_at)
        if op.collection == "issues":
            return bool(mine) or self.has_field(op.author_id)
        return self.grid_of(op.changes) in mine

    def may_change(self, op, was):
        own = was.author == op.author_id
        if not self.has_field(op.author_id) or (op.collection == "visits" and not own):
            return False
        if not own and was.grid not in self.field_grids(op.author_id):
            return False
        if not own and was.private and op.author_id not in was.holders:
            return False
        here = was.doc.get("location")
        is_moved = (op.changes or {}).get("location", here) != here
        return not (was.has_body and (op.action == "delete" or is_moved))

    def has_field(self, person):
        return bool(self.field_grids(person))

    def field_grids(self, person, moment=None):
        return {grid for role, grid in self.roles(person, moment) if role in FIELD}

    def grid_of(self, changes):
        location = (changes or {}).get("location")
        return None if not location else self.grids[WEST if location["lon"] < 114.31 else EAST]
