"""What a supply may do as a whole: the best set of its pairs, for all supplies at once.

A caregiver has few clients, and their minutes take few different values. So a
set of clients is told by how many of each load it has: those of one load are
worth taking in the order of their prices. All such counts that keep what the
supply can carry are listed once, and a choice under new prices is a sum over
loads and a minimum over counts; in exact integers as well as in floating point.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from aidmatch.arrays import Bools, Ints
from aidmatch.integer_program import NO_LIMIT, IntegerLevel, IntegerProgram, RowKind

__all__ = ["Choices", "Priced", "suited_components"]

#: Most pairs of a supply, most different loads of one, that sets are listed for.
PERSONS: Final = 6
LOADS: Final = 6

Numbers = npt.NDArray[Any]


def suited_components(program: IntegerProgram, component: Ints, count: int) -> Bools:
    """Components in which each supply has few units of few different loads, each pair counts once, and nothing else
    ties pairs together.

    Parameters
    ----------
    program
        The whole.
    component
        Of each column.
    count
        How many there are.

    Returns
    -------
    One entry a component.
    """
    arcs = len(program.demand_of)
    bad = np.zeros(count + 1, dtype=np.bool_)
    odd = program.step != 1
    odd[:arcs] |= (program.most[:arcs] > 1) | (program.least[:arcs] > 1)
    given = slice(arcs + program.demands, arcs + program.demands + program.supplies)
    odd[given] |= program.most[given] > PERSONS
    odd[program.use_column[program.use_column < arcs]] = True
    kinds = (RowKind.SERVED, RowKind.GIVEN, RowKind.LOAD, RowKind.SHORTFALL)
    for kind, start, column in (
        (program.row_kind, program.row_start, program.row_column),
        (program.row_kind, program.use_start, program.use_column),
    ):
        odd[column[~np.isin(np.repeat(kind, np.diff(start)), kinds)]] = True
    # a pair is one unit on both sides
    counted = np.isin(np.repeat(program.row_kind, np.diff(program.row_start)), (RowKind.SERVED, RowKind.GIVEN))
    odd[program.row_column[counted & (np.abs(program.row_coefficient) != 1)]] = True
    load = loads_of(program)
    live = np.flatnonzero(program.most[:arcs] > 0)
    pairs = np.unique(np.stack([program.supply_of[live], load[live]]), axis=1)
    different = np.bincount(pairs[0], minlength=program.supplies)
    odd[given] |= different > LOADS
    bad[component[odd]] = True
    return ~bad[:count]


def loads_of(program: IntegerProgram) -> Ints:
    """What a unit of each arc weighs in its supply's row of loads."""
    load = np.zeros(len(program.most), dtype=np.int64)
    inside = np.repeat(program.row_kind, np.diff(program.row_start)) == RowKind.LOAD
    load[program.row_column[inside]] = program.row_coefficient[inside]
    return load[: len(program.demand_of)]


@dataclass(frozen=True, slots=True)
class Priced:
    """Choices under prices.

    Parameters
    ----------
    worth
        Price of the best set of each supply with each list of counts; nothing that fits is `never`. Shape (supplies,
        counts).
    order
        Arcs by supply, load and price.
    price
        Of the arcs in that order.
    never
        Stands for what does not fit.
    """

    worth: Numbers
    order: Ints
    price: Numbers
    never: Any


