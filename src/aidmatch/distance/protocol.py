"""The protocol of a distance, and its registry."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from aidmatch.arrays import Ints
from aidmatch.errors import PluginError
from aidmatch.place import Places
from aidmatch.plugins import Registry

__all__ = ["DISTANCES", "Distance", "distance_named", "least_metres", "measure"]

DISTANCES = Registry("aidmatch.distances", {"great-circle": "aidmatch.distance.great_circle:GreatCircle"})


class Distance(Protocol):
    """What a distance offers.

    It must give the same answer for the same two places, whatever stands beside them in the arrays. It may have an
    attribute ``needs_points``, False if administrative codes are enough for it; else every place must have a point.
    It may have an attribute ``least_metres``, a float: no two places are nearer than so many times their great-circle
    metres, less one. Then not every pair has to be measured; a road, say, is at least as long as the straight line,
    1.0. Without it, or with 0, nothing is assumed. A bound that does not hold is found out, here or by `verify`.
    """

    @property
    def name(self) -> str:
        """Name in policies, results and errors."""
        ...

    def metres(self, origins: Places, destinations: Places) -> Ints:
        """Measure from each origin to the destination in the same row.

        Parameters
        ----------
        origins, destinations
            Places of supplies and of demands, equally many.

        Returns
        -------
        Non-negative whole metres, int64, one a row.
        """
        ...


def distance_named(distance: Distance | str) -> Distance:
    """Find a distance.

    Parameters
    ----------
    distance
        One, or the name of a plug-in.

    Returns
    -------
    The distance.

    Raises
    ------
    PluginError
        If nothing has the name, or it is no distance.
    """
    found: Distance = DISTANCES.make(distance) if isinstance(distance, str) else distance
    if isinstance(found, type) or not isinstance(getattr(found, "name", None), str) or not hasattr(found, "metres"):
        what = found.__name__ if isinstance(found, type) else type(found).__name__
        hint = f"; say {what}()" if isinstance(found, type) else ""
        raise PluginError(f"{what} is no distance, which has a name and a method metres{hint}", code="BAD_DISTANCE")
    return found


def least_metres(distance: Distance) -> float:
    """The bound that a distance declares.

    Parameters
    ----------
    distance
        Any distance.

    Returns
    -------
    Its ``least_metres``; 0 without one, or where places need no points to be bounded by.

    Raises
    ------
    PluginError
        ``BAD_DISTANCE`` if it is no number from 0 to 1,000.
    """
    least = getattr(distance, "least_metres", 0.0)
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1_000:
        raise PluginError(f"distance {distance.name!r}: least_metres is a number from 0 to 1,000", code="BAD_DISTANCE")
    return float(least) if getattr(distance, "needs_points", True) else 0.0


def measure(distance: Distance, origins: Places, destinations: Places) -> Ints:
    """Ask a distance and check that its answer is one.

    Parameters
    ----------
    distance
        Any distance, perhaps somebody else's.
    origins, destinations
        Equally many places.

    Returns
    -------
    Metres, one a row.

    Raises
    ------
    PluginError
        ``BAD_DISTANCE`` if the answer is not an array of non-negative integers of the right length, or the distance
        raised.
    """
    if not len(origins):
        return np.zeros(0, dtype=np.int64)
    try:
        metres = distance.metres(origins, destinations)
    except Exception as error:
        raise PluginError(
            f"distance {distance.name!r} raised {type(error).__name__} (see the error's cause)", code="BAD_DISTANCE"
        ) from error
    wanted = f"expected {len(origins)} non-negative integers"
    if not isinstance(metres, np.ndarray) or metres.dtype.kind not in "iu":
        kind = metres.dtype if isinstance(metres, np.ndarray) else type(metres).__name__
        raise PluginError(f"distance {distance.name!r} gave {kind}; {wanted}", code="BAD_DISTANCE")
    if metres.shape != (len(origins),):
        raise PluginError(f"distance {distance.name!r} gave shape {metres.shape}; {wanted}", code="BAD_DISTANCE")
    if metres.size and not 0 <= int(metres.min()) <= int(metres.max()) < 2**62:
        raise PluginError(f"distance {distance.name!r} gave a number out of range; {wanted}", code="BAD_DISTANCE")
    return metres.astype(np.int64, copy=False)
