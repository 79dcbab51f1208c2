"""Bounds from what each supply can carry as a whole, where that is many pairs of many loads.

Each supply's pairs are a knapsack. The linear program over whole knapsacks is
solved by generating those that help (Savelsbergh 1997, for generalized
assignment), at multipliers between the best ones so far and the master's own,
which jump about (Wentges 1997; how far between follows what each step gave, as
in Pessoa and others 2018). Its multipliers are a
certificate like any other, and every pair gets the least cost of a knapsack
that has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from aidmatch.arrays import Bools, Floats, Ints, entries_of
from aidmatch.engine.gathered import Gathered, gathered
from aidmatch.engine.lagrange import filled, packable
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.timing import Clock
from aidmatch.integer_program import IntegerLevel, IntegerProgram, RowKind
from aidmatch.solvers.growing import GrowingSolver

__all__ = ["Knapsacks", "is_long", "suits"]

#: Numbers that pricing all supplies once may touch.
WORK: Final = 2e7
#: Where between the best multipliers (1) and the master's own (0) knapsacks are priced: at first, nearest and farthest;
#: what is farther after a step that was better, and what part of the way to the best after one that was not.
SMOOTH: Final = 0.95
NEAREST: Final = 0.99
FARTHEST: Final = 0.5
AWAY: Final = 0.1
BACK: Final = 0.3
#: Demands for each supply above which generating knapsacks gains nothing.
LONG: Final = 60
#: A knapsack with a reduced cost above this does not help.
_HELPS: Final = -1e-6
_ROUNDS: Final = 1_000
#: Above what any pair costs.
_NEVER: Final = 2**61
#: Largest multiplier, times the scale, that exact sums are sure of.
_LARGEST: Final = 2.0**50
#: What is more of a knapsack than rounding.
_SOME: Final = 1e-9
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
    return sum(float(len(one.arcs)) * (one.capacity + 1) for one in gathered(program, given)) <= WORK


def is_long(program: IntegerProgram) -> bool:
    """Whether a supply has so many demands that generating knapsacks does not end, and bounds no better than pairs.

    Parameters
    ----------
    program
        The component.
    """
    rows = [int((program.row_kind == kind).sum()) for kind in (RowKind.SERVED, RowKind.GIVEN)]
    return rows[0] > LONG * rows[1]


class Knapsacks:
    """The master of one level of one component.

    Parameters
    ----------
    of
        The level, with the multipliers of its relaxation, and what is known.
    solver
        Has linear programs that grow.
    """

    def __init__(self, of: Relaxed, solver: GrowingSolver) -> None:
        program = of.plain
        self._of, self._program, self._arcs = of, program, len(program.demand_of)
        self._rows = np.flatnonzero(program.row_kind == RowKind.GIVEN)
        self._sacks: list[Gathered] = list(gathered(program, self._rows))
        served = np.flatnonzero(program.row_kind == RowKind.SERVED)
        self._served_rows = served
        entries, rows = entries_of(program.row_start, served)
        columns = program.row_column[entries]
        own = columns >= self._arcs
        #: column of what each demand is served, and the place of the demand of each arc
        self._served = np.zeros(len(served), dtype=np.int64)
        self._served[rows[own]] = columns[own]
        self._demand = np.zeros(self._arcs, dtype=np.int64)
        self._demand[columns[~own]] = rows[~own]
        self._above = [(level, budget) for level, budget in of.plain_budgets if not level.largest]
        self._place = [place for place, (level, _) in enumerate(of.plain_budgets) if not level.largest]
        levels = [of.part.program.levels[of.row], *(level for level, _ in self._above)]
        # a demand may be in two knapsacks and leave one of them, where that costs nothing
        self._covers = all(one.short < 0 for one in self._sacks) and all(
            (level.cost[: self._arcs] >= 0).all() and (level.cost[[one.given for one in self._sacks]] == 0).all()
            for level in levels
        )
        #: the knapsacks so far: whose they are, what they cost at the level, and their arcs
        self._owner: list[int] = []
        self._costs: list[int] = []
        self._sets: list[Ints] = []
        self._known: set[tuple[int, bytes]] = set()
        self._master = solver.growing()
        self._begin(levels)

    def _begin(self, levels: Sequence[IntegerLevel]) -> None:
        n, m, h = len(self._served), len(self._sacks), len(self._above)
        lower = np.concatenate([np.zeros(n), np.full(m + h, -np.inf)])
        free = np.full(n, np.inf) if self._covers else np.zeros(n)
        budgets = np.array([budget - level.constant for level, budget in self._above], dtype=float)
        upper = np.concatenate([free, np.ones(m), budgets])
        nothing = np.zeros(0, dtype=np.int64)
        self._master.add_rows(lower, upper, np.zeros(n + m + h, dtype=np.int64), nothing, np.zeros(0))
        entries = [[(i, -1.0)] for i in range(n)]
        for place, (level, _) in enumerate(self._above):
            for i, cost in enumerate(level.cost[self._served].tolist()):
                if cost:
                    entries[i].append((n + m + place, float(cost)))
        own = levels[0].cost[self._served].astype(float)
        self._add_columns(own, self._program.most[self._served].astype(float), entries)
        # what is known makes the master feasible
        values = self._of.part.values
        self._add([(k, one.arcs[values[one.arcs] > 0]) for k, one in enumerate(self._sacks)])

    def _add_columns(self, cost: Floats, upper: Floats, entries: Sequence[Sequence[tuple[int, float]]]) -> None:
        size = np.array([len(one) for one in entries], dtype=np.int64)
        row = np.array([row for one in entries for row, _ in one], dtype=np.int64)
        value = np.array([value for one in entries for _, value in one], dtype=float)
        start = np.cumsum(size) - size
        self._master.add_columns(cost, np.zeros(len(cost)), upper, start, row, value)

    def _add(self, found: Sequence[tuple[int, Ints]]) -> bool:
        """Add knapsacks that are not there; whether there were any."""
        new = []
        for owner, arcs in found:
            key = owner, arcs.tobytes()
            if len(arcs) and key not in self._known:
                self._known.add(key)
                new.append((owner, arcs))
        if not new:
            return False
        n, m = len(self._served), len(self._sacks)
        entries = []
        for owner, arcs in new:
            rows = [(int(row), 1.0) for row in self._demand[arcs]] + [(n + owner, 1.0)]
            for place, (level, _) in enumerate(self._above):
                if cost := self._cost(level, owner, arcs):
                    rows.append((n + m + place, float(cost)))
            entries.append(rows)
        own = [self._cost(self._own, *one) for one in new]
        self._add_columns(np.array(own, dtype=float), np.full(len(new), np.inf), entries)
        self._costs += own
        self._owner += [owner for owner, _ in new]
        self._sets += [arcs for _, arcs in new]
        return True

    @property
    def _own(self) -> IntegerLevel:
        return self._of.part.program.levels[self._of.row]

    def _cost(self, level: IntegerLevel, owner: int, arcs: Ints) -> int:
        """What a knapsack costs at a level, with its shortfall as it should be."""
        one = self._sacks[owner]
        cost = int(level.cost[arcs].sum()) + len(arcs) * int(level.cost[one.given])
        if one.short >= 0:
            cost += int(level.cost[one.short]) * one.shortfall(len(arcs), -1 if one.mends else 1)
        return cost

    # --- bounds

    def raised(self, end: float | None, clock: Clock) -> None:
        """Generate knapsacks until none helps; the level takes the best bound.

        Parameters
        ----------
        end, clock
            When to stop, and what tells the time.
        """
        best = self._priced(*self._relaxed())
        values: Floats | None = None
        smooth = SMOOTH
        for _ in range(_ROUNDS):
            left = None if end is None else end - clock()
            if left is not None and left <= 0:
                break
            answer = self._master.solve(left)
            if answer is None or not answer.optimal:
                break
            values = answer.values
            n, m = len(self._served), len(self._sacks)
            y, sigma = answer.duals[:n], answer.duals[n : n + m]
            above = np.maximum(0.0, -answer.duals[n + m :])
            own = float(self._own.cost[self._served] @ values[:n])
            own += float(np.array(self._costs, dtype=float) @ values[n:])
            if np.ceil(best.bound - 1e-6) >= np.ceil(own + self._own.constant - 1e-6):
                break  # no bound of whole numbers is higher
            for near in (smooth, 0.0):
                inside = self._priced(near * best.demand + (1 - near) * y, near * best.above + (1 - near) * above)
                if near:
                    better = inside.bound > best.bound
                    smooth = smooth - AWAY if better else smooth + BACK * (1 - smooth)
                    smooth = min(max(smooth, FARTHEST), NEAREST)
                best = max(best, inside, key=lambda one: one.bound)
                new = [
                    (k, arcs)
                    for k, arcs in enumerate(inside.chosen)
                    if self._reduced_cost(k, arcs, y, above) < sigma[k] + _HELPS
                ]
                if self._add(new):
                    break
            else:
                break
        self._take(best, values)

    def _relaxed(self) -> tuple[Floats, Floats]:
        """The multipliers of the relaxation of pairs."""
        tree, scale = self._of.tree, self._program.scale
        y = np.zeros(len(self._program.row_kind))
        inside = tree.rows < len(y)
        y[tree.rows[inside]] = tree.multipliers[0][inside] / scale
        above = tree.above[0][self._place] / scale if len(self._place) else np.zeros(0)
        return y[self._served_rows], above

    def _priced(self, y: Floats, above: Floats) -> _Priced:
        """The best knapsack of each supply at some multipliers, and the bound they give."""
        if self._covers:
            y = np.maximum(y, 0.0)
        program = self._program
        cost, bound = self._weighed(y, above, 1.0)
        nothing = np.zeros(len(cost))
        low, high = np.zeros_like(program.most), program.most
        chosen = []
        for one in self._sacks:
            may = program.most[one.arcs] > 0
            tail = one.tail(cost, nothing, low, high)
            taken = filled(cost[one.arcs], one.load, one.capacity, np.zeros_like(may), may, tail) > 0
            number = tail[int(taken.sum())]
            bound += float(cost[one.arcs][taken].sum()) + (0.0 if number is None else float(number))
            chosen.append(one.arcs[taken])
        return _Priced(bound, y, above, chosen)

    def _weighed(self, y: Floats | Ints, above: Floats | Ints, scale: float) -> tuple[Any, Any]:
        """Costs of the columns with all multipliers weighed in, and the bound without the supplies; over a scale.

        In whole numbers if the multipliers are whole and the scale is.
        """
        cost, bound = self._own.cost * scale, self._own.constant * scale
        for (level, budget), weight in zip(self._above, above.tolist(), strict=True):
            cost = cost + weight * level.cost
            bound += weight * (level.constant - budget)
        cost[: self._arcs] -= y[self._demand]
        served = cost[self._served] + y
        least, most = self._program.least[self._served], self._program.most[self._served]
        each = np.where(most >= least, np.minimum(0, np.minimum(served * least, served * most)), 0)
        return cost, bound + each.sum().item()

    def _reduced_cost(self, owner: int, arcs: Ints, y: Floats, above: Floats) -> float:
        cost = float(self._cost(self._own, owner, arcs)) - float(y[self._demand[arcs]].sum())
        for (level, _), weight in zip(self._above, above.tolist(), strict=True):
            if weight:
                cost += weight * self._cost(level, owner, arcs)
        return cost

    def _take(self, best: _Priced, values: Floats | None) -> None:
        """Put the best multipliers into the level's proof, and what each pair costs more than the bound."""
        of, scale = self._of, self._program.scale
        y, above = (
            np.rint(np.clip(np.nan_to_num(one) * scale, -_LARGEST, _LARGEST)).astype(np.int64)
            for one in (best.demand, best.above)
        )
        weights = np.zeros(of.row, dtype=np.int64)
        weights[self._place] = above
        some = np.flatnonzero(y)
        of.prove(replace(of.one_leaf(self._served_rows[some], y[some], weights), packed=self._rows))
        closing = self._closing(y, above)
        if closing is not None:
            of.close_by(*closing, self._taken(values))

    def _taken(self, values: Floats | None) -> Floats:
        """How much of each column the master takes."""
        taken = np.zeros(len(self._program.most))
        if values is not None:
            n = len(self._served)
            for arcs, share in zip(self._sets, values[n:].tolist(), strict=False):
                if share > _SOME:
                    taken[arcs] += share
        return taken

    def _closing(self, y: Ints, above: Ints) -> tuple[int, Ints] | None:
        """The bound at some multipliers, and how much more an answer costs that has each pair; over the scale, exact.

        None where the number of pairs of a supply matters, or sums may leave 64 bits.
        """
        program, scale = self._program, self._program.scale
        weights = [
            (self._own, scale),
            *((level, weight) for (level, _), weight in zip(self._above, above.tolist(), strict=True)),
        ]
        dearest = sum(float(weight) * float(np.abs(level.cost).max(initial=0)) for level, weight in weights)
        if (dearest + float(np.abs(y).max(initial=0))) * self._arcs >= _LARGEST * 2**10:
            return None
        cost, bound = self._weighed(y, above, scale)
        more = np.zeros(self._arcs, dtype=np.int64)
        nothing, low, high = np.zeros(len(cost), dtype=np.int64), np.zeros_like(program.most), program.most
        for one in self._sacks:
            tail = one.tail(cost, nothing, low, high)
            if any(end != 0 for end in tail):
                return None
            best, with_arc = _with_each(cost[one.arcs], one.load, one.capacity, program.most[one.arcs] > 0)
            bound += best
            more[one.arcs] = with_arc - best
        return bound, more