class Choices:
    """Sets of pairs of every supply.

    Parameters
    ----------
    program
        The whole.
    inside
        Supplies that count, all of components that are suited.
    """

    def __init__(self, program: IntegerProgram, inside: Bools) -> None:
        arcs, demands = len(program.demand_of), program.demands
        self.arcs, self.supplies = arcs, program.supplies
        self.demand_of, self.supply_of = program.demand_of, program.supply_of
        load = loads_of(program)
        room = np.full(self.supplies, NO_LIMIT)
        rows = program.row_kind == RowKind.LOAD
        room[program.row_node[rows]] = program.row_upper[rows]
        given = slice(arcs + demands, arcs + demands + self.supplies)
        self.given = np.arange(arcs + demands, arcs + demands + self.supplies)
        first, last = program.least[given], np.where(inside, program.most[given], 0)
        #: most pairs of any supply
        self.persons = int(last.max(initial=0))
        self._shortfalls(program)
        live = np.flatnonzero((program.most[:arcs] > 0) & inside[program.supply_of])
        order = live[np.lexsort((load[live], program.supply_of[live]))]
        supply, weight = program.supply_of[order], load[order]
        new = np.ones(len(order), dtype=np.bool_)
        new[1:] = (supply[1:] != supply[:-1]) | (weight[1:] != weight[:-1])
        self._order = order
        #: place in the order at which each load of each supply starts, and the load of each arc in the order
        self._start = np.flatnonzero(new)
        self._block = np.cumsum(new) - 1
        owner = supply[self._start]
        local = np.arange(len(owner)) - np.searchsorted(owner, owner)
        self.loads = int(local.max(initial=-1)) + 1
        self._cell = owner * self.loads + local
        shape = self.supplies, self.loads
        size, each = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        size[owner, local] = np.diff(np.append(self._start, len(order)))
        each[owner, local] = weight[self._start]
        #: of each arc, the place of its load among those of its supply; −1 for what is not used
        self.place_of_load = np.full(arcs, -1)
        self.place_of_load[order] = local[self._block]
        self._begin = np.zeros(shape, dtype=np.int64)
        self._begin[owner, local] = self._start
        self.counts = self._listed()
        self.total = self.counts.sum(axis=1)
        fits = each @ self.counts.T <= room[:, None]
        for place in range(self.loads):
            fits &= (self.counts[:, place] == 0) | (size[:, place, None] > 0)
        fits &= (self.total == 0) | ((self.total >= first[:, None]) & (self.total <= last[:, None]))
        #: the same, as if there were pairs of each load without end, so that few supplies differ
        self.fits_of_many = fits.copy()
        for place in range(self.loads):
            fits &= self.counts[:, place] <= size[:, place, None]
        self.fits = fits

    @cached_property
    def most(self) -> int:
        """No fewer than the pairs of any choice, what it gives, and what its minimum misses or mends, together."""
        return 2 * self.persons + int(max(self.missed.max(initial=0), self._may.max(initial=0)))

    def _listed(self) -> Ints:
        """Counts of each load, by their sum."""
        every = [c for c in product(range(self.persons + 1), repeat=self.loads) if sum(c) <= self.persons]
        every.sort(key=lambda counts: (sum(counts), counts))
        return np.array(every, dtype=np.int64).reshape(len(every), self.loads)

    def _shortfalls(self, program: IntegerProgram) -> None:
        """The column that says what a supply's minimum misses, and what it must or may be for each number of pairs."""
        self.short = np.full(self.supplies, -1)
        number = np.arange(self.persons + 1)
        #: what each number of pairs of each supply misses of its minimum at least, shape (supplies, numbers)
        self.missed = np.zeros((self.supplies, self.persons + 1), dtype=np.int64)
        self._may = np.zeros((self.supplies, self.persons + 1), dtype=np.int64)
        for row in np.flatnonzero(program.row_kind == RowKind.SHORTFALL).tolist():
            node = int(program.row_node[row])
            entries = slice(int(program.row_start[row]), int(program.row_start[row + 1]))
            used = slice(int(program.use_start[row]), int(program.use_start[row + 1]))
            column = int(program.row_column[entries][-1])
            self.short[node] = column
            if program.row_coefficient[entries][-1] < 0:
                least = int(program.use_coefficient[used].sum())
                self.missed[node] = np.where(number > 0, np.maximum(0, least - number), 0)
                self._may[node] = program.most[column]
            else:
                self._may[node] = np.minimum(number, program.most[column])

    def tail(self, cost: Numbers, scale: Numbers | int = 1) -> Numbers:
        """What each number of pairs costs a supply besides the pairs, at some costs of columns, times a scale."""
        known = self.short >= 0
        each = np.where(known, cost[self.short], 0)
        filled = np.where(each[:, None] < 0, self._may, self.missed) * each[:, None]
        filled = filled + np.arange(self.persons + 1) * cost[self.given][:, None]
        return filled * (scale if np.ndim(scale) == 0 else np.asarray(scale)[:, None])

    def priced(self, price: Numbers, tail: Numbers) -> Priced:
        """Price every choice.

        Parameters
        ----------
        price
            Of each arc.
        tail
            Of each number of pairs of each supply.
        """
        never: Any = np.iinfo(np.int64).max if price.dtype == np.int64 else np.inf
        own = price[self._order]
        by_price = np.lexsort((own, self._block))
        own = own[by_price]
        rank = np.arange(len(own)) - self._start[self._block] if len(own) else np.zeros(0, dtype=np.int64)
        few = rank < self.persons
        sums = np.zeros((self.supplies * self.loads, self.persons + 1), dtype=price.dtype)
        sums[self._cell[self._block[few]], rank[few] + 1] = own[few]
        first = np.cumsum(sums, axis=1).reshape(self.supplies, self.loads, self.persons + 1)
        worth = tail[:, self.total]
        for place in range(self.loads):
            worth = worth + first[:, place, self.counts[:, place]]
        worth[~self.fits] = never
        return Priced(worth, self._order[by_price], own, never)

    def chosen(self, priced: Priced, supply: Ints, count: Ints) -> Ints:
        """Arcs of the best sets of some supplies with some lists of counts; `arcs` fills the rest of each row."""
        found = np.full((len(supply), self.persons), self.arcs, dtype=np.int64)
        at = np.zeros(len(supply), dtype=np.int64)
        for place in range(self.loads):
            wanted = self.counts[count, place]
            for rank in range(self.persons):
                here = np.flatnonzero(wanted > rank)
                if not len(here):
                    break
                found[here, at[here]] = priced.order[self._begin[supply[here], place] + rank]
                at[here] += 1
        return found

    @cached_property
    def blocks(self) -> Ints:
        """Where the lists of counts of each sum start."""
        return np.searchsorted(self.total, np.arange(self.persons + 2))

    def with_arc(self, priced: Priced) -> Numbers:
        """The best choice of its supply that has an arc, of each arc; `never` where there is none."""
        least = np.full((self.supplies * self.loads, self.persons + 1), priced.never, dtype=priced.worth.dtype)
        for place in range(self.loads):
            for number in range(1, self.persons + 1):
                of = np.flatnonzero(self.counts[:, place] == number)
                if len(of):
                    least[np.arange(self.supplies) * self.loads + place, number] = priced.worth[:, of].min(axis=1)
        best = np.full(self.arcs, priced.never, dtype=priced.worth.dtype)
        if not len(priced.order):
            return best
        cell, begin = self._cell[self._block], self._start[self._block]
        last = np.append(self._start[1:], len(priced.order))[self._block] - 1
        for number in range(1, self.persons + 1):
            # an arc that is not among the first takes the place of the last of them
            other = np.minimum(begin + number - 1, last)
            more = np.maximum(0, priced.price - priced.price[other])
            known = least[cell, number] != priced.never
            worth = np.where(known, np.where(known, least[cell, number], 0) + more, priced.never)
            best[priced.order] = np.minimum(best[priced.order], worth)
        return best

    def costs(self, level: IntegerLevel, supply: Ints, arcs: Ints) -> Ints:
        """Cost of sets at a level, as `chosen` gives them."""
        each = np.append(level.cost[: self.arcs], 0)
        number = (arcs < self.arcs).sum(axis=1)
        cost: Ints = each[arcs].sum(axis=1) + self.tail(level.cost)[supply, number]
        return cost
