"""What a supply decides as a whole: its pairs, how many they are, and what its minimum misses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from aidmatch.arrays import Ints
from aidmatch.integer_program import IntegerProgram, RowKind

__all__ = ["Gathered", "gathered"]

_Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Gathered:
    """One supply whose rows of loads, of what it gives and of its minimum are kept whole.

    Parameters
    ----------
    arcs, load, capacity
        Columns of its pairs, their loads, and what it can carry.
    given, short
        Columns of what it gives and of what its minimum misses; −1 for none.
    least, most
        What it gives, if anything.
    minimum, missing
        What `given` and `short` together must be, if anything is given; and the most that `short` may be.
    mends
        Whether `short` says instead what is mended, which is no more than what is given.
    """

    arcs: Ints
    load: Ints
    capacity: int
    given: int
    short: int
    least: int
    most: int
    minimum: int
    missing: int
    mends: bool

    @property
    def fitting(self) -> int:
        """How many pairs it can have at once by their loads."""
        return int(np.searchsorted(np.cumsum(np.sort(self.load)), self.capacity, side="right"))

    def tail(self, cost: _Numbers, use: _Numbers, low: Ints, high: Ints) -> list[Any]:
        """What each number of pairs that loads allow costs besides the pairs; None if it may not be."""
        first, last = max(self.least, int(low[self.given])), min(self.most, int(high[self.given]))
        price, fee = cost[self.given : self.given + 1].tolist()[0], use[self.given : self.given + 1].tolist()[0]
        tail: list[Any] = []
        for number in range(self.fitting + 1):
            if (number and not first <= number <= last) or (not number and low[self.given] > 0):
                tail.append(None)
                continue
            one = price * number + (fee if number else 0)
            if self.short >= 0:
                each = cost[self.short : self.short + 1].tolist()[0]
                one += each * self.shortfall(number, each)
            tail.append(one)
        return tail

    def shortfall(self, number: int, price: Any) -> int:
        """What `short` is at its cheapest."""
        must = max(0, self.minimum - number) if number else 0
        return must if price >= 0 else min(number, self.missing) if self.mends else self.missing


def gathered(program: IntegerProgram, rows: Ints) -> Iterator[Gathered]:
    """Supplies by the rows of what they give.

    Parameters
    ----------
    program
        A component.
    rows
        Rows of what supplies give.
    """
    of_load, of_short = (
        {int(program.row_node[row]): row for row in np.flatnonzero(program.row_kind == kind).tolist()}
        for kind in (RowKind.LOAD, RowKind.SHORTFALL)
    )
    for row in rows.tolist():
        node = int(program.row_node[row])
        inside, coefficient = _entries(program, row)
        arcs, given = np.sort(inside[coefficient > 0]), int(inside[coefficient < 0][0])
        load, capacity = np.zeros(len(arcs), dtype=np.int64), 0
        if node in of_load:
            heavy, weight = _entries(program, of_load[node])
            load[np.searchsorted(arcs, heavy)] = weight
            capacity = int(program.row_upper[of_load[node]])
        short, minimum, missing, mends = -1, 0, 0, False
        if node in of_short:
            columns, coefficients = _entries(program, of_short[node])
            short, mends = int(columns[-1]), bool(coefficients[-1] > 0)
            used = slice(int(program.use_start[of_short[node]]), int(program.use_start[of_short[node] + 1]))
            minimum, missing = int(program.use_coefficient[used].sum()), int(program.most[short])
        least, most = int(program.least[given]), int(program.most[given])
        yield Gathered(arcs, load, capacity, given, short, least, most, minimum, missing, mends)


def _entries(program: IntegerProgram, row: int) -> tuple[Ints, Ints]:
    part = slice(int(program.row_start[row]), int(program.row_start[row + 1]))
    return program.row_column[part], program.row_coefficient[part]
