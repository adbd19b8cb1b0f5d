"""Moving the border between two areas; both follow, and so do the neighbours at its ends.

Owns which ground changes hands. Must not know drafts.
"""

import numpy as np
import shapely
from shapely import LineString, Polygon

from geo.redraw.drawing import clipped, line_in_units, reaching, require_not_along
from geo.redraw.errors import FallsApart, GroundHeldTwice, LineDoesNotCross, NotAdjacent
from geo.redraw.layer import AreaShape, Ground, Layer, Redrawn, place, settle, to_degrees
from geo.redraw.merge import common_border
from geo.redraw.noding import Woven, unite, weave
from geo.redraw.split import followed


def reshape(sheet: Layer, one: str, other: str, line: LineString) -> Redrawn:
    """Lead the common border of two areas along a line (lon, lat): whole, or between the places where they meet.

    Of each area the line cuts pieces off; the largest stays, and the others go to the other area. Ends may lie beyond
    the two areas, or on any border of theirs. Raises UnknownTract, the errors of `line_in_units`, NotAdjacent,
    LineEndsInside, LineAlongBorder and LineDoesNotCross where nothing would change hands, FallsApart, BrokenCoverage.
    """
    units = sheet.units([one, other])
    before = weave(sheet, units, [])
    for held, _, face in before.shared:
        raise GroundHeldTwice(held, *place(face))
    if one == other or not common_border(unite(before.of(one)), unite(before.of(other))):
        raise NotAdjacent(other, *place(units[other]))
    whole = unite([*before.of(one), *before.of(other)])
    drawn = line_in_units(line, units.values())
    borders = shapely.union_all([shapely.boundary(area) for area in units.values()])
    cut = reaching(drawn, whole, borders)
    woven = weave(sheet, units, [clipped(cut, whole)])
    passing = {id(face): taker for giver, taker in ((one, other), (other, one)) for face in _cut_off(woven, giver)}
    if not passing:
        require_not_along(cut, borders)
        raise LineDoesNotCross(one, *place(cut.interpolate(0.5, normalized=True)))
    grounds = woven.united(lambda number: passing.get(id(woven.faces[number]), woven.owners[number]))
    for code, ground in units.items():
        _require_whole(code, ground, grounds[code])
    put = {code: AreaShape(to_degrees(grounds[code]), sheet[code].name, sheet[code].parent_code) for code in units}
    return settle(sheet, put | followed(sheet, woven, set(units)))


def _cut_off(woven: Woven, code: str) -> list[Polygon]:
    """The faces that a line cut off an area: all but the largest of each part."""
    faces = woven.of(code)
    parts = list(shapely.get_parts(woven.before[code]))
    by_part: dict[int, list[Polygon]] = {}
    for face in faces:
        nearest = int(np.argmin(shapely.distance(parts, face.representative_point())))
        by_part.setdefault(nearest, []).append(face)
    return [face for found in by_part.values() for face in sorted(found, key=lambda each: -each.area)[1:]]


def _require_whole(code: str, before: Ground, after: Ground) -> None:
    parts = sorted(shapely.get_parts(after), key=lambda part: part.area)
    if len(parts) > len(shapely.get_parts(before)):
        raise FallsApart(code, *place(parts[0]))
