"""What a lot gives as a whole: which pairs use it, and how much of it, at least cost.

A relaxation counts a half-filled pair as half a shipment, and cuts a lot of
seven into two and a third for needs of three. With a lot's stock kept whole its
pairs are a knapsack with fixed charges, decided exactly by dynamic programming
over the units of the stock (Kellerer, Pferschy and Pisinger 2004, ch. 5), lots
of like size together.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from aidmatch.arrays import Bools, Ints, entries_of
from aidmatch.integer_program import IntegerProgram, RowKind

__all__ = ["Lots", "is_lot", "whole_lots"]

_Exact = npt.NDArray[Any]

#: Steps of the dynamic program, in units of stock times choices, that one lot may take, and all of them.
_ONE: Final = 5_000_000
_ALL: Final = 200_000_000

#: Sums below this, and what cannot be beside them, fit 64 bits.
_LARGE: Final = 2.0**60


class Lots:
    """Lots whose stock is kept whole.

    Parameters
    ----------
    program
        A component.
    rows
        Rows of what supplies give, of which `is_lot` holds.
    """

    def __init__(self, program: IntegerProgram, rows: Ints) -> None:
        self._program = program
        inside, row = entries_of(program.row_start, rows)
        pairs = program.row_coefficient[inside] > 0
        #: columns of their pairs
        self.arcs = program.row_column[inside[pairs]]
        #: columns of what they give
        self.given = np.zeros(len(rows), dtype=np.int64)
        self.given[row[~pairs]] = program.row_column[inside[~pairs]]
        self._takes = program.row_coefficient[inside[pairs]]
        self._lot = row[pairs]

    def least(self, cost: _Exact, use: _Exact, low: Ints, high: Ints) -> list[int] | None:
        """Least cost of each of them; None if what must be taken does not fit.

        Parameters
        ----------
        cost, use
            Of a unit of each column, and of using it at all.
        low, high
            What limits the columns. Neither that a lot must give something nor what it can carry is looked at, which
            leaves a bound a bound.
        """
        program, arcs, lot = self._program, self.arcs, self._lot
        step = program.step[arcs]
        first = np.maximum(program.least[arcs], -(-low[arcs] // step) * step)
        last = np.minimum(program.most[arcs], high[arcs] // step * step)
        must = low[arcs] > 0
        stock = np.minimum(program.most[self.given], high[self.given])
        price, fee = cost[arcs] + self._takes * cost[self.given][lot], use[arcs]
        keep = must | ((last >= first) & (fee + np.minimum(price * first, price * last) < 0))
        keep &= must | (self._takes * first <= stock[lot])
        at = np.flatnonzero(keep)
        at = at[np.argsort(lot[at], kind="stable")]
        lot, first, last, step, takes, must = lot[at], first[at], last[at], step[at], self._takes[at], must[at]
        price, fee = price[at], fee[at]
        # other columns may need larger numbers than these
        kind = np.int64 if _reach(price, fee, last, lot) < _LARGE else object
        price, fee = price.astype(kind), fee.astype(kind)
        few = np.arange(len(at))
        if kind is np.int64:
            few = _cheapest((lot, first, last, step, takes, fee), price, stock[lot], must)
        return _by_size(stock, lot[few], *(one[few] for one in (price, fee, first, last, step, takes, must)))


def _reach(price: _Exact, fee: _Exact, last: Ints, lot: Ints) -> float:
    """No less than what any lot's pairs cost, or earn, together."""
    each = np.abs(price.astype(float)) * last + np.abs(fee.astype(float))
    return float(np.bincount(lot, weights=each).max(initial=0.0))


