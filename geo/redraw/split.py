"""Splitting one area in two by a line.

Owns which piece is on which side, and what makes a line unfit. Must not know drafts. The pieces go by the side of the
line, seen along it; either may keep the code. Neighbours receive the nodes where the line meets their common border.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely import LineString, Point, Polygon

from geo.coverage.plane import width
from geo.redraw.drawing import clipped, line_in_units, reaching, require_not_along
from geo.redraw.errors import CodeTaken, GroundHeldTwice, LineAlongBorder, LineCrossesTwice, LineDoesNotCross
from geo.redraw.layer import GAP_UNITS, AreaShape, Ground, Layer, Redrawn, place, settle, to_degrees
from geo.redraw.noding import Woven, edges_of, unite, weave


@dataclass(frozen=True, slots=True)
class Piece:
    """What one piece shall be called; without a name it keeps that of the whole."""

    code: str
    name: str | None = None


def split(sheet: Layer, code: str, line: LineString, left: Piece, right: Piece) -> Redrawn:
    """Split an area by a line (lon, lat) that crosses it once, from border to border; its ends may lie beyond.

    Raises UnknownTract, CodeTaken, the errors of `line_in_units`, LineDoesNotCross, LineEndsInside, LineCrossesTwice,
    LineAlongBorder (also where a piece would be thinner than a metre) and BrokenCoverage.
    """
    whole = sheet[code]
    for piece, other in ((left, right), (right, left)):
        if piece.code == other.code or (piece.code != code and piece.code in sheet.tracts):
            raise CodeTaken(piece.code)
    area = sheet.units([code])[code]
    drawn = line_in_units(line, [area])
    border = shapely.boundary(area)
    if not shapely.intersects(area, drawn):
        raise LineDoesNotCross(code, *place(drawn.interpolate(0.5, normalized=True)))
    cut = reaching(drawn, area, border)
    require_not_along(cut, border)
    woven = weave(sheet, [code], [clipped(cut, area)])
    halves = _halves(woven, code, area, cut)
    pieces = {piece.code: unite(faces) for piece, faces in zip((left, right), halves, strict=True)}
    for ground in pieces.values():
        if width(ground) < GAP_UNITS:
            raise LineAlongBorder(*place(ground))
    names = {piece.code: whole.name if piece.name is None else piece.name for piece in (left, right)}
    put = {each: AreaShape(to_degrees(ground), names[each], whole.parent_code) for each, ground in pieces.items()}
    return settle(sheet, put | followed(sheet, woven, {code}), [code])


def followed(sheet: Layer, woven: Woven, redrawn: set[str]) -> dict[str, AreaShape]:
    """The neighbours that a weaving drew in, with the nodes that they received.

    Raises GroundHeldTwice where one of them would lose ground that another area holds too.
    """
    for one, other, face in woven.shared:
        if not {one, other} <= redrawn:
            raise GroundHeldTwice(one, *place(face))
    grounds = woven.united(lambda number: woven.owners[number])
    return {
        code: AreaShape(to_degrees(ground), sheet[code].name, sheet[code].parent_code)
        for code, ground in grounds.items()
        if code not in redrawn
    }


def _halves(woven: Woven, code: str, area: Ground, cut: LineString) -> tuple[list[Polygon], list[Polygon]]:
    """The faces left and right of the line; parts that it does not cut go with the nearer one."""
    faces = woven.of(code)
    parts = len(shapely.get_parts(area))
    if len(faces) <= parts:
        raise LineDoesNotCross(code, *place(cut.interpolate(0.5, normalized=True)))
    if len(faces) > parts + 1:
        raise LineCrossesTwice(code, *_second_crossing(area, cut))
    cut_faces = _cut_faces(faces)
    if cut_faces is None:
        raise LineDoesNotCross(code, *place(cut.interpolate(0.5, normalized=True)))
    first, second = cut_faces
    left, right = (first, second) if _runs_along(first, second, cut) else (second, first)
    halves: tuple[list[Polygon], list[Polygon]] = ([left], [right])
    for face in faces:
        if face is not left and face is not right:
            halves[int(shapely.distance(face, right) < shapely.distance(face, left))].append(face)
    return halves


def _cut_faces(faces: Sequence[Polygon]) -> tuple[Polygon, Polygon] | None:
    """The two that share an edge: the line runs between them. None where only the rounding parted them."""
    edges = [edges_of([face]) for face in faces]
    for one in range(len(faces)):
        for other in range(one + 1, len(faces)):
            if not edges[one].isdisjoint(edges[other]):
                return faces[one], faces[other]
    return None


def _runs_along(face: Polygon, other: Polygon, cut: LineString) -> bool:
    """Whether a face is left of the line: its ring, which keeps it on the left, then runs along the line."""
    common = edges_of([face]) & edges_of([other])
    progress = 0.0
    for ring in shapely.get_rings(shapely.orient_polygons(face)):
        points = [tuple(point) for point in shapely.get_coordinates(ring).tolist()]
        for start, end in pairwise(points):
            if (*min(start, end), *max(start, end)) in common:
                along = shapely.line_locate_point(cut, [Point(start), Point(end)])
                progress += float(along[1] - along[0])
    return progress > 0


def _second_crossing(area: Ground, cut: LineString) -> tuple[float, float]:
    """A place where the line is in the area again after it left."""
    inside = [part for part in shapely.get_parts(shapely.intersection(cut, area)) if part.length > 0]
    order = np.argsort([shapely.line_locate_point(cut, part.interpolate(0.5, normalized=True)) for part in inside])
    return place(inside[order[min(1, len(inside) - 1)]].interpolate(0.5, normalized=True))
