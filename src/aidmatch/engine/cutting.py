"""Multipliers of knapsacks by cutting planes.

The relaxation of pairs is cut off, supply by supply, from what no knapsack is
made of: an inequality is found exactly among the pairs that are taken in part
(Boyd 1994), the others are lifted in (Balas 1975, Zemel 1989), and the
relaxation goes on from where it stood (for generalized assignment Avella,
Boccia and Vasilyev 2010). It begins near its end, whatever the length of the
knapsacks, while generating them begins far from it. The multipliers of the
demands that come out bound by knapsacks that are priced whole, at least as well
as the cut relaxation does. Searches are given the inequalities, in whole
numbers that are true exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from aidmatch.arrays import Bools, Floats, Ints, as_whole
from aidmatch.engine.gathered import Gathered
from aidmatch.engine.knapsacks import Knapsacks
from aidmatch.engine.lagrange import filled
from aidmatch.engine.timing import Clock, over, remaining
from aidmatch.solvers.growing import GrowingAnswer, GrowingSolver

__all__ = ["cut"]

_Numbers = npt.NDArray[Any]

#: What is neither nothing nor all of a pair, nor of a coefficient.
_SOME: Final = 1e-6
#: By how much an inequality is broken that is worth a row, for its largest coefficient.
_BROKEN: Final = 1e-4
#: Most rounds of cutting.
ROUNDS: Final = 1_000
#: Rounds that together must bring some part of all that cutting has brought, or it is over.
_PATIENCE: Final = 20
_NEARER: Final = 0.01
#: Sets of each supply's that the next inequality begins with.
_POOL: Final = 300
#: Most that are added to them before an inequality is given up.
_SETS: Final = 400


def cut(of: Knapsacks, solver: GrowingSolver, end: float | None, clock: Clock, rounds: int = ROUNDS) -> None:
    """Cut until every supply's pairs are made of knapsacks, or no bound of whole numbers is higher.

    Parameters
    ----------
    of
        The knapsacks; they get the multipliers, if these are better.
    solver
        Has linear programs that grow.
    end, clock
        When to stop, and what tells the time.
    rounds
        How often to cut at most.
    """
    level = of.of
    linear, known = level.linear, level.reached - level.level.constant
    model = linear.grown(solver)
    hulls = [_Hull(one, solver) for one in of.sacks]
    last: GrowingAnswer | None = None
    values: list[float] = []
    cuts: list[tuple[_Hull, Floats, float]] = []
    for _ in range(rounds):
        if over(end, clock):
            break
        answer = model.solve(remaining(end, clock))
        if answer is None or not answer.optimal:
            break
        last = answer
        values.append(float(linear.cost @ answer.values))
        if np.ceil(values[-1] - _SOME) >= known:
            break
        if len(values) > _PATIENCE and values[-1] - values[-1 - _PATIENCE] <= _NEARER * (values[-1] - values[0]):
            break
        price = linear.cost[: of.arcs] - answer.duals[level.served_rows][of.demand]
        found = [(one, *cut) for one in hulls if (cut := one.cut(answer.values, price, end, clock)) is not None]
        if not found:
            break
        start, column, value = _as_rows([(one.arcs, coefficient) for one, coefficient, _ in found])
        model.add_rows(np.full(len(found), -np.inf), np.array([limit for *_, limit in found]), start, column, value)
        cuts += found
    if last is not None:
        x = last.values
        exact = [
            (one, *one.exact(coefficient))
            for one, coefficient, limit in cuts
            if float(coefficient @ x[one.arcs]) > limit - _BROKEN * float(coefficient.max())
        ]
        if exact:
            level.strengthen(
                np.array([level.program.supply_of[one.arcs[0]] for one, *_ in exact], dtype=np.int64),
                *_as_rows([(one.arcs, coefficient) for one, coefficient, _ in exact]),
                np.array([limit for *_, limit in exact], dtype=np.int64),
            )
        y, above = level.demand_and_above(linear, last.duals)
        of.price(y, above[of.place])
        of.taken = last.values[: linear.columns]


class _Hull:
    """What the knapsacks of one supply are made of.

    Parameters
    ----------
    one
        The supply.
    solver
        Has linear programs that grow.
    """

    def __init__(self, one: Gathered, solver: GrowingSolver) -> None:
        unit = max(1, int(np.gcd.reduce(one.load, initial=0)))
        self.arcs, self._load, self._capacity = one.arcs, one.load // unit, one.capacity // unit
        self._solver = solver
        self._pool = np.zeros((0, len(one.arcs)), dtype=np.bool_)

    def cut(self, values: Floats, price: Floats, end: float | None, clock: Clock) -> tuple[Floats, float] | None:
        """An inequality that all knapsacks keep and some values break; None if there is none, or no time for it.

        Parameters
        ----------
        values
            Of all columns.
        price
            Of all pairs; the cheapest are lifted first.
        end, clock
            When to stop, and what tells the time.

        Returns
        -------
        Coefficients of the supply's pairs, and the most that they may add up to.
        """
        x = values[self.arcs]
        whole = x >= 1 - _SOME
        inside = np.flatnonzero((x > _SOME) & ~whole)
        room = self._capacity - int(self._load[whole].sum())
        core = self._core(inside, x[inside], room, end, clock) if len(inside) and room >= 0 else None
        if core is None:
            return None
        weight, limit = core
        coefficient = np.zeros(len(x))
        coefficient[inside] = weight
        best = np.zeros(self._capacity + 1)
        for item, worth in zip(inside.tolist(), weight.tolist(), strict=True):
            _put(best, int(self._load[item]), worth)
        taken = np.flatnonzero(whole)
        for item in taken[np.argsort(self._load[taken], kind="stable")].tolist():
            # what may be had instead of it
            room += int(self._load[item])
            coefficient[item] = worth = max(0.0, float(best[room]) - limit)
            limit += worth
            _put(best, int(self._load[item]), worth)
        left = np.flatnonzero((x <= _SOME) & (self._load <= self._capacity))
        left = left[np.argsort(price[self.arcs[left]], kind="stable")]
        # what is worth nothing now is worth nothing later
        left = left[limit - best[self._capacity - self._load[left]] > _SOME]
        for item in left.tolist():
            worth = limit - float(best[self._capacity - int(self._load[item])])
            if worth > _SOME:
                coefficient[item] = worth
                _put(best, int(self._load[item]), worth)
        broken = float(coefficient @ x) - limit
        return (coefficient, limit) if broken > _BROKEN * max(1.0, float(coefficient.max())) else None

    def exact(self, coefficient: Floats) -> tuple[Ints, int]:
        """An inequality in whole numbers, that all knapsacks keep exactly.

        Parameters
        ----------
        coefficient
            Of the supply's pairs, nearly as they should be.

        Returns
        -------
        Coefficients, and the most that any knapsack has of them.
        """
        whole = as_whole(coefficient[None] / float(coefficient.max()))[0]
        best = np.zeros(self._capacity + 1, dtype=np.int64)
        for item in np.flatnonzero(whole).tolist():
            _put(best, int(self._load[item]), int(whole[item]))
        return whole, int(best[-1])

    def _core(self, inside: Ints, x: Floats, room: int, end: float | None, clock: Clock) -> tuple[Floats, float] | None:
        """The inequality that some pairs break most, all others as they are; None if they break none.

        It is the dual of covering the values with as little of sets that fit as will do.
        """
        load = self._load[inside]
        heavy = load > room
        if heavy.any():
            return heavy.astype(float), 0.0
        if load.sum() <= room:
            return None
        size = len(inside)
        model = self._solver.growing()
        nothing = np.zeros(0, dtype=np.int64)
        model.add_rows(x, np.full(size, np.inf), np.zeros(size, dtype=np.int64), nothing, np.zeros(0))
        sets = self._begun(inside, x, room)
        for _ in range(_SETS):
            column, row = np.nonzero(sets)
            start = np.searchsorted(column, np.arange(len(sets)))
            one = np.ones(len(sets))
            model.add_columns(one, one - 1, np.full(len(sets), np.inf), start, row, np.ones(len(row)))
            answer = None if over(end, clock) else model.solve(remaining(end, clock))
            if answer is None or not answer.optimal or float(answer.values.sum()) <= 1 + _BROKEN:
                return None
            weight = np.maximum(answer.duals, 0.0)
            every = np.ones(size, dtype=np.bool_)
            taken = filled(-weight, load, room, ~every, every, [0.0] * (size + 1)) > 0
            if float(weight[taken].sum()) <= 1 + _SOME:
                return weight, 1.0
            sets = taken[None]
            known = np.zeros((1, len(self.arcs)), dtype=np.bool_)
            known[0, inside[taken]] = True
            self._pool = np.concatenate([self._pool[1 - _POOL :], known])
        return None

    def _begun(self, inside: Ints, x: Floats, room: int) -> Bools:
        """Sets of some pairs that fit: each alone, and those that are known, with what else fits; each once."""
        load = self._load[inside]
        sets = np.concatenate([np.eye(len(inside), dtype=np.bool_), self._pool[:, inside]])
        used = sets @ load
        sets, used = sets[used <= room], used[used <= room]
        for place in np.argsort(-x, kind="stable").tolist():
            fits = ~sets[:, place] & (used + load[place] <= room)
            sets[fits, place] = True
            used[fits] += load[place]
        return np.unique(sets, axis=0)


def _as_rows(found: Sequence[tuple[Ints, _Numbers]]) -> tuple[Ints, Ints, _Numbers]:
    """Where each row begins, the columns of their entries, and these, but for zeros."""
    kept = [np.flatnonzero(coefficient) for _, coefficient in found]
    size = np.array([len(some) for some in kept], dtype=np.int64)
    column = np.concatenate([arcs[some] for (arcs, _), some in zip(found, kept, strict=True)])
    entries = np.concatenate([coefficient[some] for (_, coefficient), some in zip(found, kept, strict=True)])
    return np.cumsum(size) - size, column, entries


def _put(best: _Numbers, load: int, worth: float) -> None:
    """Let what each capacity can hold at best hold one more thing, if it is worth anything and fits at all."""
    if worth > _SOME and load < len(best):
        np.maximum(best[load:], best[: len(best) - load] + worth, out=best[load:])
