"""What was read of a boundary file, on its way into the next edition or into a draft.

Owns settling what the file leaves open (parents, what is missing), who may take it, and the check beforehand of what
would come of it. Must not know files, jobs or requests. Publishing is ``geo.editions.publish``, drawing
``server.grids.drafts``.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import shapely
from shapely import MultiPolygon
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo.coverage.coverage import check_nesting
from geo.editions.difference import check_coverage, propose
from geo.editions.publish import NewArea, Published, publish, put_kinds
from geo.editions.tables import Area, AreaKind, AreaVersion
from geo.geometry.shapes import Fault, in_degrees, in_units
from server.grids.draft_ground import DraftGround
from server.grids.drafts import find, newest_edition
from server.grids.errors import DraftPublished, OperationRefused
from server.grids.ground_kept import require_ground_kept
from server.grids.imports.fault_report import Found
from server.grids.imports.parse import Reading
from server.grids.kinds import STANDARD_KINDS
from server.grids.operations import Operation
from sync.errors import NoEdition

_SAME_PLACE_M: Final = 1.0


@dataclass(frozen=True, slots=True)
class Settled:
    """All that a file says, with nothing left open: areas with their parents, and codes that are given up."""

    kind: str
    areas: tuple[NewArea, ...]
    retired: tuple[str, ...]

    @property
    def operation(self) -> Operation:
        """The same as an operation of a draft, without its polygons: what it works on, and where it puts areas."""
        areas = [{"code": area.code, "parent": area.parent_code} for area in self.areas]
        return Operation("replace", {"areas": areas, "retired": list(self.retired), "area_kind": self.kind})


_STANDING = text("""
    SELECT area.code, upper.code AS parent
    FROM area JOIN area_version AS version ON version.area_id = area.id AND upper_inf(version.editions)
    LEFT JOIN area AS upper ON upper.id = version.parent_id
    WHERE area.kind = :kind ORDER BY area.code
""")


def settle(
    session: Session, kind: str, areas: Sequence[NewArea], *, parent: str | None = None, retire_missing: bool = False
) -> Settled:
    """Settle areas against the edition in force; one of which the file says no parent keeps the one that it has.

    ``retire_missing``: areas of the kind (under ``parent``, if that is named) that are not in the file are given up.
    """
    standing = {row.code: row.parent for row in session.execute(_STANDING, {"kind": kind})}
    return settle_over(standing, kind, areas, parent=parent, retire_missing=retire_missing)


def settle_over(
    standing: Mapping[str, str | None],
    kind: str,
    areas: Sequence[NewArea],
    *,
    parent: str | None = None,
    retire_missing: bool = False,
) -> Settled:
    """As ``settle``, against areas of the kind with their parents."""
    whole = [area if area.parent_code else replace(area, parent_code=standing.get(area.code)) for area in areas]
    named = {area.code for area in areas}
    missing = [code for code, under in standing.items() if code not in named and parent in (None, under)]
    return Settled(kind, tuple(whole), tuple(missing) if retire_missing else ())


def require_askable(session: Session, kind: str | None, parent: str | None, draft: int | str | None) -> None:
    """Refuse at once what could never be done: OperationRefused, UnknownDraft, DraftPublished, NoEdition."""
    if kind is not None:
        known = set(session.scalars(select(AreaKind.code))) or {each.code for each in STANDARD_KINDS}
        if kind not in known:
            raise OperationRefused("kind", "unknown-kind", known=tuple(sorted(known)))
    if parent is not None:
        standing = select(Area.id).join(AreaVersion, AreaVersion.area_id == Area.id)
        if session.scalar(standing.where(Area.code == parent, func.upper_inf(AreaVersion.editions))) is None:
            raise OperationRefused("parent", "unknown-parent")
    if isinstance(draft, int):
        found = find(session, draft)
        if found.published_edition is not None:
            raise DraftPublished(found.published_edition)
    elif draft is not None and not newest_edition(session):
        raise NoEdition


def ensure_kinds(session: Session) -> None:
    """Give a city without any kinds of area those that Chinese cities have."""
    if session.scalar(select(func.count()).select_from(AreaKind)) == 0:
        put_kinds(session, STANDARD_KINDS)


def look(session: Session, settled: Settled) -> dict[str, int]:
    """Return what an edition of it would change, by number; errors as ``put_into_edition``. Writes nothing."""
    coming = propose(session, settled.areas, settled.retired)
    check_coverage(session, coming.before, coming.after)
    require_ground_kept(session, settled.areas, settled.retired)
    added = sum(area.code not in coming.standing for area, _ in coming.fresh)
    fresh = len(coming.fresh)
    return _counts(added, fresh - added, len(settled.areas) - fresh, len(settled.retired))


def put_into_edition(session: Session, settled: Settled, *, by: str, name: str, now: dt.datetime) -> Published:
    """Publish it as the next edition; ``sync.redraw.cutover.into_force`` comes last, before the commit.

    Raises ``InvalidShape``, ``InvalidName``, ``PublicationRefused``, ``BrokenCoverage`` and ``GateClosed``.
    """
    require_ground_kept(session, settled.areas, settled.retired)
    return publish(session, settled.areas, retired=settled.retired, by=by, name=name, now=now)


def counts_of(done: Published) -> dict[str, int]:
    """What an edition changed, by number."""
    return _counts(len(done.added), len(done.changed), done.unchanged, len(done.retired))


def _counts(added: int, changed: int, unchanged: int, retired: int) -> dict[str, int]:
    return {"added": added, "changed": changed, "unchanged": unchanged, "retired": retired}


def settle_in_city(
    city: DraftGround, kind: str, areas: Sequence[NewArea], *, parent: str | None = None, retire_missing: bool = False
) -> Settled:
    """As ``settle``, against the city that a draft leaves. Raises OperationRefused."""
    if kind not in city.sheets:
        raise OperationRefused("kind", "unknown-kind")
    standing = {code: tract.parent_code for code, tract in city.sheets[kind].tracts.items()}
    return settle_over(standing, kind, areas, parent=parent, retire_missing=retire_missing)


def parameters_over(city: DraftGround, settled: Settled, file: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the parameters of a ``replace``, and what it changes by number.

    Areas that are in the city just so are left out: what does not differ is nobody's change.
    """
    sheet = city.sheets[settled.kind]
    whole = in_degrees(in_units(_array([area.polygon for area in settled.areas])))
    areas, found = [], Counter[str]()
    for area, polygon in zip(settled.areas, whole, strict=True):
        known = sheet.tracts.get(area.code)
        same = known is not None and (known.name, known.parent_code) == (area.name, area.parent_code)
        if known is not None and same and _is_same_ground(known.polygon, polygon):
            found["unchanged"] += 1
            continue
        found["added" if known is None else "changed"] += 1
        shape = shapely.geometry.mapping(polygon)
        areas.append({"code": area.code, "name": area.name, "parent": area.parent_code, "polygon": shape})
    retired = list(settled.retired)
    given = {"area_kind": settled.kind, "areas": areas, "retired": retired, "file": file}
    return given, _counts(found["added"], found["changed"], found["unchanged"], len(retired))


