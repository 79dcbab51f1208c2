"""Metres by the administrative areas that two places share, for platforms that have codes and no points."""

from __future__ import annotations

from typing import ClassVar, Final, final

import numpy as np

from aidmatch.arrays import Ints
from aidmatch.distance.protocol import UNREACHABLE
from aidmatch.errors import InputError
from aidmatch.place import Places

__all__ = ["Administrative"]

#: Digits of a code that name the area (GB/T 2260 and the statistical codes): city, county, township, village.
_DIGITS: Final = (4, 6, 9, 12)
_FARTHEST: Final = 20_100_000


@final
class Administrative:
    """Metres that are configured for two places in the same village, township, county or city, and for all others.

    Two places share an area if both codes have its digits, and the same: 4 for the city, 6 for the county, 9 for the
    township, 12 for the village. The smallest area that they share decides. Points are not looked at.

    Parameters
    ----------
    same_village, same_township, same_county, same_city, otherwise
        Whole metres, none below the one before it; None for pairs that cannot be, and then all that follow are None.

    Raises
    ------
    InputError
        ``BAD_METRES`` if they are no whole numbers in that order, or above half the way round the earth.

    Notes
    -----
    It has no relation to the great circle, so it declares no ``least_metres``. It declares labels instead: places of
    one code are the same to it, so that metres are measured once for each two codes, and nodes are merged by them.
    """

    needs_points: ClassVar[bool] = False
    needs_codes: ClassVar[bool] = True

    def __init__(
        self,
        *,
        same_village: int = 0,
        same_township: int | None,
        same_county: int | None,
        same_city: int | None,
        otherwise: int | None = None,
    ) -> None:
        steps = (same_village, same_township, same_county, same_city, otherwise)
        metres = [UNREACHABLE if step is None else step for step in steps]
        whole = all(type(step) is int and 0 <= step <= _FARTHEST for step in steps if step is not None)
        if not whole or metres != sorted(metres):
            raise InputError(
                "same_village, same_township, same_county, same_city and otherwise are whole metres up to "
                f"{_FARTHEST:,}, none below the one before it; None for out of reach",
                code="BAD_METRES",
            )
        self._metres = np.array(metres[::-1], dtype=np.int64)
        #: says all of it, so that a matching made with other metres is not taken for one made with these
        self.name = "administrative:" + "/".join("-" if step is None else str(step) for step in steps)

    def __repr__(self) -> str:
        return f"<Administrative {self.name.partition(':')[2]}>"

    def metres(self, origins: Places, destinations: Places) -> Ints:
        """Measure from each origin to the destination in the same row.

        Parameters
        ----------
        origins, destinations
            Equally many places, all with codes.

        Returns
        -------
        Whole metres, one a row; `UNREACHABLE` for pairs that cannot be.
        """
        one, other = (places.codes.astype("U12") for places in (origins, destinations))
        shared = np.zeros(len(one), dtype=np.int64)
        for digits in _DIGITS:
            area = one.astype(f"U{digits}")
            shared += (area == other.astype(f"U{digits}")) & (np.char.str_len(area) == digits)
        return self._metres[shared]

    def labels(self, places: Places) -> Ints:
        """Number places so that equal numbers mean equal codes."""
        return np.unique(places.codes, return_inverse=True)[1].astype(np.int64)
