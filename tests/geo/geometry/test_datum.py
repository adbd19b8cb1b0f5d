"""Datums: known points, exact inverses, and the integer grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InvalidCoordinate, UnknownDatum
from geo.geometry.datum import DATUMS, dequantise, from_wgs84, quantise, to_wgs84

METRE_DEG = 1 / 111_320
china_lon = st.floats(73.5, 135.1)
china_lat = st.floats(3.8, 53.6)


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        # From the tests of eviltransform, the implementation that the others follow.
        ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
    ],
)
def test_gcj02_of_known_places_is_that_of_other_implementations(wgs84, gcj02):
    assert from_wgs84(*wgs84, "gcj02") == pytest.approx(gcj02, abs=1e-9)


def test_bd09_of_a_known_gcj02_place_is_that_of_other_implementations():
    wgs84 = to_wgs84(116.404, 39.915, "gcj02")
    assert from_wgs84(*wgs84, "bd09") == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-9)


@pytest.mark.parametrize("datum", DATUMS)
@given(lon=china_lon, lat=china_lat)
def test_going_to_wgs84_and_back_moves_nothing_in_china_by_a_millimetre(datum, lon, lat):
    back = from_wgs84(*to_wgs84(lon, lat, datum), datum)
    assert back == pytest.approx((lon, lat), rel=0, abs=0.001 * METRE_DEG)


@pytest.mark.parametrize("datum", DATUMS)
@given(lon=china_lon, lat=china_lat)
def test_coming_from_wgs84_and_back_moves_nothing_in_china_by_a_millimetre(datum, lon, lat):
    back = to_wgs84(*from_wgs84(lon, lat, datum), datum)
    assert back == pytest.approx((lon, lat), rel=0, abs=0.001 * METRE_DEG)


def test_gcj02_is_hundreds_of_metres_away_and_bd09_further():
    gcj_lon, gcj_lat = from_wgs84(114.308, 25.682, "gcj02")
    bd_lon, bd_lat = from_wgs84(114.308, 25.682, "bd09")
    assert 100 < np.hypot(gcj_lon - 114.308, gcj_lat - 25.682) / METRE_DEG < 1000
    assert 500 < np.hypot(bd_lon - 114.308, bd_lat - 25.682) / METRE_DEG < 2000


@pytest.mark.parametrize(("lon", "lat"), [(-122.4, 37.8), (2.35, 48.86), (151.2, -33.9), (0.0, 90.0)])
def test_gcj02_is_wgs84_outside_china(lon, lat):
    assert from_wgs84(lon, lat, "gcj02") == (lon, lat)
    assert to_wgs84(lon, lat, "gcj02") == (lon, lat)


def test_cgcs2000_is_taken_as_wgs84():
    assert to_wgs84(114.308, 25.682, "cgcs2000") == (114.308, 25.682)


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_a_batch_is_converted_as_its_points_are_one_by_one(datum):
    lon, lat = np.array([114.3, np.nan, 105.0, -3.0]), np.array([25.6, 25.0, 35.0, 50.0])
    together = to_wgs84(lon, lat, datum)
    singly = [to_wgs84(x, y, datum) for x, y in zip(lon, lat, strict=True)]
    np.testing.assert_allclose(np.transpose(together), singly, rtol=0, atol=1e-10)


def test_a_point_that_is_not_a_number_stays_so_and_spoils_no_other():
    lon, lat = to_wgs84([np.nan, 114.3], [25.6, 25.6], "gcj02")
    assert np.isnan(lon[0])
    assert (lon[1], lat[1]) == pytest.approx(to_wgs84(114.3, 25.6, "gcj02"))


def test_an_unknown_datum_is_named():
    with pytest.raises(UnknownDatum) as caught:
        to_wgs84(114.3, 25.6, "xian80")
    assert caught.value.data == {"datum": "xian80", "known": DATUMS}


def test_quantising_rounds_to_the_nearest_unit():
    x, y = quantise([114.308, 0.000000014], [25.682, -0.000000016])
    assert x.tolist() == [11_430_800_000, 1]
    assert y.tolist() == [2_568_200_000, -2]


@given(st.integers(-18_000_000_000, 18_000_000_000), st.integers(-9_000_000_000, 9_000_000_000))
def test_units_survive_being_degrees(x, y):
    assert quantise(*dequantise(x, y)) == (x, y)


@pytest.mark.parametrize(
    ("lon", "lat", "field", "reason"),
    [
        (float("nan"), 25.0, "lon", "not-finite"),
        (114.0, float("inf"), "lat", "not-finite"),
        (181.0, 25.0, "lon", "out-of-range"),
        (25.0, 114.0, "lat", "out-of-range"),
    ],
)
def test_a_coordinate_that_is_no_place_on_earth_is_named_with_its_index(lon, lat, field, reason):
    with pytest.raises(InvalidCoordinate) as caught:
        quantise([114.0, lon], [25.0, lat])
    assert (caught.value.field, caught.value.reason, caught.value.index) == (field, reason, 1)
