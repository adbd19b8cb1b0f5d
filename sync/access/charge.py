"""In whose charge people and operations are today, as conditions of SQL for whoever lists, rules or revokes.

Owns those two answers; whose areas and grids are meant comes from above as ``InCharge``. Only assignments in force at
``InCharge.now`` count, for the caller as for the person who is looked at.

A person is in charge of whoever holds one of the areas that the person does field work in today. Who does none is in
the charge of the whole city alone.

An operation that waits is looked after where it would take effect: by whoever holds the grid that its record lies in,
or where there is no such record, the grid that its own position lies in; and by whoever its author works for, if the
author worked there when it was captured, too: who mistook a place is known there. One that names no place is looked
after where its author works today. What nobody has in that way falls to whoever holds the whole city. So what a worker
wrote stays in the area that they moved away from.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sync.collections import COLLECTIONS

FIELD_ROLES = ("grid_worker", "grid_head", "building_head", "unit_head")
"""Who works with a phone. No other role lets one see or write anything there."""


@dataclass(frozen=True, slots=True)
class InCharge:
    """What the caller answers for at ``now`` (aware UTC). ``everywhere``: the whole city, and what lies in no grid."""

    person_id: int
    grid_ids: Sequence[int]
    area_ids: Sequence[int]
    everywhere: bool
    now: dt.datetime

    def asked(self) -> dict[str, Any]:
        """Return the parameters of the conditions of this module."""
        return {
            "everywhere": self.everywhere, "grids": list(self.grid_ids), "areas": list(self.area_ids), "now": self.now,
        }  # fmt: skip


def person_in_charge(person: str) -> str:
    """Return the condition that a person (an SQL expression of an id) does field work in areas in charge today."""
    return f"(CAST(:everywhere AS boolean) OR {_works_in_charge(person)})"


def person_wholly_in_charge(person: str) -> str:
    """Return the same where no role of that person, today or to come, lies beyond the areas in charge.

    For what takes hold of a person wherever they work, as the loss of a phone does.
    """
    return f"""(CAST(:everywhere AS boolean) OR {_works_in_charge(person)} AND NOT EXISTS (
        SELECT FROM assignment AS elsewhere WHERE elsewhere.person_id = {person}
        AND (upper_inf(elsewhere.during) OR upper(elsewhere.during) > CAST(:now AS timestamptz))
        AND NOT coalesce(elsewhere.area_id = ANY (CAST(:areas AS int[])), false)
    ))"""


def _works_in_charge(person: str, *, then: str = "") -> str:
    """Return the same without the whole city; ``then``: an expression of a moment at which it must have been so."""
    also = f"AND field_work.during @> {then}" if then else ""
    roles = ", ".join(f"'{role}'" for role in FIELD_ROLES)
    return f"""EXISTS (
        SELECT FROM assignment AS field_work WHERE field_work.person_id = {person}
        AND field_work.role IN ({roles}) AND field_work.during @> CAST(:now AS timestamptz)
        AND field_work.area_id = ANY (CAST(:areas AS int[])) {also}
    )"""  # constants of this module, and an expression of the caller's


_RECORDS = " UNION ALL ".join(
    f"SELECT grid_now FROM {each.table.name} WHERE operation.collection = '{each.name}' AND id = operation.record_id"  # noqa: S608  # names of our own
    for each in COLLECTIONS.values()
)
# A position that cannot be read names no place; in an obfuscated datum it may be hundreds of metres off.
_DEGREES = """CAST(jsonb_path_query_first(operation.data, '$.location.{axis} ? (@ >= -{most} && @ <= {most})')
              AS double precision)"""
_PLACE = f"""
    SELECT area_version.area_id FROM area_version
    JOIN area ON area.id = area_version.area_id JOIN area_kind ON area_kind.code = area.kind
    WHERE area_kind.is_locating AND upper_inf(area_version.editions)
    AND coalesce(operation.data #>> '{{location,datum}}', 'wgs84') IN ('wgs84', 'cgcs2000')
    AND ST_Covers(area_version.polygon, ST_SetSRID(ST_MakePoint(
        {_DEGREES.format(axis="lon", most=180)}, {_DEGREES.format(axis="lat", most=90)}
    ), 4326))
    ORDER BY area_version.area_id LIMIT 1
"""  # noqa: S608  # constants of this module
OPERATION_LIES = f"""
    LEFT JOIN LATERAL (SELECT coalesce(({_RECORDS} LIMIT 1), ({_PLACE})) AS grid_id) AS effect
    ON NOT CAST(:everywhere AS boolean)
"""  # constants of this module
"""Joins ``operation`` with the grid where it would take effect, ``effect.grid_id``."""
_CAPTURED = "coalesce(operation.corrected_at, operation.received_at)"
OPERATION_IN_CHARGE = f"""
    (CAST(:everywhere AS boolean) OR CASE WHEN effect.grid_id IS NULL THEN {_works_in_charge("operation.author_id")}
     ELSE effect.grid_id = ANY (CAST(:grids AS int[])) OR {_works_in_charge("operation.author_id", then=_CAPTURED)} END)
"""
"""The condition that an operation is to be looked after by the caller; with ``OPERATION_LIES``."""
