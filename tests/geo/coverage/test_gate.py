"""The gate: each kind of fault planted in a city is found at its place, and nothing in a sound one."""

import json
import re

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box
from shapely.affinity import translate

from geo.coverage.gate import Gate, GateArea, GateRules
from geo.coverage.gate_words import TEXTS
from geo.geometry.datum import UNITS_PER_DEGREE
from geo.locate.nearby import metres_per_unit

CENTRE = np.array([114.308, 25.682])
PER_METRE = 1 / (np.array([float(scale) for scale in metres_per_unit(np.array(25.682e8))]) * UNITS_PER_DEGREE)
RULES = GateRules(households=(300, 500))
SIDE = 6
CARELESS = ["move", "shrink", "drop", "give", "lose", "double", "far", "heal"]


def ground(geometry):
    """A geometry in metres east and north of the county seat, as degrees."""
    return shapely.transform(geometry, lambda metres: np.round(CENTRE + metres * PER_METRE, 8))


def parent_code(column, row):
    return f"3607250010{1 + (column * 2 // SIDE) + 2 * (row * 2 // SIDE):02}"


def city():
    """36 grids of 100 m in 4 communities; by code, which tells column and row."""
    areas = {}
    for column in range(SIDE):
        for row in range(SIDE):
            code = f"{parent_code(column, row)}{column}{row}0"
            square = ground(box(100 * column, 100 * row, 100 * column + 100, 100 * row + 100))
            areas[code] = GateArea(code, square, parent_code(column, row), 400)
    return areas


def communities():
    spans = [(0, 0), (300, 0), (0, 300), (300, 300)]
    # With the corners of the grids, so that the borders match.
    return {
        f"3607250010{n:02}": ground(shapely.segmentize(box(x, y, x + 300, y + 300), 100))
        for n, (x, y) in enumerate(spans, start=1)
    }


def at(column, row):
    return f"{parent_code(column, row)}{column}{row}0"


def gate_of(*changed, without=()):
    areas = [area for code, area in city().items() if code not in {*without, *(each.code for each in changed)}]
    return Gate.of([*areas, *changed], communities(), RULES)


def changed(column, row, **facts):
    area = city()[at(column, row)]
    facts = {"polygon": area.polygon, "parent_code": area.parent_code, "households": area.households} | facts
    return GateArea(facts.pop("code", area.code), **facts)


def found(gate):
    return {(finding.code, finding.areas) for finding in gate.findings}


def places(gate, code):
    """Bounds in metres of the findings of one kind."""
    of_code = [finding.geometry for finding in gate.findings if finding.code == code]
    return [tuple(np.round((np.array(each.bounds).reshape(2, 2) - CENTRE) / PER_METRE, 1).ravel()) for each in of_code]


def test_a_sound_city_has_no_findings_and_an_open_gate():
    gate = gate_of()
    assert gate.findings == ()
    assert gate.is_open


def test_an_overlap_is_an_error_at_its_place_and_leaves_the_parent():
    gate = gate_of(changed(2, 2, polygon=ground(box(200, 200, 330, 300))))
    assert ("overlap", (at(2, 2), at(3, 2))) in found(gate)
    assert places(gate, "overlap") == [(300, 200, 330, 300)]
    assert places(gate, "outside-parent") == [(300, 200, 330, 300)]
    assert not gate.is_open


def test_a_sliver_is_found_at_its_place():
    gate = gate_of(changed(1, 1, polygon=ground(box(100, 100, 200.5, 200))))
    assert ("sliver", (at(1, 1), at(2, 1))) in found(gate)
    assert places(gate, "sliver") == [(200, 100, 200.5, 200)]


def test_a_gap_is_found_at_its_place_and_its_parent_misses_the_ground():
    gate = gate_of(changed(1, 1, polygon=ground(box(100, 100, 199.5, 200))))
    assert places(gate, "gap") == [(199.5, 100, 200, 200)]
    assert places(gate, "uncovered") == [(199.5, 100, 200, 200)]


def test_a_grid_that_is_missing_is_a_hole_and_ground_that_its_parent_misses():
    gate = gate_of(without=[at(2, 2)])
    assert places(gate, "hole") == [(200, 200, 300, 300)]
    assert places(gate, "uncovered") == [(200, 200, 300, 300)]
    assert {finding.severity for finding in gate.findings if finding.code == "hole"} == {"warning"}


