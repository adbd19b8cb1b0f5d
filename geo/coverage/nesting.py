"""Whether children fill their parents and stay in them.

Owns finding ground of children that is not their parent's, and of parents that is in no child. Must not know how the
children lie to each other across parents (`geo.coverage.survey`), nor mend anything.

**How.** The edges of all children of a parent, less the parent's own, run out even if the children tile the parent:
every edge that is left over once in one direction then is there once in the other. (The sum of the children's areas, as
functions of the place, is the parent's.) Only families in which edges are left over are overlaid.
"""

from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.coverage.findings import Finding
from geo.coverage.plane import Geometries, Plane, polygons_of, width
from geo.locate.borders import half_edges, mixed

Owners = NDArray[np.int64]


def breaches(
    plane: Plane,
    children: Geometries,
    parents: Geometries,
    owner: Owners,
    tolerance_m: float,
    within: BaseGeometry | None = None,
) -> list[Finding]:
    """Where children leave their parents and parents have ground in no child; of one parent after another.

    All on the plane, in whole numbers, shells counter-clockwise. `owner[i]` is the number of the parent of child i, or
    -1 for none. Ground thinner than `tolerance_m` is let pass; a parent without any child is not looked at. Ground in
    no child is looked for `within` alone, where that is given; of children that reach there none may be missing.
    """
    tolerance = tolerance_m / plane.metre
    found = []
    for parent in uneven(children, parents, owner).tolist():
        own = np.flatnonzero(owner == parent)
        found += list(_family(plane, (own, children[own]), (parent, parents[parent]), tolerance, within))
    return found


def uneven(children: Geometries, parents: Geometries, owner: Owners) -> Owners:
    """The parents whose edges and those of their children do not run out even: not filled by them to the last unit.

    In whole numbers, shells counter-clockwise; `owner` as in `breaches`. Costs far less than uniting the children.
    """
    held = np.flatnonzero(owner >= 0)
    filled = np.unique(owner[held])
    *inner, child = half_edges(children[held])
    *outer, number = half_edges(parents[filled])
    family = np.concatenate([owner[held][child - 1], filled[number - 1]])
    # A parent's edges count as if its ground were to be taken away.
    ax, ay, bx, by = (
        np.concatenate(ends) for ends in zip(inner, (outer[2], outer[3], outer[0], outer[1]), strict=True)
    )
    turned = (by < ay) | ((by == ay) & (bx < ax))
    low, high = (
        (np.where(turned, bx, ax), np.where(turned, by, ay)),
        (np.where(turned, ax, bx), np.where(turned, ay, by)),
    )
    key = mixed(*low, *high, family)
    order = np.argsort(key)
    starts = np.flatnonzero(np.append(True, key[order][1:] != key[order][:-1]))
    if not order.size:
        return family
    sums = np.add.reduceat(np.where(turned, -1, 1)[order], starts)
    return np.unique(family[order][starts[sums != 0]])


def _family(
    plane: Plane,
    brood: tuple[Owners, Geometries],
    parent: tuple[int, BaseGeometry],
    tolerance: float,
    within: BaseGeometry | None,
) -> Iterator[Finding]:
    """The findings of one parent, in the order of its children."""
    own, children = brood
    number, ground = parent
    shapely.prepare(ground)
    leaving = np.flatnonzero(~shapely.covers(ground, children))
    for child, outside in zip(own[leaving].tolist(), shapely.difference(children[leaving], ground), strict=True):
        for part in _wide(outside, tolerance):
            yield plane.finding("outside-parent", (child,), part, parent=number)
    asked = ground if within is None else shapely.intersection(ground, within)
    for part in _wide(shapely.difference(asked, shapely.union_all(children)), tolerance):
        yield plane.finding("uncovered", (), part, parent=number)


def _wide(geometry: BaseGeometry, tolerance: float) -> list[shapely.Polygon]:
    return [part for part in polygons_of(geometry) if width(part) > tolerance]
