"""Locations: a point on the WGS-84 sphere, an administrative code, or both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from aidmatch.arrays import Floats, Ints
from aidmatch.fields import CONFIG

__all__ = ["Place", "Places"]


def _degrees(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("NOT_A_NUMBER", "should be a number of degrees")
    return value


AreaCode = Annotated[str, Field(pattern=r"^[0-9]{2,12}$")]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False), BeforeValidator(_degrees)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False), BeforeValidator(_degrees)]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, config=CONFIG)
class Place:
    """Where something is.

    Parameters
    ----------
    code
        Administrative code of 2–12 digits; a prefix names the area around it.
    lat, lon
        Degrees, WGS-84; both or neither.

    Raises
    ------
    pydantic.ValidationError
        If there is neither a code nor a point, only half a point, or a value out of range.
    """

    table: ClassVar[str] = "places"

    code: AreaCode | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None

    @model_validator(mode="after")
    def _whole(self) -> Place:
        if (self.lat is None) != (self.lon is None):
            raise PydanticCustomError("HALF_POINT", "a point needs both lat and lon")
        if self.code is None and self.lat is None:
            raise PydanticCustomError("NO_PLACE", "a place needs a code, or lat and lon")
        return self

    def __repr__(self) -> str:
        # where somebody lives is nobody's business; the county is
        return f"<Place in {self.code[:6]}>" if self.code else "<Place>"

    @property
    def point(self) -> tuple[float, float] | None:
        """Latitude and longitude in degrees, or None."""
        return None if self.lat is None or self.lon is None else (self.lat, self.lon)


class Places:
    """Many places as columns, gathered only when a column is asked for.

    Parameters
    ----------
    places
        The places, in the order of the rows.

    Notes
    -----
    ``places[index]`` with an integer array is a view with one row per index.
    """

    __slots__ = ("_codes", "_index", "_points", "_vectors")

    def __init__(self, places: Iterable[Place]) -> None:
        places = tuple(places)
        degrees = [[place.lat for place in places], [place.lon for place in places]]
        self._points = np.ascontiguousarray(np.array(degrees, dtype=np.float64).T)  # None becomes NaN
        self._codes = np.array([place.code or "" for place in places], dtype=np.str_)
        lat, lon = np.radians(self._points).T
        self._vectors = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
        self._index: Ints = np.arange(len(places))

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, index: Ints) -> Places:
        view = Places.__new__(Places)
        view._points, view._codes, view._vectors = self._points, self._codes, self._vectors
        view._index = self._index[index]
        return view

    def __repr__(self) -> str:
        return f"<Places: {len(self):,}>"

    @property
    def lat(self) -> Floats:
        """Latitudes in degrees; NaN where there is no point."""
        return np.asarray(self._points[self._index, 0])

    @property
    def lon(self) -> Floats:
        """Longitudes in degrees; NaN where there is no point."""
        return np.asarray(self._points[self._index, 1])

    @property
    def codes(self) -> npt.NDArray[np.str_]:
        """Administrative codes; empty where there is none."""
        return np.asarray(self._codes[self._index])

    @property
    def vectors(self) -> Floats:
        """Unit vectors of the points, of shape (3, rows); NaN where there is no point."""
        return np.take(self._vectors, self._index, axis=1)
