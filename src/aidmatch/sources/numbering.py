"""Numbers for equal values: what can be compared and sorted as arrays, whatever the values are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from itertools import count

import numpy as np

from aidmatch.arrays import Ints

__all__ = ["alike", "numbered"]


def numbered(values: Iterable[Hashable]) -> Ints:
    """Number values.

    Parameters
    ----------
    values
        Whatever has a hash.

    Returns
    -------
    One number for each, from 0 in the order in which they come first; equal values have equal numbers.
    """
    numbers: defaultdict[Hashable, int] = defaultdict(count().__next__)
    return np.fromiter(map(numbers.__getitem__, values), dtype=np.int64)


def alike(count: int, key: Callable[[int], Hashable]) -> list[list[int]]:
    """Find rows that have the same key.

    Parameters
    ----------
    count
        How many rows.
    key
        Gives the key of a row; None for none. It is asked again for the few that seem to share theirs.

    Returns
    -------
    For each key that comes more than once, its rows in ascending order, by their first.
    """
    hashes = np.fromiter(map(hash, map(key, range(count))), dtype=np.int64, count=count)
    order = np.argsort(hashes, kind="stable")
    same = np.diff(hashes[order]) == 0
    seem = np.zeros(count, dtype=np.bool_)
    seem[order[:-1][same]] = seem[order[1:][same]] = True
    rows: defaultdict[Hashable, list[int]] = defaultdict(list)
    for row in np.flatnonzero(seem).tolist():
        rows[key(row)].append(row)
    return [some for one, some in rows.items() if one is not None and len(some) > 1]
