"""One level of a component in which every supply is a knapsack of many pairs of many loads.

What the pairs of a supply cost at some multipliers of the demands is one exact
choice by dynamic programming over what it can carry. The multipliers are a
certificate like any other (supplies kept whole), and every pair gets the least
cost of a knapsack that has it. `cutting.py` and `generating.py` look for
multipliers that bound well; nothing rests on how they were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from aidmatch.arrays import Bools, Floats, Ints, entries_of
from aidmatch.engine.gathered import Gathered, gathered
from aidmatch.engine.lagrange import cheapest_of_each_load, filled, packable, work_of
from aidmatch.engine.relaxed import Relaxed
from aidmatch.integer_program import IntegerLevel, IntegerProgram, RowKind

__all__ = ["Knapsacks", "Priced", "suits"]

#: Numbers that pricing all supplies once may touch.
WORK: Final = 2e7
#: Above what any pair costs.
_NEVER: Final = 2**61
#: Largest multiplier, times the scale, that exact sums are sure of.
_LARGEST: Final = 2.0**50
_KINDS: Final = (RowKind.SERVED, RowKind.GIVEN, RowKind.LOAD, RowKind.SHORTFALL)


def suits(program: IntegerProgram) -> bool:
    """Whether every supply of a component is a knapsack, and nothing else ties its pairs together.

    Parameters
    ----------
    program
        The component.
    """
    given = np.flatnonzero(program.row_kind == RowKind.GIVEN)
    if not np.isin(program.row_kind, _KINDS).all() or not (program.row_kind == RowKind.LOAD).any():
        return False
    if (program.use_column < len(program.demand_of)).any() or len(packable(program)) < len(given):
        return False
    return work_of(program, given) <= WORK


@dataclass(frozen=True, slots=True)
class Priced:
    """What knapsacks cost at some multipliers.

    Parameters
    ----------
    bound
        What the multipliers prove of the level, but for rounding.
    demand
        Multipliers of the demands.
    above
        Multipliers of the levels above.
    chosen
        Pairs in the best knapsack of each supply.
    """

    bound: float
    demand: Floats
    above: Floats
    chosen: list[Ints]


class Knapsacks:
    """The supplies of one level of one component as knapsacks, and the best multipliers of the demands so far.

    Parameters
    ----------
    of
        The level, with the multipliers of its relaxation, and what is known.
    """

    def __init__(self, of: Relaxed) -> None:
        program = of.plain
        self.of, self._program, self.arcs = of, program, len(program.demand_of)
        self._rows = np.flatnonzero(program.row_kind == RowKind.GIVEN)
        self.sacks: list[Gathered] = list(gathered(program, self._rows))
        self._served_rows = of.served_rows
        entries, rows = entries_of(program.row_start, self._served_rows)
        columns = program.row_column[entries]
        own = columns >= self.arcs
        #: column of what each demand is served, and the place of the demand of each pair
        self.served = np.zeros(len(self._served_rows), dtype=np.int64)
        self.served[rows[own]] = columns[own]
        self.demand = np.zeros(self.arcs, dtype=np.int64)
        self.demand[columns[~own]] = rows[~own]
        self.own: IntegerLevel = of.part.program.levels[of.row]
        #: the levels above that are sums, each with the most it may be, and their numbers
        self.above = [(level, budget) for level, budget in of.plain_budgets if not level.largest]
        self.place = [place for place, (level, _) in enumerate(of.plain_budgets) if not level.largest]
        levels = [self.own, *(level for level, _ in self.above)]
        #: whether a demand may be in two knapsacks and leave one of them, which costs nothing
        self.covers = all(one.short < 0 and one.least <= 1 for one in self.sacks) and all(
            (level.cost[: self.arcs] >= 0).all() and (level.cost[[one.given for one in self.sacks]] == 0).all()
            for level in levels
        )
        #: of the best multipliers so far, to begin with those of the relaxation of pairs
        self.best = self.priced(*self._relaxed())
        #: how much of each column a relaxation takes that knows of knapsacks, if there was one
        self.taken = np.zeros(len(program.most))

    def price(self, y: Floats, above: Floats) -> Priced:
        """Price knapsacks, and note the multipliers if they are the best so far.

        Parameters
        ----------
        y, above
            Multipliers of the demands and of the levels above.
        """
        priced = self.priced(y, above)
        self.best = max(self.best, priced, key=lambda one: one.bound)
        return priced

    def _relaxed(self) -> tuple[Floats, Floats]:
        """The multipliers of the relaxation of pairs."""
        tree, scale = self.of.tree, self._program.scale
        y = np.zeros(len(self._program.row_kind))
        inside = tree.rows < len(y)
        y[tree.rows[inside]] = tree.multipliers[0][inside] / scale
        above = tree.above[0][self.place] / scale if len(self.place) else np.zeros(0)
        return y[self._served_rows], above

    def priced(self, y: Floats, above: Floats) -> Priced:
        """The best knapsack of each supply at some multipliers, and the bound they give."""
        if self.covers:
            y = np.maximum(y, 0.0)
        program = self._program
        cost, bound = self._weighed(y, above, 1.0)
        nothing = np.zeros(len(cost))
        low, high = np.zeros_like(program.most), program.most
        chosen = []
        for one in self.sacks:
            may = program.most[one.arcs] > 0
            tail = one.tail(cost, nothing, low, high)
            taken = filled(cost[one.arcs], one.load, one.capacity, np.zeros_like(may), may, tail) > 0
            number = tail[int(taken.sum())]
            bound += float(cost[one.arcs][taken].sum()) + (0.0 if number is None else float(number))
            chosen.append(one.arcs[taken])
        return Priced(bound, y, above, chosen)

    def _weighed(self, y: Floats | Ints, above: Floats | Ints, scale: float) -> tuple[Any, Any]:
        """Costs of the columns with all multipliers weighed in, and the bound without the supplies; over a scale.

        In whole numbers if the multipliers are whole and the scale is.
        """
        cost, bound = self.own.cost * scale, self.own.constant * scale
        for (level, budget), weight in zip(self.above, above.tolist(), strict=True):
            cost = cost + weight * level.cost
            bound += weight * (level.constant - budget)
        cost[: self.arcs] -= y[self.demand]
        served = cost[self.served] + y
        least, most = self._program.least[self.served], self._program.most[self.served]
        each = np.where(most >= least, np.minimum(0, np.minimum(served * least, served * most)), 0)
        return cost, bound + each.sum().item()

    def prove(self) -> None:
        """Put the best multipliers into the level's proof, and what each pair costs more than the bound."""
        of, scale = self.of, self._program.scale
        y, above = (
            np.rint(np.clip(np.nan_to_num(one) * scale, -_LARGEST, _LARGEST)).astype(np.int64)
            for one in (self.best.demand, self.best.above)
        )
        weights = np.zeros(of.row, dtype=np.int64)
        weights[self.place] = above
        some = np.flatnonzero(y)
        of.prove(replace(of.one_leaf(self._served_rows[some], y[some], weights), packed=self._rows))
        closing = self._closing(y, above)
        if closing is not None:
            of.close_by(*closing, self.taken)

    def _closing(self, y: Ints, above: Ints) -> tuple[int, Ints] | None:
        """The bound at some multipliers, and how much more an answer costs that has each pair; over the scale, exact.

        None where sums may leave 64 bits.
        """
        program, scale = self._program, self._program.scale
        weights = [
            (self.own, scale),
            *((level, weight) for (level, _), weight in zip(self.above, above.tolist(), strict=True)),
        ]
        dearest = sum(float(weight) * float(np.abs(level.cost).max(initial=0)) for level, weight in weights)
        most = 2 * self.arcs + max((one.minimum + one.missing for one in self.sacks), default=0)
        if (dearest + float(np.abs(y).max(initial=0))) * most >= _LARGEST * 2**10:
            return None
        cost, bound = self._weighed(y, above, scale)
        more = np.zeros(self.arcs, dtype=np.int64)
        nothing, low, high = np.zeros(len(cost), dtype=np.int64), np.zeros_like(program.most), program.most
        for one in self.sacks:
            tail = one.tail(cost, nothing, low, high)
            best, with_arc = _with_each(cost[one.arcs], one.load, one.capacity, program.most[one.arcs] > 0, tail)
            bound += best
            more[one.arcs] = with_arc - best
        return bound, more


