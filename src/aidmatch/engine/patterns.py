"""Bounds from sets of clients: column generation over what each supply may do as a whole.

A supply's pairs are chosen as one pattern, which keeps what it can carry, how
many it takes and what its minimum misses (Savelsbergh 1997, for generalized
assignment; Dantzig and Wolfe 1960). The linear program over patterns bounds far
more tightly than the one over pairs, and its multipliers of demands and of the
levels above are a certificate like any other: with them each supply is decided
by itself, and whole. All components stand in one master, which is
block-diagonal, and are priced in one pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from aidmatch.arrays import Bools, Floats, Ints
from aidmatch.engine.bounds import MOST
from aidmatch.engine.choices import Choices, Priced, suited_components
from aidmatch.integer_program import IntegerLevel, IntegerProgram
from aidmatch.solvers.growing import Growing, GrowingAnswer, GrowingSolver

__all__ = ["Begun", "Patterns", "Raised"]

#: A set with a reduced cost above this does not help.
_HELPS: Final = -1e-6
#: What no sum may reach that is to be exact in 64 bits.
_SURE: Final = 2.0**62
_ROUNDS: Final = 500

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Raised:
    """What one level's master says.

    Parameters
    ----------
    bound
        Of each component, exact, without what is constant.
    demand
        Multipliers of demands over the scale.
    above
        Multipliers of the budgets of the levels above over the scale, shape (levels above, components).
    taken
        How much of each arc the linear program takes.
    whole
        Components in which what it takes is whole.
    reduced
        What the best choice of its supply with an arc costs more than the best one, over the scale; exact.
    """

    bound: Ints
    demand: Ints
    above: Ints
    taken: Floats
    whole: Bools
    reduced: Ints


@dataclass(frozen=True, slots=True)
class Begun:
    """What is known of a level before sets are generated.

    Parameters
    ----------
    demand
        Multipliers of all demands.
    above
        Multipliers of all levels above, shape (levels above, components).
    taken
        How much of each arc a relaxation takes.
    relaxed
        Components of which there was a relaxation.
    reached
        Bounds of the components at which nothing is left to prove, without what is constant.
    """

    demand: Floats
    above: Floats
    taken: Floats
    relaxed: Bools
    reached: Ints


class Patterns:
    """The master of all components that patterns suit.

    Parameters
    ----------
    program
        The whole.
    component
        Of each column.
    count
        How many components there are.
    solver
        Has linear programs that grow.
    scale
        What multipliers are divided by.
    """

    def __init__(self, program: IntegerProgram, component: Ints, count: int, solver: GrowingSolver, scale: int) -> None:
        arcs, demands, supplies = len(program.demand_of), program.demands, program.supplies
        self.program, self.count, self.scale = program, count, scale
        self.suited = suited_components(program, component, count)
        ok = np.append(self.suited, False)
        of_demand, of_supply = component[arcs : arcs + demands], component[arcs + demands :][:supplies]
        self.demands = np.flatnonzero(ok[of_demand])
        self.supplies = np.flatnonzero(ok[of_supply])
        #: where what is of no suited component is counted
        self._of_demand = np.where(ok[of_demand], of_demand, count)
        self._of_supply = np.where(ok[of_supply], of_supply, count)
        self.choices = Choices(program, ok[of_supply])
        self._demand_row = np.full(demands, -1)
        self._demand_row[self.demands] = np.arange(len(self.demands))
        self._supply_row = np.full(supplies, -1)
        self._supply_row[self.supplies] = len(self.demands) + np.arange(len(self.supplies))
        self._rows = len(self.demands) + len(self.supplies)
        self._served = arcs + self.demands
        #: the sets so far: supplies, and arcs as `Choices.chosen` gives them
        self.supply = np.zeros(0, dtype=np.int64)
        self.sets = np.zeros((0, self.choices.persons), dtype=np.int64)
        self._known: set[bytes] = set()
        #: levels above with a cost: number, level, budgets and rows of the components
        self._budgets: list[tuple[int, IntegerLevel, Ints, Ints]] = []
        self._master: Growing = solver.growing()
        if self._rows:
            self._begin()

    def _begin(self) -> None:
        n, m = len(self.demands), len(self.supplies)
        nothing = np.zeros(0, dtype=np.int64)
        self._master.add_rows(
            np.concatenate([np.zeros(n), np.full(m, -np.inf)]),
            np.concatenate([np.zeros(n), np.ones(m)]),
            np.zeros(n + m, dtype=np.int64),
            nothing,
            nothing.astype(float),
        )
        most = self.program.most[self._served].astype(float)
        self._master.add_columns(np.zeros(n), np.zeros(n), most, np.arange(n), np.arange(n), np.full(n, -1.0))

    # --- the master

    def know(self, values: Ints) -> None:
        """Add the sets of an answer, which make every later program feasible."""
        used = np.flatnonzero((values[: self.choices.arcs] > 0) & (self._supply_row[self.program.supply_of] >= 0))
        used = used[np.argsort(self.program.supply_of[used], kind="stable")]
        owner, first, number = np.unique(self.program.supply_of[used], return_index=True, return_counts=True)
        sets = np.full((len(owner), self.choices.persons), self.choices.arcs, dtype=np.int64)
        for rank in range(self.choices.persons):
            has = number > rank
            sets[has, rank] = used[first[has] + rank]
        self._add_new(owner, sets, None)

    def _add(self, supply: Ints, sets: Ints, level: IntegerLevel | None) -> None:
        from scipy.sparse import csc_array

        if not len(supply):
            return
        place = np.arange(len(supply))
        row, column = np.nonzero(sets < self.choices.arcs)
        rows = [self._demand_row[self.program.demand_of[sets[row, column]]], self._supply_row[supply]]
        columns, values = [row, place], [np.ones(len(row)), np.ones(len(supply))]
        for _, above, _, held in self._budgets:
            cost = self.choices.costs(above, supply, sets)
            costly = np.flatnonzero(cost)
            rows.append(held[self._of_supply[supply[costly]]])
            columns.append(costly)
            values.append(cost[costly].astype(float))
        height = self._rows
        entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        matrix = csc_array(entries, shape=(height, len(supply)))
        none = np.zeros(len(supply), dtype=np.int64)
        own = none if level is None else self.choices.costs(level, supply, sets)
        self._master.add_columns(
            own.astype(float),
            np.zeros(len(supply)),
            np.full(len(supply), np.inf),
            matrix.indptr[:-1].astype(np.int64),
            matrix.indices.astype(np.int64),
            matrix.data,
        )
        self.supply = np.concatenate([self.supply, supply])
        self.sets = np.concatenate([self.sets, sets])

    def costs(self, level: IntegerLevel) -> Ints:
        """Of the master's columns."""
        return np.concatenate([level.cost[self._served], self.choices.costs(level, self.supply, self.sets)])

    def hold(self, number: int, level: IntegerLevel, budget: Ints) -> None:
        """Let later levels be no worse at this one.

        Parameters
        ----------
        number
            Of the level.
        level
            The level.
        budget
            The most it may be in each component, without what is constant.
        """
        from scipy.sparse import csr_array

        cost = self.costs(level)
        label = np.concatenate([self._of_demand[self.demands], self._of_supply[self.supply]])
        costly = np.flatnonzero(cost)
        # also sets that come later may cost something
        some = np.unique(np.concatenate([label[costly], self._costly(level)]))
        some = some[some < self.count]
        if not len(some):
            return
        place = np.full(self.count + 1, -1)
        place[some] = np.arange(len(some))
        matrix = csr_array((cost[costly].astype(float), (place[label[costly]], costly)), shape=(len(some), len(cost)))
        self._master.add_rows(
            np.full(len(some), -np.inf),
            budget[some].astype(float),
            matrix.indptr[:-1].astype(np.int64),
            matrix.indices.astype(np.int64),
            matrix.data,
        )
        self._budgets.append((number, level, budget, np.where(place >= 0, self._rows + place, -1)))
        self._rows += len(some)

    def _costly(self, level: IntegerLevel) -> Ints:
        """Components whose sets may cost something at a level."""
        arc = np.flatnonzero(level.cost[: self.choices.arcs])
        some = [self._of_supply[self.program.supply_of[arc]]]
        some.append(self._of_supply[np.flatnonzero(self.choices.tail(level.cost).any(axis=1))])
        return np.concatenate(some)

    # --- bounds

    def raised(
        self, level: IntegerLevel, end: float | None, clock: Clock = time.monotonic, begun: Begun | None = None
    ) -> Raised | None:
        """Solve the master of a level by generating sets.

        Parameters
        ----------
        level
            What is minimized.
        end, clock
            When to stop, and what tells the time.
        begun
            Multipliers to begin with, whose best sets are added first.

        Returns
        -------
        The best bounds, which hold whenever it stops; None if there was no time for any.
        """
        if not self._rows:
            return None
        self._master.set_costs(self.costs(level).astype(float))
        best: tuple[Ints, Ints, Ints] | None = None
        answer: GrowingAnswer | None = None
        if begun is not None:
            y, above = self._whole(begun.demand, begun.above)
            if self._is_sure(level, y, above):
                priced, bound = self._bound(level, y, above)
                best = bound, y, above
                # of each supply, the best set and those that are nearly as good
                self._generated(level, priced, np.minimum(0, priced.worth.min(axis=1)) + 0.5 * self.scale)
        for _ in range(_ROUNDS):
            if best is not None and begun is not None and (-(-best[0] // self.scale) >= begun.reached).all():
                break
            answer = self._master.solve(None if end is None else max(0.0, end - clock()))
            if answer is None or not answer.optimal:
                break
            y, above = self._multipliers(answer.duals)
            if not self._is_sure(level, y, above):
                break
            priced, bound = self._bound(level, y, above)
            best = self._better(best, bound, y, above)
            sigma = np.zeros(len(self._of_supply))
            sigma[self.supplies] = answer.duals[len(self.demands) :][: len(self.supplies)] * self.scale
            helped = self._generated(level, priced, sigma)
            if not helped or (end is not None and clock() >= end):
                break
        if best is None:
            return None
        if answer is not None and (answer.optimal or begun is None):
            taken, whole = self._taken(answer.values)
        elif begun is not None:
            taken, whole = begun.taken, self._whole_components(begun.taken) & begun.relaxed
        else:
            taken, whole = np.zeros(self.choices.arcs), np.zeros(self.count, dtype=np.bool_)
        priced, _ = self._bound(level, best[1], best[2])
        return Raised(best[0], best[1], self._by_level(best[2]), taken, whole, self._reduced(priced))

    def _by_level(self, above: Ints) -> Ints:
        """Multipliers of all levels above, those without a cost included."""
        found = np.zeros((1 + max((number for number, *_ in self._budgets), default=-1), self.count), dtype=np.int64)
        for (number, *_), weight in zip(self._budgets, above, strict=True):
            found[number] = weight[:-1]
        return found

    def _whole(self, demand: Floats, above: Floats) -> tuple[Ints, Ints]:
        """Rounded multipliers of demands, and of each budget in each component, from those of all levels above."""
        y, weights = (
            np.rint(np.clip(np.nan_to_num(one) * self.scale, -MOST, MOST)).astype(np.int64) for one in (demand, above)
        )
        of_budgets = np.zeros((len(self._budgets), self.count + 1), dtype=np.int64)
        for place, (number, _, _, held) in enumerate(self._budgets):
            of_budgets[place, :-1] = np.where(held[:-1] >= 0, np.maximum(0, weights[number]), 0)
        return y, of_budgets

    def _whole_components(self, taken: Floats) -> Bools:
        """Components in which all arcs are taken whole."""
        broken = np.flatnonzero((taken > 1e-6) & (taken < 1 - 1e-6))
        whole = np.append(self.suited, False)
        whole[self._of_supply[self.program.supply_of[broken]]] = False
        return whole[:-1]

    def _multipliers(self, duals: Floats) -> tuple[Ints, Ints]:
        """Rounded multipliers: of demands, and of each budget in each component."""
        scaled = np.rint(np.clip(np.nan_to_num(duals) * self.scale, -MOST, MOST)).astype(np.int64)
        y = np.zeros(len(self._of_demand), dtype=np.int64)
        y[self.demands] = scaled[: len(self.demands)]
        above = np.zeros((len(self._budgets), self.count + 1), dtype=np.int64)
        for number, (_, _, _, held) in enumerate(self._budgets):
            known = held >= 0
            above[number, known] = np.maximum(0, -scaled[held[known]])
        return y, above

    def _is_sure(self, level: IntegerLevel, y: Ints, above: Ints) -> bool:
        """Whether no sum of a bound leaves 64 bits."""
        size = float(np.abs(level.cost).max(initial=0)) * self.scale + float(np.abs(y).max(initial=0))
        given = 0.0
        for (_, higher, budget, _), weight in zip(self._budgets, above, strict=True):
            heaviest = float(weight.max(initial=0))
            size += heaviest * float(np.abs(higher.cost).max(initial=0))
            given += heaviest * float(np.abs(budget).max(initial=0))
        numbers = float(self.program.most[self._served].sum()) + self.choices.most * len(self.supplies)
        return size * numbers + given < _SURE

    def _bound(self, level: IntegerLevel, y: Ints, above: Ints) -> tuple[Priced, Ints]:
        """Choices at multipliers, and the bound of each component, times the scale; all of it exact."""
        program, choices = self.program, self.choices
        price = level.cost[: choices.arcs] * self.scale - y[program.demand_of]
        served = level.cost[choices.arcs :][: program.demands] * self.scale + y
        tail = choices.tail(level.cost, self.scale)
        total = np.zeros(self.count + 1, dtype=np.int64)
        for (_, higher, budget, _), weight in zip(self._budgets, above, strict=True):
            of_supply, of_demand = weight[self._of_supply], weight[self._of_demand]
            price = price + of_supply[program.supply_of] * higher.cost[: choices.arcs]
            served = served + of_demand * higher.cost[choices.arcs :][: program.demands]
            tail = tail + choices.tail(higher.cost, of_supply)
            total[:-1] -= weight[:-1] * budget
        priced = choices.priced(price, tail)
        columns = choices.arcs + np.arange(program.demands)
        least, most = program.least[columns], program.most[columns]
        each = np.where(most >= least, np.minimum(0, np.minimum(served * least, served * most)), 0)
        np.add.at(total, self._of_demand, each)
        np.add.at(total, self._of_supply, np.minimum(0, priced.worth.min(axis=1)))
        return priced, total[:-1]

    def _better(self, best: tuple[Ints, Ints, Ints] | None, bound: Ints, y: Ints, above: Ints) -> Any:
        if best is None:
            return bound, y, above
        higher = np.append(bound > best[0], False)
        return (
            np.maximum(bound, best[0]),
            np.where(higher[self._of_demand], y, best[1]),
            np.where(higher, above, best[2]),
        )

    def _generated(self, level: IntegerLevel, priced: Priced, sigma: Floats) -> bool:
        """Add the best set of each number of pairs, where it helps."""
        supplies, counts = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        ends = self.choices.blocks.tolist()
        least = sigma + _HELPS * self.scale
        for number in range(1, self.choices.persons + 1):
            block = priced.worth[:, ends[number] : ends[number + 1]]
            if not block.shape[1]:
                continue
            place = block.argmin(axis=1)
            helps = np.flatnonzero((block[np.arange(len(block)), place] < least) & (self._supply_row >= 0))
            supplies.append(helps)
            counts.append(ends[number] + place[helps])
        supply, count = np.concatenate(supplies), np.concatenate(counts)
        return self._add_new(supply, self.choices.chosen(priced, supply, count), level)

    def _add_new(self, supply: Ints, sets: Ints, level: IntegerLevel | None) -> bool:
        """Add sets that are not there; rounded multipliers would bring some in again and again."""
        sets = np.sort(sets, axis=1)
        new = []
        for place, one in enumerate(sets):
            key = one.tobytes()
            if key not in self._known:
                self._known.add(key)
                new.append(place)
        self._add(supply[new], sets[new], level)
        return bool(new)

    def _taken(self, values: Floats) -> tuple[Floats, Bools]:
        share = values[len(self.demands) :]
        share = np.append(share, np.zeros(len(self.supply) - len(share)))
        taken = np.zeros(self.choices.arcs + 1)
        np.add.at(taken, self.sets, share[:, None])
        broken = np.flatnonzero((share > 1e-6) & (share < 1 - 1e-6))
        whole = np.append(self.suited, False)
        whole[self._of_supply[self.supply[broken]]] = False
        return taken[:-1], whole[:-1]

    def _reduced(self, priced: Priced) -> Ints:
        best = priced.worth.min(axis=1)[self.program.supply_of]
        with_arc = self.choices.with_arc(priced)
        reduced: Ints = np.where(with_arc == priced.never, priced.never, with_arc - best)
        return reduced
