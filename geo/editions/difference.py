"""What the next edition would change: areas that are new, changed or retired, beside what stands, and what forbids it.

Owns comparing them with the edition in force and the checks of tree, shapes and coverage; only what a change touches is
looked at. Writes nothing: a preview asks the same as ``geo.editions.publish``.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ARRAY, Text, any_, func, literal, select, text
from sqlalchemy.orm import Session

from geo.coverage.coverage import Finding, check
from geo.editions.names import require_name
from geo.editions.tables import Area, AreaKind, AreaVersion
from geo.errors import BrokenCoverage, InvalidShape, PublicationRefused
from geo.geometry.shapes import in_degrees, in_units, validity_fault
from geo.geometry.tangle import tangled_at

# Thinner ground between two grids, or in both, is a fault of drawing; wider may be a lake, and is let be.
GAP_WIDTH_M: Final = 1.0

Clash = tuple[str, str, str | None]
"""Why an area cannot be part of an edition, its code, and what else is concerned; as ``PublicationRefused``."""

# A neighbour lies this near, in degrees: more than any gap that is a fault.
_BESIDE: Final = 1e-4


@dataclass(frozen=True, slots=True)
class NewArea:
    """An area as the next edition shall have it. ``polygon``: lon, lat EPSG:4326; ``parent_code`` None: a root."""

    code: str
    kind: str
    name: str
    parent_code: str | None
    polygon: Polygon | MultiPolygon


@dataclass(frozen=True, slots=True)
class AreaInForce:
    """An area as the edition in force has it (``name`` None: it is in none since an older one)."""

    id: int
    uid: uuid.UUID
    kind: str
    name: str | None
    parent_id: int | None
    shape: bytes | None


@dataclass(frozen=True)
class Coming:
    """The next edition on its way: what is fresh in it, what it retires, and how that differs from what stands.

    ``changes``: code -> reshaped, renamed, moved, restored; () for what is new. All mappings are by code.
    """

    kinds: Mapping[str, AreaKind]
    standing: Mapping[str, AreaInForce]
    fresh: Sequence[tuple[NewArea, MultiPolygon]]
    retired: Sequence[str]
    changes: Mapping[str, tuple[str, ...]]

    @cached_property
    def before(self) -> dict[str, BaseGeometry]:
        """What it changes of the locating kind, as it stands."""
        codes = [*(area.code for area, _ in self.fresh), *self.retired]
        found = {code: self.standing[code] for code in codes if code in self.standing}
        return {
            code: shapely.from_wkb(each.shape)
            for code, each in found.items()
            if each.shape is not None and self.kinds[each.kind].is_locating
        }

    @cached_property
    def after(self) -> dict[str, BaseGeometry]:
        """What is fresh of the locating kind, as it will be."""
        return {area.code: shape for area, shape in self.fresh if self.kinds[area.kind].is_locating}


def propose(session: Session, areas: Sequence[NewArea], retired: Sequence[str]) -> Coming:
    """Return what is fresh in these areas, and checked but for the coverage.

    Raises ``InvalidShape`` for a polygon that is none, ``InvalidName`` and ``PublicationRefused``, naming the area.
    """
    kinds = {kind.code: kind for kind in session.scalars(select(AreaKind))}
    named = [area.code for area in areas] + [area.parent_code or "" for area in areas]
    standing = _standing(session, [*named, *retired])
    _check_retired(session, areas, retired, standing)
    _check_tree(areas, kinds, {code: each for code, each in standing.items() if code not in retired})
    shapes = _shapes(areas)
    changes = {area.code: _differences(area, shape, standing) for area, shape in zip(areas, shapes, strict=True)}
    fresh = [
        (area, shape)
        for area, shape in zip(areas, shapes, strict=True)
        if changes[area.code] or area.code not in standing
    ]
    _check_names([area for area, _ in fresh], changes)
    _check_roots(session, areas, retired, kinds, changes, standing)
    if retired and not areas and session.scalar(_ANY_LEFT, {"codes": list(retired)}) is None:
        raise PublicationRefused("nothing-left", None)
    return Coming(kinds, standing, fresh, tuple(retired), changes)


_ANY_LEFT = text("""
    SELECT 1 FROM area_version JOIN area ON area.id = area_id
    WHERE upper_inf(editions) AND code <> ALL (CAST(:codes AS text[])) LIMIT 1
""")
_UPPERMOST = text("""
    SELECT root.code, rank FROM (
        SELECT area.code, area.kind FROM area_version JOIN area ON area.id = area_id
        WHERE upper_inf(editions) AND parent_id IS NULL AND area.code <> ALL (CAST(:codes AS text[]))
    ) AS root JOIN area_kind ON area_kind.code = root.kind ORDER BY rank, root.code LIMIT 1
