"""Multipliers of knapsacks by column generation.

The linear program over whole knapsacks is solved by generating those that help
(Savelsbergh 1997, for generalized assignment), at multipliers between the best
ones so far and the master's own, which jump about (Wentges 1997; how far
between follows what each step gave, as in Pessoa and others 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from aidmatch.arrays import Floats, Ints
from aidmatch.engine.knapsacks import Knapsacks
from aidmatch.engine.timing import Clock, over, remaining
from aidmatch.integer_program import IntegerLevel
from aidmatch.solvers.growing import GrowingSolver

__all__ = ["generate", "is_long"]

#: Where between the best multipliers (1) and the master's own (0) knapsacks are priced: at first, nearest and farthest;
#: what is farther after a step that was better, and what part of the way to the best after one that was not.
SMOOTH: Final = 0.95
NEAREST: Final = 0.99
FARTHEST: Final = 0.5
AWAY: Final = 0.1
BACK: Final = 0.3
#: Demands for each supply above which cutting planes bound sooner.
LONG: Final = 15
#: A knapsack with a reduced cost above this does not help.
_HELPS: Final = -1e-6
_ROUNDS: Final = 1_000
#: What is more of a knapsack than rounding.
_SOME: Final = 1e-9


def is_long(of: Knapsacks) -> bool:
    """Whether supplies have so many demands that generating knapsacks does not end in time.

    Parameters
    ----------
    of
        The knapsacks.
    """
    return len(of.served) > LONG * len(of.sacks)


def generate(of: Knapsacks, solver: GrowingSolver, end: float | None, clock: Clock) -> None:
    """Generate knapsacks until none helps, or no bound of whole numbers is higher.

    Parameters
    ----------
    of
        The knapsacks, with the multipliers to begin with; they get the best ones.
    solver
        Has linear programs that grow.
    end, clock
        When to stop, and what tells the time.
    """
    master = _Master(of, solver)
    values: Floats | None = None
    smooth = SMOOTH
    n, m = len(of.served), len(of.sacks)
    for _ in range(_ROUNDS):
        if over(end, clock):
            break
        answer = master.model.solve(remaining(end, clock))
        if answer is None or not answer.optimal:
            break
        values = answer.values
        y, sigma = answer.duals[:n], answer.duals[n : n + m]
        above = np.maximum(0.0, -answer.duals[n + m :])
        if np.ceil(of.best.bound - 1e-6) >= np.ceil(master.value(values) - 1e-6):
            break  # no bound of whole numbers is higher
        for near in (smooth, 0.0):
            before = of.best
            inside = of.price(near * before.demand + (1 - near) * y, near * before.above + (1 - near) * above)
            if near:
                smooth = smooth - AWAY if of.best is not before else smooth + BACK * (1 - smooth)
                smooth = min(max(smooth, FARTHEST), NEAREST)
            new = [
                (k, arcs)
                for k, arcs in enumerate(inside.chosen)
                if master.reduced_cost(k, arcs, y, above) < sigma[k] + _HELPS
            ]
            if master.add(new):
                break
        else:
            break
    if values is not None:
        of.taken = master.taken(values)


class _Master:
    """The linear program over knapsacks: what each demand is served, then the knapsacks so far."""

    def __init__(self, of: Knapsacks, solver: GrowingSolver) -> None:
        self._of, self.model = of, solver.growing()
        #: the knapsacks so far: whose they are, what they cost at the level, and their pairs
        self._owner: list[int] = []
        self._costs: list[int] = []
        self._sets: list[Ints] = []
        self._known: set[tuple[int, bytes]] = set()
        n, m, h = len(of.served), len(of.sacks), len(of.above)
        lower = np.concatenate([np.zeros(n), np.full(m + h, -np.inf)])
        free = np.full(n, np.inf) if of.covers else np.zeros(n)
        budgets = np.array([budget - level.constant for level, budget in of.above], dtype=float)
        upper = np.concatenate([free, np.ones(m), budgets])
        nothing = np.zeros(0, dtype=np.int64)
        self.model.add_rows(lower, upper, np.zeros(n + m + h, dtype=np.int64), nothing, np.zeros(0))
        entries = [[(i, -1.0)] for i in range(n)]
        for place, (level, _) in enumerate(of.above):
            for i, cost in enumerate(level.cost[of.served].tolist()):
                if cost:
                    entries[i].append((n + m + place, float(cost)))
        own = of.own.cost[of.served].astype(float)
        self._add_columns(own, of.of.plain.most[of.served].astype(float), entries)
        # what is known makes the master feasible
        values = of.of.part.values
        self.add([(k, one.arcs[values[one.arcs] > 0]) for k, one in enumerate(of.sacks)])

    def _add_columns(self, cost: Floats, upper: Floats, entries: Sequence[Sequence[tuple[int, float]]]) -> None:
        size = np.array([len(one) for one in entries], dtype=np.int64)
        row = np.array([row for one in entries for row, _ in one], dtype=np.int64)
        value = np.array([value for one in entries for _, value in one], dtype=float)
        start = np.cumsum(size) - size
        self.model.add_columns(cost, np.zeros(len(cost)), upper, start, row, value)

    def add(self, found: Sequence[tuple[int, Ints]]) -> bool:
        """Add knapsacks that are not there; whether there were any."""
        of, new = self._of, []
        for owner, arcs in found:
            key = owner, arcs.tobytes()
            if len(arcs) and key not in self._known:
                self._known.add(key)
                new.append((owner, arcs))
        if not new:
            return False
        n, m = len(of.served), len(of.sacks)
        entries = []
        for owner, arcs in new:
            rows = [(int(row), 1.0) for row in of.demand[arcs]] + [(n + owner, 1.0)]
            for place, (level, _) in enumerate(of.above):
                if cost := self._cost(level, owner, arcs):
                    rows.append((n + m + place, float(cost)))
            entries.append(rows)
        own = [self._cost(of.own, *one) for one in new]
        self._add_columns(np.array(own, dtype=float), np.full(len(new), np.inf), entries)
        self._costs += own
        self._owner += [owner for owner, _ in new]
        self._sets += [arcs for _, arcs in new]
        return True

    def _cost(self, level: IntegerLevel, owner: int, arcs: Ints) -> int:
        """What a knapsack costs at a level, with its shortfall as it should be."""
        one = self._of.sacks[owner]
        cost = int(level.cost[arcs].sum()) + len(arcs) * int(level.cost[one.given])
        if one.short >= 0:
            cost += int(level.cost[one.short]) * one.shortfall(len(arcs), -1 if one.mends else 1)
        return cost

    def value(self, values: Floats) -> float:
        """What an answer of the master is at the level."""
        of, n = self._of, len(self._of.served)
        own = float(of.own.cost[of.served] @ values[:n]) + float(np.array(self._costs, dtype=float) @ values[n:])
        return own + of.own.constant

    def reduced_cost(self, owner: int, arcs: Ints, y: Floats, above: Floats) -> float:
        """Of a knapsack, but for the multiplier of its supply."""
        of = self._of
        cost = float(self._cost(of.own, owner, arcs)) - float(y[of.demand[arcs]].sum())
        for (level, _), weight in zip(of.above, above.tolist(), strict=True):
            if weight:
                cost += weight * self._cost(level, owner, arcs)
        return cost

    def taken(self, values: Floats) -> Floats:
        """How much of each column an answer of the master takes, which may have got more knapsacks since."""
        taken = np.zeros(len(self._of.of.plain.most))
        for arcs, share in zip(self._sets, values[len(self._of.served) :].tolist(), strict=False):
            if share > _SOME:
                taken[arcs] += share
        return taken