def _cheapest(same: tuple[_Exact, ...], price: _Exact, stock: Ints, must: Bools) -> Ints:
    """Of pairs of a lot that may take the same, only as many as the stock is enough for; those that must all stay."""
    lot, first, _, _, takes, _ = same
    at = np.lexsort((price, *same[::-1], must))
    fresh = np.ones(len(at), dtype=np.bool_)
    fresh[1:] = must[at[1:]] | np.any([column[at[1:]] != column[at[:-1]] for column in same], axis=0)
    begin = np.flatnonzero(fresh)
    place = np.arange(len(at)) - np.repeat(begin, np.diff(np.append(begin, len(at))))
    at = at[must[at] | (place < stock[at] // np.maximum(takes[at] * first[at], 1))]
    by_lot: Ints = at[np.argsort(lot[at], kind="stable")]
    return by_lot


def _by_size(stock: Ints, lot: Ints, *columns: Any) -> list[int] | None:
    """Decide lots of like stock together; the pairs are sorted by lot."""
    begin = np.searchsorted(lot, np.arange(len(stock) + 1))
    count = np.diff(begin)
    size = np.zeros(len(stock), dtype=np.int64)
    size[count > 0] = np.ceil(np.log2(stock[count > 0] + 1)).astype(np.int64)
    found = [0] * len(stock)
    for power in np.unique(size[count > 0]).tolist():
        some = np.flatnonzero((size == power) & (count > 0))
        some = some[np.argsort(-count[some], kind="stable")]
        best = _decided(stock[some], begin[some], count[some], *columns)
        if best is None:
            return None
        for one, least in zip(some.tolist(), best, strict=True):
            found[one] = least
    return found


def _decided(
    stock: Ints,
    begin: Ints,
    count: Ints,
    price: _Exact,
    fee: _Exact,
    first: Ints,
    last: Ints,
    step: Ints,
    takes: Ints,
    must: Bools,
) -> list[int] | None:
    """Least cost of some lots, those with most pairs first: one pair of each after the other."""
    width = int(stock.max()) + 1
    never = np.array(2**62 if price.dtype != object else 2**250, dtype=price.dtype)
    best = np.zeros((len(stock), width), dtype=price.dtype)
    for place in range(int(count[0])):
        lots = int(np.searchsorted(-count, -place, side="left"))
        pair = begin[:lots] + place
        before = best[:lots]
        after = np.where(must[pair][:, None], never, before)
        most = int((takes[pair] * last[pair]).max(initial=0))
        for weight in range(1, min(most, width - 1) + 1):
            units, rest = np.divmod(weight, takes[pair])
            may = (rest == 0) & (units >= first[pair]) & (units <= last[pair]) & (units % step[pair] == 0)
            some = np.flatnonzero(may)
            if some.size:
                paid = price[pair[some]] * units[some] + fee[pair[some]]
                with_it = before[some, : width - weight] + paid[:, None]
                after[some, weight:] = np.minimum(after[some, weight:], with_it)
        best[:lots] = np.minimum(after, never)
    ends = best[np.arange(len(stock)), stock].tolist()
    # what is added to what cannot be makes it no possibility
    return None if any(end > int(never) // 2 for end in ends) else ends


def is_lot(program: IntegerProgram, rows: Ints) -> Bools:
    """Which rows of what supplies give have a pair that may take several units of it, or is charged for its use.

    Parameters
    ----------
    program
        A component.
    rows
        Rows of what supplies give.
    """
    inside, row = entries_of(program.row_start, rows)
    column = program.row_column[inside]
    several = (program.most > 1) | _charged(program)
    found = np.zeros(len(rows), dtype=np.bool_)
    pairs = (column < len(program.demand_of)) & (several[column] | (program.row_coefficient[inside] > 1))
    found[row[pairs]] = True
    return found


def whole_lots(program: IntegerProgram) -> Ints:
    """Rows of the lots that are worth keeping whole, as far as these are not too many.

    Parameters
    ----------
    program
        A component.

    Returns
    -------
    Rows of what supplies give, those that take the least work first where not all are taken, sorted.
    """
    rows = np.flatnonzero(program.row_kind == RowKind.GIVEN)
    inside, row = entries_of(program.row_start, rows)
    column, coefficient = program.row_column[inside], program.row_coefficient[inside]
    pairs, charged = column < len(program.demand_of), _charged(program)
    own = np.zeros(len(rows), dtype=np.int64)
    plain = (coefficient[~pairs] == -1) & ~charged[column[~pairs]] & (program.least[column[~pairs]] <= 1)
    np.add.at(own, row[~pairs], np.where(plain, 1, 2))
    stock, work, gains = (np.zeros(len(rows)) for _ in range(3))
    np.maximum.at(stock, row[~pairs], program.most[column[~pairs]])
    arcs = column[pairs]
    np.add.at(work, row[pairs], program.most[arcs] // program.step[arcs])
    what = charged[arcs] | (program.least[arcs] > 1) | (program.step[arcs] > 1)
    np.add.at(gains, row[pairs], what & (program.most[arcs] > 0))
    work *= stock
    suits = np.flatnonzero((own == 1) & (gains > 0) & (work <= _ONE))
    suits = suits[np.argsort(work[suits], kind="stable")]
    return np.sort(rows[suits[np.cumsum(work[suits]) <= _ALL]])


def _charged(program: IntegerProgram) -> Bools:
    """Which columns a row charges for their use."""
    charged = np.zeros(len(program.most), dtype=np.bool_)
    charged[program.use_column] = True
    return charged
