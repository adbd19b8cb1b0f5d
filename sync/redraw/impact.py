"""Impact: what a redraw would change for whom, before it is published.

Owns counting households, open issues, due visits, workers and devices on the ground that would change hands, for each
pair from -> to, and the load of each grid and worker before and after. Only the grids named are looked at. Writes
nothing; knows nothing of drafts or publishing: it is asked with the polygons as they are and as they would be.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.coverage.changes import Fragment, fragments
from geo.locate.locator import Locator

LEAST_M2: Final = 1.0
"""Smaller pieces of ground come of rounding, not of anybody's drawing: a pair of no more is not told by itself."""
Pair = tuple[str, str | None]
"""From the code of a grid to that of another; None: to no grid."""


@dataclass(frozen=True, slots=True)
class Load:
    """Work of a grid, or of a part of it."""

    households: int = 0
    open_issues: int = 0
    due_visits: int = 0

    def __add__(self, other: "Load") -> "Load":
        """Return both together."""
        return Load(
            self.households + other.households,
            self.open_issues + other.open_issues,
            self.due_visits + other.due_visits,
        )

    def as_json(self) -> dict[str, int]:
        """Return the counts by name."""
        return {"households": self.households, "open_issues": self.open_issues, "due_visits": self.due_visits}


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who works in a grid that changes, with the phones that will hear of it."""

    login: str
    name: str
    devices: int
    grids: frozenset[str]


@dataclass(frozen=True)
class Impact:
    """What would change. ``moved`` holds only pairs of different grids; ``before`` and ``after`` are by code."""

    fragments: Sequence[Fragment]
    moved: Mapping[Pair, Load]
    before: Mapping[str, Load]
    after: Mapping[str, Load]
    workers: Sequence[Worker]
    names: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return pairs, grids and workers, each with the load before and after.

        ``slivers``: how many pairs there are besides, of less ground than ``LEAST_M2`` and without any record.
        """
        told = self._pairs()
        return {
            "pairs": [self._pair(pair) for pair in told],
            "slivers": len({(each.source, each.target) for each in self.fragments} - set(told)),
            "grids": [self._grid(code) for code in sorted({*self.before, *self.after})],
            "workers": [self._worker(each) for each in self.workers],
        }

    def as_geojson(self) -> dict[str, Any]:
        """Return the pieces of ground as features with the counts of their pair (lon, lat EPSG:4326)."""
        features = [
            {
                "type": "Feature",
                "geometry": shapely.geometry.mapping(each.polygon),
                "properties": self._pair((each.source, each.target)),
            }
            for each in self.fragments
            if each.area_m2 >= LEAST_M2
        ]
        return {"type": "FeatureCollection", "features": features}

    def _pairs(self) -> list[tuple[str | None, str | None]]:
        size: dict[tuple[str | None, str | None], float] = defaultdict(float)
        for each in self.fragments:
            size[each.source, each.target] += each.area_m2
        known = {pair for pair, area_m2 in size.items() if area_m2 >= LEAST_M2} | set(self.moved)
        return sorted(known, key=lambda pair: (pair[0] or "", pair[1] or ""))

    def _pair(self, pair: tuple[str | None, str | None]) -> dict[str, Any]:
        source, target = pair
        area_m2 = sum(each.area_m2 for each in self.fragments if (each.source, each.target) == pair)
        load = Load() if source is None else self.moved.get((source, target), Load())
        losing, gaining = (self._working(code) for code in pair)
        return {
            "from": self._named(source),
            "to": self._named(target),
            "area_m2": round(area_m2, 1),
            **load.as_json(),
            "loses": [each.login for each in losing],
            "gains": [each.login for each in gaining],
            "workers": len({each.login for each in (*losing, *gaining)}),
            "devices": sum(each.devices for each in {each.login: each for each in (*losing, *gaining)}.values()),
        }

    def _grid(self, code: str) -> dict[str, Any]:
        before, after = self.before.get(code), self.after.get(code)
        return {
            "code": code,
            "name": self.names.get(code, ""),
            "before": None if before is None else before.as_json(),
            "after": None if after is None else after.as_json(),
            "workers": [each.login for each in self._working(code)],
        }

    def _worker(self, worker: Worker) -> dict[str, Any]:
        before, after = (_total(loads, worker.grids) for loads in (self.before, self.after))
        return {
            "login": worker.login,
            "name": worker.name,
            "devices": worker.devices,
            "grids": sorted(worker.grids),
            "before": before.as_json(),
            "after": after.as_json(),
        }

    def _working(self, code: str | None) -> list[Worker]:
        return [each for each in self.workers if code in each.grids]

    def _named(self, code: str | None) -> dict[str, str] | None:
        return None if code is None else {"code": code, "name": self.names.get(code, "")}