def _is_same_ground(one: Any, other: Any) -> bool:
    first, second = shapely.normalize(_array([_multi(one), _multi(other)]))
    return bool(shapely.equals_identical(first, second))


def _multi(polygon: Any) -> MultiPolygon:
    return polygon if isinstance(polygon, MultiPolygon) else MultiPolygon([polygon])


def _array(geometries: list[Any]) -> Any:
    array = np.empty(len(geometries), dtype=object)
    array[:] = geometries
    return array


def beside_standing(session: Session, reading: Reading, kind: str, parent: str | None, *, new_root: bool) -> Reading:
    """The reading with what is wrong with its areas beside those in force: no parent, or not within it."""
    nested = nesting_faults(session, kind, parent, reading.areas)
    alone = [] if new_root else parent_faults(session, kind, reading.areas)
    return replace(reading, faults=(*reading.faults, *alone, *nested))


def parent_faults(session: Session, kind: str, areas: Sequence[NewArea]) -> list[Found]:
    """Areas that would lie in none, beside those that are there and lie in none: a file that forgot its parents."""
    top = select(Area.code).join(AreaVersion, AreaVersion.area_id == Area.id)
    standing = set(session.scalars(top.where(func.upper_inf(AreaVersion.editions), AreaVersion.parent_id.is_(None))))
    if not standing:
        return []
    settled = settle(session, kind, areas).areas
    alone = [area for area in settled if area.parent_code is None and area.code not in standing]
    places = ((area, area.polygon.representative_point()) for area in alone)
    return [(f"{area.name} {area.code}", Fault("no-parent", "error", at.x, at.y)) for area, at in places]


def nesting_faults(session: Session, kind: str, parent: str | None, areas: Sequence[NewArea]) -> list[Found]:
    """Where areas reach out of their parent, and what they leave of it where none of those below it is missing.

    It is told, not refused: outlines of two makers never agree.
    """
    if parent is None or not areas:
        return []
    outer = session.scalar(
        select(AreaVersion.polygon.ST_AsBinary())
        .join(Area, Area.id == AreaVersion.area_id)
        .where(Area.code == parent, func.upper_inf(AreaVersion.editions))
    )
    if outer is None:
        return []
    polygons = [area.polygon for area in areas]
    findings = check_nesting(polygons, [shapely.from_wkb(bytes(outer))], [0] * len(areas), _SAME_PLACE_M)
    below = {row.code for row in session.execute(_STANDING, {"kind": kind}) if row.parent == parent}
    partial = not below <= {area.code for area in areas}
    faults = []
    for finding in findings:
        if partial and finding.code == "uncovered":
            continue
        place = finding.geometry.representative_point()
        detail = {"area_m2": round(finding.area_m2, 1), "width_m": round(finding.width_m, 2)}
        of = areas[finding.members[0]].name if finding.members else parent
        faults.append((of, Fault(finding.code, "warning", place.x, place.y, detail)))
    return faults
