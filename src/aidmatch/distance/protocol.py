"""The protocol of a distance, and its registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from aidmatch.arrays import Ints
from aidmatch.errors import PluginError
from aidmatch.place import Places
from aidmatch.plugins import Registry

__all__ = [
    "DISTANCES",
    "UNREACHABLE",
    "Distance",
    "MetresTable",
    "distance_named",
    "labels_of_places",
    "least_metres",
    "measure",
    "table_of_metres",
]

#: What a distance says of two places without a way between them: more than any reach, so that they are never a pair.
UNREACHABLE: Final = 2**63 - 1
#: Entries of a table of metres that are worth their memory: 200 MB.
_TABLE: Final = 25_000_000
#: Pairs that are measured in one go: bounds the memory, not the result.
_AT_ONCE: Final = 500_000

DISTANCES = Registry("aidmatch.distances", {"great-circle": "aidmatch.distance.great_circle:GreatCircle"})


class Distance(Protocol):
    """What a distance offers.

    It must give the same answer for the same two places, whatever stands beside them in the arrays. It may have an
    attribute ``needs_points``, False if administrative codes are enough for it; else every place must have a point.
    It may have an attribute ``least_metres``, a float: no two places are nearer than so many times their great-circle
    metres, less one. Then not every pair has to be measured; a road, say, is at least as long as the straight line,
    1.0. Without it, or with 0, nothing is assumed. A bound that does not hold is found out, here or by `verify`.
    It may have a method ``labels``, which numbers `Places`, one integer a place: places with equal numbers are the same
    to it, the metres from and to anywhere alike. Then each is measured once, and demands and supplies that differ in
    nothing else are decided together. It may have an attribute ``needs_codes``, True if every place must have a code.
    Two places without a way between them are `UNREACHABLE` metres apart.
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
        Non-negative whole metres below 2^62, int64, one a row; or `UNREACHABLE`.
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


def labels_of_places(distance: Distance, places: Places) -> Ints | None:
    """Ask a distance which places are the same to it.

    Parameters
    ----------
    distance
        Any distance.
    places
        Any places.

    Returns
    -------
    Numbers from 0, one a place, without gaps; None if the distance has no labels.

    Raises
    ------
    PluginError
        ``BAD_DISTANCE`` if it gives anything but an integer for each place, or raised.
    """
    labels = getattr(distance, "labels", None)
    if labels is None:
        return None
    try:
        numbers = labels(places)
    except Exception as error:
        raise PluginError(
            f"distance {distance.name!r}: labels raised {type(error).__name__} (see the error's cause)",
            code="BAD_DISTANCE",
        ) from error
    if not isinstance(numbers, np.ndarray) or numbers.dtype.kind not in "iu" or numbers.shape != (len(places),):
        raise PluginError(f"distance {distance.name!r}: labels are {len(places)} integers", code="BAD_DISTANCE")
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True, slots=True)
class MetresTable:
    """Metres between all places of two sides, each kind of place measured once.

    Parameters
    ----------
    origin, destination
        Number of each place's kind, int64.
    metres
        From each kind of origin to each kind of destination, int64, shape (kinds of origins, kinds of destinations).
    """

    origin: Ints
    destination: Ints
    metres: Ints

    def between(self, origins: Ints, destinations: Ints) -> Ints:
        """Metres of some pairs, given by rows of origins and destinations."""
        return np.asarray(self.metres[self.origin[origins], self.destination[destinations]])

    def part(self, origins: Ints, destinations: Ints) -> MetresTable:
        """The same for some of the places."""
        return MetresTable(self.origin[origins], self.destination[destinations], self.metres)


def table_of_metres(distance: Distance, origins: Places, destinations: Places) -> MetresTable | None:
    """Measure between all places of two sides, as far as the distance's labels make that few pairs.

    Parameters
    ----------
    distance
        Any distance.
    origins, destinations
        Places of supplies and of demands.

    Returns
    -------
    The table; None if the distance has no labels, or so many that it would be larger than 200 MB.

    Raises
    ------
    PluginError
        As `measure` and `labels_of_places`.
    """
    labels = [labels_of_places(distance, places) for places in (origins, destinations)]
    if labels[0] is None or labels[1] is None:
        return None
    firsts = [np.unique(numbers, return_index=True)[1] for numbers in (labels[0], labels[1])]
    shape = len(firsts[0]), len(firsts[1])
    if shape[0] * shape[1] > _TABLE:
        return None
    metres = np.empty(shape, dtype=np.int64)
    step = max(1, _AT_ONCE // max(shape[1], 1))
    for start in range(0, shape[0], step):
        some = firsts[0][start : start + step]
        rows, columns = np.repeat(some, shape[1]), np.tile(firsts[1], len(some))
        metres[start : start + step] = measure(distance, origins[rows], destinations[columns]).reshape(-1, shape[1])
    return MetresTable(labels[0], labels[1], metres)


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
    farthest = int(metres.max(where=metres != UNREACHABLE, initial=0))
    if int(metres.min()) < 0 or farthest >= 2**62:
        raise PluginError(f"distance {distance.name!r} gave a number out of range; {wanted}", code="BAD_DISTANCE")
    return metres.astype(np.int64, copy=False)
