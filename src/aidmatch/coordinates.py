"""Coordinate systems of China: WGS-84, GCJ-02 and BD-09, converted in arrays, each way the exact inverse of the other.

GCJ-02 (AMap, Tencent) is WGS-84 with an offset of some hundred metres that
waves over the country; BD-09 (Baidu) is GCJ-02 with another one. Neither is
published by its makers. The formulas here are the ones that the public
converters share (wandergis/coordtransform, googollee/eviltransform), whose
values they reproduce within a centimetre.

The offsets are defined on a rectangle around the country. Outside of it the
public converters let points through as they are, so that the same numbers mean
two things, and what is beside the edge has two origins or none. Here a point
outside has no value: nothing is converted, or left alone, by where it lies.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import numpy as np

from aidmatch.arrays import Bools, Floats
from aidmatch.errors import InputError

__all__ = ["AREA", "SYSTEMS", "from_wgs84", "system_named", "to_wgs84"]

#: The systems that can be declared.
SYSTEMS: Final = ("WGS-84", "GCJ-02", "BD-09")
#: Least and largest latitude and longitude, WGS-84, between which GCJ-02 and BD-09 are defined.
AREA: Final = ((0.8293, 55.8271), (72.004, 137.8347))

# Krasovsky's ellipsoid of 1940: semi-major axis in metres, first eccentricity squared
_AXIS: Final = 6_378_245.0
_ECCENTRICITY: Final = 0.006_693_421_622_965_943
# Where the waves of the offset begin to count, in degrees.
_ORIGIN: Final = (35.0, 105.0)
# BD-09: waves a degree, their height in degrees and in radians, and the shift of the whole, latitude first
_WAVE: Final = np.pi * 3000 / 180
_HEIGHT, _TURN = 0.000_02, 0.000_003
_SHIFT: Final = (0.006, 0.0065)
#: Steps of the inverse: each leaves a thirtieth of the error, or less, and the first begins below 0.01 degrees.
_STEPS: Final = 6

_Points = tuple[Floats, Floats]  # latitudes, longitudes


def system_named(name: str) -> str:
    """Find a system.

    Parameters
    ----------
    name
        As in `SYSTEMS`; capitals, hyphens, spaces and underscores do not matter.

    Returns
    -------
    Its name as in `SYSTEMS`.

    Raises
    ------
    InputError
        ``UNKNOWN_COORDINATES`` if there is none of that name.
    """
    plain = {_plain(system): system for system in SYSTEMS}
    found = plain.get(_plain(name)) if isinstance(name, str) else None
    if found is None:
        raise InputError(f"coordinates are one of {', '.join(SYSTEMS)}", code="UNKNOWN_COORDINATES")
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_\s]", "", name).casefold()


def from_wgs84(lat: Floats, lon: Floats, system: str) -> tuple[Floats, Floats]:
    """Convert from WGS-84.

    Parameters
    ----------
    lat, lon
        Degrees, WGS-84, of one shape.
    system
        What to convert to.

    Returns
    -------
    Latitudes and longitudes in degrees, of the same shape; NaN for points outside of `AREA`, unless the system is
    WGS-84.

    Raises
    ------
    InputError
        ``UNKNOWN_COORDINATES``.
    """
    points = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    offsets = _offsets(system)
    if offsets:
        points = _where(_inside(points), points)
    for offset in offsets:
        points = _shifted(points, offset(points))
    return points


def to_wgs84(lat: Floats, lon: Floats, system: str) -> tuple[Floats, Floats]:
    """Convert to WGS-84.

    Parameters
    ----------
    lat, lon
        Degrees, of one shape.
    system
        What they are given in.

    Returns
    -------
    Latitudes and longitudes in degrees, WGS-84, of the same shape; NaN for points whose origin is outside of `AREA`,
    unless the system is WGS-84.

    Raises
    ------
    InputError
        ``UNKNOWN_COORDINATES``.

    Notes
    -----
    The offset changes by less than a thirtieth of what the point does, so that going back by the offset found at the
    last estimate contracts (Banach's fixed point): six steps leave less than 1e-12 degrees. Beside the meridian 105
    the offset has the root of the distance from it, which costs digits within 1e-10 degrees, and leaves 1e-11. The
    steps are always as many, so that no point depends on what stands beside it.
    """
    points = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    offsets = _offsets(system)
    if offsets:
        # no offset is as long as a tenth of a degree; far outside, the formulas mean nothing
        points = _where(_inside(points, margin=0.1), points)
    for offset in reversed(offsets):
        origin = points
        for _ in range(_STEPS):
            by = offset(origin)
            origin = points[0] - by[0], points[1] - by[1]
        points = origin
    return _where(_inside(points, margin=1e-9), points) if offsets else points


def _offsets(system: str) -> tuple[Callable[[_Points], _Points], ...]:
    """What is added to WGS-84, one after the other."""
    return (_gcj_offset, _bd_offset)[: SYSTEMS.index(system_named(system))]


def _inside(points: _Points, margin: float = 0.0) -> Bools:
    (south, north), (west, east) = AREA
    lat, lon = points
    inside = (lat >= south - margin) & (lat <= north + margin) & (lon >= west - margin) & (lon <= east + margin)
    return np.asarray(inside)


def _where(inside: Bools, points: _Points) -> _Points:
    return np.where(inside, points[0], np.nan), np.where(inside, points[1], np.nan)


def _shifted(points: _Points, by: _Points) -> _Points:
    return points[0] + by[0], points[1] + by[1]


def _gcj_offset(points: _Points) -> _Points:
    """What GCJ-02 adds to WGS-84, in degrees: waves in metres, over the length of a degree on the ellipsoid."""
    lat, lon = points
    y, x = lat - _ORIGIN[0], lon - _ORIGIN[1]
    root = np.sqrt(np.abs(x))
    # waves of a third of a degree and of one degree, common to both
    ripple = 20 * (np.sin(6 * np.pi * x) + np.sin(2 * np.pi * x))
    north = ripple + _waves(y, (20, 1), (40, 3), (160, 12), (320, 30))
    east = ripple + _waves(x, (20, 1), (40, 3), (150, 12), (300, 30))
    north = north * 2 / 3 - 100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    east = east * 2 / 3 + 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    angle = np.radians(lat)
    flat = 1 - _ECCENTRICITY * np.sin(angle) ** 2
    meridian = _AXIS * (1 - _ECCENTRICITY) / flat**1.5
    parallel = _AXIS / np.sqrt(flat) * np.cos(angle)
    return np.degrees(north / meridian), np.degrees(east / parallel)


def _waves(along: Floats, *waves: tuple[int, int]) -> Floats:
    """Sum of sine waves, each with its height and the degrees of half a wave."""
    total = np.zeros_like(along)
    for height, half in waves:
        total += height * np.sin(np.pi * along / half)
    return total


def _bd_offset(points: _Points) -> _Points:
    """What BD-09 adds to GCJ-02, in degrees: a wave of the radius and the angle of (lon, lat) taken as a plane."""
    lat, lon = points
    radius = np.hypot(lon, lat) + _HEIGHT * np.sin(_WAVE * lat)
    angle = np.arctan2(lat, lon) + _TURN * np.cos(_WAVE * lon)
    return radius * np.sin(angle) + _SHIFT[0] - lat, radius * np.cos(angle) + _SHIFT[1] - lon