_HOUSEHOLDS = text("""
    SELECT area.code, ST_X(position) AS lon, ST_Y(position) AS lat, (
        SELECT count(*) FROM task WHERE task.household_id = household.id AND task.kind = 'visit'
            AND task.state IN ('open', 'started') AND task.deleted_at IS NULL) AS due
    FROM household JOIN area ON area.id = grid_now
    WHERE grid_now = ANY (SELECT id FROM area WHERE code = ANY (CAST(:codes AS text[]))) AND deleted_at IS NULL
""")
_LIVING = text("""
    SELECT area.code, ST_X(position) AS lon, ST_Y(position) AS lat, count(*) AS households
    FROM household JOIN area ON area.id = grid_now
    WHERE grid_now = ANY (ARRAY(SELECT id FROM area WHERE code = ANY (CAST(:codes AS text[])))) AND deleted_at IS NULL
    GROUP BY area.code, lon, lat
""")
# Private issues are left out: by one line drawn after another, their places could be found from the counts.
_ISSUES = text("""
    SELECT area.code, ST_X(position) AS lon, ST_Y(position) AS lat FROM issue JOIN area ON area.id = grid_now
    WHERE grid_now = ANY (SELECT id FROM area WHERE code = ANY (CAST(:codes AS text[])))
        AND deleted_at IS NULL AND closed_at IS NULL AND NOT private
        AND NOT EXISTS (SELECT FROM category WHERE category.code = issue.category AND category.is_private)
""")
_WORKERS = text("""
    SELECT login, person.name, array_agg(DISTINCT area.code) AS grids,
        (SELECT count(*) FROM device WHERE device.person_id = person.id AND revoked_at IS NULL) AS devices
    FROM assignment JOIN area ON area.id = area_id JOIN person ON person.id = assignment.person_id
    WHERE area.code = ANY (CAST(:codes AS text[])) AND role IN ('grid_worker', 'grid_head') AND is_active
        AND during @> CAST(:now AS timestamptz)
    GROUP BY person.id ORDER BY login
""")
_NAMES = text("""
    SELECT code, name FROM area JOIN area_version ON area_id = area.id AND upper_inf(editions)
    WHERE code = ANY (CAST(:codes AS text[]))
""")


def impact_of(
    session: Session,
    before: Mapping[str, BaseGeometry],
    after: Mapping[str, BaseGeometry],
    *,
    names: Mapping[str, str],
    now: dt.datetime,
    near_m: float,
) -> Impact:
    """Return what it would change to have these grids ``after`` instead of ``before``, by code; polygons in lon, lat.

    ``names``: of the grids that are new, or get another name. Both mappings hold all that differs and nothing else.
    """
    found = fragments(before, after)
    codes = sorted({*before, *after})
    going = _Going(found, after, near_m)
    loads: list[tuple[str, Load, float | None, float | None]] = [
        (row.code, Load(households=1, due_visits=row.due), row.lon, row.lat)
        for row in session.execute(_HOUSEHOLDS, {"codes": list(before)})
    ]
    loads += [
        (row.code, Load(open_issues=1), row.lon, row.lat) for row in session.execute(_ISSUES, {"codes": list(before)})
    ]
    targets = going.targets([(code, lon, lat) for code, _, lon, lat in loads])
    counted = _sums(((code, target), load) for (code, load, _, _), target in zip(loads, targets, strict=True))
    standing: dict[str, str] = {row.code: row.name for row in session.execute(_NAMES, {"codes": codes})}
    workers = [
        Worker(row.login, row.name, row.devices, frozenset(row.grids))
        for row in session.execute(_WORKERS, {"codes": codes, "now": now})
    ]
    return Impact(
        fragments=found,
        moved={pair: load for pair, load in counted.items() if pair[0] != pair[1]},
        before={code: Load() for code in before} | _sums((source, load) for (source, _), load in counted.items()),
        after={code: Load() for code in after}
        | _sums((target, load) for (_, target), load in counted.items() if target is not None),
        workers=workers,
        names=standing | dict(names),
    )


def households_of(
    session: Session, before: Mapping[str, BaseGeometry], after: Mapping[str, BaseGeometry], *, near_m: float
) -> dict[str, int]:
    """Return how many households these grids would have ``after``, as ``impact_of`` counts them, in one statement."""
    going = _Going(fragments(before, after), after, near_m)
    rows = session.execute(_LIVING, {"codes": list(before)}).all()
    targets = going.targets([(row.code, row.lon, row.lat) for row in rows])
    counts = dict.fromkeys(after, 0)
    for row, target in zip(rows, targets, strict=True):
        if target is not None:
            counts[target] += row.households
    return counts


class _Going:
    """Where records would go: by their position; without one, they stay, or go with most of their grid's ground."""

    def __init__(self, found: Sequence[Fragment], after: Mapping[str, BaseGeometry], near_m: float) -> None:
        self._codes = sorted(after)
        self._locator = Locator.build([(number, after[code]) for number, code in enumerate(self._codes)])
        self._near_m = near_m
        self._heirs: dict[str, str] = {}
        for each in sorted(found, key=lambda fragment: fragment.polygon.area):
            if each.source is not None and each.target is not None:
                self._heirs[each.source] = each.target

    def targets(self, records: Sequence[tuple[str, float | None, float | None]]) -> list[str | None]:
        """Return the code of the grid of each record (code today, lon, lat) afterwards."""
        lon, lat = ([record[axis] for record in records if record[1] is not None] for axis in (1, 2))
        places = iter(self._locator.places(_degrees(lon), _degrees(lat), 0.0, self._near_m))
        found: list[str | None] = []
        for code, east, _ in records:
            if east is None:
                found.append(code if code in self._codes else self._heirs.get(code))
                continue
            area = next(places).area
            found.append(None if area is None else self._codes[area])
        return found


def _degrees(values: Sequence[object]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def _sums(counted: Iterable[tuple[Any, Load]]) -> dict[Any, Load]:
    sums: dict[Any, Load] = defaultdict(Load)
    for key, load in counted:
        sums[key] += load
    return dict(sums)


def _total(loads: Mapping[str, Load], codes: Iterable[str]) -> Load:
    total = Load()
    for code in codes:
        total += loads.get(code, Load())
    return total
