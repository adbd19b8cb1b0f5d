"""What support asks: how each device fares, who made which code, and the life of one record.

Reads only. Whose charge a thing is in comes as areas and grids from above.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.access.charge import FIELD_ROLES, OPERATION_IN_CHARGE, OPERATION_LIES, InCharge, person_in_charge
from sync.collections import COLLECTIONS
from sync.errors import NotFoundInCharge

# A clock this far off puts records into the wrong hour; its times are corrected, but somebody should set it.
SKEW_WORTH_TELLING_MS = 5 * 60 * 1000
CONCERNS = ("silent", "gaps", "skewed", "old_app", "quarantined", "waiting", "revoked", "left")
_VERSION = r"^[0-9]{1,9}(\.[0-9]{1,9}){0,4}$"

_FARED = f"""
    WITH doubt AS (
        SELECT device_id, count(*) FILTER (WHERE status = 'pending') AS pending,
               count(*) FILTER (WHERE status = 'held') AS held,
               count(*) FILTER (WHERE status = 'quarantined') AS quarantined,
               count(*) FILTER (WHERE status = 'review') AS review
        FROM operation WHERE status IN ('pending', 'held', 'quarantined', 'review')
        GROUP BY device_id
    ), versioned AS (
        SELECT device.id, revoked_at IS NULL AND is_active AS in_use,
               CASE WHEN app_version ~ '{_VERSION}' THEN string_to_array(app_version, '.')::int[] END AS version
        FROM device JOIN person ON person.id = device.person_id
    ), fared AS (
        SELECT device.*, person.login, person.name AS worker, person.inactive_since AS left_at, in_use,
               coalesce(doubt.pending, 0) AS pending, coalesce(doubt.held, 0) AS held,
               coalesce(doubt.quarantined, 0) AS quarantined, coalesce(doubt.review, 0) AS review,
               CASE WHEN isempty(seqs) THEN '{{}}' ELSE int8multirange(int8range(1, upper(seqs))) - seqs END AS gaps,
               in_use AND coalesce(last_exchange_at, '-infinity') < :since AS is_silent,
               in_use AND abs(coalesce(skew_ms, 0)) > {SKEW_WORTH_TELLING_MS} AS is_skewed,
               in_use AND coalesce(version < (
                   SELECT max(version) FROM versioned AS other WHERE other.in_use
               ), false) AS is_old_app
        FROM device JOIN person ON person.id = device.person_id
        JOIN versioned ON versioned.id = device.id
        LEFT JOIN doubt ON doubt.device_id = device.id
        WHERE {person_in_charge("device.person_id")}
        AND (CAST(:uid AS uuid) IS NULL OR device.uid = :uid)
        AND (:words = ''
             OR strpos(lower(concat_ws(' ', person.login, person.name, device.name, device.uid)), :words) > 0)
    )
"""  # noqa: S608  # constants of this module
_OF_CONCERN = """
    CASE CAST(:concern AS text)
        WHEN 'silent' THEN is_silent WHEN 'gaps' THEN NOT isempty(gaps) AND in_use
        WHEN 'skewed' THEN is_skewed WHEN 'old_app' THEN is_old_app WHEN 'quarantined' THEN quarantined > 0
        WHEN 'waiting' THEN pending + held + review > 0 WHEN 'revoked' THEN revoked_at IS NOT NULL
        WHEN 'left' THEN left_at IS NOT NULL ELSE true
    END