""")


def _check_names(fresh: Sequence[NewArea], changes: Mapping[str, tuple[str, ...]]) -> None:
    """Check the names that are new. What an area has been called since long ago does not stand in the way."""
    for area in fresh:
        if not changes[area.code] or {"renamed", "restored"} & {*changes[area.code]}:
            require_name(area.name, area.code)


def _check_roots(  # all that is known of the next edition
    session: Session,
    areas: Sequence[NewArea],
    retired: Sequence[str],
    kinds: Mapping[str, AreaKind],
    changes: Mapping[str, tuple[str, ...]],
    standing: Mapping[str, AreaInForce],
) -> None:
    """Check that no area comes to lie under none while there are areas of higher kinds: it would be of no city.

    One that comes with areas below it is a city of its own.
    """
    roots = [area for area in areas if area.parent_code is None]
    above = {area.parent_code for area in areas}
    come = [
        area
        for area in roots
        if area.code not in above and (area.code not in standing or {"moved", "restored"} & {*changes[area.code]})
    ]
    if not come:
        return
    others = session.execute(_UPPERMOST, {"codes": [*(area.code for area in areas), *retired]}).all()
    rank, code = min(
        [*((kinds[area.kind].rank, area.code) for area in roots), *((row.rank, row.code) for row in others)]
    )
    for area in come:
        if kinds[area.kind].rank > rank:
            raise PublicationRefused("no-parent", area.code, code)


_CHILDREN = text("""
    SELECT upper.code AS upper, lower.code AS lower
    FROM area AS upper JOIN area_version ON parent_id = upper.id AND upper_inf(editions)
    JOIN area AS lower ON lower.id = area_version.area_id
    WHERE upper.code = ANY (CAST(:codes AS text[])) AND lower.code <> ALL (CAST(:codes AS text[]))