def test_vertices_that_only_one_side_has_are_found():
    dented = ground(Polygon([(100, 100), (200, 100), (200, 150), (200, 200), (100, 200)]))
    gate = gate_of(changed(1, 1, polygon=dented))
    assert [finding.code for finding in gate.findings] == ["unmatched"]
    assert gate.is_open


def test_a_bow_tie_is_invalid_at_its_crossing():
    gate = gate_of(changed(0, 0, polygon=ground(Polygon([(0, 0), (100, 100), (100, 0), (0, 100)]))))
    assert places(gate, "invalid") == [(50, 50, 50, 50)]


def test_parts_apart_and_parts_too_thin_are_found():
    parts = MultiPolygon([box(0, 0, 100, 100), box(900, 0, 1000, 0.4)])
    assert {("many-parts", (at(0, 0),)), ("thin-part", (at(0, 0),))} <= found(
        gate_of(changed(0, 0, polygon=ground(parts)))
    )


def test_a_grid_given_to_the_wrong_parent_is_found_though_its_own_border_is_sound():
    gate = gate_of(changed(2, 2, parent_code="360725001004"))
    assert ("outside-parent", (at(2, 2),)) in found(gate)
    assert ("code-prefix", (at(2, 2),)) in found(gate)
    (missed,) = [finding for finding in gate.findings if finding.code == "uncovered"]
    assert missed.parent == "360725001001"


def test_codes_of_the_wrong_form_given_twice_or_with_unknown_parents_are_found():
    gate = gate_of(
        changed(0, 0, code="grid-1"),
        changed(1, 1, code=at(2, 2)),
        changed(2, 2),
        changed(4, 4, parent_code="360725009009"),
        without=[at(0, 0), at(1, 1)],
    )
    codes = {(finding.code, finding.areas, finding.severity) for finding in gate.findings}
    assert ("code-format", ("grid-1",), "error") in codes
    assert ("code-repeated", (at(2, 2),), "error") in codes
    assert ("unknown-parent", (at(4, 4),), "error") in codes


@pytest.mark.parametrize("households", [299, 501])
def test_households_beyond_the_norm_are_a_warning_that_says_the_norm(households):
    gate = gate_of(changed(3, 3, households=households))
    (finding,) = gate.findings
    assert (finding.code, finding.severity, finding.areas) == ("households-out-of-norm", "warning", (at(3, 3),))
    assert finding.detail == {"households": households, "least": 300, "most": 500}
    for words in finding.text.values():
        assert {str(households), "300", "500"} <= set(re.findall(r"\d+", words))
    assert gate.is_open


@pytest.mark.parametrize("households", [300, 500, None])
def test_households_at_the_ends_of_the_norm_or_not_counted_are_no_finding(households):
    assert gate_of(changed(3, 3, households=households)).findings == ()


def test_findings_are_geojson_with_both_texts():
    gate = gate_of(changed(2, 2, polygon=ground(box(200, 200, 330, 300)), households=9), without=[at(5, 5)])
    features = json.loads(json.dumps(gate.as_geojson()))["features"]
    assert len(features) == len(gate.findings) > 3
    for feature in features:
        assert shapely.geometry.shape(feature["geometry"]).is_valid
        assert feature["properties"]["severity"] in {"error", "warning"}
        assert {"zh", "en"} == feature["properties"]["text"].keys()


def test_every_text_can_be_filled():
    facts = dict.fromkeys(["areas", "parent", "area_m2", "width_m", "count", "households", "least", "most"], "7")
    assert all("7" in text.format_map(facts) for texts in TEXTS.values() for text in texts)


def test_a_repair_tells_who_lost_what_and_opens_the_gate():
    gate = gate_of(changed(1, 1, polygon=ground(box(100, 100, 199.5, 200))))
    repair = gate.repair()
    (change,) = repair.changes
    assert change.gained_m2 == pytest.approx(50, rel=0.01)
    assert repair.moved_m2 == pytest.approx(50, rel=0.01)
    assert change.after.area - change.before.area == pytest.approx(change.gained.area, rel=1e-6)
    assert change.code in {area.code for area in repair.areas}
    assert repair.after.is_open
    assert not gate.is_open
    (feature,) = json.loads(json.dumps(repair.as_geojson()))["features"]
    assert shapely.geometry.shape(feature["properties"]["before"]).equals(change.before)


