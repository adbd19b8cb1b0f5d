"""Merging areas that share borders into one.

Owns what becomes of them. Must not know drafts. No vertex moves and none is lost: only common borders go.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import shapely
from shapely import LineString

from geo.redraw.errors import CodeTaken, NotAdjacent
from geo.redraw.layer import AreaShape, Edge, Ground, Layer, Redrawn, place, settle, to_degrees
from geo.redraw.noding import edges_of, unite, weave
from geo.redraw.split import followed

_LEAST_AREAS: Final = 2


def merge(
    sheet: Layer, codes: Sequence[str], into: str, name: str | None = None, parent_code: str | None = None
) -> Redrawn:
    """Merge areas into one under a code that is one of theirs, or new.

    Without a name and a parent it keeps those of the area of that code, else of the first. Raises UnknownTract,
    CodeTaken, and NotAdjacent, naming an area that shares no border with the first and what hangs together with it.
    """
    first = sheet[into] if into in codes else sheet[codes[0]]
    if into not in codes and into in sheet.tracts:
        raise CodeTaken(into)
    units = sheet.units(codes)
    if len(units) < _LEAST_AREAS:
        raise NotAdjacent(codes[0], *place(units[codes[0]]))
    woven = weave(sheet, units, [])
    faces = {code: woven.of(code) for code in units}
    _require_adjacent({code: unite(found) for code, found in faces.items() if found})
    whole = unite([face for found in faces.values() for face in found])
    merged = AreaShape(
        to_degrees(whole),
        first.name if name is None else name,
        first.parent_code if parent_code is None else parent_code,
    )
    return settle(sheet, {into: merged} | followed(sheet, woven, set(units)), units)


def common_border(one: Ground, other: Ground) -> set[Edge]:
    """The edges that two areas of one weaving share."""
    return edges_of([one]) & edges_of([other])


def _require_adjacent(grounds: Mapping[str, Ground]) -> None:
    edges = {code: edges_of([ground]) for code, ground in grounds.items()}
    codes = list(edges)
    joined, known = [codes[0]], edges[codes[0]]
    while more := [code for code in codes if code not in joined and not known.isdisjoint(edges[code])]:
        joined += more
        known = known.union(*(edges[code] for code in more))
    for code in codes:
        if code not in joined:
            rest = shapely.union_all([shapely.boundary(grounds[each]) for each in joined])
            nearest: LineString = shapely.shortest_line(shapely.boundary(grounds[code]), rest)
            raise NotAdjacent(code, *place(shapely.Point(nearest.coords[0])))
