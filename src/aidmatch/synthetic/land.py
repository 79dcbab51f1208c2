"""Land: villages in townships in counties, with area codes and points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aidmatch.arrays import Floats, Ints
from aidmatch.synthetic.draws import Streams, one_each_and_more

__all__ = ["CITY", "COUNTY", "PROVINCE", "TOY", "Land", "Region", "around", "land_of"]

_KM_A_DEGREE: Final = 111.195


@dataclass(frozen=True, slots=True)
class Region:
    """How much land there is.

    Parameters
    ----------
    counties, townships, villages
        How many.
    box
        Degrees of its south, north, west and east.
    first_city
        Area code of the first city.
    counties_a_city
        How many counties at most share a city's code.
    """

    counties: int
    townships: int
    villages: int
    box: tuple[float, float, float, float]
    first_city: int = 3715
    counties_a_city: int = 99


TOY: Final = Region(1, 2, 3, (36.40, 36.49, 115.95, 116.06))
COUNTY: Final = Region(1, 9, 50, (36.30, 36.56, 115.85, 116.16))
CITY: Final = Region(11, 100, 557, (35.78, 37.03, 115.27, 116.53))
PROVINCE: Final = Region(136, 1_822, 54_287, (34.4, 38.4, 114.8, 122.7), 3701, 8)


@dataclass(frozen=True, slots=True, eq=False)
class Land:
    """Places in km east and north of the box's corner; the first townships are the county seats.

    Parameters
    ----------
    county_code
        Area code of each county.
    town_at, town_county, town_code
        Place, row of the county, and area code of each township.
    village_at, village_town, village_code
        Place, row of the township, and area code of each village.
    corner, km_a_degree
        Longitude and latitude of the corner, and what a degree of each measures.
    """

    county_code: Ints
    town_at: Floats
    town_county: Ints
    town_code: Ints
    village_at: Floats
    village_town: Ints
    village_code: Ints
    corner: Floats
    km_a_degree: Floats

    def degrees(self, at: Floats) -> dict[str, Floats]:
        """Give the columns lat and lon of places, to about a metre.

        Parameters
        ----------
        at
            Places, of shape (places, 2).
        """
        lon, lat = np.round(self.corner + at / self.km_a_degree, 5).T
        return {"lat": lat.copy(), "lon": lon.copy()}

    def villages_of(self, codes: NDArray[np.bytes_]) -> Ints:
        """Give the rows of villages by their area codes.

        Parameters
        ----------
        codes
            Of villages of this land.
        """
        order = np.argsort(self.village_code)
        return order[np.searchsorted(self.village_code, codes.astype(np.int64), sorter=order)]


def land_of(region: Region, streams: Streams) -> Land:
    """Lay out the land of a region; the same streams give the same land to every family.

    Parameters
    ----------
    region
        How much.
    streams
        To draw from.
    """
    south, north, west, east = region.box
    km_a_degree = np.array([_KM_A_DEGREE * math.cos(math.radians((south + north) / 2)), _KM_A_DEGREE])
    size = np.array([east - west, north - south]) * km_a_degree
    spread = 0.22 * math.sqrt(float(size.prod()) / region.townships)

    draw = streams("townships")
    # the R2 sequence: as even as a tiling, however long, and its beginning (the county seats) as even as the whole
    even = (draw.random(2) + np.arange(region.townships)[:, None] * np.array([0.7548776662, 0.5698402910])) % 1
    town_at = 2 * spread + even * (size - 4 * spread)
    town_at[region.counties :] += draw.uniform(-spread, spread, (region.townships - region.counties, 2))
    seats = town_at[: region.counties]
    seats[:] = seats[np.argsort(seats[:, 0], kind="stable")]
    city, number = np.divmod(np.arange(region.counties), region.counties_a_city)
    county_code = (region.first_city + city) * 100 + number + 1
    town_county = np.argmin(((town_at[:, None, :] - seats) ** 2).sum(axis=2), axis=1)
    town_code = county_code[town_county] * 1000 + _number_within(town_county)

    draw = streams("villages")
    town = one_each_and_more(draw, draw.gamma(3.0, size=region.townships), region.villages)
    away = draw.normal(0, spread, (region.villages, 2))
    # a household stands up to 0.8 km off, and still in the box
    village_at = np.clip(town_at[town] + away, 1, size - 1)
    village_code = town_code[town] * 1000 + _number_within(town)
    corner = np.array([west, south])
    return Land(county_code, town_at, town_county, town_code, village_at, town, village_code, corner, km_a_degree)


def around(draw: Generator, at: Floats, *, exactly: float) -> Floats:
    """Give places within 0.8 km of others.

    Parameters
    ----------
    draw
        To draw from.
    at
        The others, of shape (places, 2).
    exactly
        Share that stands on the very spot.
    """
    away: Floats = np.where(draw.random(len(at)) < exactly, 0, 0.8 * np.sqrt(draw.random(len(at))))
    angle = draw.uniform(0, 2 * math.pi, len(at))
    moved: Floats = at + np.stack([away * np.cos(angle), away * np.sin(angle)], axis=1)
    return moved


def _number_within(group: Ints) -> Ints:
    """Numbers from 1 within each group, in order."""
    order = np.argsort(group, kind="stable")
    number = np.empty(group.size, np.int64)
    number[order] = 1 + np.arange(group.size) - np.searchsorted(group[order], group[order])
    return number
