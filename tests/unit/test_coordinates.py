"""WGS-84, GCJ-02 and BD-09: the public converters' values within a centimetre, and exact both ways."""

import math

import numpy as np
import pytest
from tests.profiles import examples

import aidmatch as am
from aidmatch.arrays import Floats
from aidmatch.coordinates import AREA, SYSTEMS, from_wgs84, system_named, to_wgs84
from aidmatch.distance.great_circle import EARTH_RADIUS

# Values that public converters state in their tests or their readme: what is given, then what comes out; (lat, lon).
PUBLISHED = [
    # googollee/eviltransform, python/test.py
    ("WGS-84", (31.1774276, 121.5272106), "GCJ-02", (31.17530398364597, 121.531541859215)),
    ("WGS-84", (22.543847, 113.912316), "GCJ-02", (22.540796131694766, 113.9171764808363)),
    ("WGS-84", (39.911954, 116.377817), "GCJ-02", (39.91334545536069, 116.38404722455657)),
    # wandergis/coordtransform, test/app.js
    ("WGS-84", (39.915, 116.404), "GCJ-02", (39.91640428150164, 116.41024449916938)),
    ("GCJ-02", (39.915, 116.404), "BD-09", (39.92133699351021, 116.41036949371029)),
    # athxx/coordtransform-rs, src/lib.rs
    ("WGS-84", (39.915, 116.404), "BD-09", (39.922699552216216, 116.41662724378733)),
    # hujiulong/gcoord, test/unit/crs/WGS84.spec.ts and GCJ02.spec.ts
    ("WGS-84", (45.0, 123.0), "GCJ-02", (45.00197815, 123.00607541)),
    ("GCJ-02", (45.0, 123.0), "BD-09", (45.00636899, 123.00636499)),
    ("WGS-84", (45.0, 123.0), "BD-09", (45.0083293, 123.0124491)),
]


def apart(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> Floats:
    """Metres between points that are near each other."""
    north = np.radians(one[0] - other[0])
    east = np.radians(one[1] - other[1]) * np.cos(np.radians(one[0]))
    return np.asarray(EARTH_RADIUS * np.hypot(north, east))


def some_points(size: int) -> tuple[Floats, Floats]:
    draw = np.random.default_rng(2017)
    (south, north), (west, east) = AREA
    lat, lon = draw.uniform(south, north, size), draw.uniform(west, east, size)
    # the corners, the edges, and where the formula has a root that is not smooth
    lat[:4], lon[:4] = (south, south, north, north), (west, east, west, east)
    lat[4:100], lon[100:200] = south, east
    lon[200:300] = 105 + draw.normal(size=100) * 10.0 ** draw.uniform(-17, -6, 100)
    lon[300] = 105
    return lat, lon


@pytest.mark.parametrize(("system", "given", "other", "published"), PUBLISHED)
def test_the_values_of_public_converters_are_met_within_a_centimetre(
    system: str, given: tuple[float, float], other: str, published: tuple[float, float]
) -> None:
    origin = to_wgs84(np.array([given[0]]), np.array([given[1]]), system)
    (metres,) = apart(from_wgs84(*origin, other), (np.array([published[0]]), np.array([published[1]]))).tolist()
    assert metres < 0.01


@pytest.mark.parametrize("system", SYSTEMS)
def test_there_and_back_is_where_it_was(system: str) -> None:
    lat, lon = some_points(examples(100_000, 1_000_000))
    there = from_wgs84(lat, lon, system)
    back = to_wgs84(*there, system)
    assert max(np.abs(back[0] - lat).max(), np.abs(back[1] - lon).max()) < 1e-9
    # and the other way round, wherever a point has an origin in the area
    origin = to_wgs84(lat, lon, system)
    again = from_wgs84(*origin, system)
    known = ~np.isnan(origin[0]) & ~np.isnan(again[0])
    assert known.mean() > 0.98
    assert max(np.abs(again[0] - lat)[known].max(), np.abs(again[1] - lon)[known].max()) < 1e-9


def test_the_offsets_are_as_long_as_they_are_said_to_be() -> None:
    lat, lon = some_points(20_000)
    points = lat, lon
    assert 300 < np.median(apart(points, from_wgs84(lat, lon, "GCJ-02"))) < 700
    assert apart(points, from_wgs84(lat, lon, "BD-09")).max() < 3_000
    assert apart(points, from_wgs84(lat, lon, "WGS-84")).max() == 0


def test_a_point_outside_of_the_area_has_no_value_and_hurts_no_other() -> None:
    (south, north), (west, east) = AREA
    lat = np.array([36.5, south - 0.001, north + 0.001, 36.5, 36.5, 0.0, 90.0, -90.0, math.nan, 36.5])
    lon = np.array([115.9, 115.9, 115.9, west - 0.001, east + 0.001, 0.0, 105.0, 180.0, math.nan, 115.9])
    for convert in (from_wgs84, to_wgs84):
        # a thousandth of a degree and more is on the same side in either system, but for the shift of the other
        for there in convert(lat, lon, "GCJ-02"):
            assert np.isnan(there[5:9]).all()
            assert not np.isnan(there[[0, 9]]).any()
            assert there[0] == there[9]
    assert np.isnan(from_wgs84(lat, lon, "BD-09")[0]).tolist() == [False, *[True] * 8, False]
    np.testing.assert_array_equal(to_wgs84(lat, lon, "WGS-84")[0], lat)


def test_a_point_depends_on_nothing_beside_it() -> None:
    lat, lon = some_points(2_000)
    whole = to_wgs84(lat, lon, "BD-09")
    for row in (0, 3, 250, 300, 1_999):
        alone = to_wgs84(lat[row : row + 1], lon[row : row + 1], "BD-09")
        np.testing.assert_allclose([whole[0][row], whole[1][row]], np.ravel(alone), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["GCJ-02", "gcj02", "Gcj_02", "gcj 02"])
def test_a_system_is_found_however_it_is_spelled(name: str) -> None:
    assert system_named(name) == "GCJ-02"


@pytest.mark.parametrize("name", ["", "amap", "EPSG:4326", "GCJ-2", None, 4326])
def test_another_system_is_refused(name: str) -> None:
    with pytest.raises(am.InputError, match=r"one of WGS-84, GCJ-02, BD-09") as refused:
        system_named(name)
    assert refused.value.code == "UNKNOWN_COORDINATES"