""")


def _check_retired(
    session: Session, areas: Sequence[NewArea], retired: Sequence[str], standing: Mapping[str, AreaInForce]
) -> None:
    """Check that what goes is there, and that nothing stays below it."""
    named = {area.code: area for area in areas}
    repeated = [code for code, count in Counter(retired).items() if count > 1]
    if repeated:
        raise PublicationRefused("repeated-code", repeated[0])
    for code in retired:
        if code not in standing or standing[code].name is None:
            raise PublicationRefused("not-in-force", code)
        if code in named:
            raise PublicationRefused("repeated-code", code)
    if not retired:
        return
    for row in session.execute(_CHILDREN, {"codes": list(retired)}):
        if row.lower not in named or named[row.lower].parent_code == row.upper:
            raise PublicationRefused("has-children", row.upper, row.lower)


def _standing(session: Session, codes: Sequence[str]) -> dict[str, AreaInForce]:
    rows = session.execute(
        select(
            Area.code, Area.id, Area.uid, Area.kind, AreaVersion.name, AreaVersion.parent_id,
            AreaVersion.polygon.ST_AsBinary(),
        )
        .outerjoin(AreaVersion, (AreaVersion.area_id == Area.id) & func.upper_inf(AreaVersion.editions))
        # One array: an edition has more areas than a statement may have parameters.
        .where(Area.code == any_(literal(list(codes), ARRAY(Text))))
    )  # fmt: skip
    return {row[0]: AreaInForce(row[1], row[2], row[3], row[4], row[5], row[6] and bytes(row[6])) for row in rows}


def _check_tree(areas: Sequence[NewArea], kinds: Mapping[str, AreaKind], standing: Mapping[str, AreaInForce]) -> None:
    """Check codes, kinds and parents. That ranks grow downwards keeps the tree a tree."""
    clashes = tuple(_clashes(areas, kinds, standing))
    if clashes:
        reason, area, detail = clashes[0]
        raise PublicationRefused(reason, area, detail, clashes)


def _clashes(
    areas: Sequence[NewArea], kinds: Mapping[str, AreaKind], standing: Mapping[str, AreaInForce]
) -> Iterator[Clash]:
    """All that is wrong with codes, kinds and parents, so that it can be mended at once."""
    repeated = [code for code, count in Counter(area.code for area in areas).items() if count > 1]
    yield from (("repeated-code", code, None) for code in repeated)
    kind_of = {code: each.kind for code, each in standing.items() if each.name is not None}
    kind_of |= {area.code: area.kind for area in areas}
    for area in areas:
        above = kind_of.get(area.parent_code or "")
        if area.kind not in kinds:
            yield "unknown-kind", area.code, f"{area.kind}: {', '.join(kinds)}"
        elif area.code in standing and standing[area.code].kind != area.kind:
            yield "other-kind", area.code, standing[area.code].kind
        elif area.parent_code is not None and above is None:
            yield "unknown-parent", area.code, area.parent_code
        elif above is not None and above in kinds and kinds[above].rank >= kinds[area.kind].rank:
            yield "parent-not-above", area.code, area.parent_code


def _shapes(areas: Sequence[NewArea]) -> list[MultiPolygon]:
    """The polygons on the integer grid of 1e-8 degree, in the one form in which equal ones are equal bytes."""
    for index, area in enumerate(areas):
        fault = validity_fault(area.polygon)
        if fault is not None:
            raise InvalidShape(*fault, feature=index)
        if area.polygon.is_empty:
            raise InvalidShape("empty", feature=index)
    whole = in_degrees(in_units(np.array([area.polygon for area in areas], dtype=object)))
    for index, shape in enumerate(whole):
        if not shape.area > 0:
            raise InvalidShape("zero-area", *shapely.get_coordinates(areas[index].polygon)[0].tolist(), feature=index)
    return [_multi(each) for each in shapely.normalize(whole)]


def _multi(polygon: Polygon | MultiPolygon) -> MultiPolygon:
    return polygon if isinstance(polygon, MultiPolygon) else MultiPolygon([polygon])


def _differences(area: NewArea, shape: MultiPolygon, standing: Mapping[str, AreaInForce]) -> tuple[str, ...]:
    """How an area differs from what stands, in the words of the lineage; () for one that is new, or the same."""
    before = standing.get(area.code)
    if before is None:
        return ()
    if before.name is None:
        return ("restored",)
    parent = standing.get(area.parent_code or "")
    # A parent that is added now has no id yet, and is certainly another one.
    parent_id = None if area.parent_code is None else -1 if parent is None else parent.id
    found = {
        "reshaped": shapely.to_wkb(shape) != before.shape,
        "renamed": area.name != before.name,
        "moved": parent_id != before.parent_id,
    }
    return tuple(how for how, differs in found.items() if differs)


_BESIDE_THESE = text("""
    SELECT DISTINCT ON (area.code) area.code, ST_AsBinary(polygon)
    FROM unnest(CAST(:boxes AS bytea[])) AS touched (box)
    JOIN area_version ON polygon && ST_Expand(ST_GeomFromWKB(touched.box, 4326), :beside) AND upper_inf(editions)
    JOIN area ON area.id = area_version.area_id
    JOIN area_kind ON area_kind.code = area.kind
    WHERE is_locating AND area.code <> ALL (CAST(:codes AS text[]))
""")


def check_coverage(session: Session, old: Mapping[str, BaseGeometry], new: Mapping[str, BaseGeometry]) -> None:
    """Check that what is new of the locating kind and what lies beside it, or beside what was there, is a coverage.

    Raises ``BrokenCoverage``.
    """
    touched = [*old.values(), *new.values()]
    if not touched:
        return
    boxes = [shapely.to_wkb(box) for box in shapely.envelope(touched)]
    rows = session.execute(_BESIDE_THESE, {"boxes": boxes, "beside": _BESIDE, "codes": list({**old, **new})}).all()
    codes = [*new, *(code for code, _ in rows)]
    shapes = [*new.values(), *(shapely.from_wkb(bytes(shape)) for _, shape in rows)]
    if not shapes:
        return
    found = tangled_at(list(new.values()), shapes[len(new) :])
    if found is not None:
        raise InvalidShape("tangled", *found)
    # What is found further off is no work of this change: there, what lies between is not among these.
    west, south, east, north = shapely.bounds(touched).T
    around = shapely.box(west - _BESIDE, south - _BESIDE, east + _BESIDE, north + _BESIDE)
    near = shapely.STRtree(np.atleast_1d(np.asarray(around, dtype=object)))
    findings = [each for each in check(shapes, GAP_WIDTH_M) if near.query(each.geometry, predicate="intersects").size]
    faults = [_fault(finding, codes) for finding in findings if finding.severity == "error"]
    if faults:
        raise BrokenCoverage(tuple(faults))


def _fault(finding: Finding, codes: Sequence[str]) -> dict[str, object]:
    place = finding.geometry.representative_point()
    return {
        "code": finding.code,
        "areas": [codes[member] for member in finding.members],
        "lon": round(place.x, 8),
        "lat": round(place.y, 8),
        "area_m2": round(finding.area_m2, 1),
        "width_m": round(finding.width_m, 2),
    }
