"""What came into a worker's scope, what went, and why: so that nobody wonders where their doors are.

Owns the reasons. A grid that comes or goes between two scopes of a person was either redrawn meanwhile, which the
lineage of the ground says, or the assignments are others. A grid that stays may have other borders. Reads only.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

_SNAPSHOTS = text("""
    SELECT grid_ids, since FROM scope_snapshot WHERE person_id = :person
      AND version >= coalesce((SELECT max(version) FROM scope_snapshot WHERE person_id = :person AND since < :after), 0)
    ORDER BY version
""")
# Whatever became of areas by editions that came into force in a time.
_LINEAGE = text("""
    SELECT lineage.from_area_id AS old, lineage.to_area_id AS new, lineage.how, lower(edition.in_force) AS at
    FROM area_lineage AS lineage JOIN edition ON edition.number = lineage.edition_number
    WHERE lower(edition.in_force) > :after AND lower(edition.in_force) <= :now
      AND (lineage.from_area_id = ANY (CAST(:areas AS int[])) OR lineage.to_area_id = ANY (CAST(:areas AS int[])))
    ORDER BY lineage.id
""")
# By the newest version of each: an area that is retired still has the name that people know.
_NAMES = text("""
    SELECT DISTINCT ON (area.id) area.id, area.code, version.name
    FROM area JOIN area_version AS version ON version.area_id = area.id
    WHERE area.id = ANY (CAST(:areas AS int[])) ORDER BY area.id, lower(version.editions) DESC
""")


@dataclass(frozen=True, slots=True)
class GridChange:
    """One grid: ``others`` are the names of those that its ground came from or went to, where it was redrawn."""

    at: dt.datetime
    code: str
    name: str
    change: Literal["came", "went", "reshaped"]
    why: Literal["redrawn", "assigned"]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    at: dt.datetime
    area: int
    change: Literal["came", "went", "reshaped"]
    redrawn: bool
    others: tuple[int, ...] = ()


def scope_changes(session: Session, person_id: int, *, after: dt.datetime, now: dt.datetime) -> list[GridChange]:
    """Return what changed in a person's scope after a moment (aware UTC), in the order of its time."""
    snapshots = session.execute(_SNAPSHOTS, {"person": person_id, "after": after}).all()
    if not snapshots:
        return []
    areas = sorted({grid for each in snapshots for grid in each.grid_ids})
    since = min(after, snapshots[0].since)
    lineage = session.execute(_LINEAGE, {"after": since, "now": now, "areas": areas}).all()
    found = [each for each in _found(snapshots, lineage) if after < each.at <= now]
    wanted = sorted({area for each in found for area in (each.area, *each.others)})
    names = {row.id: row for row in session.execute(_NAMES, {"areas": wanted})}
    return [
        GridChange(
            each.at, names[each.area].code, names[each.area].name, each.change,
            "redrawn" if each.redrawn else "assigned", tuple(names[area].name for area in each.others),
        )
        for each in sorted(found, key=lambda each: (each.at, each.area))
    ]  # fmt: skip


def _found(snapshots: Sequence[Any], lineage: Sequence[Any]) -> Iterator[_Found]:
    for before, then in pairwise(snapshots):
        held, holds = set(before.grid_ids), set(then.grid_ids)
        meanwhile = [each for each in lineage if before.since < each.at <= then.since]
        for area in sorted(held - holds):
            yield _one(then.since, area, "went", [each.new for each in meanwhile if each.old == area])
        for area in sorted(holds - held):
            yield _one(then.since, area, "came", [each.old for each in meanwhile if each.new == area])
    last = set(snapshots[-1].grid_ids)
    for each in lineage:
        if each.how == "reshaped" and each.old == each.new and each.old in last:
            yield _Found(each.at, each.old, "reshaped", redrawn=True)


def _one(at: dt.datetime, area: int, change: Literal["came", "went"], relatives: Sequence[int]) -> _Found:
    others = tuple(dict.fromkeys(each for each in relatives if each != area))
    return _Found(at, area, change, bool(relatives), others)