def test_a_repair_of_a_sound_city_changes_nothing():
    repair = gate_of().repair()
    assert (repair.changes, repair.areas, repair.moved_m2) == ((), (), 0)


def test_a_repair_touches_nothing_far_from_the_fault_and_mends_areas_of_one_code_too():
    gate = gate_of(
        changed(1, 1, polygon=ground(box(100, 100, 199.5, 200))),
        changed(2, 2),
        changed(2, 2, polygon=ground(box(900, 900, 950, 950))),
    )
    repair = gate.repair()
    assert {change.code for change in repair.changes} <= {at(1, 1), at(2, 1)}
    assert repair.after.is_clean
    assert not gate.is_clean
    assert [finding.code for finding in repair.after.findings if finding.severity == "error"].count(
        "code-repeated"
    ) == 1


@pytest.mark.parametrize("strategy", ["longest_border", "max_area", "min_index"])
def test_a_repair_of_many_faults_is_that_of_the_whole_city(strategy):
    gate = gate_of(
        changed(1, 1, polygon=ground(box(100, 100, 199.5, 200))),
        changed(4, 4, polygon=ground(box(400, 400, 500.6, 500.6))),
        changed(0, 5, polygon=ground(Polygon([(0, 500), (50, 500), (100, 500), (100, 600), (0, 600)]))),
    )
    repair = gate.repair(strategy)
    whole = gate._mended(np.arange(36), strategy)
    assert repair.after.is_clean
    assert {c.code: c.after.normalize() for c in repair.changes} == {c.code: c.after.normalize() for c in whole.changes}


def as_told(gate):
    return [
        (f.code, f.severity, f.areas, f.parent, shapely.normalize(f.geometry).wkt, round(f.area_m2, 6), f.detail)
        for f in gate.findings
    ]


def redrawn(areas, number, kind):
    """What a careless hand does to one area: what to put, what to drop."""
    area = areas[sorted(areas)[number % len(areas)]]
    facts = {"polygon": area.polygon, "parent_code": area.parent_code, "households": area.households}
    match kind:
        case "move":
            facts["polygon"] = translate(area.polygon, 7 * PER_METRE[0], 0)
        case "shrink":
            facts["polygon"] = shapely.buffer(area.polygon, -0.4 * PER_METRE[0], join_style="mitre")
        case "drop":
            return [], [area.code]
        case "give":
            facts |= {"parent_code": "360725001002", "households": 7}
        case "lose":
            facts["parent_code"] = "360725001009"
        case "far":
            facts["polygon"] = translate(area.polygon, 0, 1)
        case "heal":
            return list(city().values()), []
        case "double":
            return [area, GateArea(area.code, Point(area.polygon.centroid).buffer(2 * PER_METRE[0]), None)], []
    return [GateArea(area.code, **facts)], []


@settings(max_examples=25, deadline=None)
@example([(8, "give"), (0, "heal")], False)
@example([(8, "give"), (3, "far")], True)
@given(
    st.lists(
        st.tuples(st.integers(0, 99), st.sampled_from(CARELESS)),
        min_size=1, max_size=5,
    ),
    st.booleans(),
)  # fmt: skip
def test_a_gate_after_changes_is_that_of_what_they_made(changes, parent_comes):
    areas, parents = city(), communities()
    gate = Gate.of(list(areas.values()), parents, RULES)
    for number, kind in changes:
        put, dropped = redrawn(gate.areas, number, kind)
        gate = gate.with_changes(put, dropped)
        assert as_told(gate) == as_told(Gate.of(list(gate.areas.values()), gate.parents, RULES))
    if parent_comes:
        moved = {"360725001009": ground(box(0, 0, 50, 50)), "360725001001": ground(box(0, 0, 300, 250))}
        gate = gate.with_changes([], parents=moved)
        assert as_told(gate) == as_told(Gate.of(list(gate.areas.values()), gate.parents, RULES))