"""
_DEVICES = text(f"""
    {_FARED}
    SELECT uid AS device_id, fared.login, worker, fared.name, platform, app_version, enrolled_at, last_exchange_at,
           pulled_at, skew_ms, revoked_at, left_at, wipe_ordered_at, wiped_at, upper(seqs) - 1 AS highest_seq, gaps,
           reused_seqs, pending, held, quarantined, review, is_silent AS silent, is_skewed AS skewed,
           is_old_app AS old_app,
           code.made_with AS enrolled_with, maker.login AS enrolled_by, maker.name AS enrolled_by_name,
           CASE WHEN coalesce(pulled_to, 0) = 0 THEN NULL
                ELSE (SELECT position FROM feed_counter) - pulled_to END AS behind,
           (SELECT coalesce(array_agg(DISTINCT area_id), '{{}}') FROM assignment
            WHERE assignment.person_id = fared.person_id AND area_id IS NOT NULL AND during @> :now
            AND role = ANY (CAST(:field_roles AS text[]))) AS area_ids
    FROM fared LEFT JOIN enrolment AS code ON code.device_id = fared.id
    LEFT JOIN person AS maker ON maker.id = code.made_by
    WHERE {_OF_CONCERN}
    ORDER BY NOT in_use, last_exchange_at NULLS FIRST, fared.id LIMIT :limit OFFSET :offset
""")  # noqa: S608  # constants of this module
_COUNTS = text(f"""
    {_FARED}
    SELECT count(*) AS all, count(*) FILTER (WHERE is_silent) AS silent,
           count(*) FILTER (WHERE NOT isempty(gaps) AND in_use) AS gaps,
           count(*) FILTER (WHERE is_skewed) AS skewed, count(*) FILTER (WHERE is_old_app) AS old_app,
           count(*) FILTER (WHERE quarantined > 0) AS quarantined,
           count(*) FILTER (WHERE pending + held + review > 0) AS waiting,
           count(*) FILTER (WHERE revoked_at IS NOT NULL) AS revoked,
           count(*) FILTER (WHERE left_at IS NOT NULL) AS "left"
    FROM fared
""")  # noqa: S608  # constants of this module
_CODES = text(f"""
    SELECT code.id, worker.login, worker.name AS worker, code.made_with, maker.login AS made_by,
           maker.name AS made_by_name, code.created_at, code.expires_at, code.used_at, device.uid AS device_id,
           code.made_over AS area_ids
    FROM enrolment AS code JOIN person AS worker ON worker.id = code.person_id
    LEFT JOIN person AS maker ON maker.id = code.made_by LEFT JOIN device ON device.id = code.device_id
    WHERE {person_in_charge("code.person_id")} AND (CAST(:before AS int) IS NULL OR code.id < :before)
    ORDER BY code.id DESC LIMIT :limit
""")  # noqa: S608  # constants of ours
_IN_DOUBT = text("""
    SELECT operation.id, op_id, seq, collection, record_id, action, status, problem, captured_at, corrected_at,
           received_at
    FROM operation JOIN device ON device.id = operation.device_id
    WHERE device.uid = :uid AND operation.status IN ('pending', 'held', 'quarantined', 'review')
      AND operation.id > :after
    ORDER BY operation.id LIMIT :limit
""")
_HISTORY = text(f"""
    SELECT operation.id, operation.op_id, operation.collection, operation.seq, operation.action, operation.base_rev,
           operation.base_op, operation.rev, operation.status, operation.receipt ->> 'status' AS first_status,
           operation.captured_at, operation.corrected_at, operation.received_at, operation.settled_at, operation.data,
           operation.changes, operation.provenance, operation.problem, operation.ruling, operation.ruling_note,
           operation.ruled_at, ruler.name AS ruled_by, device.uid AS device_id, device.name AS device,
           person.login AS author, person.name AS author_name
    FROM operation
    LEFT JOIN device ON device.id = operation.device_id
    LEFT JOIN person ON person.id = operation.author_id
    LEFT JOIN person AS ruler ON ruler.id = operation.ruled_by
    {OPERATION_LIES}
    WHERE operation.record_id = :record AND operation.collection = ANY (CAST(:collections AS text[]))
      AND operation.id > :after AND {OPERATION_IN_CHARGE}
    ORDER BY operation.id LIMIT :limit