def _with_each(price: Ints, load: Ints, capacity: int, may: Bools, tail: Sequence[int | None]) -> tuple[int, Ints]:
    """Least price of pairs whose loads fit together, and least price of those that have each pair; `_NEVER` if none.

    What each number of pairs costs besides is in both. By dynamic programming over the capacity, and over numbers where
    these matter, from both ends of the pairs that are worth taking.
    """
    fits = may & (load <= capacity)
    unit = max(1, int(np.gcd.reduce(load[fits], initial=0)))
    load, capacity = load // unit, capacity // unit
    more = int(any(one != tail[0] for one in tail))
    tail = tail[: 1 + max(number for number, one in enumerate(tail) if one is not None)]
    if more:
        some = cheapest_of_each_load(np.flatnonzero(fits), price, load, len(tail) - 1)
    else:
        some = np.flatnonzero(fits & (price < 0))
    deep = len(tail) if more else 1
    ends = np.array([_NEVER if one is None else one for one in tail[:deep]], dtype=np.int64)
    # of each number of those before a pair, and behind it, what fits into each capacity
    ahead, behind = (np.full((len(some) + 1, deep, capacity + 1), _NEVER) for _ in range(2))
    for rows, places in ((ahead, range(len(some))), (behind, range(len(some) - 1, -1, -1))):
        line = rows[len(some)]
        line[0] = 0
        for place in places:
            rows[place] = line
            cut = int(load[some[place]])
            fewer = rows[place, : deep - more, : capacity + 1 - cut] + price[some[place]]
            line[more:, cut:] = np.minimum(line[more:, cut:], fewer)
    best = ahead[len(some)]
    with_each = np.full(len(price), _NEVER)
    with_each[fits] = (
        price[fits] + (best[: deep - more] + ends[more:, None]).min(axis=0, initial=_NEVER)[capacity - load[fits]]
    )
    for place, item in enumerate(some.tolist()):
        room, worth = capacity - int(load[item]), _NEVER
        for first in range(deep - more):
            behind_it = behind[place, : deep - more - first] + ends[first + more :, None]
            worth = min(worth, int((ahead[place, first, : room + 1] + behind_it.min(axis=0)[room::-1]).min()))
        with_each[item] = price[item] + worth
    with_each[with_each > _NEVER // 2] = _NEVER
    return int((best[:, -1] + ends).min()), with_each
