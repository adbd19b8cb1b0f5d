"""Laying polygons onto a sheet and taking areas away: add, replace, retire.

Owns how a polygon that was drawn or read from a file fits to the areas that stay: they keep their ground; where it was
drawn over them, or short of them, by less than the gap width, it follows their border. Must not know files or drafts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon

from geo.coverage.plane import width
from geo.geometry.tangle import require_untangled
from geo.redraw.drawing import REACH_UNITS, polygon_in_units
from geo.redraw.errors import AreaVanishes, CodeTaken, DrawnOverAnother, FallsApart, UnknownTract
from geo.redraw.layer import GAP_UNITS, AreaShape, Ground, Layer, Redrawn, compare, place, settle, to_degrees
from geo.redraw.noding import Woven, edges_of, holders_of, unite, weave
from geo.redraw.split import followed

_MARGIN_DEG: Final = 2e-5


def add(sheet: Layer, code: str, tract: AreaShape) -> Redrawn:
    """Add an area (lon, lat) on ground that nobody holds.

    Raises CodeTaken, the errors of `polygon_in_units`, DrawnOverAnother, AreaVanishes, FallsApart, and BrokenCoverage
    where a gap that is open at its ends would be left beside it.
    """
    if code in sheet.tracts:
        raise CodeTaken(code)
    return _lay(sheet, {code: tract})


def replace_all(sheet: Layer, polygons: Mapping[str, Ground]) -> Redrawn:
    """Give areas other polygons (lon, lat), all at once; errors as `lay_all`, and UnknownTract for a new one."""
    return lay_all(sheet, {code: replace(sheet[code], polygon=polygon) for code, polygon in polygons.items()})


def lay_all(sheet: Layer, tracts: Mapping[str, AreaShape], gone: Sequence[str] = ()) -> Redrawn:
    """Lay areas (lon, lat), new ones or in the place of those with their codes, all at once, as from a file.

    What is `gone` is given up with it; ground that nobody takes then is nobody's. Raises UnknownTract for what is gone
    and was not there, and as `add`; `feature` counts from 0 in the order given.
    """
    for code in gone:
        if code not in sheet.tracts:
            raise UnknownTract(code)
    return _lay(sheet, tracts, frozenset(gone))


def lay_alone(sheet: Layer, code: str, tract: AreaShape) -> Redrawn:
    """Lay an area (lon, lat), new or there, where it was drawn, and leave its neighbours what they hold.

    For programs that tell of one area after the other: until they told of all, the sheet may be no coverage. Ground
    that it gives up is nobody's; where it was drawn over others by the gap width or more, both hold that ground.
    Corners within a decimetre of where they were are there still: programs round. Raises AreaVanishes, FallsApart and
    the errors of `polygon_in_units`.
    """
    drawn = polygon_in_units(tract.polygon)
    require_untangled([drawn], sheet.units(set(sheet.near(tract.polygon)) - {code}).values())
    if code in sheet.tracts:
        drawn = _at_corners(drawn, sheet.units([code])[code])
    beside = set(sheet.near(tract.polygon, _MARGIN_DEG)) - {code}
    drawn = _drawn_to(drawn, list(sheet.units(beside).values()))
    woven = weave(sheet, beside, [shapely.boundary(drawn)], frozenset({code}))
    own = _own_faces(_Claims(woven, tuple(holders_of(woven.faces, {code: drawn}))), code)
    if not own:
        raise AreaVanishes(code, *place(drawn))
    ground = unite(own)
    parts = sorted(shapely.get_parts(ground), key=lambda part: part.area)
    if len(parts) > len(shapely.get_parts(drawn)):
        raise FallsApart(code, *place(parts[0]))
    held: dict[str, list[Polygon]] = {}
    for face, holders in zip(woven.faces, holders_of(woven.faces, woven.before), strict=True):
        for holder in holders:
            held.setdefault(holder, []).append(face)
    put = {each: replace(sheet[each], polygon=to_degrees(unite(faces))) for each, faces in held.items()}
    return compare(sheet, sheet.with_changes(put | {code: replace(tract, polygon=to_degrees(ground))}))


def retire(sheet: Layer, code: str) -> Redrawn:
    """Give up an area; its ground is nobody's then. Raises UnknownTract."""
    if code not in sheet.tracts:
        raise UnknownTract(code)
    return settle(sheet, {}, [code])


@dataclass(frozen=True, eq=False)
class _Claims:
    """Faces, who holds them among the areas that stay, and who claims them among those that are laid."""

    woven: Woven
    claimants: tuple[tuple[str, ...], ...]

    def owner(self, number: int) -> str | None:
        """Who gets a face: the area that stays, else the first that claims it."""
        held = self.woven.owners[number]
        return held if held is not None else next(iter(self.claimants[number]), None)

    def contested(self) -> dict[str, list[Polygon]]:
        """The faces that somebody else claims than who gets them, by who gets them."""
        found: dict[str, list[Polygon]] = {}
        for number, face in enumerate(self.woven.faces):
            owner = self.owner(number)
            if owner is not None and set(self.claimants[number]) - {owner}:
                found.setdefault(owner, []).append(face)
        return found