def _with_each(price: Ints, load: Ints, capacity: int, may: Bools) -> tuple[int, Ints]:
    """Least price of pairs whose loads fit together, and least price of those that have each pair; `_NEVER` if none.

    By dynamic programming over the capacity, from both ends of the pairs that are worth taking.
    """
    width = capacity + 1
    some = np.flatnonzero(may & (load <= capacity) & (price < 0))
    ahead = np.zeros((len(some) + 1, width), dtype=np.int64)
    behind = np.zeros((len(some) + 1, width), dtype=np.int64)
    for rows, order in ((ahead, range(len(some))), (behind, range(len(some) - 1, -1, -1))):
        line = np.zeros(width, dtype=np.int64)
        for place in order:
            rows[place] = line
            cut = int(load[some[place]])
            line = line.copy()
            line[cut:] = np.minimum(line[cut:], rows[place, : width - cut] + price[some[place]])
        rows[len(some)] = line
    best = ahead[len(some)]
    with_each = np.full(len(price), _NEVER)
    fits = may & (load <= capacity)
    with_each[fits] = price[fits] + best[capacity - load[fits]]
    for place, item in enumerate(some.tolist()):
        room = capacity - int(load[item])
        with_each[item] = price[item] + int((ahead[place, : room + 1] + behind[place, room::-1]).min())
    return int(best[capacity]), with_each


@dataclass(frozen=True, slots=True)
class _Priced:
    """A bound, the multipliers of demands and of levels above that give it, and the best knapsack of each supply."""

    bound: float
    demand: Floats
    above: Floats
    chosen: list[Ints]
