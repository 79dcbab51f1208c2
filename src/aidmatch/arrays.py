"""Array types, sums over them that are exact whatever the size, and numbers for values that are none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import count, pairwise
from operator import attrgetter
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = [
    "SAFE",
    "Bools",
    "Floats",
    "Ints",
    "Keys",
    "as_whole",
    "distinct",
    "dot",
    "entries_of",
    "first_of_each",
    "frozen",
    "largest",
    "numbered",
    "numbered_by",
    "rows_of",
    "total",
]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]
_A = TypeVar("_A", Ints, Floats, Bools)

#: Three terms of at most this size add up within int64, which is what a reduced cost does.
SAFE: Final = 2**61
#: Denominators that vectors are tried with, one that rounds them, and how near to whole an entry is that is.
_DENOMINATORS: Final = range(1, 401)
_FINE: Final = 1_000
_WHOLE: Final = 1e-5


def frozen(array: _A) -> _A:
    """Make an array read-only and return it."""
    array.flags.writeable = False
    return array


def largest(values: Ints) -> int:
    """Largest size of any entry, 0 of none, as a Python integer."""
    # not by np.abs, which leaves −2^63 as it is
    return max(int(values.max(initial=0)), -int(values.min(initial=0)))


def total(values: Ints) -> int:
    """Exact sum of int64 values of any shape, as a Python integer."""
    if largest(values) * values.size < 2**63:
        return int(values.sum())
    return sum(values.ravel().tolist())


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


def numbered_by(field: str, records: Sequence[object]) -> Ints:
    """Number records by a field, as `numbered` does."""
    return numbered(map(attrgetter(field), records))


def distinct(values: Ints) -> Ints:
    """The values, sorted, each once; faster than NumPy's own on millions."""
    ordered = np.sort(values)
    keep = np.ones(len(ordered), dtype=np.bool_)
    keep[1:] = ordered[1:] != ordered[:-1]
    return ordered[keep]


def entries_of(start: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Entries of some rows of a matrix that stands by rows.

    Parameters
    ----------
    start
        Where each row starts, and the last one ends.
    rows
        The rows.

    Returns
    -------
    The places of their entries, row after row, and for each the place of its row among the given ones.
    """
    size = start[rows + 1] - start[rows]
    row = np.repeat(np.arange(len(rows)), size)
    return np.arange(int(size.sum())) + np.repeat(start[rows] - np.cumsum(size) + size, size), row


def rows_of(label: Ints, count: int) -> list[Ints]:
    """Rows of each label.

    Parameters
    ----------
    label
        Of each row; what is below 0, or not below the count, is in no list.
    count
        How many labels there are.

    Returns
    -------
    For each label from 0, its rows in ascending order.
    """
    order = np.argsort(label, kind="stable").astype(np.int64)
    ends = np.searchsorted(label[order], np.arange(count + 1)).tolist()
    return [order[begin:end] for begin, end in pairwise(ends)]


def first_of_each(order: Ints, group: Ints, count: int) -> Ints:
    """Keep the first few rows of each group.

    Parameters
    ----------
    order
        Rows, those of one group next to each other and in ascending order of groups.
    group
        Of every row, whether it is in `order` or not.
    count
        How many of each are kept.
    """
    of = group[order]
    return order[np.arange(len(order)) - np.searchsorted(of, of) < count]


def dot(left: Ints, right: Ints) -> int:
    """Exact inner product of two int64 vectors of one length, as a Python integer."""
    if largest(left) * largest(right) * left.size < 2**63:
        return int(np.dot(left, right))
    return sum(a * b for a, b in zip(left.tolist(), right.tolist(), strict=True))


def as_whole(vectors: Floats) -> Ints:
    """The same directions in whole numbers, or nearly the same.

    Parameters
    ----------
    vectors
        Shape (vectors, width), each with some entry of size 1 by which the others are told; none is all zeros.

    Returns
    -------
    Each times the first of the denominators from 1 to 400 that makes it whole; if none does, its largest entry is 1,000
    and the others are rounded.
    """
    found: Ints = np.rint(vectors / np.abs(vectors).max(axis=1, keepdims=True) * _FINE).astype(np.int64)
    left = np.arange(len(vectors))
    for times in _DENOMINATORS:
        scaled = vectors[left] * times
        near = np.rint(scaled)
        fits = (np.abs(scaled - near) < _WHOLE * times).all(axis=1)
        found[left[fits]] = near[fits]
        left = left[~fits]
        if not len(left):
            break
    return found