""")  # noqa: S608  # constants of ours
# What the server writes of an issue's case is of the life, too.
_LIFE_OF = {"issues": ("issues", "cases")}


@dataclass(frozen=True, slots=True)
class Search:
    """Which devices are asked for. ``concern`` is one of ``CONCERNS`` or empty, ``since`` the midnight of the city."""

    since: dt.datetime
    now: dt.datetime
    concern: str = ""
    words: str = ""
    uid: uuid.UUID | None = None

    def asked_by(self, charge: InCharge) -> dict[str, Any]:
        """Return the parameters of the statements."""
        return charge.asked() | {
            "since": self.since, "now": self.now, "field_roles": list(FIELD_ROLES), "concern": self.concern,
            "words": self.words.strip().lower(), "uid": self.uid,
        }  # fmt: skip


def devices(session: Session, charge: InCharge, search: Search, *, limit: int, offset: int) -> list[dict[str, Any]]:
    """Return devices of people in somebody's charge: those in use before all others, the longest silent first."""
    rows = session.execute(_DEVICES, search.asked_by(charge) | {"limit": limit, "offset": offset}).mappings()
    return [dict(row) | {"gaps": [[gap.lower, gap.upper - 1] for gap in row["gaps"]]} for row in rows]


def concerns(session: Session, charge: InCharge, search: Search) -> dict[str, int]:
    """Return how many devices there are in ``all`` and of each concern, whichever of them is asked for."""
    return dict(session.execute(_COUNTS, search.asked_by(charge)).mappings().one())


def device(session: Session, charge: InCharge, search: Search) -> dict[str, Any]:
    """Return the one device of ``search.uid``. Raises ``NotFoundInCharge``."""
    found = devices(session, charge, search, limit=1, offset=0)
    if not found:
        raise NotFoundInCharge
    return found[0]


def codes(session: Session, charge: InCharge, *, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Return the enrolment codes made for people in somebody's charge, the newest first: by whom, and if used."""
    wanted = charge.asked() | {"before": before, "limit": limit}
    return [dict(row) for row in session.execute(_CODES, wanted).mappings()]


def in_doubt(session: Session, device_uid: uuid.UUID, *, after: int, limit: int) -> list[dict[str, Any]]:
    """Return what of a device waits for something or somebody, with reasons, in the order in which it came."""
    wanted = {"uid": device_uid, "after": after, "limit": limit}
    return [dict(row) for row in session.execute(_IN_DOUBT, wanted).mappings()]


def history(
    session: Session, charge: InCharge, collection: str, record_id: uuid.UUID, *, after: int = 0, limit: int = 500
) -> list[dict[str, Any]]:
    """Return the life of one record of a collection, operation by operation; what another collection has is not it.

    Of a record that never came to be (all of it waits or is quarantined), and of a visit in no grid, those operations
    are told that the caller looks after. Raises ``NotFoundInCharge``.
    """
    if collection not in COLLECTIONS:
        raise NotFoundInCharge
    held = COLLECTIONS[collection]
    lies = _lies_in_charge(session, held.table.name, record_id, charge, adrift=held.adrift is not None)
    # What lies in charge is told whole, what the server noted of its case among it.
    whole = replace(charge, everywhere=charge.everywhere or bool(lies))
    of_it = list(_LIFE_OF.get(collection, (collection,)))
    wanted = whole.asked() | {"record": record_id, "collections": of_it, "after": after, "limit": limit}
    found = [] if lies is False else [dict(row) for row in session.execute(_HISTORY, wanted).mappings()]
    if not found and not (lies and after):
        raise NotFoundInCharge
    return found


def _lies_in_charge(
    session: Session, table: str, record_id: uuid.UUID, charge: InCharge, *, adrift: bool
) -> bool | None:
    """Return whether a record lies in somebody's grids.

    None where its operations have to say it, by their authors: there is no such record, or it is a visit in no grid.
    """
    row = session.execute(
        text(f"SELECT grid_now FROM {table} WHERE id = :id"),  # noqa: S608  # the collection's own table
        {"id": record_id},
    ).one_or_none()
    grids: Sequence[int] = charge.grid_ids
    if row is None or (row.grid_now is None and adrift and not charge.everywhere):
        return None
    return charge.everywhere or row.grid_now in grids
