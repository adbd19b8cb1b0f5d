"""Any grid of the sample cities can be cut in two or divided evenly, and the gate before it says the truth.

Some grids of each city are tried; all of them where ``PATROL_EVERY_GRID`` is set.
"""

import os
from random import Random

import numpy as np
import pytest
import shapely

from geo.balance import Dwellings, propose
from geo.coverage.findings import FINDING_CODES
from geo.coverage.gate import Gate, GateArea
from geo.errors import GeoError
from server.grids.checking import check_draft
from server.grids.errors import DraftError
from server.grids.following import with_parents
from server.grids.operations import Operation, perform
from tests.grids.sample_cities import NAMES, sample_city

pytestmark = pytest.mark.long

EVERY = bool(os.environ.get("PATROL_EVERY_GRID"))
FACTORS = {"hefei": 0.1, "nantong": 0.02, "jingdezhen": 0.3}
NAMED = {"chongyi": ["360725400003003"], "hefei": ["340102007002022"]}
NEAR_DEG = 2e-4


def city_of(name):
    return sample_city(name, 1.0 if EVERY else FACTORS.get(name, 1.0))


def some(city, name, count):
    codes = sorted(city.grids.tracts)
    named = [code for code in NAMED.get(name, ()) if code in city.grids.tracts]
    return codes if EVERY else sorted({*named, *Random(name).sample(codes, min(count, len(codes)))})


def diagonal(city, code):
    west, south, east, north = city.grids[code].polygon.bounds
    margin = 0.1 * max(east - west, north - south)
    ends = [[west - margin, south - margin], [east + margin, north + margin]]
    line = {"type": "LineString", "coordinates": [[round(x, 8), round(y, 8)] for x, y in ends]}
    return Operation(
        "split", {"code": code, "line": line, "left": {"code": code}, "right": {"code": f"{code[:12]}999"}}
    )


def evenly(city, code):
    """A division in two by size, as nobody is counted here."""
    polygon = city.grids[code].polygon
    parts = propose(polygon, Dwellings(np.zeros((0, 2)), np.zeros(0, dtype=np.int64)), count=2).polygons
    given = [
        {"code": each, "name": each, "parent": city.grids[code].parent_code, "polygon": shapely.geometry.mapping(part)}
        for each, part in zip((code, f"{code[:12]}999"), parts, strict=True)
    ]
    return Operation("propose", {"code": code, "codes": [code], "parts": given})


def drafted(city, cut, code):
    """The city after a cut, its parents with it; None where the cut itself is refused (a grid in parts, a lake)."""
    try:
        after = perform(city, cut(city, code)).city
    except (GeoError, DraftError):
        return None
    return with_parents(city, [after])


def told(found):
    return sorted({(each.code, each.areas, each.parent) for each in found})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cut", [diagonal, evenly])
def test_a_grid_that_is_cut_passes_the_gate_or_fails_it_where_it_was_cut(name, cut):
    city = city_of(name)
    passed = 0
    for code in some(city, name, 12):
        after = drafted(city, cut, code)
        if after is None:
            continue
        checked = check_draft(city, after)
        near = shapely.box(*city.grids[code].polygon.buffer(NEAR_DEG).bounds)
        far = [each for each in checked.findings if not shapely.intersects(near, each.geometry)]
        assert told(far) == [], code
        assert not [each for each in checked.findings if each.code == "unknown-parent"], code
        passed += checked.is_open
    assert passed, f"not one {cut.__name__} could be published"


def whole_gate(city, kind):
    """The gate over all areas of a kind and all that is above them, without any neighbourhood."""
    tracts = city.sheets[kind].tracts
    above = {each.parent_code for each in tracts.values()} - {None}
    parents = {code: tract.polygon for code in above if (tract := city.find(code)) is not None}
    return Gate.of([GateArea(code, each.polygon, each.parent_code) for code, each in tracts.items()], parents)


def came(before, after):
    """What one gate finds that another does not: of ground, what does not lie within what was known of that kind."""
    known = {}
    for each in before.findings:
        known.setdefault((each.code, each.parent), []).append(each.geometry)
    for each in after.findings:
        if each.code in FINDING_CODES:
            alike = known.get((each.code, each.parent), [])
            if not any(shapely.covers(shapely.buffer(ground, 1e-7), each.geometry) for ground in alike):
                yield each
        elif (each.code, each.areas, each.parent) not in {(old.code, old.areas, old.parent) for old in before.findings}:
            yield each


def chosen(city, kind, findings):
    """Without the codes of parts of a grid: they went with their ground, and nobody chose their parents anew."""
    is_part = city.ranks[kind] > city.ranks[city.locating]
    return [each for each in findings if not (is_part and each.code == "code-prefix")]


@pytest.mark.parametrize(("name", "factor"), [("chongyi", 1.0), ("enshi", 0.3), ("hefei", 0.02), ("jingdezhen", 0.1)])
def test_the_gate_at_a_change_finds_what_the_gate_over_everything_finds(name, factor):
    city = sample_city(name, factor)
    kinds = [kind for kind, sheet in city.sheets.items() if 1 < len(sheet.tracts) < 2000]
    before = {kind: whole_gate(city, kind) for kind in kinds}
    rng = Random(f"oracle {name}")
    for code in rng.sample(sorted(city.grids.tracts), 6):
        after = drafted(city, diagonal, code)
        if after is None:
            continue
        everything = {kind: told(chosen(city, kind, came(before[kind], whole_gate(after, kind)))) for kind in kinds}
        checked = [each for each in check_draft(city, after).findings if each.code != "ground-lost"]
        assert told(checked) == sorted({each for found in everything.values() for each in found}), code
