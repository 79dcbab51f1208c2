"""Great-circle metres."""

from __future__ import annotations

from typing import ClassVar, Final, final

import numpy as np

from aidmatch.arrays import Floats, Ints
from aidmatch.place import Places

__all__ = ["EARTH_RADIUS", "GreatCircle", "metres_between"]

#: Mean radius of the earth in metres (IUGG).
EARTH_RADIUS: Final = 6_371_008.8


def metres_between(left: Floats, right: Floats) -> Ints:
    """Metres along the sphere between unit vectors.

    Parameters
    ----------
    left, right
        Shape (3, rows).

    Returns
    -------
    Whole metres, rounded half up, one a row.

    Notes
    -----
    Half the chord between unit vectors is the square root in the haversine formula, so that this is the haversine
    distance (R. W. Sinnott, Sky and Telescope 68, 1984) without a cosine per pair.
    """
    (x, y, z), (a, b, c) = left, right
    half_chord = np.sqrt((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) / 2
    metres: Floats = np.floor(2 * EARTH_RADIUS * np.arcsin(np.minimum(half_chord, 1.0)) + 0.5)
    return metres.astype(np.int64)


@final
class GreatCircle:
    """Haversine distance on a sphere of 6,371,008.8 m, rounded half up to whole metres."""

    name: ClassVar[str] = "great-circle"
    needs_points: ClassVar[bool] = True

    def metres(self, origins: Places, destinations: Places) -> Ints:
        """Measure from each origin to the destination in the same row.

        Parameters
        ----------
        origins, destinations
            Equally many places, all with points.

        Returns
        -------
        Whole metres, one a row.
        """
        return metres_between(origins.vectors, destinations.vectors)