def _lay(sheet: Layer, new: Mapping[str, AreaShape], gone: frozenset[str] = frozenset()) -> Redrawn:
    whole, sheet = sheet, sheet.with_changes({}, gone) if gone else sheet
    drawn = {code: polygon_in_units(tract.polygon, number) for number, (code, tract) in enumerate(new.items())}
    beside = {code for tract in new.values() for code in sheet.near(tract.polygon, _MARGIN_DEG)} - set(new)
    require_untangled(list(drawn.values()), sheet.units(beside).values())
    drawn = {code: _drawn_to(shape, list(sheet.units(beside).values())) for code, shape in drawn.items()}
    woven = weave(sheet, beside, [shapely.boundary(shape) for shape in drawn.values()], frozenset(new))
    claims = _Claims(woven, tuple(holders_of(woven.faces, drawn)))
    for owner, faces in claims.contested().items():
        for part in shapely.get_parts(unite(faces)):
            if width(part) >= GAP_UNITS:
                raise DrawnOverAnother(owner, *place(part))
    gaps = _gaps(claims, set(new))
    grounds = woven.united(lambda number: claims.owner(number) or gaps.get(number))
    for code, shape in drawn.items():
        if code not in grounds:
            raise AreaVanishes(code, *place(shape))
        parts = sorted(shapely.get_parts(grounds[code]), key=lambda part: part.area)
        if len(parts) > len(shapely.get_parts(shape)):
            raise FallsApart(code, *place(parts[0]))
    put = {code: replace(tract, polygon=to_degrees(grounds[code])) for code, tract in new.items()}
    return settle(whole, put | followed(sheet, woven, set(new)), gone)


def _own_faces(claims: _Claims, code: str) -> list[Polygon]:
    """The faces of an area that is laid alone: its own, thin gaps beside it, and what of others' is not thin."""
    gaps = _gaps(claims, {code})
    own = [face for number, face in enumerate(claims.woven.faces) if code in (claims.owner(number), gaps.get(number))]
    for faces in claims.contested().values():
        for part in shapely.get_parts(unite(faces)):
            if width(part) >= GAP_UNITS:
                own += [face for face in faces if shapely.covers(part, shapely.point_on_surface(face))]
    return own


def _at_corners(shape: Ground, before: Ground) -> Ground:
    """A shape whose vertices within a decimetre of vertices that it had are at those."""
    corners = shapely.multipoints(shapely.get_coordinates(before))

    def moved(positions: NDArray[np.float64]) -> NDArray[np.float64]:
        points = np.asarray(shapely.points(positions), dtype=object)
        near = shapely.dwithin(points, corners, REACH_UNITS)
        moved = positions.copy()
        moved[near] = shapely.get_coordinates(shapely.shortest_line(points[near], corners))[1::2]
        return moved

    drawn = shapely.remove_repeated_points(shapely.transform(shape, moved))
    return drawn if drawn.is_valid and drawn.area > 0 else shape


def _drawn_to(shape: Ground, beside: list[Ground]) -> Ground:
    """A shape whose vertices within the gap width of other borders are on them, at their vertices if those are near."""
    if not beside:
        return shape
    borders = shapely.union_all(shapely.boundary(beside))
    corners = shapely.multipoints(shapely.get_coordinates(borders))

    def moved(positions: NDArray[np.float64]) -> NDArray[np.float64]:
        points = np.asarray(shapely.points(positions), dtype=object)
        moved = positions.copy()
        for target in (borders, corners):
            near = shapely.dwithin(points, target, GAP_UNITS)
            feet = shapely.get_coordinates(shapely.shortest_line(points[near], target))[1::2]
            moved[near] = np.rint(feet)
        return moved

    drawn = shapely.remove_repeated_points(shapely.transform(shape, moved))
    return drawn if drawn.is_valid and drawn.area > 0 else shape


def _gaps(claims: _Claims, new: set[str]) -> dict[int, str]:
    """Nobody's faces, enclosed and thinner than the gap width, beside what is laid: they go to it."""
    held: dict[str, list[Polygon]] = {code: [] for code in sorted(new)}
    for number, face in enumerate(claims.woven.faces):
        held.get(claims.owner(number) or "", []).append(face)
    edges = {code: edges_of(faces) for code, faces in held.items()}
    found = {}
    for number, face in enumerate(claims.woven.faces):
        if claims.owner(number) is None and 2 * face.area / face.length < GAP_UNITS and width(face) < GAP_UNITS:
            own = edges_of([face])
            taker = max(edges, key=lambda code: len(own & edges[code]))
            if not own.isdisjoint(edges[taker]):
                found[number] = taker
    return found
