"""A small city to draw on, and what a draft must come to, told without the code under test.

A city is known by which grid some hundred points lie in. What an operation does to those is reckoned by itself: a split
by the side of its line on which a point lies, a merge by the codes, and so on.
"""

import numpy as np
import shapely
from shapely import LineString, Polygon, box
from sqlalchemy import text

from geo.locate.locator import Locator
from server.grids.draft_ground import DraftGround

CORNER, SPAN, SIDE = np.array([114.30, 25.68]), 0.03, 3
COUNTY, COMMUNITIES = "360725", ("360725100001", "360725100002")
POINTS = np.round(CORNER + np.random.default_rng(3).uniform(-0.05, 1.05, (400, 2)) * SPAN, 8)
_NEAR_UNITS = 20.0
_NOTHING_DEG2 = 1e-9
_KINDS = (("county", 0, False), ("community", 1, False), ("grid", 2, True), ("zone", 3, False))
_ZONED = (f"{COMMUNITIES[0]}002", f"{COMMUNITIES[1]}006")


def laid_out():
    """Nine grids with slanted borders in two communities; one of them has another inside it."""
    rng = np.random.default_rng(5)
    at = {
        (i, j): CORNER + (np.array([i, j]) + rng.uniform(-0.25, 0.25, 2) * _inner(i, j)) * SPAN / SIDE
        for i in range(SIDE + 1)
        for j in range(SIDE + 1)
    }
    cells = {
        f"{COMMUNITIES[i > 0]}{1 + SIDE * i + j:03d}": Polygon(
            [np.round(at[each], 8) for each in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))]
        )
        for i in range(SIDE)
        for j in range(SIDE)
    }
    around = f"{COMMUNITIES[1]}005"
    middle = cells[around].representative_point()
    island = shapely.set_precision(box(middle.x - 2e-3, middle.y - 2e-3, middle.x + 2e-3, middle.y + 2e-3), 1e-8)
    cells[around] = Polygon(cells[around].exterior, [island.exterior.coords[::-1]])
    return cells | {f"{COMMUNITIES[1]}010": island}


def _inner(i, j):
    return np.array([0 < i < SIDE, 0 < j < SIDE])


def found(session):
    """The city on an empty, migrated database."""
    for code, rank, locating in _KINDS:
        session.execute(
            text("INSERT INTO area_kind VALUES (:c, :c, :c, :r, :l)"), {"c": code, "r": rank, "l": locating}
        )
    session.execute(
        text("INSERT INTO edition (number, name, in_force, published_by) VALUES (1, '一', '[2026-01-01,)', 'test')")
    )
    grids = laid_out()
    of = {each: shapely.coverage_union_all([p for c, p in grids.items() if c.startswith(each)]) for each in COMMUNITIES}
    rows = [(COUNTY, "county", None, shapely.coverage_union_all(list(grids.values())))]
    rows += [(code, "community", COUNTY, ground) for code, ground in of.items()]
    rows += [(code, "grid", code[:12], ground) for code, ground in grids.items()]
    rows += [(code, "zone", code[:15], ground) for code, ground in zones().items()]
    for code, kind, parent, ground in rows:
        session.execute(text("INSERT INTO area (code, kind) VALUES (:code, :kind)"), {"code": code, "kind": kind})
        session.execute(
            text("""
                INSERT INTO area_version (area_id, parent_id, name, polygon, editions)
                SELECT area.id, (SELECT id FROM area WHERE code = :parent), :code,
                       ST_Multi(ST_GeomFromWKB(:wkb, 4326)), '[1,)'
                FROM area WHERE code = :code
            """),
            {"code": code, "parent": parent, "wkb": shapely.to_wkb(ground)},
        )


def zones():
    """What lies below two of the grids: a western and an eastern zone of each."""
    found = {}
    for code in _ZONED:
        west, south, east, north = laid_out()[code].bounds
        middle = (west + east) / 2
        for number, part in enumerate((box(west, south, middle, north), box(middle, south, east, north)), start=1):
            found[f"{code}{number:02d}"] = shapely.intersection(laid_out()[code], part, grid_size=1e-8)
    return found


def is_publishable(before: DraftGround, after: DraftGround):
    """Whether grids enclose no ground that was theirs and is in none now, and every zone has a grid to be under."""
    old, new = (shapely.union_all([each.polygon for each in city.grids.tracts.values()]) for city in (before, after))
    enclosed = [Polygon(ring) for part in shapely.get_parts(new) for ring in part.interiors]
    free = shapely.difference(shapely.union_all(enclosed), new)
    whole = shapely.intersection(free, old).area < _NOTHING_DEG2
    return whole and all(each.parent_code in after.grids.tracts for each in after.sheets["zone"].tracts.values())


def misplaced(after: DraftGround):
    """The zones of which clearly more lies in another grid than in the one that they are under."""
    found = set()
    for code, zone in after.sheets["zone"].tracts.items():
        shares = {grid: zone.polygon.intersection(each.polygon).area for grid, each in after.grids.tracts.items()}
        if max(shares.values()) > 1.01 * shares.get(zone.parent_code, 0) + _NOTHING_DEG2:
            found.add(code)
    return found


def strays(after: DraftGround):
    """The zones of which ground lies outside the grid that they are under, by what that measures."""
    found = {}
    for code, zone in after.sheets["zone"].tracts.items():
        above = after.grids.tracts.get(zone.parent_code)
        outside = zone.polygon if above is None else shapely.difference(zone.polygon, above.polygon)
        found[code] = outside.area
    return found


def owners(city: DraftGround):
    """The code of the grid that each point lies in; "" for none."""
    codes = sorted(city.grids.tracts)
    locator = Locator.build([(n, city.grids[code].polygon) for n, code in enumerate(codes)])
    return np.array([*codes, ""], dtype=object)[locator.locate(*POINTS.T)]


def expected(before, operation):
    """Which grid each point lies in after an operation; None where a line is too near to tell, or it may be either."""
    after = before.copy()
    kind = operation["kind"]
    if kind == "split":
        (ax, ay), (bx, by) = operation["line"]["coordinates"]
        side = (bx - ax) * (POINTS[:, 1] - ay) - (by - ay) * (POINTS[:, 0] - ax)
        mine = before == operation["code"]
        after[mine & (side > 0)], after[mine & (side < 0)] = operation["left"]["code"], operation["right"]["code"]
        after[
            mine & (shapely.distance(shapely.points(POINTS), LineString([(ax, ay), (bx, by)])) < _NEAR_UNITS * 1e-8)
        ] = None
    elif kind == "merge":
        after[np.isin(before, operation["codes"])] = operation["into"]
    elif kind == "retire":
        after[before == operation["code"]] = ""
    elif kind == "reshape":
        after[np.isin(before, operation["codes"])] = None
    elif kind in ("add", "replace"):
        laid = operation["areas"] if kind == "replace" else [operation]
        after[np.isin(before, [each["code"] for each in laid])] = ""
        for each in laid:
            after[shapely.contains(shapely.geometry.shape(each["polygon"]), shapely.points(POINTS))] = each["code"]
    return after


def shares(before: DraftGround, after: DraftGround):
    """The share of each grid's ground that each other grid has afterwards, for those of which one is new or gone."""
    old, new = ({code: tract.polygon for code, tract in city.grids.tracts.items()} for city in (before, after))
    return {
        (source, target): shapely.intersection(ground, new[target]).area / ground.area
        for source, ground in old.items()
        for target in new
        if source != target and not (source in new and target in old)
    }
