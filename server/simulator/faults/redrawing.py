"""Moves a border of the city a little, as GIS staff do, and gives workers other grids, while everybody is at work.

Owns both changes and where they happen. A border moves by one vertex, in every area that has it, so that the grids
stay a coverage; what would not be one is refused by ``geo.editions.publish``, and another vertex is tried.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

import numpy as np
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, aliased

from geo.editions.publish import NewArea, Published, publish
from geo.editions.tables import Area, AreaVersion
from geo.errors import GeoError
from sync.redraw.cutover import into_force

# Degrees, some metres: the points of a few records change sides.
_STEPS: Final = (0.00002, 0.00006, 0.00015)
_ATTEMPTS: Final = 20
_UNITS: Final = 1e8


def redraw(session: Session, chance: Random, *, now: dt.datetime) -> int | None:
    """Move one vertex between two grids and publish; return the edition, None where no place was found.

    Appends to the feed last; the caller commits.
    """
    areas = _areas(session)
    vertices = _inner_vertices([area for area in areas if area.kind == "grid"])
    for vertex in chance.sample(vertices, min(len(vertices), _ATTEMPTS)):
        step = chance.choice(_STEPS)
        moved = (vertex[0] + chance.choice((-step, step)), vertex[1] + chance.choice((-step, step)))
        changed = [_moved(area, vertex, moved) for area in areas if _has(area.polygon, vertex)]
        try:
            with session.begin_nested():
                done = _publish(session, changed, now)
        except GeoError:
            continue
        into_force(session, done, lambda: dt.datetime.now(dt.UTC))
        return done.number
    return None


def _publish(session: Session, changed: Sequence[NewArea], now: dt.datetime) -> Published:
    return publish(session, changed, by="faults", name="边界微调", note="simulate --faults", now=now)


def _areas(session: Session) -> list[NewArea]:
    parent = aliased(Area)
    rows = session.execute(
        select(Area.code, Area.kind, AreaVersion.name, parent.code, AreaVersion.polygon.ST_AsBinary())
        .join(AreaVersion, AreaVersion.area_id == Area.id)
        .outerjoin(parent, parent.id == AreaVersion.parent_id)
        .where(func.upper_inf(AreaVersion.editions))
        .order_by(Area.id)
    )
    return [_area(*row) for row in rows]


def _area(code: str, kind: str, name: str, above: str | None, wkb: bytes) -> NewArea:
    polygon: Any = shapely.from_wkb(bytes(wkb))
    return NewArea(code, kind, name, above, polygon)


def _inner_vertices(grids: Sequence[NewArea]) -> list[tuple[float, float]]:
    """Return the vertices that exactly two grids share."""
    shared: Counter[tuple[float, float]] = Counter()
    for grid in grids:
        shared.update({(float(x), float(y)) for x, y in shapely.get_coordinates(grid.polygon)})
    return sorted(vertex for vertex, count in shared.items() if count == 2)  # noqa: PLR2004  # a border has two sides


def _has(polygon: shapely.Geometry, vertex: tuple[float, float]) -> bool:
    return bool(_at(shapely.get_coordinates(polygon), vertex).any())


def _at(coordinates: Any, vertex: tuple[float, float]) -> Any:
    """Return which coordinates are this vertex, by the integers that they stand for."""
    return (np.rint(coordinates * _UNITS) == np.rint(np.array(vertex) * _UNITS)).all(axis=1)


def _moved(area: NewArea, vertex: tuple[float, float], to: tuple[float, float]) -> NewArea:
    def move(coordinates: Any) -> Any:
        coordinates[_at(coordinates, vertex)] = to
        return coordinates

    polygon: Any = shapely.transform(area.polygon, move)
    return NewArea(area.code, area.kind, area.name, area.parent_code, polygon)


_END = text("""
    UPDATE assignment SET during = tstzrange(lower(during), :now) FROM person
    WHERE person.id = person_id AND login = :login AND role IN ('grid_worker', 'grid_head') AND upper_inf(during)
      AND lower(during) < :now
""")
_GIVE = text("""
    INSERT INTO assignment (person_id, role, area_id, during)
    SELECT person.id, 'grid_worker', area.id, tstzrange(greatest(CAST(:since AS timestamptz), (
        SELECT max(upper(during)) FROM assignment
        WHERE person_id = person.id AND role = 'grid_worker' AND area_id = area.id)), NULL)
    FROM person, area WHERE login = :login AND code = ANY (CAST(:codes AS text[]))
""")


def reassign(session: Session, login: str, codes: Sequence[str], *, now: dt.datetime, since: dt.datetime) -> None:
    """Take a worker's grids and give these; ``since`` may be earlier than ``now``: it is often entered late.

    The caller commits.
    """
    session.execute(_END, {"login": login, "now": now})
    session.execute(_GIVE, {"login": login, "codes": list(codes), "since": since})


def grids_of(session: Session, logins: Sequence[str]) -> Mapping[str, list[str]]:
    """Return login -> codes of the grids that the person's areas are or hold today."""
    rows = session.execute(
        text("""
            WITH RECURSIVE mine AS (
                SELECT login, area_id FROM assignment JOIN person ON person.id = person_id
                WHERE login = ANY (CAST(:logins AS text[])) AND area_id IS NOT NULL AND during @> now()
                UNION
                SELECT mine.login, area_version.area_id FROM mine JOIN area_version ON parent_id = mine.area_id
                WHERE upper_inf(editions)
            )
            SELECT login, area.code FROM mine
            JOIN area ON area.id = area_id JOIN area_kind ON area_kind.code = area.kind
            WHERE is_locating ORDER BY login, area.code
        """),
        {"logins": list(logins)},
    )
    found: dict[str, list[str]] = {login: [] for login in logins}
    for login, code in rows:
        found[login].append(code)
    return found
